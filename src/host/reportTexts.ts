import { factsInSlices, type SideFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import { untoldInSlices } from '../analysis/compare/outcome.ts';
import { structuralDiff } from '../analysis/compare/structural.ts';
import { costsInSlices } from '../analysis/costs/sessionCosts.ts';
import { sessionTree, type TreeSession } from '../analysis/tree/sessionTree.ts';
import { whyInSlices } from '../analysis/why/whyChain.ts';
import { isActive } from '../model/summary.ts';
import { alignTables } from '../report/alignTables.ts';
import { budgetMarkdown } from '../report/budgetMarkdown.ts';
import { budgetInSlices, WARN_AT } from '../report/budgetReport.ts';
import { contextMarkdown } from '../report/contextMarkdown.ts';
import { contextInSlices } from '../report/contextReport.ts';
import { costMarkdown } from '../report/costReport.ts';
import { diffMarkdown, outcomeMarkdown } from '../report/diffMarkdown.ts';
import { boundedDocument, MAX_DOCUMENT } from '../report/document.ts';
import { explainMarkdown } from '../report/explainMarkdown.ts';
import { explainInSlices } from '../report/explainReport.ts';
import { inspectMarkdown } from '../report/inspectMarkdown.ts';
import { inspectedStep } from '../report/inspectReport.ts';
import { statsMarkdown } from '../report/statsMarkdown.ts';
import { statsReport } from '../report/statsReport.ts';
import { timelineMarkdown } from '../report/timelineMarkdown.ts';
import { timelineInSlices } from '../report/timelineReport.ts';
import { treeMarkdown } from '../report/treeReport.ts';
import { whyMarkdown } from '../report/whyText.ts';
import { promptsOf, wordsOf } from '../trace/findings.ts';
import { metaParent, metaParentEvent } from '../trace/meta.ts';
import { failuresInSlices } from './failuresInSlices.ts';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';
import { type CompareEnds, sideInfo } from './sessionPair.ts';

/** Lines of a phase. A page with more rows than that of a hundred phases is slow, and nobody reads it. */
const TIMELINE = { most: 40 };
/** Text that is made in one go; then the editor has its turn. */
const SLICE = 65_536;

/** What a report is made of. Sessions are read to their end. */
export interface ReportSource {
  session: LiveSession;
  /** Those that it started, at any depth. */
  family?: readonly LiveSession[];
  /** B, of a report on two sessions. */
  other?: LiveSession | undefined;
  /** From 0, of a report about a step. */
  step?: number | undefined;
  compareEnds?: CompareEnds;
}

/**
 * A report, as Markdown: what the command line says. Where that is a table for a terminal, it is a block of code:
 * its columns stand under each other, as those of tables in Markdown do.
 *
 * @param name one of `REPORTS`, or anything
 * @param signal nobody waits for it any more
 * @throws the signal's reason
 */
export async function reportText(
  source: ReportSource,
  name: string,
  signal?: AbortSignal,
): Promise<string> {
  const text = alignTables(await textOf(source, name, signal));
  return boundedDocument(text, commandOf(source, name));
}

/** What prints all of it. */
function commandOf({ session, other, step }: ReportSource, name: string): string {
  const which = name === 'budget' ? 'token-budget' : name === 'outcome' ? 'diff' : name;
  return [
    `agent-strace ${which} ${session.id}`,
    ...(other ? [other.id] : []),
    ...((name === 'why' || name === 'inspect') && step !== undefined ? [`${step + 1}`] : []),
    ...(name === 'outcome' ? ['--semantic'] : []),
  ].join(' ');
}

async function textOf(
  source: ReportSource,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { session, family = [], step } = source;
  const { trace } = session;
  const summary = session.summary(Date.now());
  const sliced = <T>(work: () => Generator<unknown, T>): Promise<T> =>
    inSlices(session, work, signal);
  switch (name) {
    case 'explain':
      return explainMarkdown(await sliced(() => explainInSlices(trace, summary)));
    case 'timeline':
      return await timeline(session, signal);
    case 'cost':
      return await cost(session, signal);
    case 'context':
      return contextMarkdown({
        ...(await sliced(() =>
          contextInSlices(session.id, trace.fold, wordsOf(trace), { lanes: 'all' }),
        )),
        title: summary.title,
      });
    case 'budget':
      return budgetMarkdown({
        ...(await sliced(() => budgetInSlices(session.id, trace.fold, { warnAt: WARN_AT }))),
        title: summary.title,
      });
    case 'tree':
      return tree([session, ...family]);
    case 'stats':
      return await stats(session, signal);
    case 'why': {
      const chain = step === undefined ? undefined : await sliced(() => whyInSlices(trace, step));
      return chain ? whyMarkdown(chain, summary.title) : noStep(session);
    }
    case 'inspect': {
      const inspected = step === undefined ? undefined : inspectedStep(trace, step);
      return inspected ? inspectMarkdown(inspected) : noStep(session);
    }
    case 'diff':
    case 'outcome':
      return await pairText(source, name, signal);
    default:
      return 'There is no such report.\n';
  }
}

function noStep({ trace }: LiveSession): string {
  const { length } = trace.fold.steps;
  const which = length === 0 ? 'it has none yet' : `its last one is step ${length}`;
  return `There is no such step in this session: ${which}.\n`;
}

async function pairText(
  { session, other, compareEnds }: ReportSource,
  name: 'diff' | 'outcome',
  signal: AbortSignal | undefined,
): Promise<string> {
  if (!other) return 'A diff takes two sessions. Pick them with *Diff Sessions*.\n';
  const facts = (one: LiveSession): Promise<SideFacts> =>
    inSlices(one, () => sideFacts(one.trace, sideInfo(one)), signal);
  const [a, b] = [await facts(session), await facts(other)];
  const untold = await inSlices(session, () => untoldInSlices(a, b), signal);
  const ends = await compareEnds?.(session, other, untold);
  signal?.throwIfAborted();
  const comparison = await inSlices(session, () => factsInSlices(a, b, ends), signal);
  if (name === 'outcome') return outcomeMarkdown(comparison);
  return diffMarkdown(
    comparison,
    structuralDiff(a, b, comparison),
    (side, step) => (side === 'a' ? session : other).trace.describe(step, step + 1)[0],
  );
}

async function stats(session: LiveSession, signal: AbortSignal | undefined): Promise<string> {
  const { trace, id } = session;
  const failures = await failuresInSlices(trace, signal);
  const summary = session.summary(Date.now());
  const report = statsReport(id, trace.fold, summary, { failures, children: [] });
  return statsMarkdown(report, summary);
}

async function timeline(session: LiveSession, signal: AbortSignal | undefined): Promise<string> {
  const { trace } = session;
  const found = await inSlices(
    session,
    () => timelineInSlices(trace, session.summary(Date.now())),
    signal,
  );
  const parts: string[] = [];
  let length = 0;
  let breath = 0;
  for (const piece of timelineMarkdown(trace, found, TIMELINE)) {
    parts.push(piece);
    length += piece.length;
    if (length > MAX_DOCUMENT) break;
    if (length < breath + SLICE) continue;
    breath = length;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return parts.join('');
}

async function cost(session: LiveSession, signal: AbortSignal | undefined): Promise<string> {
  const { trace } = session;
  const summary = session.summary(Date.now());
  const live = isActive(summary);
  const costs = await inSlices(session, () => costsInSlices(trace, { live }), signal);
  const parts = { billedIn: [], fold: trace.fold, costs, prompts: promptsOf(trace) };
  return costMarkdown(summary.title, summary.cost, parts);
}

function tree(sessions: readonly LiveSession[]): string {
  const nodes = sessionTree(
    sessions.map(
      (session): TreeSession => ({
        session: session.trace,
        summary: session.summary(Date.now()),
        parent: metaParent(session.entry),
        parentEvent: metaParentEvent(session.entry),
      }),
    ),
  );
  return treeMarkdown(nodes);
}
