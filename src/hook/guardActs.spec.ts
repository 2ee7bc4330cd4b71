import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../test/eventually.ts';
import { FakeAgent } from '../../test/fakeAgent.ts';
import { GuardLab } from '../../test/guardLab.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { hookCommand } from '../agents/launcher.ts';
import { recordPath } from '../agents/setup/setUpFile.ts';
import { act } from '../guard/brake.ts';
import { readTrip, readTrips } from '../guard/trips.ts';
import { readVerdicts } from '../guard/verdicts.ts';
import type { JsonObject } from '../model/event.ts';

/** What the guard does to agents after their hooks: on a harmless tree of processes that looks like one. */
let built: string;
let bundle: string;
let lab: GuardLab;
let agent: FakeAgent;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(async () => {
  lab = new GuardLab(bundle);
  agent = new FakeAgent({ folder: join(lab.root, 'agent'), sessionId: 's-1' });
  agent.saveRecord(join(lab.project, '.agent-traces'), lab.state, { project: lab.project });
  await vi.waitUntil(() => agent.work('stray') > 0 && agent.work('child') > 0, 10_000);
});
afterEach(async () => {
  await agent.close();
  lab.close();
});

const call = (event: string, more: JsonObject = {}) =>
  lab.payload(event, {
    tool_name: 'Bash',
    tool_use_id: 'toolu_1',
    tool_input: { command: 'touch forbidden' },
    ...more,
  });
const fire = (event: string, more: JsonObject = {}) =>
  lab.fire('claude', event, call(event, more), { env: { CLAUDE_PID: `${agent.pid}` } });
const forbid = (action: string) =>
  lab.rules({ name: 'no-touch', condition: 'command matches "touch"', action });

const states = async () => (await agent.processes()).map(({ state }) => state);
const trip = () => readTrips(lab.env)[0];

