/** A session as phases with their steps: what the timeline command prints. Pure. */
import type { AnalysedSession } from '../analysis/analysed.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { phaseName, phasesInSlices } from '../analysis/phases/sessionPhases.ts';
import { drain, type Sliced } from '../analysis/slices.ts';
import { wasteInSlices } from '../analysis/waste/sessionWaste.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import { STEP_KINDS, type StepKind, stepTitle } from '../model/step.ts';
import { isActive, type SessionSummary } from '../model/summary.ts';
import { testRun } from '../model/testCommand.ts';
import { hasFailed } from '../model/testWords.ts';
import { oneLine } from '../model/text.ts';
import { mostTelling } from './bounds.ts';
import { StepReader } from './stepReader.ts';

export interface TimelinePhase {
  phase: SessionPhase;
  name: string;
  /** First line of its prompt, hostile; empty: there is none, or an earlier phase has it. */
  prompt: string;
  wastedNanoUsd: number;
}

export interface Timeline {
  id: string;
  summary: SessionSummary;
  phases: TimelinePhase[];
  wastedNanoUsd: number;
}

/** One step. */
export interface TimelineEntry {
  /** 0-based. */
  step: number;
  timeMs: number;
  kind: StepKind;
  status: 'ok' | 'fail' | 'denied' | 'running' | 'info';
  /** `Read src/auth.py`, a command, a prompt: one line, hostile. */
  words: string;
  /** `1–140`, `exit 1`, what a failure said: one line, hostile; may be empty. */
  detail: string;
  /** ms; NaN: none. */
  durationMs: number;
  /** Nano-dollars: its share of its response; NaN: none, or not known. */
  nanoUsd: number;
  /** 2 for the first retry. */
  attempt?: number;
  /** Lane of the agent. 0 is the main one. */
  lane: number;
  added?: number;
  removed?: number;
}

/** Steps that are told as one: reads, searches and the like in a row. */
export interface TimelineFold {
  fold: true;
  firstStep: number;
  lastStep: number;
  timeMs: number;
  /** `9 reads, 3 searches`. */
  counts: [kind: StepKind, count: number][];
  errors: number;
  durationMs: number;
  /** NaN: nothing in it has a price. */
  nanoUsd: number;
}

const PROMPT_LENGTH = 300;

export function timelineOf(session: AnalysedSession, summary: SessionSummary): Timeline {
  return drain(timelineInSlices(session, summary));
}

/** As {@link timelineOf}. */
export function* timelineInSlices(
  session: AnalysedSession,
  summary: SessionSummary,
): Sliced<Timeline> {
  const { fold } = session;
  const phases = yield* phasesInSlices(fold, { live: isActive(summary) });
  const waste = yield* wasteInSlices(fold, phases);
  yield;
  const rows = [...new Set(phases.map(({ promptRow }) => promptRow))].filter((row) => row >= 0);
  const events = session.readEvents(rows);
  const prompts = new Map(
    rows.map((row, at) => {
      const prompt = events[at]?.data.prompt;
      return [row, typeof prompt === 'string' ? oneLine(prompt, PROMPT_LENGTH) : ''];
    }),
  );
  return {
    id: session.id,
    summary,
    phases: phases.map((phase) => {
      const prompt = prompts.get(phase.promptRow) ?? '';
      return {
        phase,
        name: phaseName(fold, phase, prompt),
        prompt: phase.part === 0 ? prompt : '',
        wastedNanoUsd: waste.byPhase[phase.index] ?? 0,
      };
    }),
    wastedNanoUsd: waste.nanoUsd,
  };
}

/** Steps read in one go. */
const BATCH = 200;

/** The steps `from … to` (both inclusive) as entries, read from the file in batches. */
export function* entriesOf(
  session: AnalysedSession,
  from: number,
  to: number,
): Generator<TimelineEntry> {
  for (let first = from; first <= to; first += BATCH) {
    const reader = new StepReader(session);
    const last = Math.min(to, first + BATCH - 1);
    reader.prepare(Array.from({ length: last - first + 1 }, (_, at) => first + at));
    for (let step = first; step <= last; step++) yield entryOf(reader, step);
  }
}

function entryOf(reader: StepReader, step: number): TimelineEntry {
  const { fold } = reader.session;
  const { columns } = fold;
  const row = fold.steps.row(step);
  const view = reader.view(step);
  const status = statusOf(reader, row);
  const failed = status === 'fail' ? reader.failure(step).message : '';
  const ruled = view.rule === undefined ? '' : view.rule;
  const isTest = status === 'ok' && (columns.flags[row]! & FLAG.test) !== 0;
  const hidden = isTest && testRun(reader.command(step)) === 'hidden' ? 'exit code hidden' : '';
  return {
    step,
    timeMs: columns.timeMs[row]!,
    kind: STEP_KINDS[columns.kind[row]!]!,
    status,
    words: stepTitle(view),
    detail: [view.detail === 'failed' ? '' : view.detail, failed, ruled, hidden]
      .filter((word) => word !== '')
      .join(' · '),
    durationMs: columns.type[row] === TYPE.tool_call ? columns.durationMs[row]! : Number.NaN,
    nanoUsd: fold.stepNanoUsd(row),
    ...(view.attempt === undefined ? {} : { attempt: view.attempt }),
    lane: columns.lane[row]!,
    ...(view.added === undefined ? {} : { added: view.added }),
    ...(view.removed === undefined ? {} : { removed: view.removed }),
  };
}

