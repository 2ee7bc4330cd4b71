import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent, processesOf } from '../../test/fakeAgent.ts';
import { writeSessionRecord } from '../agents/process.ts';
import { act, type BrakeAction, notable } from './brake.ts';
import { bystander } from './bystanders.ts';
import type { ControlReport, Outcome } from './control.ts';
import { isMarkedPaused, markPaused } from './pauseMark.ts';
import { type ProcessEntry, readEntry } from './processTable.ts';

let folder: string;
let home: string;
let traceDir: string;
let agent: FakeAgent;
let count = 0;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'attacks-')));
  home = join(folder, 'home');
  traceDir = join(folder, 'traces');
});
afterEach(async () => {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

const env = () => ({ AGENT_STRACE_HOME: home });
const brake = (action: BrakeAction, graceMs = 3000): Promise<Outcome> =>
  act(action, traceDir, agent.sessionId, { graceMs, env: env() });

function report(outcome: Outcome): ControlReport {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome;
}

async function start(script: string): Promise<void> {
  agent = new FakeAgent({
    folder: join(folder, 'agent'),
    sessionId: `attack-${process.pid}-${++count}`,
    script,
  });
  await eventually(() => expect(readEntry(agent.pid)?.name).toBe('claude'));
  agent.saveRecord(traceDir, home);
  await vi.waitFor(() => expect(existsSync(join(folder, 'agent', 'ready'))).toBe(true), 5000);
}

const READY = ': > "$FOLDER/ready"';
const REST = `trap 'exit 0' TERM; ${READY}; while :; do sleep 0.02; done`;

describe.skipIf(process.platform !== 'linux')('the brake', () => {
  it('pulled twice at the same moment leaves nothing frozen that resume does not know', async () => {
    for (let turn = 0; turn < 6; turn++) {
      await start(
        `for n in 1 2 3 4 5 6 7 8; do ( setsid "$FOLDER/work" stray & ); "$FOLDER/work" child & done; ( while :; do ( sleep 0.05 ) & sleep 0.004; done ) & ${REST}`,
      );
      const twice = await Promise.all([brake('pause'), brake('pause')]);
      for (const outcome of twice) expect(report(outcome).state).toBe('paused');
      await brake('resume');
      const frozen = (await agent.processes()).filter(({ state }) => state === 'T');
      expect(frozen).toEqual([]);
      await agent.close();
    }
  });

  it('takes no command for our recorder in which its name only occurs', async () => {
    await start(
      `"$FOLDER/claude" -c ': /x/bin/agent-strace-hook --agent claude Stop; while :; do sleep 0.02; done' & ${REST}`,
    );
    report(await brake('pause'));
    for (const { state } of await agent.processes()) expect(state).toBe('T');
    report(await brake('kill'));
    expect(await agent.processes()).toEqual([]);
  });

  it('leaves terminals that were opened from within the agent, and who sits in them', async () => {
    const socket = join(folder, 'tmux');
    try {
      await start(
        `tmux -f /dev/null -S ${socket} new-session -d "exec '$FOLDER/work' pane"; ${REST}`,
      );
      const pane = join(folder, 'agent', 'pane');
      await vi.waitFor(() => expect(existsSync(pane)).toBe(true), 5000);
      const working = async (): Promise<void> => {
        const before = readFileSync(pane).length;
        await eventually(() => expect(readFileSync(pane).length).toBeGreaterThan(before));
      };
      const paused = report(await brake('pause'));
      expect(paused.state).toBe('paused');
      expect(notable('pause', paused)).toContainEqual(
        expect.objectContaining({ name: 'tmux: server', state: 'leftAlone', why: 'terminal' }),
      );
      await working();
      expect(report(await brake('stop')).state).toBe('ended');
      await working();
    } finally {
      spawnSync('tmux', ['-S', socket, 'kill-server']);
    }
  });

  it('leaves services of the user that the agent was the first to need', async () => {
    await start(
      `cp "$FOLDER/claude" "$FOLDER/gpg-agent"; ( setsid "$FOLDER/gpg-agent" -c 'while :; do sleep 0.02; done' & ); ${REST}`,
    );
    const service = async () =>
      (await processesOf(agent.sessionId)).find(({ name }) => name === 'gpg-agent');
    await eventually(async () => expect(await service()).toBeDefined());
    const paused = report(await brake('pause'));
    expect((await service())?.state).not.toBe('T');
    expect(paused.processes).toContainEqual(
      expect.objectContaining({ name: 'gpg-agent', why: 'service' }),
    );
    // Nobody wants to be told of it each time.
    expect(notable('pause', paused)).toEqual([]);
    report(await brake('stop'));
    expect(await service()).toBeDefined();
  });

  it('does not end an agent by a session that it has left behind', async () => {
    await start(REST);
    const old = agent.sessionId;
    const later = `${old}-later`;
    await new Promise((resolve) => setTimeout(resolve, 20));
    writeSessionRecord(agent.record(traceDir, { session_id: later }), env());
    for (const action of ['pause', 'stop', 'kill'] as const) {
      expect(await brake(action)).toMatchObject({ ok: false, reason: 'movedOn' });
    }
    expect(agent.state).not.toBe('T');
    const options = { graceMs: 3000, env: env() };
    expect(report(await act('pause', traceDir, later, options)).state).toBe('paused');
    expect(report(await act('stop', traceDir, later, options)).state).toBe('ended');
  });

  it('does not end a pause by a copy of its trace', async () => {
    await start(REST);
    markPaused(agent.sessionId, env());
    const copy = join(folder, 'cloned');
    for (const action of ['resume', 'stop', 'kill'] as const) {
      const outcome = await act(action, copy, agent.sessionId, { graceMs: 10, env: env() });
      expect(outcome).toMatchObject({ ok: false, reason: 'otherFolder' });
    }
    expect(isMarkedPaused(agent.sessionId, env())).toBe(true);
  });

  it('does not throw for a record of no known form', async () => {
    await start(REST);
    const file = join(home, 'sessions', `${agent.sessionId}.json`);
    const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const changes: Record<string, unknown>[] = [
      { agent: '__proto__' },
      { agent: 'constructor' },
      { agent: 7 },
      { agent: null },
      { pid: -1 },
      { pid: -agent.pid },
      { pid: 0 },
      { pid: 1.5 },
      { pid: `${agent.pid}` },
      { pid: 1e300 },
      { uid: '0' },
      { start_time: 7 },
      { boot_id: { toString: 1 } },
      { trace_dir: '\0' },
      { trace_dir: ['x'] },
    ];
    for (const change of changes) {
      writeFileSync(file, JSON.stringify({ ...record, ...change }));
      for (const action of ['pause', 'resume', 'stop', 'kill'] as const) {
        expect(await brake(action), JSON.stringify(change)).toMatchObject({ ok: false });
      }
      expect(agent.state).not.toBe('T');
    }
  });
});

describe('who only bears the name of a session', () => {
  const entry = (change: Partial<ProcessEntry>): ProcessEntry => ({
    pid: 100,
    ppid: 1,
    pgid: 100,
    session: 100,
    tty: '',
    foreground: -1,
    uid: 0,
    startTime: '1',
    name: 'node',
    state: 'S',
    ...change,
  });
  it('is told by what it is, and where it runs', () => {
    expect(bystander(entry({}), [], '34816')).toBeUndefined();
    expect(bystander(entry({ tty: '34816' }), [], '34816')).toBeUndefined();
    expect(bystander(entry({ tty: '34817' }), [], '34816')).toBe('terminal');
    expect(bystander(entry({ tty: '34817' }), [], '')).toBe('terminal');
    expect(bystander(entry({ name: 'tmux: server' }), [], '')).toBe('terminal');
    expect(bystander(entry({}), [entry({ name: 'tmux: server' })], '')).toBe('terminal');
    expect(bystander(entry({ name: 'ssh-agent' }), [], '')).toBe('service');
    expect(bystander(entry({}), [entry({ name: 'gpg-agent' })], '')).toBe('service');
    expect(bystander(entry({}), [entry({ name: 'systemd' })], '')).toBeUndefined();
    expect(bystander(entry({}), [entry({ pid: 1, name: 'sshd' })], '')).toBeUndefined();
  });
});
