import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { copilotTranscripts } from '../../src/agents/copilot/sessionEvents.ts';
import { hookCommand, installLauncher } from '../../src/agents/launcher.ts';
import { readSessionRecord } from '../../src/agents/process.ts';
import { createPricer } from '../../src/analysis/price.ts';
import { act } from '../../src/guard/brake.ts';
import { readTable } from '../../src/guard/processTable.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { SessionFold } from '../../src/model/fold.ts';
import { summarise } from '../../src/model/summary.ts';
import type { Pricer } from '../../src/model/usage.ts';
import { buildHook } from '../hookBundle.ts';
import { CopilotLab } from './copilotLab.ts';
import { type Usage as MockUsage, type Scenario, text, thinking, tool } from './mockAnthropic.ts';

let built: string;
let bundle: string;
let lab: CopilotLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

const OWN_EVENTS = [
  'sessionStart',
  'sessionEnd',
  'userPromptSubmitted',
  'preToolUse',
  'postToolUse',
  'postToolUseFailure',
  'permissionRequest',
  'agentStop',
  'subagentStart',
  'subagentStop',
  'preCompact',
  'notification',
  'errorOccurred',
];
const CLAUDES_EVENTS = [
  'SessionStart',
  'SessionEnd',
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PostToolUseFailure',
  'Stop',
  'SubagentStart',
  'SubagentStop',
  'Notification',
];

const stateHome = ({ home }: CopilotLab): string => join(home, '.agent-strace');

/** Copilot's own hooks, as set-up leaves them. The command names $HOME, which is the lab's for the agent. */
function setUpOwn(env?: Record<string, string>): void {
  const entry = (event: string) => [
    {
      type: 'command',
      bash: hookCommand('copilot', event, {}),
      timeoutSec: 10,
      ...(env && { env }),
    },
  ];
  const hooks = Object.fromEntries(OWN_EVENTS.map((event) => [event, entry(event)]));
  lab.write('.github/hooks/agent-strace.json', JSON.stringify({ version: 1, hooks }));
}

/** Claude's hooks of the project, which Copilot reads, too. */
function setUpClaude(): void {
  const entry = (event: string) => [
    { hooks: [{ type: 'command', command: hookCommand('claude', event, {}), timeout: 10 }] },
  ];
  const hooks = Object.fromEntries(CLAUDES_EVENTS.map((event) => [event, entry(event)]));
  lab.write('.claude/settings.json', JSON.stringify({ hooks }));
}

async function labOf(scenario: (folders: { projectDir: string }) => Scenario): Promise<void> {
  lab = await CopilotLab.create({
    files: { 'hello.txt': 'one\ntwo\nthree\nfour\n' },
    scenario,
  });
}

const install = (): boolean =>
  installLauncher({
    hookBundle: bundle,
    version: '0.0.0',
    nodePath: process.execPath,
    env: { AGENT_STRACE_HOME: stateHome(lab) },
  });

function traceOf(session: string): TraceEvent[] {
  return lab
    .read(`.agent-traces/${session}/events.ndjson`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceEvent);
}

/** The trace, once the last response of the transcript is in it. */
async function wholeTrace(responses: number): Promise<{ id: string; events: TraceEvent[] }> {
  const [session] = lab.sessions();
  const id = session!.id;
  const told = () => traceOf(id).filter(({ event_type }) => event_type === 'llm_response');
  await vi.waitFor(() => expect(told()).toHaveLength(responses), 10_000);
  return { id, events: traceOf(id) };
}

/** In the order of time: hooks of one moment are written in any. */
const kinds = (events: readonly TraceEvent[], by = 'hook'): string[] =>
  events
    .filter(({ data }) => data.recorded_by === by)
    .sort((a, b) => a.timestamp - b.timestamp)
    .map(({ event_type, data }) =>
      [event_type, data.event_subtype ?? data.tool_name].filter(Boolean).join(' '),
    );

/** What a trace comes to. */
function summed(pricer: Pricer, events: readonly TraceEvent[]) {
  const fold = new SessionFold({ pricer });
  events.forEach((event, at) => {
    fold.add(structuredClone(event), at * 100, 100);
  });
  const prompts = new Set(
    events.filter(({ event_type }) => event_type === 'user_prompt').map(({ event_id }) => event_id),
  );
  const { nanoUsd, priced, unpriced, usage } = summarise(fold, { nowMs: Date.now() }).cost;
  return {
    tools: fold.toolUse
      .summaries()
      .map(({ tool, calls, errors }) => `${tool} ${calls} ${errors}`)
      .sort(),
    prompts: prompts.size,
    cost: { nanoUsd, priced, unpriced, usage },
  };
}

