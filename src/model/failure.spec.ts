import { expect, it } from 'vitest';
import { failureLine } from './failure.ts';

const said = (result: string): string =>
  failureLine({
    event_type: 'tool_result',
    timestamp: 1,
    event_id: '000000000001',
    session_id: 's',
    data: { result },
  });

it('passes over how a test run begins', () => {
  expect(said('=== RUN   TestOne\n    one.go:3: no\n--- FAIL: TestOne (0.02s)\nFAIL')).toBe(
    '--- FAIL: TestOne (0.02s)',
  );
  expect(said('> test\n> vitest run\n\nTypeError: x is not a function')).toBe(
    'TypeError: x is not a function',
  );
});

it('says the first line where that tells, and where nothing else does', () => {
  expect(said('exit code 1\nls: /w/x: No such file or directory')).toBe(
    'ls: /w/x: No such file or directory',
  );
  expect(said('=== RUN   TestOne\nok')).toBe('=== RUN   TestOne');
  expect(said('')).toBe('');
});
