import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { buildHook } from '../../test/hookBundle.ts';
import { removeFolder } from '../../test/removeFolder.ts';
import { hookCommand, installLauncher } from '../agents/launcher.ts';
import { readSessionRecord } from '../agents/process.ts';
import type { JsonObject } from '../model/event.ts';
import { chooseMask } from '../trace/choices.ts';

/** The hook as it is shipped, through its launcher. */
let built: string;
let bundle: string;
let root: string;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => fs.rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'mask-')));
  // A home as some have it.
  fs.mkdirSync(join(root, 'shop', MAIL), { recursive: true });
  installLauncher({ hookBundle: bundle, version: '1', nodePath: process.execPath, env: state() });
});
afterEach(() => removeFolder(root));

const SESSION = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';
const MAIL = 'jane.doe@acme-corp.com';
const PHONE = '+49 171 1234567';
const ADDRESS = '203.0.113.77';
const state = () => ({ AGENT_STRACE_HOME: join(root, 'state') });

function fire(event: string, more: JsonObject, env: Record<string, string>): void {
  const run = spawnSync('/bin/sh', ['-c', hookCommand('claude', event, state())], {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: root,
      CLAUDE_PROJECT_DIR: join(root, 'shop'),
      ...state(),
      ...env,
    },
    input: JSON.stringify({
      session_id: SESSION,
      hook_event_name: event,
      cwd: join(root, 'shop', MAIL),
      ...more,
    }),
    encoding: 'utf8',
  });
  expect({ stdout: run.stdout, stderr: run.stderr, status: run.status }).toEqual({
    stdout: '',
    stderr: '',
    status: 0,
  });
}

const row = (id: string): string =>
  `${JSON.stringify({
    type: 'assistant',
    uuid: `u${id}`,
    sessionId: SESSION,
    timestamp: '2026-11-23T10:00:00.000Z',
    requestId: `req_${id}`,
    message: {
      id: `msg_${id}`,
      model: 'claude-opus-5-5',
      role: 'assistant',
      content: [{ type: 'text', text: `Wrote to ${MAIL}, ${PHONE}` }],
      usage: { input_tokens: 1, output_tokens: 2 },
    },
  })}\n`;

/** A session that meets personal data wherever it can. @returns its transcript */
function session(env: Record<string, string> = {}): string {
  const projects = join(root, '.claude/projects/-shop');
  fs.mkdirSync(projects, { recursive: true });
  const transcript = join(projects, `${SESSION}.jsonl`);
  fs.writeFileSync(transcript, row('1'), { mode: 0o600 });
  fire('SessionStart', { source: 'startup' }, env);
  fire('UserPromptSubmit', { prompt: `Write to ${MAIL} or call ${PHONE}` }, env);
  const read = { tool_name: 'Read', tool_use_id: 'toolu_1' };
  const file_path = join(root, 'shop', MAIL, 'a.txt');
  fire('PreToolUse', { ...read, tool_input: { file_path } }, env);
  fire(
    'PostToolUse',
    {
      ...read,
      tool_input: { file_path },
      tool_response: {
        type: 'text',
        file: {
          filePath: file_path,
          content: `${MAIL};${ADDRESS}`,
          numLines: 1,
          startLine: 1,
          totalLines: 1,
        },
      },
    },
    env,
  );
  fire('SomethingNew', { nested: [{ [MAIL]: { phone: '5551234567' } }] }, env);
  fire('Stop', { transcript_path: transcript }, env);
  return transcript;
}

const inTrace = (): string => {
  const folder = join(root, 'shop/.agent-traces', SESSION);
  const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  return names.map((name) => fs.readFileSync(join(folder, name), 'utf8')).join('\n');
};
const log = (): string => {
  const path = join(root, 'state/log/hook.log');
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : '';
};
const PERSONAL = [MAIL, PHONE, ADDRESS, '5551234567'];

it('without it, all of that is in the trace', { timeout: 30_000 }, () => {
  session();
  for (const each of PERSONAL) expect(inTrace()).toContain(each);
});

it.each([
  ['the environment', true],
  ['the choice for all sessions', false],
])('asked by %s, none of it is in any file of the trace', { timeout: 30_000 }, (_who, byEnv) => {
  if (!byEnv) chooseMask(true, state());
  session(byEnv ? { AGENT_STRACE_MASK: '1', AGENT_TRACE_NO_REDACT: '1' } : {});
  const text = inTrace();
  for (const each of PERSONAL) expect(text).not.toContain(each);
  expect(text).toContain('"prompt":"Write to [REDACTED:email] or call [REDACTED:phone]"');
  expect(text).toContain('Wrote to [REDACTED:email], [REDACTED:phone]');
  expect(text).toMatch(/"redacted":\{"email":1,"phone":1\}/);
  expect(
    text.split('\n').filter((line) => line.startsWith('{"event_type"')).length,
  ).toBeGreaterThan(6);
  // Others write to the trace of a session, too.
  expect(readSessionRecord(SESSION, state())?.mask).toBe(byEnv ? true : undefined);
  expect(log()).toBe('');
});

it('asked by the environment, rows that come after the agent has stopped are masked, too', {
  timeout: 30_000,
}, async () => {
  const transcript = session({ AGENT_STRACE_MASK: '1' });
  fs.appendFileSync(transcript, row('late'));
  await expect.poll(inTrace, { timeout: 10_000 }).toContain('msg_late');
  for (const each of PERSONAL) expect(inTrace()).not.toContain(each);
});

it('the environment can say no to what was chosen', { timeout: 30_000 }, () => {
  chooseMask(true, state());
  session({ AGENT_STRACE_MASK: '0' });
  expect(inTrace()).toContain(MAIL);
});

it('where what masks is gone nothing is written, and the log says so', { timeout: 30_000 }, () => {
  fs.rmSync(join(root, 'state/lib/personal.js'));
  session({ AGENT_STRACE_MASK: '1' });
  for (const each of PERSONAL) expect(inTrace()).not.toContain(each);
  expect(log()).toContain('hook failed MODULE_NOT_FOUND');
});