/** The tokens of the model's answers, in OpenTelemetry's terms. */
function sumOf(answers: readonly MockUsage[]) {
  let [input, read, write, output] = [0, 0, 0, 0];
  for (const usage of answers) {
    const written = usage.cache_creation.ephemeral_5m_input_tokens;
    input += usage.input_tokens + usage.cache_read_input_tokens + written;
    read += usage.cache_read_input_tokens;
    write += written;
    output += usage.output_tokens;
  }
  return {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_write_input_tokens: write,
    output_tokens: output,
  };
}

const small = ({ projectDir }: { projectDir: string }): Scenario => ({
  main: [
    [tool('view', { path: `${projectDir}/hello.txt` })],
    [tool('bash', { command: 'touch ran', description: 'Touch' })],
    [text('Done.')],
  ],
});

const SMALL = [
  'session_start',
  'user_prompt',
  'tool_call view',
  'tool_result view',
  'tool_call bash',
  'tool_result bash',
  'decision turn_end',
  'session_end',
];

const withoutPermissions = (all: string[]): string[] =>
  all.filter((kind) => kind !== 'decision permission');

describe('a session of the real Copilot CLI', () => {
  test('is recorded whole', async () => {
    await labOf(({ projectDir }) => ({
      main: [
        [
          thinking('Hm.'),
          text('Reading.'),
          tool('view', { path: `${projectDir}/hello.txt`, view_range: [2, 3] }),
        ],
        [tool('edit', { path: `${projectDir}/hello.txt`, old_str: 'two\nthree', new_str: 'TWO' })],
        [tool('bash', { command: 'echo fine', description: 'Fine' })],
        [tool('bash', { command: 'echo boom >&2; exit 3', description: 'Fail' })],
        [text('All done.')],
      ],
    }));
    install();
    setUpOwn();

    const run = await lab.run('SCENARIO:main please');

    expect(run.code, run.stderr).toBe(0);
    expect(lab.read('hello.txt')).toBe('one\nTWO\nfour\n');
    const { id, events } = await wholeTrace(5);
    expect(withoutPermissions(kinds(events))).toEqual([
      'session_start',
      'user_prompt',
      'tool_call view',
      'tool_result view',
      'tool_call edit',
      'tool_result edit',
      'tool_call bash',
      'tool_result bash',
      'tool_call bash',
      'tool_result bash',
      'decision turn_end',
      'session_end',
    ]);
    const prompt = events.find(({ event_type }) => event_type === 'user_prompt')!;
    expect(prompt.data).toMatchObject({ prompt: 'SCENARIO:main please', provider: 'copilot' });
    const results = events.filter(
      ({ event_type, data }) => event_type === 'tool_result' && data.recorded_by === 'transcript',
    );
    expect(results.map(({ data }) => [data.tool_name, data.exit_code, data.files])).toEqual([
      ['view', undefined, [expect.objectContaining({ kind: 'read', ranges: [[2, 3]] })]],
      [
        'edit',
        undefined,
        [expect.objectContaining({ hunks: [[2, 2, 2, 1]], added: 1, removed: 2 })],
      ],
      ['bash', 0, undefined],
      ['bash', 3, undefined],
    ]);
    // Every call of the transcript is one that a hook has told.
    const keys = (by: string) =>
      events
        .filter(({ event_type, data }) => event_type === 'tool_call' && data.recorded_by === by)
        .map(({ data }) => data.call_key);
    expect(keys('transcript')).toEqual(keys('hook'));

    const sums = summed(await createPricer(), events);
    expect(sums).toMatchObject({
      // Name, calls, errors.
      tools: ['bash 2 1', 'edit 1 0', 'view 1 0'],
      prompts: 1,
      cost: { priced: 5, unpriced: 0, usage: sumOf(lab.mock.answers.map(({ usage }) => usage)) },
    });
    expect(sums.cost.nanoUsd).toBeGreaterThan(0);
    // Imported afterwards, nothing of it is there twice.
    const [found] = [...copilotTranscripts.find({ home: lab.home, env: {} })];
    expect(found).toMatchObject({ sessionId: id, cwd: lab.projectDir });
    const mapper = copilotTranscripts.mapper({
      sessionId: id,
      file: { path: found!.path, agentId: '' },
      live: false,
    });
    const imported = lab.sessions()[0]!.rows.flatMap((row) => mapper.push(row));
    expect(summed(await createPricer(), [...events, ...imported, ...mapper.finish()])).toEqual(
      sums,
    );

    const record = readSessionRecord(id, { AGENT_STRACE_HOME: stateHome(lab) })!;
    expect(record).toMatchObject({ agent: 'copilot', project: lab.projectDir, exe: 'node' });
    expect(record.pid).toBeGreaterThan(1);
    const meta = JSON.parse(lab.read(`.agent-traces/${id}/meta.json`)) as object;
    expect(meta).toMatchObject({ agent_name: 'github-copilot', ended_at: expect.any(Number) });
    expect(() => readFileSync(join(stateHome(lab), 'log/hook.log'))).toThrow('ENOENT');
  });

  test('has its subagents in it, and theirs', async () => {
    const task = (name: string) =>
      tool('task', {
        agent_type: 'general-purpose',
        description: name,
        prompt: `SCENARIO:${name} please`,
        name,
        mode: 'sync',
      });
    await labOf(() => ({
      main: [[task('outer')], [text('Done.')]],
      outer: [[task('inner')], [text('Outer.')]],
      inner: [[tool('bash', { command: 'echo deep', description: 'Deep' })], [text('Inner.')]],
    }));
    install();
    setUpOwn();

    const run = await lab.run('SCENARIO:main please');

    expect(run.code, run.stderr).toBe(0);
    const { id, events } = await wholeTrace(6);
    expect(withoutPermissions(kinds(events))).toEqual([
      'session_start',
      'user_prompt',
      'tool_call task',
      'tool_call subagent',
      'tool_call task',
      'tool_call subagent',
      'tool_call bash',
      'tool_result bash',
      'tool_result subagent',
      'tool_result task',
      'tool_result subagent',
      'tool_result task',
      'decision turn_end',
      'session_end',
    ]);
    // Their hooks bear ids of their own.
    const traces = readdirSync(join(lab.projectDir, '.agent-traces'), { withFileTypes: true });
    const sessions = traces.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    expect(sessions.map(({ name }) => name)).toEqual([id]);
  });

  test('is frozen with what it runs by a pause, and goes on', async () => {
    const command = 'for i in $(seq 100); do printf x >> ticks; sleep 0.03; done';
    await labOf(() => ({
      main: [[tool('bash', { command, description: 'Tick' })], [text('All done.')]],
    }));
    install();
    setUpOwn();
    const run = lab.run('SCENARIO:main please');
    const ticks = () =>
      statSync(join(lab.projectDir, 'ticks'), { throwIfNoEntry: false })?.size ?? 0;
    await vi.waitFor(() => expect(ticks()).toBeGreaterThan(5), 30_000);
    const traces = join(lab.projectDir, '.agent-traces');
    const session = readdirSync(traces).find((name) => !name.startsWith('.'))!;
    const env = { AGENT_STRACE_HOME: stateHome(lab) };
    const brake = async (action: 'pause' | 'resume') =>
      await act(action, traces, session, { graceMs: 5000, env });

    expect(await brake('pause')).toMatchObject({ ok: true, state: 'paused' });

    const before = ticks();
    const { pid } = readSessionRecord(session, env)!;
    expect((await readTable()).get(pid!)?.state).toBe('T');
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(ticks()).toBe(before);
    expect(await brake('resume')).toMatchObject({ ok: true });
    const { code, stderr } = await run;
    expect(code, stderr).toBe(0);
    expect(ticks()).toBe(100);
  });

  test('is recorded once where Claude is set up, too', async () => {
    await labOf(small);
    install();
    setUpOwn();
    setUpClaude();

    const run = await lab.run('SCENARIO:main please');

    expect(run.code, run.stderr).toBe(0);
    const { events } = await wholeTrace(3);
    expect(withoutPermissions(kinds(events))).toEqual(SMALL);
    expect(new Set(events.map(({ data }) => data.provider))).toEqual(new Set(['copilot']));
  });

  test('is recorded as its own where only Claude is set up', async () => {
    await labOf(small);
    install();
    setUpClaude();

    const run = await lab.run('SCENARIO:main please');

    expect(run.code, run.stderr).toBe(0);
    const { id, events } = await wholeTrace(3);
    expect(withoutPermissions(kinds(events))).toEqual(SMALL);
    expect(events.find(({ event_type }) => event_type === 'session_start')!.data).toMatchObject({
      provider: 'copilot',
      agent_version: '1.0.102',
    });
    const record = readSessionRecord(id, { AGENT_STRACE_HOME: stateHome(lab) })!;
    expect(record.agent).toBe('copilot');
  });
});

describe('a recorder that is not well', () => {
  test('is not there: the tools run', async () => {
    await labOf(small);
    setUpOwn();

    const run = await lab.run('SCENARIO:main please');

    expect(run.code, run.stderr).toBe(0);
    expect(lab.read('ran')).toBe('');
  });

  test.each(['--require /nowhere/at/all.js', '--no-such-option'])(
    'inherits NODE_OPTIONS=%s: the tools run, and are recorded',
    async (options) => {
      await labOf(small);
      install();
      setUpOwn({ NODE_OPTIONS: options });

      const run = await lab.run('SCENARIO:main please');

      expect(run.code, run.stderr).toBe(0);
      expect(lab.read('ran')).toBe('');
      const { events } = await wholeTrace(3);
      expect(withoutPermissions(kinds(events))).toEqual(SMALL);
    },
  );
});
