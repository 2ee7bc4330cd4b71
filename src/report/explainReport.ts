/** What happened in a session, phase by phase, for a person who has not seen it. Pure: text, Markdown and JSON are made of it. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import { brokeOff } from '../analysis/compare/outcome.ts';
import { type Checks, sessionChecks } from '../analysis/phases/checks.ts';
import { type FailedStep, type Mended, outcomesInSlices } from '../analysis/phases/outcome.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { filesInSlices, type PhaseFile, sortedByWork } from '../analysis/phases/phaseFiles.ts';
import { phaseName, phasesInSlices } from '../analysis/phases/sessionPhases.ts';
import { drain, type Sliced } from '../analysis/slices.ts';
import { wasteInSlices } from '../analysis/waste/sessionWaste.ts';
import type { Waste } from '../analysis/waste/waste.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import type { TraceEvent } from '../model/event.ts';
import type { SessionFold } from '../model/fold.ts';
import { inFolder } from '../model/inFolder.ts';
import { STEP_KINDS, stepTitle } from '../model/step.ts';
import { isActive, type SessionSummary } from '../model/summary.ts';
import { testRun } from '../model/testCommand.ts';
import { cut, oneLine } from '../model/text.ts';
import { type CallGroup, callGroups } from './explainCalls.ts';
import { tellingPhases, USUAL_PHASES } from './phaseGaps.ts';
import { StepReader } from './stepReader.ts';

/** A file of a phase. Hostile. */
export interface ExplainedFile {
  /** From the session's folder on. */
  path: string;
  reads: number;
  changes: number;
  added: number;
  removed: number;
}

/** Calls of a phase with the same input. */
export interface ExplainedCall extends CallGroup {
  /** The command, the task, the address: one line, hostile. */
  words: string;
  /** `exit 1`, `11 in 4 files` of the last one. */
  detail: string;
  /** It hides its exit code (`… | tail`): whether it passed is not known. */
  hidden: boolean;
}

export interface ExplainedFailure {
  /** 0-based. */
  step: number;
  words: string;
  /** What it said, one line; empty where it said nothing. Hostile. */
  message: string;
  mended: Mended;
}

export interface ExplainedPhase {
  phase: SessionPhase;
  name: string;
  /** What was asked, of the first phase of a prompt. One line, hostile. */
  prompt: string;
  read: ExplainedFile[];
  changed: ExplainedFile[];
  calls: ExplainedCall[];
  /** Groups of calls that are not in `calls`. */
  moreCalls: number;
  /** Searches, and commands that only looked and are in neither. */
  looked: number;
  failures: ExplainedFailure[];
  moreFailures: number;
  denied: { step: number; words: string; rule: string }[];
  moreDenied: number;
  /** What the agent said at the end of the prompt, in the last of its phases. One line, unless `whole`; hostile. */
  answer: string;
  wastedNanoUsd: number;
  /** It was asked for: all of it is told. */
  whole: boolean;
}

export interface Explanation {
  id: string;
  summary: SessionSummary;
  phases: SessionPhase[];
  /** The phases that are told in full, in order; the rest is only in `phases`. */
  told: ExplainedPhase[];
  checks: Checks;
  /** Of a session that is over: its last call, where that has no result: what came of it is not known; -1. 0-based. */
  openStep: number;
  /** It is over, and ended without an answer to its last prompt, as far as the trace tells. */
  brokeOff: boolean;
  /** What failed on the way came right, as far as the trace tells; false: work went on after some of it. */
  allRight: boolean;
  waste: Waste;
  lines: { added: number; removed: number; changed: number; read: number };
  /** Where to look first: the step, and why. 0-based. */
  lookAt: { step: number; words: string }[];
}

export interface ExplainOptions {
  /** Only this phase, 0-based, with more of it. */
  phase?: number;
  /** Phases that are told, where there are more; Infinity: all. */
  most?: number | undefined;
}

const NAMES = { calls: 6, failures: 3, denied: 2 };
/** Of a phase that is asked for all is told; no more than anybody reads. */
const DETAILED = { calls: 200, failures: 200, denied: 200 };
const WHOLE_ANSWER = 20_000;
const WORST: readonly Mended[] = ['no', 'went on', 'right', 'meant'];
const PROMPT_LENGTH = 400;
const ANSWER_LENGTH = 300;
const ASSISTANT = STEP_KINDS.indexOf('assistant');

