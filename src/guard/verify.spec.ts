import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeAgent, programIn } from '../../test/fakeAgent.ts';
import type { SessionRecord } from '../agents/process.ts';
import { act, type BrakeAction, kindOf } from './brake.ts';
import { isMarkedPaused } from './pauseMark.ts';
import { type ProcessEntry, parseEntry, parsePsLine, readEntry } from './processTable.ts';
import { Signaller } from './signaller.ts';
import { type Facts, judge, REFUSALS, type RefusalCode, verifyNow } from './verify.ts';

const RECORD: SessionRecord = {
  version: 1,
  session_id: 's',
  agent: 'claude',
  pid: 500,
  start_time: '4242',
  pid_ns: 'pid:[1]',
  boot_id: 'boot',
  uid: 1000,
  trace_dir: '/p/.agent-traces',
  project: '/p',
  first_seen: 1,
};
const ENTRY: ProcessEntry = {
  pid: 500,
  ppid: 400,
  pgid: 500,
  session: 400,
  tty: '34816',
  foreground: 500,
  uid: 1000,
  startTime: '4242',
  name: 'claude',
  state: 'S',
};
const FACTS: Facts = {
  platform: 'linux',
  uid: 1000,
  bootId: 'boot',
  pidNamespace: 'pid:[1]',
  ourPids: [900, 800, 1],
  read: (pid) => (pid === 500 ? ENTRY : undefined),
  isAgent: () => true,
  isEditor: () => false,
};
const withEntry = (change: Partial<ProcessEntry>): Partial<Facts> => ({
  read: () => ({ ...ENTRY, ...change }),
});

describe('judge', () => {
  it('names the process that the hook saw', () => {
    expect(judge(RECORD, FACTS)).toMatchObject({
      ok: true,
      target: { id: { pid: 500, startTime: '4242' }, sessionId: 's' },
    });
  });

  const cases: [RefusalCode, string, Partial<SessionRecord>, Partial<Facts>][] = [
    ['noProcess', 'no pid', { pid: undefined as never }, {}],
    ['noProcess', 'pid 1', { pid: 1 }, { read: () => ({ ...ENTRY, pid: 1 }) }],
    ['noProcess', 'pid 0', { pid: 0 }, { read: () => ENTRY }],
    ['noProcess', 'a group', { pid: -500 }, { read: () => ENTRY }],
    ['noProcess', 'a pid that is text', { pid: '500' as never }, { read: () => ENTRY }],
    ['noProcess', 'no start time', { start_time: undefined as never }, {}],
    ['noProcess', 'no boot id', { boot_id: undefined as never }, {}],
    ['noProcess', 'no namespace', { pid_ns: undefined as never }, {}],
    ['noProcess', 'a system that does not tell', {}, { bootId: '' }],
    ['otherBoot', 'another boot', { boot_id: 'before' }, {}],
    ['otherNamespace', 'another container', { pid_ns: 'pid:[2]' }, {}],
    ['otherUser', "another user's record", { uid: 0 }, {}],
    ['otherUser', "another user's process", {}, withEntry({ uid: 1001 })],
    ['gone', 'no such process', {}, { read: () => undefined }],
    ['gone', 'a zombie', {}, withEntry({ state: 'Z' })],
    ['reused', 'another start time', {}, withEntry({ startTime: '9999' })],
    ['ourselves', 'us', {}, { ourPids: [500, 1] }],
    ['ourAncestor', 'what we run in', {}, { ourPids: [900, 500, 1] }],
    ['inEditor', 'an editor', {}, { isEditor: () => true, isAgent: () => false }],
    ['inEditor', 'Cursor without a process', { agent: 'cursor', pid: undefined as never }, {}],
    ['noProcess', 'an agent without a process', { agent: 'codex', pid: undefined as never }, {}],
    ['notAgent', 'no agent', {}, { isAgent: () => false }],
    ['noSignals', 'Windows', {}, { platform: 'win32' }],
  ];
  it.each(cases)('%s: %s', (reason, _, record, facts) => {
    const verdict = judge({ ...RECORD, ...record }, { ...FACTS, ...facts });
    expect(verdict).toMatchObject({ ok: false, reason });
    expect(verdict.ok ? '' : verdict.message).toMatch(/^[A-Z].*\.$/);
    expect(verdict.ok ? '' : verdict.message).not.toContain('{0}');
  });

  it('is cooperative only where signals do not reach', () => {
    const kinds = Object.keys(REFUSALS).filter(
      (reason) => kindOf({ ok: false, reason: reason as RefusalCode, message: '' }) !== 'none',
    );
    expect(kinds).toEqual(['inEditor', 'noSignals']);
  });
});

