import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent } from '../../test/fakeAgent.ts';
import { act, type BrakeAction } from './brake.ts';
import type { ControlReport, Outcome } from './control.ts';
import { readEntry } from './processTable.ts';

let folder: string;
let home: string;
let traceDir: string;
let agent: FakeAgent;
let count = 0;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'brake-')));
  home = join(folder, 'home');
  traceDir = join(folder, 'traces');
});
afterEach(async () => {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

const env = () => ({ AGENT_STRACE_HOME: home });
const brake = (action: BrakeAction, graceMs = 5000): Promise<Outcome> =>
  act(action, traceDir, agent.sessionId, { graceMs, env: env() });

function report(outcome: Outcome): ControlReport {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome;
}

/** An agent with a child and one that left the tree, all at work. */
async function start(script?: string): Promise<void> {
  agent = new FakeAgent({
    folder: join(folder, 'agent'),
    sessionId: `control-${process.pid}-${++count}`,
    ...(script !== undefined && { script }),
  });
  await eventually(() => expect(readEntry(agent.pid)?.name).toBe('claude'));
  agent.saveRecord(traceDir, home);
  if (script === undefined) await atWork();
  else await vi.waitFor(() => expect(existsSync(join(folder, 'agent', 'ready'))).toBe(true), 5000);
}

const work = () => [agent.work('agent'), agent.work('child'), agent.work('stray')];

async function atWork(): Promise<void> {
  const before = work();
  await vi.waitFor(() => {
    for (const [at, done] of work().entries()) expect(done).toBeGreaterThan(before[at]!);
  }, 5000);
}

const pause100 = () => new Promise((resolve) => setTimeout(resolve, 100));

describe.skipIf(process.platform !== 'linux')('pause', () => {
  it('freezes the agent, what it runs, and what left its tree, and resume continues them', async () => {
    await start();
    const { state, processes } = report(await brake('pause'));
    expect(state).toBe('paused');
    expect(processes.filter((one) => one.state !== 'gone')).toEqual(
      processes.filter((one) => one.state === 'frozen'),
    );
    for (const entry of await agent.processes()) expect(entry.state).toBe('T');
    const before = work();
    await pause100();
    expect(work()).toEqual(before);
    const file = join(home, 'control', `${agent.sessionId}.json`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain('FOLDER');
    expect(report(await brake('resume')).state).toBe('running');
    await atWork();
    expect(existsSync(file)).toBe(false);
    expect(await brake('resume')).toMatchObject({ ok: false, reason: 'notPaused' });
  });

  it('leaves what others had stopped as it is, then and afterwards', async () => {
    await start();
    process.kill(agent.pid, 'SIGSTOP');
    await eventually(() => expect(agent.state).toBe('T'));
    expect(await brake('resume')).toMatchObject({ ok: false, reason: 'notPausedHere' });
    const { processes } = report(await brake('pause'));
    expect(processes.find(({ pid }) => pid === agent.pid)).toMatchObject({
      state: 'leftAlone',
      why: 'stoppedBefore',
    });
    const [, child] = work();
    await pause100();
    expect(agent.work('child')).toBe(child);
    await brake('resume');
    await eventually(() => expect(agent.work('child')).toBeGreaterThan(child!));
    expect(agent.state).toBe('T');
  });

  it('twice is once, and a second one can be continued by the first', async () => {
    await start();
    await brake('pause');
    expect(report(await brake('pause')).state).toBe('paused');
    expect(report(await brake('resume')).state).toBe('running');
    await atWork();
  });

  it('catches what forks all the time', async () => {
    await start(
      'fork() { while :; do ( sleep 0.3; : ) & sleep 0.002; done; }; fork & fork & : > "$FOLDER/ready"; while :; do sleep 0.01; done',
    );
    await pause100();
    await pause100();
    const paused = report(await brake('pause'));
    expect(paused.state).toBe('paused');
    const pids = (await agent.processes()).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThan(10);
    await pause100();
    const after = await agent.processes();
    expect(after.map(({ pid }) => pid)).toEqual(pids);
    // Each is named by the program that it had become when it stood still.
    const names = new Map(after.map(({ pid, name }) => [pid, name]));
    const frozen = paused.processes.filter(({ state }) => state === 'frozen');
    expect(frozen.length).toBeGreaterThan(10);
    for (const { pid, name } of frozen) expect(name).toBe(names.get(pid));
    expect(after.every(({ state }) => state === 'T')).toBe(true);
  });

  it('is known from elsewhere: by its file, not by this process', async () => {
    await start();
    const loaded = await import('./control.ts');
    await brake('pause');
    expect(loaded).toBeDefined();
    vi.resetModules();
    const fresh = await import('./brake.ts');
    expect(fresh.act).not.toBe(act);
    const outcome = await fresh.act('resume', traceDir, agent.sessionId, {
      graceMs: 1,
      env: env(),
    });
    expect(outcome).toMatchObject({ ok: true, state: 'running' });
    await atWork();
  });

  it('works where nothing can be written down, and says so', async () => {
    await start();
    // A file where the folder should be.
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(home, 'control'), '');
    const done = report(await brake('pause'));
    expect(done).toMatchObject({ state: 'paused', unsaved: 'ENOTDIR' });
    expect(report(await brake('resume')).state).toBe('running');
    await atWork();
  });

  it('lets a hook of ours end first', async () => {
    const hook = `"$FOLDER/claude" -c 'sleep 0.02; printf done > "$FOLDER/hooked"' x /bin/agent-strace-hook --agent claude PreToolUse`;
    await start(`: > "$FOLDER/ready"; while :; do ${hook}; rm -f "$FOLDER/hooked"; done`);
    for (let turn = 0; turn < 5; turn++) {
      expect(report(await brake('pause')).processes.length).toBeGreaterThan(0);
      // It is not frozen: it comes to its end by itself.
      await vi.waitFor(async () => {
        const left = (await agent.processes()).filter(({ state }) => state !== 'T');
        expect(left).toEqual([]);
      }, 5000);
      await brake('resume');
    }
  });
});

describe.skipIf(process.platform !== 'linux')('stop', () => {
  it('asks the agent to end, and leaves nothing of its tree', async () => {
    await start();
    const done = report(await brake('stop'));
    expect(done.state).toBe('ended');
    expect(await agent.processes()).toEqual([]);
    // It ended by itself: with the code of its own trap, not by a signal.
    await eventually(() => expect(agent.child.exitCode).toBe(0));
  });

  it('kills what does not listen, after the grace', async () => {
    await start(
      `trap '' TERM; ( trap '' TERM; sleep 100 ) & : > "$FOLDER/ready"; while :; do sleep 0.01; done`,
    );
    const started = performance.now();
    expect(report(await brake('stop', 300)).state).toBe('ended');
    expect(performance.now() - started).toBeGreaterThanOrEqual(300);
    expect(await agent.processes()).toEqual([]);
    await eventually(() => expect(agent.child.signalCode).toBe('SIGKILL'));
  });

  it('of a paused agent does not let what it ran go on', async () => {
    await start();
    await brake('pause');
    const before = agent.work('child');
    expect(report(await brake('stop')).state).toBe('ended');
    expect(agent.work('child')).toBe(before);
    expect(await agent.processes()).toEqual([]);
    await eventually(() => expect(agent.child.exitCode).toBe(0));
  });
});

describe.skipIf(process.platform !== 'linux')('kill', () => {
  it('leaves nothing, paused or not', async () => {
    for (const paused of [false, true]) {
      await start();
      if (paused) await brake('pause');
      expect(report(await brake('kill')).state).toBe('ended');
      expect(await agent.processes()).toEqual([]);
      await eventually(() => expect(agent.child.signalCode).toBe('SIGKILL'));
    }
  });

  it('leaves an editor that the agent started, and what runs in it', async () => {
    await start(`cp "$FOLDER/claude" "$FOLDER/code"
"$FOLDER/code" -c '"$FOLDER/work" child & wait' &
trap 'exit 0' TERM; : > "$FOLDER/ready"
while :; do printf x >> "$FOLDER/agent"; sleep 0.02; done`);
    await eventually(() => expect(agent.work('child')).toBeGreaterThan(0));
    const { state, processes } = report(await brake('pause'));
    expect(state).toBe('paused');
    expect(processes).toContainEqual(
      expect.objectContaining({ name: 'code', state: 'leftAlone', why: 'editor' }),
    );
    const before = agent.work('child');
    await eventually(() => expect(agent.work('child')).toBeGreaterThan(before));
    expect(agent.state).toBe('T');
    await brake('kill');
    expect((await agent.processes()).map(({ name }) => name)).toContain('code');
  });
});

/** A Bash on a terminal of its own. */
class Terminal {
  readonly child = spawn(
    'python3',
    ['-c', 'import pty; pty.spawn(["bash", "--norc", "--noprofile", "-i"])'],
    {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        TERM: 'dumb',
        FOLDER: join(folder, 'agent'),
        CLAUDE_CODE_SESSION_ID: `terminal-${process.pid}-${++count}`,
      },
    },
  );
  output = '';

  constructor() {
    this.child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  async says(text: string | RegExp): Promise<void> {
    await vi.waitFor(() => expect(this.output).toMatch(text), 10_000);
  }
}

/** Answers each key; and says its pid. */
const ECHO = `echo "pid:$$:"; while IFS= read -r -s -n1 key; do echo "got:$key:"; done`;

describe.skipIf(process.platform !== 'linux')(
  'an agent in an interactive shell',
  {
    timeout: 30_000,
  },
  () => {
    let terminal: Terminal;
    afterEach(() => void terminal.child.kill('SIGKILL'));

    async function begin(shells: number): Promise<number> {
      terminal = new Terminal();
      const { programIn } = await import('../../test/fakeAgent.ts');
      const program = programIn(join(folder, 'agent'));
      await terminal.says(/[$#] $/);
      for (let more = 1; more < shells; more++) {
        terminal.type('bash --norc --noprofile -i\n');
        await terminal.says(/([$#] .*){2}$/s);
      }
      terminal.type(`${program} -c '${ECHO}'\n`);
      await terminal.says(/pid:\d+:/);
      const pid = Number(/pid:(\d+):/.exec(terminal.output)![1]);
      const sessionId = readFileSync(`/proc/${pid}/environ`, 'utf8').match(
        /CLAUDE_CODE_SESSION_ID=([^\0]*)/,
      )![1]!;
      agent = Object.assign(Object.create(FakeAgent.prototype) as FakeAgent, {
        sessionId,
        folder,
        child: { pid },
      });
      agent.saveRecord(traceDir, home);
      terminal.type('a');
      await terminal.says('got:a:');
      return pid;
    }

    it.each([1, 2])('goes on after a pause, and the next key reaches it (%i shells)', async (n) => {
      await begin(n);
      const { state, processes } = report(await brake('pause'));
      expect(state).toBe('paused');
      expect(processes.filter(({ role }) => role === 'shell')).toHaveLength(n);
      terminal.type('b');
      await pause100();
      expect(terminal.output).not.toContain('got:b:');
      expect(report(await brake('resume')).state).toBe('running');
      await terminal.says('got:b:');
      terminal.type('c');
      await terminal.says('got:c:');
      expect(terminal.output).not.toContain('Stopped');
    });

    it('would lose its terminal if it alone were stopped', async () => {
      const pid = await begin(1);
      process.kill(pid, 'SIGSTOP');
      await terminal.says('Stopped');
      process.kill(pid, 'SIGCONT');
      terminal.type('b');
      await pause100();
      expect(terminal.output).not.toContain('got:b:');
    });

    it.each(['stop', 'kill'] as const)(
      'gives the terminal back on %s while paused',
      async (how) => {
        await begin(1);
        await brake('pause');
        expect(report(await brake(how)).state).toBe('ended');
        terminal.type('echo back-$((1+1))\n');
        await terminal.says('back-2');
      },
    );

    it('has its shell continued where it was killed by somebody else meanwhile', async () => {
      const pid = await begin(1);
      await brake('pause');
      process.kill(pid, 'SIGKILL');
      await eventually(() => expect(readEntry(pid)?.state ?? 'Z').toBe('Z'));
      expect(report(await brake('resume')).state).toBe('running');
      terminal.type('echo back-$((1+1))\n');
      await terminal.says('back-2');
    });

    it('in the background does not take its shell along', async () => {
      const pid = await begin(1);
      terminal.type('\u001a');
      await terminal.says('Stopped');
      terminal.type('bg\n');
      // It reads, so it is stopped again at once; one that works does not.
      await eventually(() => expect(readEntry(pid)?.state).toBe('T'));
      terminal.type(
        `(exec -a worker ${join(folder, 'agent', 'claude')} -c 'echo "pid:$BASHPID:"; while :; do sleep 0.05; done') &\n`,
      );
      await vi.waitFor(() => expect(terminal.output.match(/pid:\d+:/g)).toHaveLength(2), 5000);
      const worker = Number(/.*pid:(\d+):/s.exec(terminal.output)![1]);
      Object.assign(agent, { child: { pid: worker } });
      agent.saveRecord(traceDir, home);
      const { processes } = report(await brake('pause'));
      expect(processes.filter(({ role }) => role === 'shell')).toEqual([]);
      expect(readEntry(worker)?.state).toBe('T');
      terminal.type('echo here-$((1+1))\n');
      await terminal.says('here-2');
    });
  },
);
