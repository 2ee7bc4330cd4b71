// Every analysis of one session, in one process: what each takes against reading that session, and what of the time is bodies.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { contextCourse } from '../../src/analysis/context/contextCourse.ts';
import { sessionPhases } from '../../src/analysis/phases/sessionPhases.ts';
import { createPricer } from '../../src/analysis/price.ts';
import { cacheBreaks, sessionWaste } from '../../src/analysis/waste/sessionWaste.ts';
import { whyChain } from '../../src/analysis/why/whyChain.ts';
import { ReplayIndex } from '../../src/model/replay/replayIndex.ts';
import { TraceSession } from '../../src/trace/session.ts';
import { writeTrace } from './generate.ts';

const [folder = '', count = '0', times = '5'] = process.argv.slice(2);
const directory = join(folder, 'bench-session');
mkdirSync(directory, { recursive: true });
writeTrace(join(directory, 'events.ndjson'), Number(count));

const timed = (work: () => unknown): number => {
  const from = performance.now();
  work();
  return performance.now() - from;
};

const session = new TraceSession(directory, 'bench-session', { pricer: await createPricer() });
const readMs = timed(() => {
  while (session.update(8 << 20));
});
const { fold } = session;
const phases = sessionPhases(fold);
const last = fold.steps.length - 1;
const analyses: Record<string, () => unknown> = {
  'state at every moment (index)': () => new ReplayIndex(fold).work(),
  phases: () => sessionPhases(fold),
  'cache breaks': () => cacheBreaks(fold),
  waste: () => sessionWaste(fold, phases),
  'context course': () => contextCourse(fold),
  'why, of one step': () => whyChain(session, last),
};
const results = Object.entries(analyses).map(([name, work]) => ({
  name,
  ms: Array.from({ length: Number(times) }, () => timed(work)),
}));
console.log(JSON.stringify({ readMs, steps: fold.steps.length, phases: phases.length, results }));