describe('a process line', () => {
  it('is read from any name', () => {
    const rest = Array.from({ length: 13 }, () => '0').join(' ');
    expect(parseEntry(9, 7, `9 (a) b (c) t 77 8 6 34816 8 ${rest} 4242 0`)).toEqual({
      pid: 9,
      ppid: 77,
      pgid: 8,
      session: 6,
      tty: '34816',
      foreground: 8,
      uid: 7,
      startTime: '4242',
      name: 'a) b (c',
      state: 'T',
    });
    expect(
      parsePsLine(
        '  9    77     8      0     8   501 S+   ttys001  Mon Nov 23  10:00:01 2026     claude',
      ),
    ).toEqual({
      pid: 9,
      ppid: 77,
      pgid: 8,
      session: 0,
      tty: 'ttys001',
      foreground: 8,
      uid: 501,
      startTime: 'Mon Nov 23 10:00:01 2026',
      name: 'claude',
      state: 'S',
    });
    expect(parsePsLine('PID PPID')).toBeUndefined();
  });
});

/** Real processes that note what reaches them; SIGSTOP cannot be noted, the SIGCONT after it is. */
const WITNESS = `for s in TERM CONT HUP INT USR1; do trap "echo $s >> $FOLDER/signals" $s; done
: > "$FOLDER/ready"; while :; do sleep 0.02; done`;

