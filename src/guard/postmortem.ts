/**
 * What is to be known of a session that was ended, or crashed: what happened and why, what it cost, what is left half done, and
 * a text to go on with in a new session. Pure; text of a trace stays text.
 */
import { FLAG, TYPE } from '../model/columns.ts';
import type { TraceEvent } from '../model/event.ts';
import { failureReason } from '../model/failure.ts';
import type { SessionFold } from '../model/fold.ts';
import { STEP_KINDS, type StepView, stepTitle } from '../model/step.ts';
import { costOf, isCostKnown, type SessionSummary } from '../model/summary.ts';
import { cut, oneLine } from '../model/text.ts';
import { commandArgument } from '../model/tools.ts';
import { crashHints, type Ending } from './ending.ts';
import { recoveryContext } from './recovery.ts';
import type { Trip } from './trips.ts';

const NANO = 1e9;
const LAST_STEPS = 10;
/** Commands before the end that are looked at for the last one that proved the work. */
const MOST_COMMANDS = 400;
const MOST_FILES = 100;
const MAX_PROMPT = 4000;

/** A session as read: `TraceSession` is one. */
export interface SessionSource {
  id: string;
  fold: SessionFold;
  describe(from: number, to: number): StepView[];
  readEvents(rows: readonly number[]): (TraceEvent | undefined)[];
}

export interface PostmortemStep {
  /** Seconds since the epoch. */
  at: number;
  /** `Edit src/a.ts`, a command, a prompt: one line. */
  step: string;
  /** `exit 1`, `+3 −1`; empty where there is nothing to say. */
  outcome: string;
  failed: boolean;
  /** It had not ended. */
  running: boolean;
}

export interface HalfChanged {
  path: string;
  why: string;
  added: number;
  removed: number;
}

export interface Postmortem {
  session: string;
  title: string;
  agent: string;
  model: string;
  /** The folder that it worked in. */
  cwd: string;
  ending: Ending;
  rule?: Trip['rule'];
  value?: number;
  limit?: number;
  /** Seconds since the epoch. */
  startedAt: number;
  endedAt: number;
  durationMs: number;
  /** USD; null: not known. */
  costUsd: number | null;
  calls: number;
  errors: number;
  lastSteps: PostmortemStep[];
  /** The first failure that was never made good, and what came of it. */
  rootCause?: {
    at: number;
    step: string;
    message: string;
    /** How often the same was tried, and failed. */
    attempts: number;
    stepsAfter: number;
    costAfterUsd: number;
  };
  running: PostmortemStep[];
  /** The last command that showed the work to be good: a test, a build, a commit. */
  lastGood?: { at: number; step: string };
  halfChanged: HalfChanged[];
  /** Commands of which nobody knows what they changed. */
  unknownCommands: number;
  hints: string[];
  /** The last prompt, whole as far as it was recorded. */
  prompt: string;
  /** The last that the agent said. */
  lastWords: string;
  recovery: string;
  /** Data of the last call and the last response, as recorded. */
  lastCall: TraceEvent | undefined;
  lastResponse: TraceEvent | undefined;
}

export interface PostmortemInput {
  source: SessionSource;
  summary: SessionSummary;
  ending: Ending;
  trip?: Trip;
}

export function buildPostmortem({ source, summary, ending, trip }: PostmortemInput): Postmortem {
  const { fold } = source;
  const { columns } = fold;
  const lastSteps = lastStepsOf(source);
  const good = lastGoodOf(source);
  const untilMs = ownDoingFrom(ending, trip);
  const cause = rootCauseOf(source, untilMs);
  const cost = costOf(fold);
  const known = isCostKnown(cost);
  const prompt = lastOf(source, (row) => columns.kind[row] === KIND.prompt);
  const words = lastOf(source, (row) => columns.kind[row] === KIND.assistant);
  const post: Postmortem = {
    session: source.id,
    title: summary.title,
    agent: summary.agent,
    model: summary.model,
    cwd: summary.cwd,
    ending,
    ...(trip !== undefined && { rule: trip.rule }),
    ...(trip?.value !== undefined && { value: trip.value }),
    ...(trip?.limit !== undefined && { limit: trip.limit }),
    startedAt: summary.startedAtMs / 1000,
    endedAt: ending.at,
    durationMs: Math.max(0, ending.at * 1000 - summary.startedAtMs),
    costUsd: known ? (cost.nanoUsd + cost.estimatedNanoUsd) / NANO : null,
    calls: summary.calls,
    errors: summary.errors,
    lastSteps,
    ...(cause !== undefined && { rootCause: cause }),
    running: runningAt(source),
    ...(good !== undefined && { lastGood: { at: good.atMs / 1000, step: good.step } }),
    halfChanged: halfChangedOf(source, good?.atMs ?? Number.NEGATIVE_INFINITY),
    unknownCommands: fold.files.unknownCommands,
    hints: crashHints(lastTexts(source, untilMs)),
    prompt: cut(textOf(prompt?.data.prompt), MAX_PROMPT),
    lastWords: cut(textOf(words?.data.text), 1500),
    recovery: '',
    lastCall: lastOf(source, (row) => columns.type[row] === TYPE.tool_call),
    lastResponse: lastOf(source, (row) => columns.type[row] === TYPE.llm_response),
  };
  post.recovery = recoveryContext(post);
  return post;
}

