// The extension host's side of one replay page over a long session: how long its event loop is held in one go, by the thread's
// own CPU time, from the first reading to the last message; and what a session that grows costs.
import { appendFileSync, constants, copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createPricer } from '../../src/analysis/price.ts';
import { keyOf, LiveSessions } from '../../src/host/liveSessions.ts';
import { type AnswersHost, ReplayAnswers } from '../../src/host/replayAnswers.ts';
import { ReplayFeed } from '../../src/host/replayFeed.ts';
import { REPLAY_PROTOCOL, type ToReplayPage } from '../../src/protocol/replay.ts';

/** @param trace an `events.ndjson`; it is copied */
const [folder = '', trace = '', liveSeconds = '0'] = process.argv.slice(2);
const traceDir = join(folder, 'replay-traces');
const own = join(traceDir, 'bench-session');
rmSync(traceDir, { recursive: true, force: true });
mkdirSync(own, { recursive: true });
const file = join(own, 'events.ndjson');
copyFileSync(trace, file, constants.COPYFILE_FICLONE);

interface Turn {
  ms: number;
  what: string;
}
const turns: Turn[] = [];
/** The thread's, ms. */
const cpuNow = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
/** Whoever asked for a turn. */
const asker = (): string =>
  new Error().stack
    ?.split('\n')
    .slice(3)
    .map((line) => line.trim())
    .find((line) => line.includes('/src/'))
    ?.replace(/^at /, '')
    .replace(/\(?file:.*\/src\//, '(src/') ?? 'elsewhere';
function measured<A extends unknown[]>(work: (...args: A) => unknown): (...args: A) => void {
  const what = asker();
  return (...args) => {
    const from = cpuNow();
    try {
      work(...args);
    } finally {
      turns.push({ ms: cpuNow() - from, what });
    }
  };
}
const { setImmediate: immediate, setTimeout: timeout, setInterval: interval } = globalThis;
const watched = globalThis as unknown as Record<string, unknown>;
watched.setImmediate = (work: () => void) => immediate(measured(work));
watched.setTimeout = (work: () => void, ms?: number) => timeout(measured(work), ms);
watched.setInterval = (work: () => void, ms?: number) => interval(measured(work), ms);

const pricer = await createPricer();
const live = new LiveSessions({
  folders: [{ traceDir, workspace: 'bench' }],
  loadPricer: () => Promise.resolve(pricer),
  readTranscripts: false,
  nameOf: () => undefined,
  problem: () => {},
});
let outlines = 0;
let bytes = 0;
const post = (message: ToReplayPage): void => {
  if (message.type === 'outline') outlines++;
  // What the editor does with a message: it is copied.
  const from = cpuNow();
  structuredClone(message);
  turns.push({ ms: cpuNow() - from, what: `a message: ${message.type}` });
  bytes++;
};
const host: AnswersHost = {
  post,
  budgetNanoUsd: () => undefined,
  copyText: async () => {},
  linkTo: () => '',
  mayWrite: () => true,
};
const key = keyOf(traceDir, 'bench-session');
const from = performance.now();
const feed = new ReplayFeed(live, key, {
  ...host,
  loadAnswers: async (session) => new ReplayAnswers(session, host, 'Bench'),
  open: () => {},
  openFile: () => {},
  openChanges: () => {},
  rename: () => {},
  command: () => {},
  settings: () => ({ speed: 4, skipIdle: true }),
  named: () => {},
});
feed.receive({ type: 'ready', version: REPLAY_PROTOCOL });
const rest = (ms: number): Promise<void> => new Promise((resolve) => timeout(resolve, ms));
while (outlines === 0) await rest(20);
await rest(500);
const firstMs = performance.now() - from;

function longest(list: Turn[]): { what: string; ms: number; turns: number; allMs: number }[] {
  const by = new Map<string, { what: string; ms: number; turns: number; allMs: number }>();
  for (const { what, ms } of list) {
    const known = by.get(what) ?? { what, ms: 0, turns: 0, allMs: 0 };
    known.ms = Math.max(known.ms, ms);
    known.turns++;
    known.allMs += ms;
    by.set(what, known);
  }
  return [...by.values()].sort((a, b) => b.ms - a.ms).slice(0, 12);
}
const opening = longest(turns.splice(0));

// The session goes on: a command and its result, twice a second.
let growing: { share: number; longest: ReturnType<typeof longest> } | undefined;
if (Number(liveSeconds) > 0) {
  const cpu = process.cpuUsage();
  const began = performance.now();
  for (let at = 0; performance.now() - began < Number(liveSeconds) * 1000; at++) {
    const id = `live-${at}`;
    const data = { recorded_by: 'hook', tool_name: 'Bash', tool_use_id: id };
    const event = (event_type: string, more: object): string =>
      `${JSON.stringify({
        event_type,
        timestamp: Date.now() / 1000,
        event_id: (0xa00000000000 + at * 4 + event_type.length).toString(16),
        session_id: 'bench-session',
        data: { ...data, ...more },
      })}\n`;
    appendFileSync(
      file,
      event('tool_call', { arguments: { command: `ls ${at}` } }) +
        event('tool_result', { result: 'fine' }),
    );
    await rest(500);
  }
  const { user, system } = process.cpuUsage(cpu);
  growing = {
    share: (user + system) / 1000 / (performance.now() - began),
    longest: longest(turns.splice(0)),
  };
}
console.log(JSON.stringify({ firstMs, messages: bytes, outlines, opening, growing }, null, 1));
feed.dispose();
await live.dispose();
rmSync(traceDir, { recursive: true, force: true });
process.exit(0);
