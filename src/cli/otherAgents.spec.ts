/** What commands say of sessions of agents other than Claude Code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import type { JsonObject } from '../model/event.ts';

let traceDir: string;
beforeEach(() => {
  traceDir = temporaryFolder();
});

function record(session_id: string, provider: string, rows: [string, JsonObject][]): void {
  const events = rows.map(([event_type, data], at) => ({
    event_type,
    timestamp: 1_795_000_000 + at,
    event_id: `${session_id}-${at}`,
    session_id,
    data: { provider, cwd: '/shop', ...data },
  }));
  mkdirSync(join(traceDir, session_id));
  const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  writeFileSync(join(traceDir, session_id, 'events.ndjson'), text);
}

const run = async (...args: string[]): Promise<string> =>
  (await cli([...args, '--trace-dir', traceDir])).out;

it('a patch is named by its files', async () => {
  const patch = (...files: string[]): JsonObject => ({
    command: `*** Begin Patch\n${files.map((each) => `*** Update File: ${each}\n@@\n-a\n+b\n`).join('')}*** End Patch`,
  });
  record('codex-1', 'codex', [
    ['user_prompt', { prompt: 'Fix it' }],
    ['tool_call', { tool_name: 'apply_patch', tool_use_id: '1', arguments: patch('src/a.py') }],
    [
      'tool_call',
      { tool_name: 'apply_patch', tool_use_id: '2', arguments: patch('/shop/b.py', 'c.py') },
    ],
  ]);
  const out = await run('replay');
  expect(out).toMatch(/apply_patch src\/a\.py\s/);
  expect(out).toMatch(/apply_patch b\.py and 1 more\s/);
});

it('the bold heading of a thought is shown without its signs', async () => {
  const text = '**Inspecting** the *build* a ** b';
  record('gemini-1', 'gemini', [
    ['user_prompt', { prompt: 'Look' }],
    ['assistant_response', { event_subtype: 'reasoning', text }],
  ]);
  expect(await run('replay')).toContain('∴ Inspecting the *build* a ** b');
});

it('an error of Gemini’s is told by what was printed', async () => {
  const result =
    '<untrusted_context>\nOutput: ls: no such file\nExit Code: 2\n</untrusted_context>';
  const tool = { tool_name: 'run_shell_command', tool_use_id: '1' };
  record('gemini-1', 'gemini', [
    ['user_prompt', { prompt: 'Look' }],
    ['tool_call', { ...tool, arguments: { command: 'ls /x' } }],
    ['tool_result', { ...tool, result, exit_code: 2 }],
  ]);
  expect(await run('replay')).toContain('└ Output: ls: no such file');
});

it('an agent is called as set-up calls it', async () => {
  for (const provider of ['copilot', 'vscode']) {
    record(`${provider}-1`, provider, [['user_prompt', { prompt: 'Look' }]]);
  }
  const out = await run('list');
  expect(out).toContain('Copilot CLI');
  expect(out).toContain('VS Code agent');
});
