import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { agentName } from '../../model/summary.ts';
import { oneLine } from '../../model/text.ts';
import type { AnalysedSession } from '../analysed.ts';
import { phaseNear, type SessionPhase } from '../phases/phase.ts';
import { phaseName, phasesInSlices } from '../phases/sessionPhases.ts';
import { drain, type Sliced, slicewise } from '../slices.ts';
import { wasteInSlices } from '../waste/sessionWaste.ts';
import type { Waste } from '../waste/waste.ts';
import { type PhaseGoal, phasePairsInSlices } from './alignPhases.ts';
import { stepsInSlices } from './alignSteps.ts';
import {
  type AlignedSteps,
  type ComparedPhase,
  type ComparedSession,
  type Comparison,
  type EndContents,
  LIKENESSES,
  type Outcome,
} from './comparison.ts';
import { compareMeasures, type RunNumbers, runNumbers } from './measures.ts';
import { changedInSlices, outcomeInSlices } from './outcome.ts';
import { relative, STEP_CLASSES, type StepKeys, stepKeys } from './stepKeys.ts';
import { pairVerdict } from './verdict.ts';

/** What the caller knows of a session beside its events. */
export interface SideInfo {
  /** Shown instead of the first prompt: the name that a person gave it. */
  title?: string;
  /** It goes on. */
  live?: boolean;
  commit?: string;
  branch?: string;
}

export interface CompareOptions {
  a?: SideInfo;
  b?: SideInfo;
}

/** Everything that is known of one side, before it is set beside the other. */
export interface SideFacts {
  session: AnalysedSession;
  info: SideInfo;
  keys: StepKeys;
  phases: SessionPhase[];
  names: string[];
  waste: Waste;
  numbers: RunNumbers;
  outcome: Outcome;
  /** Keys of the person's prompts, in order. */
  prompts: number[];
}

/** Facts of one side. Reads the bodies of its calls, in batches: a host may rest at each `yield`. */
export function* sideFacts(
  session: AnalysedSession,
  info: SideInfo = {},
): Generator<number, SideFacts> {
  const { fold } = session;
  const live = info.live === true;
  const keys = yield* stepKeys(session);
  const all = fold.steps.length;
  const phases = yield* telling(phasesInSlices(fold, { live }), all);
  const waste = yield* telling(wasteInSlices(fold, phases), all);
  return {
    session,
    info: { ...startedAt(session), ...info },
    keys,
    phases,
    names: phaseNames(session, phases),
    waste,
    numbers: runNumbers(fold, waste, live),
    outcome: yield* telling(outcomeInSlices(session, phases, live), all),
    prompts: promptKeys(fold, keys),
  };
}

/** Says at each rest how far the work before it came. */
function* telling<T>(work: Sliced<T>, steps: number): Generator<number, T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    yield steps;
  }
}

/** Where in the code it began, if its first event says so. */
function startedAt(session: AnalysedSession): SideInfo {
  const { columns, steps } = session.fold;
  for (let step = 0; step < Math.min(steps.length, FIRST_STEPS); step++) {
    const row = steps.row(step);
    if (columns.type[row] !== TYPE.session_start) continue;
    const [event] = session.readEvents([row]);
    const { git_branch: branch, git_commit: commit } = event?.data ?? {};
    return {
      ...(typeof branch === 'string' && branch !== '' ? { branch: oneLine(branch, 80) } : {}),
      ...(typeof commit === 'string' && commit !== '' ? { commit: oneLine(commit, 40) } : {}),
    };
  }
  return {};
}

/** The start of a session is among so many. */
const FIRST_STEPS = 20;

/** Two sessions, side by side. O(events), and reads the bodies of their calls once. */
export function compareSessions(
  a: AnalysedSession,
  b: AnalysedSession,
  options: CompareOptions = {},
): Comparison {
  return compareFacts(drain(sideFacts(a, options.a)), drain(sideFacts(b, options.b)));
}

/**
 * @param contents of files that both changed, by path: whether they ended the same, where the caller knows more than the traces
 */
export function compareFacts(
  a: SideFacts,
  b: SideFacts,
  contents: EndContents = new Map(),
): Comparison {
  return drain(factsInSlices(a, b, contents));
}

/** As {@link compareFacts}. */
export function* factsInSlices(
  a: SideFacts,
  b: SideFacts,
  contents: EndContents = new Map(),
): Sliced<Comparison> {
  const { steps, divergences, approximate } = yield* stepsInSlices(a.keys, b.keys);
  yield;
  dropAhead(steps, divergences, a.info.live === true, b.info.live === true);
  const goalsA = yield* goals(a);
  const goalsB = yield* goals(b);
  const pairs = yield* phasePairsInSlices(goalsA, goalsB, steps, a.keys.group);
  const measures = compareMeasures(a.numbers, b.numbers);
  const files = yield* changedInSlices(a, b);
  yield;
  for (const file of files) {
    if (file.content === 'unknown') file.content = contents.get(file.path) ?? 'unknown';
  }
  const samePrompt =
    a.prompts.length > 0 &&
    a.prompts.length === b.prompts.length &&
    a.prompts.every((key, at) => key === b.prompts[at]);
  const verdict = pairVerdict({ a, b, samePrompt, measures, files, pairs, steps, approximate });
  // Less of another job, or of a failure, is not better.
  if (verdict.refused) for (const measure of measures) measure.verdict = 'none';
  return {
    a: describeSide(a),
    b: describeSide(b),
    samePrompt,
    verdict,
    measures,
    phases: { a: comparedPhases(a), b: comparedPhases(b), pairs },
    steps,
    divergences,
    outcomes: { a: a.outcome, b: b.outcome },
    files,
    approximate,
    readEvents: a.keys.read + b.keys.read,
  };
}

