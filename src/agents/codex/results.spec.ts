import { describe, expect, it } from 'vitest';
import { outcomeOfCommand, outcomeOfMcp, outcomeOfOutput } from './results.ts';

describe('an output', () => {
  it.each([
    ['Exit code: 2\nWall time: 0.5 seconds\nOutput:\nno', { exitCode: 2, failed: true }],
    ['Chunk ID: 1\nProcess exited with code 0\nOutput:\nExit code: 9', { exitCode: 0 }],
    [
      '{"output":"a","metadata":{"exit_code":1,"duration_seconds":0.2}}',
      { text: 'a', exitCode: 1 },
    ],
    ['Command blocked by PreToolUse hook: no. Command: x', { deniedBy: 'hook' }],
    ['exec command rejected by user', { deniedBy: 'user' }],
    ['aborted by user after 1.0s', { interrupted: true, failed: true }],
    ['Wall time: 0.1 seconds\naborted by user', { interrupted: true, failed: true }],
    ['aborted builds are kept', { failed: false }],
    ['Wall time: 10.0 seconds\nProcess running with session ID 7\nOutput:\n', { running: true }],
    ['apply_patch verification failed: Failed to find expected lines in /p/a', { failed: true }],
    ['patch rejected: writing outside of the project', { failed: true }],
    ['{"output":', { failed: false, text: '{"output":' }],
  ])('%j', (text, outcome) => {
    expect(outcomeOfOutput(text)).toMatchObject(outcome);
  });

  it('that only speaks of exit codes has none', () => {
    expect(outcomeOfOutput('Output:\nExit code: 3').exitCode).toBeUndefined();
    expect(outcomeOfOutput('Exit code: many').exitCode).toBeUndefined();
  });
});

describe('a command', () => {
  const read = (cmd: string, exit_code = 0, lines = 20) =>
    outcomeOfCommand({
      cwd: 'file:///p',
      exit_code,
      aggregated_output: 'line\n'.repeat(lines),
      parsed_cmd: [{ type: 'read', cmd, name: 'a', path: 'a' }],
    }).files?.[0];

  it('tells which lines it read', () => {
    expect(read('cat a')).toEqual({ path: '/p/a', kind: 'read' });
    expect(read("sed -n '3,9p' a")?.ranges).toEqual([[3, 9]]);
    expect(read("nl -ba a | sed -n '5p'")?.ranges).toEqual([[5, 5]]);
    expect(read('head -n 4 a')?.ranges).toEqual([[1, 4]]);
    expect(read('head -4 a')?.ranges).toEqual([[1, 4]]);
    expect(read('tail -n 4 a')?.ranges).toEqual([]);
    expect(read('cat a | grep x')?.ranges).toEqual([]);
    expect(read("sed -n '9,3p' a")?.ranges).toEqual([]);
    expect(read('cat a', 1)).toBeUndefined();
    // The file is shorter than what was asked for.
    expect(read("sed -n '3,99p' a", 0, 5)?.ranges).toEqual([[3, 7]]);
    expect(read("sed -n '300,399p' a", 0, 0)?.ranges).toEqual([]);
  });

  it('tells which lines a search showed', () => {
    const { files } = outcomeOfCommand({
      command: ['/bin/bash', '-lc', 'grep -rn needle src'],
      cwd: 'file:///p',
      exit_code: 0,
      aggregated_output: 'src/a.ts:3:needle\nsrc/a.ts:9:needle\nsrc/b.ts:1:needle\n',
    });
    expect(files).toEqual([
      {
        path: '/p/src/a.ts',
        kind: 'read',
        ranges: [
          [3, 3],
          [9, 9],
        ],
      },
      { path: '/p/src/b.ts', kind: 'read', ranges: [[1, 1]] },
    ]);
  });

  it('was declined by a person', () => {
    expect(outcomeOfCommand({ status: 'declined' })).toMatchObject({
      deniedBy: 'user',
      failed: true,
    });
  });
});

it('MCP results of both generations', () => {
  const content = [{ type: 'text', text: 'hi' }];
  expect(outcomeOfMcp({ result: { Ok: { content, isError: true } } })).toMatchObject({
    text: 'hi',
    failed: true,
  });
  expect(outcomeOfMcp({ result: { content }, status: 'completed' })).toMatchObject({
    text: 'hi',
    failed: false,
  });
  expect(outcomeOfMcp({ result: { Err: 'gone' } })).toMatchObject({ text: 'gone', failed: true });
});