function statusOf({ session }: StepReader, row: number): TimelineEntry['status'] {
  const { columns } = session.fold;
  const flags = columns.flags[row]!;
  if ((flags & FLAG.denied) !== 0) return 'denied';
  if (hasFailed(columns, row)) return 'fail';
  const type = columns.type[row]!;
  if (type === TYPE.tool_call) {
    if (columns.pair[row]! >= 0) return 'ok';
    return session.fold.running().includes(row) ? 'running' : 'info';
  }
  return type === TYPE.assistant_response && STEP_KINDS[columns.kind[row]!] === 'assistant'
    ? 'ok'
    : 'info';
}

const QUIET = new Set<StepKind>([
  'read',
  'search',
  'reasoning',
  'tool',
  'notice',
  'model',
  'other',
]);
const TELLING =
  FLAG.error | FLAG.denied | FLAG.retry | FLAG.test | FLAG.commit | FLAG.compaction | FLAG.edit;
/** So many quiet steps in a row are told one by one. */
const FEW = 2;

/**
 * The steps of a phase as a person wants to see them: what changed, ran, failed and was said; the rest is folded.
 *
 * @param most lines; what is left out in the middle is one more fold
 * @returns steps (0-based), and folds between them
 */
export function outline(
  session: AnalysedSession,
  { firstStep, lastStep }: SessionPhase,
  most: number,
): (number | TimelineFold)[] {
  const { columns, steps } = session.fold;
  const found: (number | TimelineFold)[] = [];
  let quietFrom = -1;
  const settle = (to: number): void => {
    if (quietFrom < 0) return;
    if (to - quietFrom < FEW) for (let step = quietFrom; step <= to; step++) found.push(step);
    else found.push(foldOf(session, quietFrom, to));
    quietFrom = -1;
  };
  for (let step = firstStep; step <= lastStep; step++) {
    const row = steps.row(step);
    const flags = columns.flags[row]!;
    const kind = STEP_KINDS[columns.kind[row]!]!;
    const quiet =
      (flags & TELLING) === 0 &&
      (QUIET.has(kind) || (flags & FLAG.look) !== 0 || columns.lane[row] !== 0);
    if (quiet) {
      if (quietFrom < 0) quietFrom = step;
    } else {
      settle(step - 1);
      found.push(step);
    }
  }
  settle(lastStep);
  return found.length <= most ? found : shortened(session, found, most);
}

/** The most telling of too many, each with one fold at most between it and the next. */
function shortened(
  session: AnalysedSession,
  all: readonly (number | TimelineFold)[],
  most: number,
): (number | TimelineFold)[] {
  const { columns, steps } = session.fold;
  const weight = (at: number): number => {
    const one = all[at]!;
    if (typeof one !== 'number') return 0;
    const row = steps.row(one);
    const flags = columns.flags[row]!;
    if ((flags & (FLAG.error | FLAG.denied | FLAG.commit | FLAG.compaction)) !== 0) return 4;
    if ((flags & (FLAG.test | FLAG.retry)) !== 0) return 3;
    return (flags & FLAG.edit) !== 0 ? 2 : 1;
  };
  return mostTelling(all.length, Math.max(1, Math.floor(most / 2)), weight).map((place) =>
    typeof place === 'number'
      ? all[place]!
      : foldOf(session, beginOf(all[place.from]!), endOf(all[place.to - 1]!)),
  );
}

const beginOf = (one: number | TimelineFold): number =>
  typeof one === 'number' ? one : one.firstStep;
const endOf = (one: number | TimelineFold): number =>
  typeof one === 'number' ? one : one.lastStep;

function foldOf(session: AnalysedSession, firstStep: number, lastStep: number): TimelineFold {
  const { fold } = session;
  const { columns, steps } = fold;
  const counts = new Map<StepKind, number>();
  let errors = 0;
  let durationMs = 0;
  let nanoUsd = 0;
  let priced = false;
  for (let step = firstStep; step <= lastStep; step++) {
    const row = steps.row(step);
    const isLook = (columns.flags[row]! & FLAG.look) !== 0;
    const kind = isLook ? 'search' : STEP_KINDS[columns.kind[row]!]!;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if ((columns.flags[row]! & FLAG.error) !== 0) errors++;
    const ms = columns.durationMs[row]!;
    if (columns.type[row] === TYPE.tool_call && !Number.isNaN(ms)) durationMs += ms;
    const nano = fold.stepNanoUsd(row);
    if (!Number.isNaN(nano)) {
      nanoUsd += nano;
      priced = true;
    }
  }
  return {
    fold: true,
    firstStep,
    lastStep,
    timeMs: columns.timeMs[steps.row(firstStep)]!,
    counts: [...counts].sort((a, b) => b[1] - a[1]),
    errors,
    durationMs,
    nanoUsd: priced ? nanoUsd : Number.NaN,
  };
}