/** From when on a command fails because a rule ended it, and not by itself; ms. */
const ownDoingFrom = ({ how }: Ending, trip: Trip | undefined): number =>
  trip !== undefined && (how === 'killed' || how === 'stopped')
    ? trip.at * 1000
    : Number.POSITIVE_INFINITY;

const KIND = Object.fromEntries(STEP_KINDS.map((kind, at) => [kind, at])) as Record<
  (typeof STEP_KINDS)[number],
  number
>;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What it did: its thinking and our own notices are no steps to go on from. */
function lastStepsOf(source: SessionSource): PostmortemStep[] {
  const { columns, steps } = source.fold;
  const found: number[] = [];
  for (let at = steps.length - 1; at >= 0 && found.length < LAST_STEPS; at--) {
    if (!PASSED_OVER.has(columns.kind[steps.row(at)]!)) found.push(at);
  }
  return found.reverse().flatMap((at) => {
    const [view] = source.describe(at, at + 1);
    return view === undefined ? [] : [stepOf(source, at, view)];
  });
}

const PASSED_OVER = new Set([KIND.model, KIND.reasoning, KIND.session, KIND.notice, KIND.other]);

function stepOf({ fold }: SessionSource, at: number, view: StepView): PostmortemStep {
  const { columns } = fold;
  const row = fold.steps.row(at);
  const isCall = columns.type[row] === TYPE.tool_call;
  const lines =
    view.added !== undefined || view.removed !== undefined
      ? `+${view.added ?? 0} −${view.removed ?? 0}`
      : '';
  const running = isCall && columns.pair[row]! < 0;
  return {
    at: Math.round(columns.timeMs[row]!) / 1000,
    step: stepTitle(view),
    outcome: [view.detail, lines, running ? 'no result' : ''].filter(Boolean).join(', '),
    failed: (columns.flags[row]! & FLAG.error) !== 0,
    running,
  };
}

/** Calls without a result at the end. */
function runningAt(source: SessionSource): PostmortemStep[] {
  return source.fold
    .running()
    .slice(-20)
    .flatMap((row) => {
      const at = source.fold.steps.stepOf(row);
      const [view] = at < 0 ? [] : source.describe(at, at + 1);
      return view === undefined ? [] : [stepOf(source, at, view)];
    });
}

/** The newest event of a kind, read from the file. */
function lastOf(source: SessionSource, fits: (row: number) => boolean): TraceEvent | undefined {
  const { columns } = source.fold;
  let best = -1;
  for (let row = 0; row < columns.length; row++) {
    if (columns.lane[row] !== 0 || !fits(row)) continue;
    if (best < 0 || columns.timeMs[row]! >= columns.timeMs[best]!) best = row;
  }
  return best < 0 ? undefined : source.readEvents([best])[0];
}

/** Programs whose success says that the work so far is good. */
const PROOF =
  /(?:^|[;&|]\s*|\b(?:npx|pnpm|yarn|bun|uv run|poetry run|bundle exec)\s+)(?:git\s+(?:-\S+\s+\S+\s+)?commit\b|(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:-\S+\s+)*(?:test|check|build|verify)\b|vitest\b|jest\b|mocha\b|playwright\s+test\b|pytest\b|python3?\s+-m\s+(?:pytest|unittest)\b|tox\b|cargo\s+(?:test|check|build|nextest)\b|go\s+(?:test|build|vet)\b|make\s+(?:test|check|all)\b|make\s*$|mvn\s[^;|&]*\b(?:test|verify|package)\b|(?:\.\/)?gradlew?\s[^;|&]*\b(?:test|check|build)\b|dotnet\s+(?:test|build)\b|ctest\b|rspec\b|phpunit\b|mix\s+test\b|tsc\b|swift\s+(?:test|build)\b)/;

function lastGoodOf(source: SessionSource): { atMs: number; step: string } | undefined {
  const { fold } = source;
  const { columns, steps } = fold;
  const BATCH = 50;
  const rows: number[] = [];
  for (let at = steps.length - 1; at >= 0 && rows.length < MOST_COMMANDS; at--) {
    const row = steps.row(at);
    if (columns.kind[row] !== KIND.run || columns.type[row] !== TYPE.tool_call) continue;
    const bad = (columns.flags[row]! & (FLAG.error | FLAG.denied | FLAG.closed)) !== 0;
    if (!bad && columns.pair[row]! >= 0) rows.push(row);
  }
  for (let from = 0; from < rows.length; from += BATCH) {
    const batch = rows.slice(from, from + BATCH);
    for (const [at, event] of source.readEvents(batch).entries()) {
      const { arguments: args } = event?.data ?? {};
      if (typeof args !== 'object' || args === null || Array.isArray(args)) continue;
      const command = oneLine(commandArgument(args) ?? '', 2000);
      if (!PROOF.test(command)) continue;
      const row = batch[at]!;
      const end = columns.pair[row]!;
      return { atMs: columns.timeMs[end >= 0 ? end : row]!, step: oneLine(command, 200) };
    }
  }
  return undefined;
}