/** Reads events only of what it tells. O(events) otherwise. */
export function explainSession(
  session: AnalysedSession,
  summary: SessionSummary,
  options: ExplainOptions = {},
): Explanation {
  return drain(explainInSlices(session, summary, options));
}

/** As {@link explainSession}. */
export function* explainInSlices(
  session: AnalysedSession,
  summary: SessionSummary,
  options: ExplainOptions = {},
): Sliced<Explanation> {
  const { fold } = session;
  const phases = yield* phasesInSlices(fold, { live: isActive(summary) });
  const waste = yield* wasteInSlices(fold, phases);
  const reader = new StepReader(session);
  const whole = options.phase !== undefined;
  const chosen = choose(phases, options);
  const most = whole ? DETAILED : NAMES;
  const found = yield* outcomesInSlices(fold, fold.steps.copy(), phases);
  const files = yield* filesInSlices(fold, phases);
  const prompts = promptTexts(session, chosen);
  const told: ExplainedPhase[] = [];
  for (const phase of chosen) {
    yield;
    const own = sortedByWork(fold, files[phase.index]!).map((file) => explainedFile(fold, file));
    const { failures, failureCount } = found[phase.index]!;
    const { groups, more, looked } = callGroups(fold, phase, most.calls, whole);
    const { denied, moreDenied } = deniedOf(reader, phase, most.denied);
    const prompt = prompts.get(phase.promptRow) ?? '';
    const distinct = lastOfEach(fold, failures);
    const worst = [...distinct].sort((a, b) => WORST.indexOf(a.mended) - WORST.indexOf(b.mended));
    const named = worst.slice(0, most.failures).sort((a, b) => a.step - b.step);
    told.push({
      phase,
      name: phaseName(fold, phase, prompt),
      prompt: phase.part === 0 || whole ? prompt : '',
      read: own.filter(({ reads }) => reads > 0),
      changed: own.filter(({ changes }) => changes > 0),
      calls: groups.map((group) => explainedCall(reader, group)).filter(isTold),
      moreCalls: more,
      looked,
      failures: named.map(({ step, mended }) => ({ step, mended, ...reader.failure(step) })),
      moreFailures: distinct.length - named.length + failureCount - failures.length,
      denied,
      moreDenied,
      answer: phase.part === phase.parts - 1 ? answerOf(session, phase, whole) : '',
      whole,
      wastedNanoUsd: waste.byPhase[phase.index] ?? 0,
    });
  }
  yield;
  const summaries = fold.files.summaries();
  return {
    id: session.id,
    summary,
    phases,
    told,
    checks: sessionChecks(session),
    openStep: isActive(summary) ? -1 : openStepOf(session),
    brokeOff: !isActive(summary) && brokeOff(fold),
    allRight: found.every(({ failures }) =>
      failures.every(({ mended }) => mended === 'right' || mended === 'meant'),
    ),
    waste,
    lines: {
      added: summaries.reduce((sum, { added }) => sum + added, 0),
      removed: summaries.reduce((sum, { removed }) => sum + removed, 0),
      changed: summaries.filter(({ writes }) => writes > 0).length,
      read: summaries.filter(({ reads }) => reads > 0).length,
    },
    lookAt: lookAt(reader, phases, waste),
  };
}

function choose(phases: readonly SessionPhase[], options: ExplainOptions): SessionPhase[] {
  if (options.phase !== undefined) return phases.filter(({ index }) => index === options.phase);
  return tellingPhases(phases, options.most ?? USUAL_PHASES)
    .filter((place) => typeof place === 'number')
    .map((at) => phases[at]!);
}

/** Of the same call that failed again and again the last. */
function lastOfEach(
  { columns, steps }: SessionFold,
  failures: readonly FailedStep[],
): FailedStep[] {
  const byInput = new Map<number, FailedStep>();
  for (const failure of failures) {
    const row = steps.row(failure.step);
    const key = columns.type[row] === TYPE.tool_call ? columns.inputKey[row]! : -1 - row;
    byInput.delete(key);
    byInput.set(key, failure);
  }
  return [...byInput.values()];
}

/** First words of the prompts, by row. */
function promptTexts(
  session: AnalysedSession,
  chosen: readonly SessionPhase[],
): Map<number, string> {
  const rows = [...new Set(chosen.map(({ promptRow }) => promptRow))].filter((row) => row >= 0);
  const events = session.readEvents(rows);
  return new Map(rows.map((row, at) => [row, textOf(events[at], 'prompt', PROMPT_LENGTH)]));
}

