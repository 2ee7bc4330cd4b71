import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { readSessionRecord } from '../../src/agents/process.ts';
import { applySetup, planSetup } from '../../src/agents/registry.ts';
import type { TraceEvent } from '../../src/model/event.ts';
import { ids } from '../../src/model/ids.ts';
import { buildHook } from '../hookBundle.ts';
import { ClaudeLab } from './claudeLab.ts';
import { type Scenario, text, tool } from './mockAnthropic.ts';

let built: string;
let bundle: string;
let lab: ClaudeLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
afterEach(async () => await lab.close());

/** A lab whose Claude is recorded, as `agent-strace setup --scope project` leaves it. */
async function recordedLab(
  scenario: (folders: { projectDir: string }) => Scenario,
  settings?: object,
): Promise<ClaudeLab> {
  const made = await ClaudeLab.create({
    files: { 'hello.txt': 'hello world\n' },
    scenario,
    ...(settings !== undefined && { settings }),
  });
  // The command names $HOME, which is the lab's for the agent.
  const plan = planSetup('claude', {
    scope: 'project',
    projectDir: made.projectDir,
    agentVersion: '2.1.330 (Claude Code)',
    env: {},
  });
  applySetup(plan, {
    hookBundle: bundle,
    version: '0.0.0',
    nodePath: process.execPath,
    env: { AGENT_STRACE_HOME: stateHome(made) },
  });
  return made;
}

const stateHome = ({ home }: ClaudeLab): string => join(home, '.agent-strace');

function traceOf(session: string): TraceEvent[] {
  return lab
    .read(`.agent-traces/${session}/events.ndjson`)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TraceEvent);
}

const kinds = (events: TraceEvent[]): string[] =>
  events
    .filter(({ data }) => data.recorded_by === 'hook')
    .map(({ event_type, data }) =>
      [event_type, data.event_subtype ?? data.tool_name].join(' ').trim(),
    );

test('a session of the real Claude Code is recorded whole', async () => {
  lab = await recordedLab(({ projectDir }) => ({
    main: [
      [tool('Read', { file_path: `${projectDir}/hello.txt` })],
      [
        tool('Edit', {
          file_path: `${projectDir}/hello.txt`,
          old_string: 'world',
          new_string: 'mars',
        }),
      ],
      [tool('Bash', { command: 'echo boom >&2; exit 3', description: 'Fail' })],
      [
        tool('Agent', {
          description: 'Count files',
          prompt: 'SCENARIO:count please count the files',
          subagent_type: 'general-purpose',
          run_in_background: false,
        }),
      ],
      [text('All done.')],
    ],
    count: [[tool('Bash', { command: 'ls | wc -l', description: 'Count' })], [text('One.')]],
  }));

  const run = await lab.run({ prompt: 'SCENARIO:main please' });

  expect(run.code, run.stderr).toBe(0);
  const session = run.transcripts[0]!.name;
  // The last rows of the transcript come after the agent has gone.
  await vi.waitFor(
    () => expect(traceOf(session).filter((e) => e.event_type === 'llm_response').length).toBe(7),
    10_000,
  );
  const events = traceOf(session);
  expect(kinds(events)).toEqual([
    'session_start',
    'user_prompt',
    'tool_call Read',
    'tool_result Read',
    'tool_call Edit',
    'tool_result Edit',
    'tool_call Bash',
    'error Bash',
    'tool_call Agent',
    'tool_call subagent',
    'tool_call Bash',
    'tool_result Bash',
    'tool_result subagent',
    'tool_result Agent',
    'decision turn_end',
    'assistant_response',
    'session_end',
  ]);
  const failed = events.find(({ event_type }) => event_type === 'error')!;
  expect(failed.data).toMatchObject({ exit_code: 3, error: expect.stringContaining('boom') });
  const edit = events.find(
    ({ event_type, data }) => event_type === 'tool_result' && data.tool_name === 'Edit',
  )!;
  expect(edit.data.files).toMatchObject([
    { path: `${lab.projectDir}/hello.txt`, kind: 'write', added: 1, removed: 1, ranges: [[1, 1]] },
  ]);
  expect(edit.duration_ms).toBeGreaterThanOrEqual(0);

  const record = readSessionRecord(session, { AGENT_STRACE_HOME: stateHome(lab) })!;
  expect(record).toMatchObject({ agent: 'claude', project: lab.projectDir });
  expect(record.pid).toBeGreaterThan(1);
  expect(record.start_time).toMatch(/^\d+$/);
  const state = readFileSync(join(stateHome(lab), 'sessions', `${session}.json`), 'utf8');
  expect(state).not.toContain('sk-ant');
  const meta = JSON.parse(lab.read(`.agent-traces/${session}/meta.json`)) as object;
  expect(meta).toMatchObject({ session_id: session, ended_at: expect.any(Number) });
  expect(() => readFileSync(join(stateHome(lab), 'log/hook.log'))).toThrow('ENOENT');
});

test('calls that were denied, or never valid, are closed', async () => {
  const deny = {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: 'not today',
    },
  };
  const command = `echo '${JSON.stringify(deny)}'`;
  lab = await recordedLab(
    () => ({
      main: [
        [tool('Bash', { command: 'touch x', description: 'Touch' })],
        [tool('Nope', {})],
        [text('Done.')],
      ],
    }),
    { hooks: { PreToolUse: [{ matcher: 'Bash', hooks: [{ type: 'command', command }] }] } },
  );

  const run = await lab.run({ prompt: 'SCENARIO:main please' });

  expect(run.code, run.stderr).toBe(0);
  const session = run.transcripts[0]!.name;
  const ends = traceOf(session).filter(({ event_type }) => event_type === 'error');
  const denied = ends.find(({ data }) => data.event_subtype === 'denied')!;
  expect(denied.data).toMatchObject({
    tool_name: 'Bash',
    denied_by: 'hook',
    closed_by: 'PostToolBatch',
  });
  expect(String(denied.data.error)).toContain('not today');
  expect(denied.parent_id).toBe(ids.call(session, String(denied.data.tool_use_id)));
  const unknown = ends.find(
    ({ data }) => data.tool_name === 'Nope' && data.closed_by !== undefined,
  )!;
  expect(String(unknown.data.error)).toContain('No such tool available');
  expect(() => lab.read('x')).toThrow('ENOENT');
});

test('a session started in a subfolder is recorded where recording was set up', async () => {
  lab = await recordedLab(() => ({
    main: [[tool('Bash', { command: 'env', description: 'Look' })], [text('Done.')]],
  }));
  mkdirSync(join(lab.projectDir, '.git'));
  const sub = join(lab.projectDir, 'packages', 'a');
  mkdirSync(join(sub, '.claude'), { recursive: true });
  // Shared settings are read where the agent is started.
  cpSync(join(lab.projectDir, '.claude'), join(sub, '.claude'), { recursive: true });
  // What the agent says of its project: the folder where it was started.
  lab.write(
    'packages/a/.claude/settings.local.json',
    JSON.stringify({
      hooks: {
        Stop: [{ hooks: [{ type: 'command', command: 'echo "$CLAUDE_PROJECT_DIR" > told.txt' }] }],
      },
    }),
  );
  const run = await lab.run({ prompt: 'SCENARIO:main please', cwd: sub });
  expect(run.code, run.stderr).toBe(0);
  expect(lab.read('packages/a/told.txt').trim()).toBe(sub);
  expect(traceOf(run.transcripts[0]!.name).length).toBeGreaterThan(3);
  expect(existsSync(join(sub, '.agent-traces'))).toBe(false);
});