/** Files changed after the last proof, and files whose edit has no result. */
function halfChangedOf(source: SessionSource, sinceMs: number): HalfChanged[] {
  const { fold } = source;
  const found = new Map<string, HalfChanged>();
  const why = Number.isFinite(sinceMs)
    ? 'changed after the last test, build or commit that passed'
    : 'changed, and no test, build or commit passed since';
  for (const { path, writes, lastMs } of fold.files.summaries()) {
    if (writes === 0 || lastMs <= sinceMs) continue;
    const half: HalfChanged = { path, why, added: 0, removed: 0 };
    for (const op of fold.files.opsOf(path)) {
      if (op.kind === 'read' || op.timeMs <= sinceMs) continue;
      half.added += op.added ?? 0;
      half.removed += op.removed ?? 0;
    }
    found.set(path, half);
    if (found.size >= MOST_FILES) break;
  }
  for (const row of fold.running()) {
    if (fold.columns.kind[row] !== KIND.modify) continue;
    const at = fold.steps.stepOf(row);
    const [view] = at < 0 ? [] : source.describe(at, at + 1);
    const path = view?.file?.path;
    if (path === undefined) continue;
    const known = found.get(path) ?? { path, why: '', added: 0, removed: 0 };
    found.set(path, { ...known, why: 'its last edit was under way: it may be written or not' });
  }
  return [...found.values()];
}

/**
 * The first failure, since the last prompt, that was never made good: no later call of the same input succeeded. A test that
 * failed and then passed caused nothing.
 */
function rootCauseOf(source: SessionSource, untilMs: number): Postmortem['rootCause'] {
  const { fold } = source;
  const { columns, steps } = fold;
  const sinceMs = fold.phases.all().at(-1)?.startMs ?? Number.NEGATIVE_INFINITY;
  for (let at = 0; at < steps.length; at++) {
    const row = steps.row(at);
    if (columns.timeMs[row]! < sinceMs || (columns.flags[row]! & FLAG.error) === 0) continue;
    if (columns.timeMs[Math.max(row, columns.pair[row]!)]! >= untilMs) continue;
    const attempts = attemptsFrom(fold, row);
    if (attempts === undefined) continue;
    const [view] = source.describe(at, at + 1);
    const end = columns.pair[row]!;
    const [event] = source.readEvents([end >= 0 ? end : row]);
    let nano = 0;
    for (let later = 0; later < columns.length; later++) {
      if (columns.type[later] !== TYPE.llm_response) continue;
      if (columns.timeMs[later]! < columns.timeMs[row]!) continue;
      const cost = columns.nanoUsd[later]!;
      if (!Number.isNaN(cost)) nano += cost;
    }
    return {
      at: Math.round(columns.timeMs[row]!) / 1000,
      step: stepTitle(view),
      message: oneLine(failureReason(event), 300),
      attempts,
      stepsAfter: steps.length - 1 - at,
      costAfterUsd: nano / NANO,
    };
  }
  return undefined;
}

/** How often this input failed from here on; undefined: it succeeded later. */
function attemptsFrom({ columns }: SessionFold, row: number): number | undefined {
  let attempts = 0;
  for (let at = row, walk = 0; at >= 0 && walk < 1000; at = columns.nextSame[at]!, walk++) {
    const bad = (columns.flags[at]! & (FLAG.error | FLAG.denied)) !== 0;
    if (!bad && columns.pair[at]! >= 0) return undefined;
    if (bad) attempts++;
  }
  return attempts;
}

/** What failures among the last events said. */
function lastTexts(source: SessionSource, untilMs: number): string[] {
  const { columns } = source.fold;
  const rows: number[] = [];
  for (let row = columns.length - 1; row >= 0 && rows.length < 20; row--) {
    const type = columns.type[row];
    const bad = (columns.flags[row]! & FLAG.error) !== 0;
    if (columns.timeMs[row]! >= untilMs) continue;
    if (type === TYPE.error || (type === TYPE.tool_result && bad)) rows.push(row);
  }
  return source.readEvents(rows).flatMap((event) => {
    const { error, result, exit_code: exit } = event?.data ?? {};
    const said = `${textOf(error)}\n${textOf(result)}`.slice(0, 8000);
    return [typeof exit === 'number' ? `${said}\nexit code ${exit}` : said];
  });
}
