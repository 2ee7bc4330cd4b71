// From the call of Pause until all is stopped, for a tree of `children` processes, against a bare SIGSTOP of one process.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { act } from '../../src/guard/brake.ts';
import { readEntry } from '../../src/guard/processTable.ts';
import { FakeAgent } from '../fakeAgent.ts';

const runs = Number(process.argv[2] ?? 40);
const children = 12;
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bench-brake-')));
const traceDir = join(folder, 'traces');
const home = join(folder, 'home');
const script = `for i in $(seq ${children}); do "$FOLDER/work" child & done
( setsid "$FOLDER/work" stray & )
while :; do sleep 0.02; done`;
const agent = new FakeAgent({ folder, sessionId: `bench-${process.pid}`, script });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A bare `kill -STOP` of the agent, until it is seen to be stopped. */
function bare(): number {
  const from = performance.now();
  process.kill(agent.pid, 'SIGSTOP');
  while (readEntry(agent.pid)?.state !== 'T');
  const ms = performance.now() - from;
  process.kill(agent.pid, 'SIGCONT');
  return ms;
}

try {
  while (agent.work('stray') === 0) await wait(20);
  agent.saveRecord(traceDir, home);
  const options = { graceMs: 1000, env: { AGENT_STRACE_HOME: home } };
  const tree: number[] = [];
  const one: number[] = [];
  for (let run = -3; run < runs; run++) {
    await wait(60);
    const from = performance.now();
    const outcome = await act('pause', traceDir, agent.sessionId, options);
    const ms = performance.now() - from;
    if (!outcome.ok || outcome.state !== 'paused') throw new Error(JSON.stringify(outcome));
    await act('resume', traceDir, agent.sessionId, options);
    await wait(60);
    const alone = bare();
    if (run >= 0) {
      tree.push(ms);
      one.push(alone);
    }
  }
  console.log(JSON.stringify({ tree, one }));
} finally {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
}
