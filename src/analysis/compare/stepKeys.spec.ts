import { expect, test } from 'vitest';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { toolKind } from '../../model/tools.ts';
import { commandMeaning, normaliseCommand } from './commandWords.ts';
import { keysOf, relative } from './stepKeys.ts';

const call = (tool_name: string, args: JsonObject): TraceEvent => ({
  event_type: 'tool_call',
  timestamp: 0,
  event_id: '1',
  session_id: 's',
  data: { tool_name, arguments: args },
});

const keys = (tool: string, args: JsonObject, cwd = '/home/a'): [exact: number, target: number] =>
  keysOf(call(tool, args), toolKind(tool), cwd);

const HERE = '/home/a';
const THERE = '/work/b';

test.each<[string, string, JsonObject, string, JsonObject]>([
  ['a read', 'Read', { file_path: '/home/a/x.py' }, 'exec_command', { cmd: "sed -n '1,80p' x.py" }],
  [
    'a read',
    'Read',
    { file_path: '/home/a/x.py' },
    'shell',
    { command: ['bash', '-lc', 'cat x.py | head -20'] },
  ],
  ['a search', 'Grep', { pattern: 'RateLimit' }, 'exec_command', { cmd: 'rg -n "RateLimit"' }],
  [
    'a search',
    'Grep',
    { pattern: 'x', path: '/home/a/src' },
    'Bash',
    { command: 'grep -rn x /work/b/src 2>/dev/null' },
  ],
  [
    'a listing',
    'Glob',
    { pattern: 'tests/api/*.py' },
    'exec_command',
    { cmd: 'rg --files tests/api' },
  ],
  ['a listing', 'LS', { path: '/home/a/src' }, 'exec_command', { cmd: 'ls -la src/' }],
  [
    'a command',
    'Bash',
    { command: 'cd /home/a && pytest  tests' },
    'exec_command',
    { cmd: 'cd /work/b; pytest tests 2>&1 | tail -5' },
  ],
  [
    'a subagent',
    'Task',
    { subagent_type: 'x', prompt: 'Look  here' },
    'Agent',
    { subagent_type: 'x', prompt: 'look here' },
  ],
])('%s is the same, whichever agent does it where: %s %o, %s %o', (_, tool, args, other, its) => {
  expect(keys(tool, args, HERE)).toEqual(keys(other, its, THERE));
});

test.each<[string, JsonObject, string, JsonObject]>([
  [
    'Edit',
    { file_path: '/home/a/x', old_string: 'a', new_string: 'b' },
    'apply_patch',
    { input: '*** Begin Patch\n*** Update File: x\n-a\n+c' },
  ],
  ['Bash', { command: 'npm test -- --watch' }, 'Bash', { command: 'npm test' }],
  ['Grep', { pattern: 'x', path: 'src' }, 'Grep', { pattern: 'x', path: 'test' }],
])('alike, not the same: %s %o, %s %o', (tool, args, other, its) => {
  const [exact, target] = keys(tool, args);
  const [itsExact, itsTarget] = keys(other, its);
  expect(target).toBe(itsTarget);
  expect(exact).not.toBe(itsExact);
});

test.each<[string, JsonObject, string, JsonObject]>([
  ['Read', { file_path: 'x' }, 'Edit', { file_path: 'x', old_string: '', new_string: '' }],
  ['Bash', { command: 'git push' }, 'Bash', { command: 'git pull' }],
  ['Read', { file_path: '/home/a/x' }, 'Read', { file_path: '/home/ab/x' }],
  ['Bash', { command: 'cat x > y' }, 'Read', { file_path: 'x' }],
  ['Bash', { command: 'sed -i s/a/b/ x' }, 'Read', { file_path: 'x' }],
])('different: %s %o, %s %o', (tool, args, other, its) => {
  expect(keys(tool, args)[1]).not.toBe(keys(other, its)[1]);
});

test('the order of arguments does not matter', () => {
  const [exact] = keys('mcp__db__query', { a: 1, b: { c: 2, d: 3 } });
  expect(keys('mcp__db__query', { b: { d: 3, c: 2 }, a: 1 })[0]).toBe(exact);
});

test('deep nesting and huge texts end', () => {
  let deep: JsonObject = {};
  for (let at = 0; at < 50_000; at++) deep = { deep };
  expect(keys('mcp__x__y', deep)).toHaveLength(2);
  expect(keys('Bash', { command: `${'a|'.repeat(500_000)}` })).toHaveLength(2);
  expect(keys('Bash', { command: `cd ${'"'.repeat(100_000)}` })).toHaveLength(2);
});

test('paths', () => {
  expect(relative('/home/a/src/x.ts', '/home/a')).toBe('src/x.ts');
  expect(relative('/home/a', '/home/a')).toBe('');
  expect(relative('./x', '/home/a')).toBe('x');
  expect(relative('C:\\p\\x', 'C:\\p')).toBe('x');
  expect(relative('/other/x', '/home/a')).toBe('/other/x');
});

test('commands', () => {
  expect(normaliseCommand('bash -lc "npm  test"', '')).toBe('npm test');
  expect(normaliseCommand('npm test 2>&1 | tail -n 20', '')).toBe('npm test');
  expect(normaliseCommand('cd /elsewhere && npm test', '/home/a')).toBe(
    'cd /elsewhere && npm test',
  );
  expect(commandMeaning('FOO=1 git commit -m x')).toEqual({ kind: 'other', program: 'git commit' });
  expect(commandMeaning('cat a b')).toMatchObject({ kind: 'other' });
});
