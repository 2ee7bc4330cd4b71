// Every analysis of one session, in one process: what each takes against reading that session, and what of the time is bodies.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  compareSessions,
  factsInSlices,
  sideFacts,
} from '../../src/analysis/compare/compareSessions.ts';
import { contextCourse, courseInSlices } from '../../src/analysis/context/contextCourse.ts';
import { breakdownInSlices, costBreakdown } from '../../src/analysis/costs/costBreakdown.ts';
import { costsInSlices, sessionCosts } from '../../src/analysis/costs/sessionCosts.ts';
import { phasesInSlices, sessionPhases } from '../../src/analysis/phases/sessionPhases.ts';
import { createPricer } from '../../src/analysis/price.ts';
import { QueryMatcher } from '../../src/analysis/search/matcher.ts';
import { parseQuery } from '../../src/analysis/search/query.ts';
import { drain } from '../../src/analysis/slices.ts';
import { spawnsOf } from '../../src/analysis/spawns.ts';
import { sessionTree } from '../../src/analysis/tree/sessionTree.ts';
import { cacheBreaks, sessionWaste, wasteInSlices } from '../../src/analysis/waste/sessionWaste.ts';
import { whyChain, whyInSlices } from '../../src/analysis/why/whyChain.ts';
import { ReplayIndex } from '../../src/model/replay/replayIndex.ts';
import { summarise } from '../../src/model/summary.ts';
import { budgetInSlices, budgetReport } from '../../src/report/budgetReport.ts';
import { explainSession } from '../../src/report/explainReport.ts';
import { timelineJson } from '../../src/report/timelineJson.ts';
import { timelineOf } from '../../src/report/timelineReport.ts';
import { searchSessions } from '../../src/trace/search.ts';
import { TraceSession } from '../../src/trace/session.ts';
import { TraceStore } from '../../src/trace/store.ts';
import { writeTrace } from './generate.ts';

const [folder = '', count = '0', times = '5', ...only] = process.argv.slice(2);
/** Events of each of two sessions that are compared: about 100,000 steps. */
const COMPARED = Math.min(Number(count), 265_000);

/** Of the process, all its threads: steadier than the clock where the machine has other work. ms */
interface Took {
  ms: number;
  cpuMs: number;
}

async function timed(work: () => unknown): Promise<Took> {
  const cpu = process.cpuUsage();
  const from = performance.now();
  await work();
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 };
}

const pricer = await createPricer();

function open(id: string, events: number): TraceSession {
  const directory = join(folder, id);
  const file = join(directory, 'events.ndjson');
  mkdirSync(directory, { recursive: true });
  if (!existsSync(file)) writeTrace(file, events, id);
  return new TraceSession(directory, id, { pricer });
}

function read(session: TraceSession): TraceSession {
  while (session.update(8 << 20));
  return session;
}

const session = open('bench-session', Number(count));
const reading = await timed(() => read(session));
const { fold } = session;
const phases = sessionPhases(fold);
const waste = sessionWaste(fold, phases);
const summary = summarise(fold, { nowMs: Date.now() });
const last = fold.steps.length - 1;

const analyses: Record<string, () => unknown> = {
  'state at every moment (index)': () => new ReplayIndex(fold).work(),
  phases: () => sessionPhases(fold),
  'cache breaks': () => cacheBreaks(fold),
  waste: () => sessionWaste(fold, phases),
  'cost breakdown': () => costBreakdown(fold, phases, waste, spawnsOf(session)),
  'context course': () => contextCourse(fold),
  'why, of one step': () => whyChain(session, last),
  'token budget': () => budgetReport('', fold, { warnAt: 0.9 }),
  tree: () => sessionTree([{ session, summary }]),
  'cost (phases, waste, breakdown)': () => sessionCosts(session),
};
/** As an editor does them: how long it waits at most. */
const inSlices: Record<string, () => Generator<unknown>> = {
  phases: () => phasesInSlices(fold),
  waste: () => wasteInSlices(fold, phases),
  'cost breakdown': () => breakdownInSlices(fold, phases, waste, spawnsOf(session)),
  'context course': () => courseInSlices(fold),
  'why, of one step': () => whyInSlices(session, last),
  'token budget': () => budgetInSlices('', fold, { warnAt: 0.9 }),
  'cost (phases, waste, breakdown)': () => costsInSlices(session),
};
/** ms CPU of the longest slice. */
function longestSlice(work: Generator<unknown>): number {
  let longest = 0;
  for (;;) {
    const cpu = process.cpuUsage();
    const { done } = work.next();
    const { user, system } = process.cpuUsage(cpu);
    longest = Math.max(longest, (user + system) / 1000);
    if (done) return longest;
  }
}

const reports: Record<string, () => unknown> = {
  'explain, with what it reads': () => explainSession(session, summary),
  'timeline, all of it as JSON': () => {
    let bytes = 0;
    for (const piece of timelineJson(session, timelineOf(session, summary))) bytes += piece.length;
    return bytes;
  },
  'search of the whole folder': async () => {
    const matcher = new QueryMatcher(parseQuery('"words that stand nowhere"', Date.now()));
    const entries = new TraceStore([folder])
      .list()
      .sessions.filter(({ id }) => id === 'bench-session');
    for await (const _ of searchSessions({ entries, query: matcher }));
  },
};

const wanted = (name: string): boolean =>
  only.length === 0 || only.some((word) => name.includes(word));
const results: { name: string; took: Took[]; longest: number[] }[] = [];
async function measure(
  name: string,
  work: () => unknown,
  runs: number,
  sliced: (() => Generator<unknown>) | undefined = undefined,
): Promise<void> {
  const took: Took[] = [];
  for (let run = 0; run < runs; run++) took.push(await timed(work));
  const longest: number[] = [];
  for (let run = 0; sliced !== undefined && run < runs; run++) longest.push(longestSlice(sliced()));
  results.push({ name, took, longest });
}
for (const [name, work] of Object.entries(analyses)) {
  if (wanted(name)) await measure(name, work, Number(times), inSlices[name]);
}
for (const [name, work] of Object.entries(reports)) {
  if (wanted(name)) await measure(name, work, 1);
}
const comparison = `comparison of 2 × ${COMPARED.toLocaleString('en')} events`;
if (wanted(comparison)) {
  const a = read(open('bench-a', COMPARED));
  const b = read(open('bench-b', COMPARED));
  const [first, second] = [drain(sideFacts(a)), drain(sideFacts(b))];
  await measure(
    comparison,
    () => compareSessions(a, b),
    1,
    () => factsInSlices(first, second),
  );
}
const megabytes = process.resourceUsage().maxRSS / 1024;
console.log(
  JSON.stringify({ reading, steps: fold.steps.length, phases: phases.length, megabytes, results }),
);