describe.skipIf(process.platform !== 'linux')('nothing is signalled', () => {
  let folder: string;
  let home: string;
  let traceDir: string;
  let agent: FakeAgent;
  let count = 0;
  const sent: [number, string][] = [];
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'verify-')));
    home = join(folder, 'home');
    traceDir = join(folder, 'clone', '.agent-traces');
    sent.length = 0;
  });
  afterEach(async () => {
    await agent.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function witness(options: Partial<ConstructorParameters<typeof FakeAgent>[0]> = {}) {
    agent = new FakeAgent({
      folder: join(folder, 'agent'),
      sessionId: `verify-${process.pid}-${++count}`,
      script: WITNESS,
      ...options,
    });
    await vi.waitFor(() => readFileSync(join(folder, 'agent', 'ready')), 5000);
  }
  const signals = () => {
    try {
      return readFileSync(join(folder, 'agent', 'signals'), 'utf8');
    } catch {
      return '';
    }
  };

  /** Tries everything. @returns why it was refused */
  async function tryAll(): Promise<string[]> {
    const reasons: string[] = [];
    for (const action of ['pause', 'resume', 'stop', 'kill'] as BrakeAction[]) {
      const outcome = await act(action, traceDir, agent.sessionId, {
        graceMs: 200,
        env: { AGENT_STRACE_HOME: home },
        kill: (pid, signal) => {
          sent.push([pid, signal]);
          process.kill(pid, signal);
        },
      });
      reasons.push(outcome.ok ? `done: ${action}` : outcome.reason);
      expect(agent.state).toMatch(/[RS]/);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(sent).toEqual([]);
    expect(signals()).toBe('');
    return [...new Set(reasons)];
  }

  it('but with all in order, everything is: the tests below could fail', async () => {
    await witness();
    agent.saveRecord(traceDir, home);
    const options = { graceMs: 200, env: { AGENT_STRACE_HOME: home } };
    for (const action of ['pause', 'resume', 'stop'] as const) {
      expect(await act(action, traceDir, agent.sessionId, options)).toMatchObject({ ok: true });
    }
    expect(signals()).toMatch(/CONT/);
    expect(signals()).toMatch(/TERM/);
  });

  it('for a cloned folder whose trace names a process', async () => {
    await witness();
    const forged = { ...agent.record(traceDir), pid: agent.pid };
    mkdirSync(join(traceDir, agent.sessionId), { recursive: true });
    for (const name of ['meta.json', 'session.json', `../${agent.sessionId}.json`]) {
      writeFileSync(join(traceDir, agent.sessionId, name), JSON.stringify(forged));
    }
    expect(await tryAll()).toEqual(['noRecord']);
    // Nor where the state folder is there, but another session is in it.
    agent.saveRecord(traceDir, home, { session_id: 'another' });
    expect(await tryAll()).toEqual(['noRecord']);
  });

  it('for a copy of a session that is recorded elsewhere', async () => {
    await witness();
    agent.saveRecord(join(folder, 'original', '.agent-traces'), home);
    expect(await tryAll()).toEqual(['otherFolder']);
  });

  it('where the state folder leads elsewhere', async () => {
    await witness();
    const elsewhere = join(folder, 'state');
    agent.saveRecord(traceDir, elsewhere);
    symlinkSync(elsewhere, home);
    expect(await tryAll()).toEqual(['unsafeState']);
  });

  it('when the pid is somebody else by now', async () => {
    await witness();
    agent.saveRecord(traceDir, home, { start_time: '1' });
    expect(await tryAll()).toEqual(['reused']);
  });

  it('when the machine was started anew, or the process is in a container', async () => {
    await witness();
    agent.saveRecord(traceDir, home, { boot_id: '00000000-0000-0000-0000-000000000000' });
    expect(await tryAll()).toEqual(['otherBoot']);
    agent.saveRecord(traceDir, home, { pid_ns: 'pid:[1]' });
    expect(await tryAll()).toEqual(['otherNamespace']);
  });

  it('for pid 1, a process group, and the parent of all this', async () => {
    await witness();
    const first = readEntry(1)!;
    agent.saveRecord(traceDir, home, { pid: 1, start_time: first.startTime });
    expect(await tryAll()).toEqual(['noProcess']);
    agent.saveRecord(traceDir, home, { pid: -agent.pid });
    expect(await tryAll()).toEqual(['noProcess']);
    for (const pid of [process.pid, process.ppid]) {
      agent.saveRecord(traceDir, home, { pid, start_time: readEntry(pid)!.startTime });
      expect(['ourselves', 'ourAncestor']).toContain((await tryAll())[0]);
    }
  });

  it.runIf(process.getuid?.() === 0)('for a process of another user', async () => {
    chmodSync(folder, 0o755);
    programIn(join(folder, 'agent'));
    chmodSync(join(folder, 'agent'), 0o777);
    await witness({ by: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] });
    expect(readEntry(agent.pid)?.uid).toBe(65_534);
    agent.saveRecord(traceDir, home);
    expect(await tryAll()).toEqual(['otherUser']);
  });

  it('for a program that is no agent', async () => {
    await witness({ name: 'postgres' });
    agent.saveRecord(traceDir, home);
    expect(await tryAll()).toEqual(['notAgent']);
  });

  it('for an editor: the pause there is a word to the hook', async () => {
    await witness({ words: ['--type=extensionHost'] });
    agent.saveRecord(traceDir, home);
    const env = { AGENT_STRACE_HOME: home };
    expect(await tryAll()).toEqual(['done: pause', 'done: resume', 'inEditor']);
    expect(isMarkedPaused(agent.sessionId, env)).toBe(false);
    await act('pause', traceDir, agent.sessionId, { graceMs: 1, env });
    expect(isMarkedPaused(agent.sessionId, env)).toBe(true);
    expect(sent).toEqual([]);
  });

  it('by an agent that would pause itself', async () => {
    await witness();
    agent.saveRecord(traceDir, home);
    const self = readEntry(agent.pid)!;
    const signaller = new Signaller((pid, signal) => sent.push([pid, signal]), self.pid);
    const results = await signaller.send([self, readEntry(process.pid)!], 'SIGSTOP');
    expect([...results.values()]).toEqual(['ours', 'ours']);
    expect(sent).toEqual([]);
  });

  it('that has changed between the check and the signal', async () => {
    await witness();
    const now = readEntry(agent.pid)!;
    const signaller = new Signaller((pid, signal) => sent.push([pid, signal]));
    const send = async (id: { pid: number; startTime: string }) =>
      [...(await signaller.send([id], 'SIGKILL')).values()][0];
    expect(await send({ ...now, startTime: `${Number(now.startTime) + 1}` })).toBe('gone');
    expect(await send({ pid: 1, startTime: readEntry(1)!.startTime })).toBe('refused');
    expect(await send({ pid: -1, startTime: now.startTime })).toBe('refused');
    expect(sent).toEqual([]);
    expect(await send(now)).toBe('sent');
  });

  it('is decided at once, for a button', async () => {
    await witness();
    agent.saveRecord(traceDir, home);
    expect(verifyNow(traceDir, agent.sessionId, { AGENT_STRACE_HOME: home })).toMatchObject({
      ok: true,
    });
  });
});