/** What one did and the other, which goes on, may still do is no divergence yet. */
function dropAhead(
  { length, like }: AlignedSteps,
  divergences: number[],
  liveA: boolean,
  liveB: boolean,
): void {
  const last = divergences.at(-1);
  if (last === undefined || liveA === liveB) return;
  const ahead = LIKENESSES.indexOf(liveB ? 'onlyA' : 'onlyB');
  for (let row = last; row < length; row++) if (like[row] !== ahead) return;
  divergences.pop();
}

function describeSide({ session, info, numbers }: SideFacts): ComparedSession {
  const { fold } = session;
  const { firstMs, lastMs } = fold.session;
  const known = Number.isFinite(firstMs);
  return {
    id: session.id,
    title: info.title ?? fold.session.title,
    agent: agentName(fold.session.provider, fold.session.agentName),
    models: fold.cost
      .perModel()
      .map(({ model }) => model)
      .filter((model) => model !== '' && model !== '<synthetic>')
      .slice(0, 4),
    startedAtMs: known ? firstMs : 0,
    durationMs: numbers.values.duration ?? (known ? Math.max(0, lastMs - firstMs) : 0),
    ...(info.commit === undefined ? {} : { commit: info.commit }),
    ...(info.branch === undefined ? {} : { branch: info.branch }),
  };
}

function phaseNames(session: AnalysedSession, phases: readonly SessionPhase[]): string[] {
  const rows = [...new Set(phases.map(({ promptRow }) => promptRow))].filter((row) => row >= 0);
  const prompts = new Map<number, string>();
  session.readEvents(rows).forEach((event, at) => {
    const prompt = event?.data.prompt;
    if (typeof prompt === 'string') prompts.set(rows[at]!, oneLine(prompt, 120));
  });
  return phases.map((phase) => phaseName(session.fold, phase, prompts.get(phase.promptRow) ?? ''));
}

function comparedPhases({ session, phases, names }: SideFacts): ComparedPhase[] {
  const { firstMs } = session.fold.session;
  return phases.map((phase, at) => ({
    name: oneLine(names[at] ?? '', 80),
    outcome: phase.outcome,
    firstStep: phase.firstStep,
    lastStep: phase.lastStep,
    startMs: phase.startMs - firstMs,
    endMs: phase.endMs - firstMs,
    nanoUsd: phase.nanoUsd,
    responses: phase.responses,
    unpriced: phase.unpriced,
    calls: phase.calls,
    activity: phase.activity,
    steps: phase.lastStep - phase.firstStep + 1,
  }));
}

const PROMPT = STEP_CLASSES.indexOf('prompt');

function promptKeys(fold: SessionFold, keys: StepKeys): number[] {
  const prompts: number[] = [];
  for (let step = 0; step < keys.length; step++) {
    if (keys.group[step] !== PROMPT) continue;
    if (fold.columns.lane[fold.steps.row(step)] === 0) prompts.push(keys.exact[step]!);
  }
  return prompts;
}

interface PhasePaths {
  read: Set<string>;
  changed: Set<string>;
}

/** The files of each phase, all of them: one walk over the operations. */
export const phaseFiles = (side: SideFacts): PhasePaths[] => drain(phaseFilesInSlices(side));

function* phaseFilesInSlices({ session, phases }: SideFacts): Sliced<PhasePaths[]> {
  const { fold } = session;
  const sets = phases.map(() => ({ read: new Set<string>(), changed: new Set<string>() }));
  if (phases.length === 0) return sets;
  const { columns, files } = fold;
  const change = { file: 0, isRead: false, added: 0, removed: 0 };
  /** By code: few files are touched often. */
  const paths: string[] = [];
  let near = 0;
  yield* slicewise(files.opCount, (from, end) => {
    for (let at = from; at < end; at++) {
      const row = files.opRow(at);
      if (row < 0) continue;
      files.change(at, change);
      const type = columns.type[row]!;
      const call = type === TYPE.tool_result || type === TYPE.error ? columns.pair[row]! : -1;
      near = phaseNear(phases, columns.timeMs[call >= 0 ? call : row]!, near);
      paths[change.file] ??= relative(files.paths.name(change.file), fold.session.cwd);
      const { read, changed } = sets[near]!;
      (change.isRead ? read : changed).add(paths[change.file]!);
    }
  });
  return sets;
}

function* goals(side: SideFacts): Sliced<PhaseGoal[]> {
  const files = yield* phaseFilesInSlices(side);
  const counts = new Map<number, number>();
  for (const { promptNumber } of side.phases) {
    counts.set(promptNumber, (counts.get(promptNumber) ?? 0) + 1);
  }
  return side.phases.map((phase, at) => ({
    activity: phase.activity,
    firstStep: phase.firstStep,
    lastStep: phase.lastStep,
    prompt: side.prompts[phase.promptNumber - 1] ?? 0,
    sole: phase.promptNumber > 0 && counts.get(phase.promptNumber) === 1,
    ...files[at]!,
  }));
}
