import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { cli, eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent } from '../../test/fakeAgent.ts';
import { readEntry } from '../guard/processTable.ts';
import { openTrip } from '../guard/trips.ts';

let count = 0;

/** A project with sessions whose agents run. */
function project() {
  const root = temporaryFolder();
  const traceDir = join(root, '.agent-traces');
  const home = join(root, 'home');
  const env = { AGENT_STRACE_HOME: home };
  const trace = (id: string): void => {
    mkdirSync(join(traceDir, id), { recursive: true });
    const line = eventLine(id, 'session_start', Date.now() / 1000, 1, { trace_version: 1 });
    appendFileSync(join(traceDir, id, 'events.ndjson'), line);
  };
  return {
    trace,
    traceDir,
    home,
    run: (...args: string[]) => cli([...args, '--trace-dir', traceDir], { env, cwd: root }),
    runWithin: (agentAbove: { agent: string; how: string }, ...args: string[]) =>
      cli([...args, '--trace-dir', traceDir], { env, cwd: root, agentAbove }),
    async agent(): Promise<FakeAgent> {
      const id = `${++count}abcdef0-cli-${process.pid}`;
      const agent = new FakeAgent({ folder: join(root, `agent${count}`), sessionId: id });
      onTestFinished(async () => await agent.close());
      await eventually(() => expect(readEntry(agent.pid)?.name).toBe('claude'));
      await vi.waitFor(() => expect(agent.work('stray')).toBeGreaterThan(0), 5000);
      agent.saveRecord(traceDir, home);
      trace(id);
      return agent;
    },
  };
}

describe.skipIf(process.platform !== 'linux')('agent-strace pause, resume, stop, kill', () => {
  it('does it to the one agent that runs, and says what', async () => {
    const { agent: start, run } = project();
    const agent = await start();
    const paused = await run('pause');
    expect(paused).toMatchObject({ code: 0, err: '' });
    expect(paused.out).toMatch(/^Claude Code is paused \(\d+ processes, \d+ ms\)\.\n/);
    expect(agent.state).toBe('T');
    expect((await run('list', '--json')).out).toContain('"status": "paused"');
    expect(await run('pause')).toMatchObject({ code: 1, out: '' });
    expect((await run('resume')).out).toMatch(/^Claude Code goes on/);
    expect(agent.state).toMatch(/[RS]/);
    const stopped = await run('stop', '--grace', '3', '--json');
    expect(stopped.code).toBe(0);
    expect(JSON.parse(stopped.out)).toMatchObject({
      action: 'stop',
      session_id: agent.sessionId,
      state: 'ended',
      kind: 'signals',
    });
    expect(await agent.processes()).toEqual([]);
    const again = await run('stop', agent.sessionId);
    expect(again.code).toBe(1);
    expect(again.err).toContain('Could not stop: Claude Code is no longer running.');
    expect((await run('stop')).err).toContain('No agent runs here.');
  });

  it('asks which, where several run', async () => {
    const { agent: start, run } = project();
    const [first, second] = [await start(), await start()];
    const { code, err } = await run('pause');
    expect(code).toBe(1);
    expect(err).toContain('2 agents fit: say which one.');
    expect(err).toContain(`agent-strace pause ${first.sessionId.slice(0, 8)}`);
    expect(first.state).toMatch(/[RS]/);
    expect((await run('pause', second.sessionId.slice(0, 5))).code).toBe(0);
    expect([first.state, second.state]).toEqual([expect.stringMatching(/[RS]/), 'T']);
    // One is left to pause, and one to resume.
    expect((await run('resume')).code).toBe(0);
    expect((await run('resume')).err).toContain('No agent is paused here.');
  });

  it('lets nobody but a person go on with what a rule holds', async () => {
    const { agent: start, run, runWithin, traceDir, home } = project();
    const agent = await start();
    const within = { agent: 'codex', how: 'process 7' };
    expect((await run('pause')).code).toBe(0);
    // What a person has paused is nobody's rule.
    expect((await runWithin(within, 'resume')).code).toBe(0);
    expect((await run('pause')).code).toBe(0);
    openTrip(
      {
        version: 1,
        id: 'a'.repeat(12),
        session: agent.sessionId,
        agent: 'claude',
        traceDir,
        project: traceDir,
        rule: { name: 'budget', text: 'cost_usd > 5', scope: 'user' },
        action: 'pause',
        detail: 'cost $6 is over $5',
        line: 'interrupt',
        at: Date.now() / 1000,
        state: 'open',
      },
      { AGENT_STRACE_HOME: home },
    );
    const refused = await runWithin(within, 'resume');
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain("'agent-strace resume' is not for agents");
    expect(agent.state).toBe('T');
    expect((await run('resume')).code).toBe(0);
    expect(agent.state).toMatch(/[RS]/);
  });

  it('takes the last session of a process that has had several', async () => {
    const { agent: start, run, trace, traceDir, home } = project();
    const agent = await start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    agent.saveRecord(traceDir, home, { session_id: 'after-clear' });
    trace('after-clear');
    const { code, out } = await run('pause', '--json');
    expect({ code, ...JSON.parse(out) }).toMatchObject({ code: 0, session_id: 'after-clear' });
  });

  it('kills only when it may', async () => {
    const { agent: start, run } = project();
    const agent = await start();
    const refused = await run('kill');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('--yes');
    expect(agent.state).toMatch(/[RS]/);
    expect((await run('kill', '--yes')).out).toContain('Claude Code has ended');
    expect(await agent.processes()).toEqual([]);
  });

  it('says why it refuses', async () => {
    const { trace, run } = project();
    trace('forged-session');
    const { code, out } = await run('pause', 'forged-session', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      action: 'pause',
      session_id: 'forged-session',
      state: 'refused',
      reason: 'noRecord',
      message: expect.stringContaining('never saw this session') as string,
    });
    expect((await run('stop', '--grace', 'x')).code).toBe(2);
    expect((await run('pause', 'nobody')).code).toBe(1);
  });
});