describe.runIf(process.platform === 'linux')('after a hook', () => {
  it('the agent and all it runs are frozen, and a person can let it go on', async () => {
    forbid('pause');
    expect(fire('PreToolUse').stdout).toContain('the session is paused');
    await vi.waitUntil(async () => (await states()).every((state) => state === 'T'), 20_000);
    await vi.waitUntil(() => trip()?.processes !== undefined, 10_000);
    expect(trip()).toMatchObject({ action: 'pause', state: 'open', line: 'prevent' });
    expect(trip()!.processes!.filter(({ state }) => state === 'frozen').length).toBe(
      (await agent.processes()).length,
    );
    const resumed = await act('resume', join(lab.project, '.agent-traces'), 's-1', {
      env: lab.env,
      graceMs: 1000,
    });
    expect(resumed).toMatchObject({ ok: true, state: 'running' });
    expect(agent.state).not.toBe('T');
  }, 60_000);

  it('it is not frozen while another of its hooks runs', async () => {
    forbid('pause');
    // The agent's own shell with the command of its settings, as long as a person is asked.
    const command = `printf x > "$FOLDER/asks"; exec /bin/sh "${lab.state}/bin/agent-strace-hook" --agent claude PreToolUse --timeout 300`;
    await agent.close();
    agent = new FakeAgent({
      folder: join(lab.root, 'agent'),
      sessionId: 's-1',
      script: `( sleep 3 | HOME="$1" AGENT_STRACE_HOME="$2" /bin/sh -c '${command}'; printf x > "$FOLDER/answered" ) & trap 'exit 0' TERM; while :; do printf x >> "$FOLDER/agent"; sleep 0.02; done`,
      words: [lab.home, lab.state],
    });
    agent.saveRecord(join(lab.project, '.agent-traces'), lab.state, { project: lab.project });
    const asks = join(lab.root, 'agent/asks');
    await vi.waitUntil(() => existsSync(asks), 10_000);
    fire('PreToolUse');
    await vi.waitUntil(() => agent.state === 'T', 20_000);
    // It reads its payload for three seconds from its start.
    expect(existsSync(join(lab.root, 'agent/answered'))).toBe(true);
  }, 60_000);

  it.each(['kill', 'stop'])(
    'it is ended: %s',
    async (action) => {
      forbid(action);
      // Whether a word of its subagents' hooks ends all of it is not known: its process is asked.
      const more = action === 'stop' ? { agent_id: 'a1' } : {};
      expect(fire('PreToolUse', more).stdout).toContain('the session ends here');
      await vi.waitUntil(async () => (await agent.processes()).length === 0, 30_000);
      await vi.waitUntil(() => trip()?.state !== 'open', 10_000);
      expect(trip()).toMatchObject({ action, state: action === 'kill' ? 'killed' : 'stopped' });
      expect(trip()!.processes!.every(({ state }) => state === 'gone')).toBe(true);
      await vi.waitUntil(() => trip()?.postmortem !== undefined, 10_000);
      expect(readFileSync(trip()!.postmortem!, 'utf8')).toContain('no-touch');
    },
    60_000,
  );

  it('a call that was denied and ran all the same is an alarm, and the agent is frozen', async () => {
    forbid('deny');
    expect(fire('PreToolUse').stdout).toContain('"deny"');
    const response = { stdout: '', stderr: '', interrupted: false };
    expect(fire('PostToolUse', { tool_response: response })).toEqual({
      stdout: '',
      stderr: '',
      status: 0,
    });
    await vi.waitUntil(async () => (await states()).every((state) => state === 'T'), 20_000);
    expect(readTrips(lab.env).find(({ line }) => line === 'verify')).toMatchObject({
      rule: { name: 'no-touch', text: 'command matches "touch"', scope: 'user' },
      detail: 'Bash was denied and ran all the same: exit code 0',
      call: { tool: 'Bash', target: 'touch forbidden' },
    });
    const told = (outcome: string) => expect.objectContaining({ action: 'pause', outcome });
    // The helper writes it down once all is frozen.
    await eventually(() => {
      expect(lab.told()).toEqual(expect.arrayContaining([told('ran'), told('paused')]));
    });
  }, 60_000);

  it('a session that its own hook’s word ended is stopped when it has ended', () => {
    forbid('stop');
    expect(fire('PreToolUse').stdout).toContain('"continue":false');
    expect(trip()).toMatchObject({ action: 'stop', state: 'open' });
    fire('SessionEnd', { reason: 'other' });
    expect(trip()).toMatchObject({ action: 'stop', state: 'stopped' });
  }, 60_000);

  it('nobody’s word that a session has ended takes a pause away while its agent runs', () => {
    const mark = join(lab.state, 'pause/s-1');
    mkdirSync(join(mark, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(mark, '');
    forbid('pause');
    const trips = join(lab.state, 'guard/trips');
    mkdirSync(trips, { recursive: true, mode: 0o700 });
    const id = 'aaaaaaaaaaaa';
    const open = {
      ...{ version: 1, id, session: 's-1', agent: 'claude', traceDir: lab.project, at: 1 },
      ...{ project: lab.project, rule: { name: 'r', text: 'r', scope: 'user' }, detail: 'd' },
      ...{ action: 'pause', line: 'prevent', state: 'open' },
    };
    writeFileSync(join(trips, `${id}.json`), JSON.stringify(open));
    fire('SessionEnd', { reason: 'other' });
    expect(existsSync(mark)).toBe(true);
    expect(readTrip(id, lab.env)?.state).toBe('open');
  }, 60_000);

  it('does nothing that no hook wrote down', async () => {
    forbid('deny');
    fire('PreToolUse');
    const { id } = trip()!;
    const traceDir = join(lab.project, '.agent-traces');
    const task = { action: 'kill', session: 's-1', traceDir, trip: id };
    const args = [join(lab.lib, 'hook.js'), '--act', JSON.stringify(task)];
    execFileSync(process.execPath, args, { env: { PATH: '/usr/bin:/bin', ...lab.env } });
    expect(trip()).toMatchObject({ state: 'open', action: 'deny' });
    expect((await agent.processes()).length).toBeGreaterThan(1);
    // One of ours is done once.
    forbid('pause');
    fire('PreToolUse', { tool_use_id: 'toolu_2' });
    await vi.waitUntil(async () => (await states()).every((state) => state === 'T'), 20_000);
    expect(readdirSync(join(lab.state, 'guard/acts'))).toEqual([]);
  }, 60_000);

  it('a call that is asked for again by the same id, and may run then, is no alarm', () => {
    forbid('deny');
    expect(fire('PreToolUse').stdout).toContain('"deny"');
    // As if a limit had been raised.
    lab.rules({ name: 'other', condition: 'tool matches "x"', action: 'deny' });
    expect(fire('PreToolUse').stdout).toBe('');
    fire('PostToolUse', { tool_response: { stdout: '', stderr: '', interrupted: false } });
    expect(readTrips(lab.env).filter(({ line }) => line === 'verify')).toEqual([]);
    expect(readVerdicts('s-1', lab.env).verdicts.map(({ said }) => said)).toEqual([
      'deny',
      'allow',
    ]);
  }, 60_000);

  it('an agent that is told no and goes on all the same is frozen, by its own hooks', async () => {
    forbid('deny');
    await agent.close();
    const response = { stdout: '', stderr: '', interrupted: false };
    agent = new FakeAgent({
      folder: join(lab.root, 'agent'),
      sessionId: 's-1',
      script: `export HOME="$1" AGENT_STRACE_HOME="$2" CLAUDE_PROJECT_DIR="$3" CLAUDE_PID=$$
until [ -e "$FOLDER/go" ]; do sleep 0.02; done
printf %s "$5" | /bin/sh -c "$4" > "$FOLDER/told"
touch "$FOLDER/forbidden"
printf %s "$7" | /bin/sh -c "$6"
while :; do printf x >> "$FOLDER/agent"; sleep 0.02; done`,
      words: [
        lab.home,
        lab.state,
        lab.project,
        hookCommand('claude', 'PreToolUse', lab.env),
        JSON.stringify(call('PreToolUse')),
        hookCommand('claude', 'PostToolUse', lab.env),
        JSON.stringify(call('PostToolUse', { tool_response: response })),
      ],
    });
    agent.saveRecord(join(lab.project, '.agent-traces'), lab.state, { project: lab.project });
    writeFileSync(join(lab.root, 'agent/go'), '');
    await vi.waitUntil(() => agent.state === 'T', 20_000);
    expect(readFileSync(join(lab.root, 'agent/told'), 'utf8')).toContain('"deny"');
    expect(existsSync(join(lab.root, 'agent/forbidden'))).toBe(true);
    const alarm = () => readTrips(lab.env).find(({ line }) => line === 'verify');
    await vi.waitUntil(() => alarm()?.processes !== undefined, 10_000);
    expect(alarm()).toMatchObject({
      action: 'pause',
      detail: expect.stringContaining('was denied and ran all the same'),
    });
  }, 60_000);

  it('nothing is an alarm that does not show that the call ran', async () => {
    forbid('deny');
    fire('PreToolUse');
    fire('PostToolUseFailure', { error: 'Permission to use Bash has been denied.' });
    fire('PostToolBatch', {
      tool_calls: [{ tool_use_id: 'toolu_1', tool_name: 'Bash', tool_response: 'denied' }],
    });
    // … and another call that may run, does.
    const other = { tool_use_id: 'toolu_2', tool_input: { command: 'ls' } };
    expect(fire('PreToolUse', other).stdout).toBe('');
    fire('PostToolUse', { ...other, tool_response: { stdout: 'a', stderr: '' } });
    expect(readTrips(lab.env).filter(({ line }) => line === 'verify')).toEqual([]);
    expect(agent.state).not.toBe('T');
  }, 60_000);

  it('nobody is touched for a session that is another agent’s', async () => {
    forbid('kill');
    agent.saveRecord(join(lab.project, '.agent-traces'), lab.state, {
      project: lab.project,
      start_time: '1',
    });
    lab.fire('claude', 'PreToolUse', call('PreToolUse'));
    await vi.waitUntil(() => trip()?.state !== 'open', 20_000);
    expect(trip()!.processes).toBeUndefined();
    const done = agent.work('agent');
    await vi.waitUntil(() => agent.work('agent') > done, 10_000);
  }, 60_000);
});

describe('calls without an id', () => {
  const gemini = (event: string, more: JsonObject = {}) =>
    lab.fire('gemini', event, {
      session_id: 'g-1',
      cwd: lab.project,
      hook_event_name: event,
      tool_name: 'run_shell_command',
      tool_input: { command: 'touch forbidden' },
      ...more,
    });
  const end = (text: string) =>
    gemini('AfterTool', { tool_response: { llmContent: text, returnDisplay: text } });
  const alarms = () => readTrips(lab.env).filter(({ line }) => line === 'verify');

  it('are told apart by their order', () => {
    writeFileSync(join(lab.state, 'rules.json'), '{"rules":[]}', { mode: 0o600 });
    // Two may run, and one of them ends before the third is denied.
    for (let at = 0; at < 2; at++) expect(gemini('BeforeTool').stdout).toBe('');
    end('Output: (empty)\nExit Code: 0');
    forbid('deny');
    expect(gemini('BeforeTool').stdout).toContain('"deny"');
    end('Output: (empty)\nExit Code: 0');
    expect(alarms()).toEqual([]);
    // Gemini tells nothing of a call that it did not run: one end more is one that ran, whatever it says.
    end('Denied by agent-strace, rule “no-touch” …');
    expect(alarms().length).toBe(1);
  });

  it('count where they may run after one of them was denied', () => {
    forbid('deny');
    gemini('BeforeTool');
    writeFileSync(join(lab.state, 'rules.json'), '{"rules":[]}', { mode: 0o600 });
    lab.repoRules({ name: 'other', condition: 'tool matches "x"', action: 'deny' });
    expect(gemini('BeforeTool').stdout).toBe('');
    expect(readVerdicts('g-1', lab.env).verdicts.map(({ said }) => said)).toEqual([
      'deny',
      'allow',
    ]);
    end('Output: (empty)\nExit Code: 0');
    expect(alarms()).toEqual([]);
  });
});

describe('a prompt', () => {
  const spent = (action: string) =>
    lab.rules({ name: 'few-calls', condition: 'tool_calls >= 2', action });
  const prompt = (agentId: string, event: string, more: JsonObject = {}) =>
    lab.fire(agentId, event, { ...lab.payload(event), prompt: 'go on', ...more });
  const work = () => {
    for (const id of ['a', 'b']) fire('PreToolUse', { tool_use_id: id });
  };

  it('is denied where a budget is spent that ends the session', () => {
    work();
    spent('stop');
    const reason = expect.stringMatching(/^Denied by agent-strace, rule “few-calls”/);
    expect(JSON.parse(prompt('claude', 'UserPromptSubmit').stdout)).toEqual({
      decision: 'block',
      reason,
    });
    expect(JSON.parse(prompt('codex', 'UserPromptSubmit').stdout)).toEqual({
      decision: 'block',
      reason,
    });
    expect(JSON.parse(prompt('gemini', 'BeforeAgent').stdout)).toEqual({
      decision: 'deny',
      reason,
    });
    const { stdout } = lab.fire('copilot', 'userPromptSubmitted', {
      ...{ sessionId: 's-1', timestamp: Date.now(), cwd: lab.project, prompt: 'go on' },
    });
    expect(JSON.parse(stdout)).toEqual({ decision: 'block', reason });
    expect(lab.told().at(-1)).toMatchObject({ rule: 'few-calls', outcome: 'prompt' });
  });

  it('goes through where rules only deny calls, or only tell', () => {
    work();
    spent('deny');
    expect(prompt('claude', 'UserPromptSubmit').stdout).toBe('');
    spent('alert');
    expect(prompt('claude', 'UserPromptSubmit').stdout).toBe('');
  });
});

describe('the settings of Claude Code', () => {
  const settings = () => join(lab.project, '.claude.json');
  const change = (text: object) => {
    writeFileSync(settings(), JSON.stringify(text));
    return lab.fire(
      'claude',
      'ConfigChange',
      lab.payload('ConfigChange', { source: 'project_settings', file_path: settings() }),
    ).stdout;
  };

  it('do not switch the guard off while it is on', () => {
    expect(change({ disableAllHooks: true })).toBe('');
    forbid('deny');
    expect(JSON.parse(change({ disableAllHooks: true }))).toEqual({
      decision: 'block',
      reason: expect.stringContaining('disableAllHooks'),
    });
    expect(change({ model: 'opus' })).toBe('');
    expect(readTrips(lab.env)).toMatchObject([{ rule: { name: 'settings' }, action: 'deny' }]);
  });

  it('keep our hook where set-up put it, until set-up takes it out', () => {
    forbid('deny');
    const ours = hookCommand('claude', 'PreToolUse', lab.env, { timeoutS: 300, closed: false });
    const hooks = (command: string, matcher = '*') => ({
      hooks: { PreToolUse: [{ matcher, hooks: [{ type: 'command', command }] }] },
    });
    // Whoever never set anything up may write what they like.
    expect(change(hooks('true'))).toBe('');
    const record = recordPath('claude', settings(), lab.env);
    mkdirSync(join(record, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(record, '{}', { mode: 0o600 });
    expect(change(hooks(ours))).toBe('');
    for (const text of [{}, hooks('true'), hooks(ours, 'Read'), hooks(`: ${ours}`)]) {
      expect(JSON.parse(change(text))).toMatchObject({ decision: 'block' });
    }
    rmSync(record);
    expect(change({})).toBe('');
  });
});