function textOf(event: TraceEvent | undefined, key: string, most: number): string {
  const value = event?.data[key];
  return typeof value === 'string' ? oneLine(value, most) : '';
}

function explainedFile(fold: SessionFold, { file, ...numbers }: PhaseFile): ExplainedFile {
  return { path: inFolder(fold.files.paths.name(file), fold.session.cwd), ...numbers };
}

function explainedCall(reader: StepReader, group: CallGroup): ExplainedCall {
  const view = reader.view(group.steps[0]!);
  const last = group.steps.length > 1 ? reader.view(group.steps.at(-1)!) : view;
  const words = stepTitle(view);
  return {
    ...group,
    words,
    detail: last.detail,
    hidden: group.isTest && testRun(reader.command(group.steps[0]!)) === 'hidden',
  };
}

/** A script that the trace does not show says nothing by its tool's name. */
const isTold = ({ kind, words, failed }: ExplainedCall): boolean =>
  failed > 0 || kind !== 'run' || words !== 'exec';

function deniedOf(
  reader: StepReader,
  { firstStep, lastStep, denied }: SessionPhase,
  most: number,
): { denied: ExplainedPhase['denied']; moreDenied: number } {
  const { columns, steps } = reader.session.fold;
  const found: ExplainedPhase['denied'] = [];
  let all = 0;
  for (let step = firstStep; denied > 0 && step <= lastStep; step++) {
    if ((columns.flags[steps.row(step)]! & FLAG.denied) === 0) continue;
    if (++all > most) continue;
    const { target, rule = '' } = reader.view(step);
    found.push({ step, words: target, rule });
  }
  return { denied: found, moreDenied: all - found.length };
}

function answerOf(
  session: AnalysedSession,
  { firstStep, lastStep }: SessionPhase,
  whole: boolean,
): string {
  const { columns, steps } = session.fold;
  for (let step = lastStep; step >= firstStep; step--) {
    const row = steps.row(step);
    if (columns.kind[row] !== ASSISTANT || columns.lane[row] !== 0) continue;
    const [event] = session.readEvents([row]);
    if (!whole) return textOf(event, 'text', ANSWER_LENGTH);
    const text = event?.data.text;
    return typeof text === 'string' ? cut(text.trim(), WHOLE_ANSWER) : '';
  }
  return '';
}

/** The last call of the main agent, where it has no result; -1. */
function openStepOf({ fold: { columns, steps } }: AnalysedSession): number {
  for (let step = steps.length - 1; step >= 0; step--) {
    const row = steps.row(step);
    if (columns.lane[row] !== 0) continue;
    if (columns.kind[row] === ASSISTANT) return -1;
    if (columns.type[row] !== TYPE.tool_call) continue;
    const flags = columns.flags[row]!;
    if ((flags & (FLAG.denied | FLAG.error)) !== 0) return -1;
    return columns.pair[row]! < 0 || (flags & FLAG.closed) !== 0 ? step : -1;
  }
  return -1;
}

const MOST_TO_LOOK_AT = 5;

/** What nothing mended comes first, then what cost most for nothing. */
function lookAt(
  reader: StepReader,
  phases: readonly SessionPhase[],
  waste: Waste,
): Explanation['lookAt'] {
  const found: Explanation['lookAt'] = [];
  const add = (step: number, words: string): void => {
    if (step < 0 || found.length >= MOST_TO_LOOK_AT || found.some((one) => one.step === step))
      return;
    found.push({ step, words });
  };
  for (const { failedStep } of phases.toReversed()) {
    if (failedStep < 0) continue;
    const { words, message } = reader.failure(failedStep);
    add(
      failedStep,
      `failed, and nothing mended it: ${[words, message].filter(Boolean).join(': ')}`,
    );
    if (found.length === 3) break;
  }
  for (const item of waste.items.slice(0, 20)) {
    if (item.kind === 'cacheBreak' && item.break !== undefined && item.nanoUsd > 0) {
      add(item.step, `the prompt cache was lost here: ${item.break.detail}`);
    }
  }
  const retries = waste.items.filter(({ kind, times }) => kind === 'retry' && times > 3);
  if (retries.length > 0) {
    const most = retries.reduce((a, b) => (b.times > a.times ? b : a));
    add(most.step, `the same call for the ${ordinal(most.times)} time`);
  }
  return found;
}

function ordinal(n: number): string {
  const tens = n % 100;
  const last = tens >= 11 && tens <= 13 ? 0 : n % 10;
  return `${n}${last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th'}`;
}
