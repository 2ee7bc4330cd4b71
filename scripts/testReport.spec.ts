import { expect, test } from 'vitest';
import { closingLines, reportOf } from './testReport.mjs';

const one = (
  fullName: string,
  status: string,
  duration: number,
  failureMessages: string[] = [],
) => ({
  fullName,
  status,
  duration,
  failureMessages,
});

const report = reportOf(
  {
    numPassedTests: 2,
    testResults: [
      {
        name: '/repo/test/a.test.ts',
        status: 'failed',
        message: '',
        assertionResults: [
          one(' is fine', 'passed', 1200),
          one('needs two', 'passed', 9000, ['Error: no page\n    at /repo/test/a.test.ts:3:1']),
          one('is broken', 'failed', 30, [
            'Error: the first time',
            '\u001b[31mTimeoutError\u001b[39m: late\nCall log:\n\n  - waiting\n' +
              '    at wait (/repo/node_modules/x/y.js:1:1)\n    at /repo/test/a.test.ts:7:9',
          ]),
        ],
      },
      {
        name: '/repo/test/b.test.ts',
        status: 'failed',
        message: 'no such file',
        assertionResults: [],
      },
      {
        name: '/repo/test/c.test.ts',
        status: 'failed',
        message: 'a hook failed',
        assertionResults: [one('never ran', 'skipped', 0)],
      },
    ],
  },
  '/repo',
);

test('counts what failed, files that do not load and failing hooks among it', () => {
  expect(report).toMatchObject({ passed: 2, failed: 3 });
  expect(report.failures.map(({ name }) => name)).toEqual([
    'test/a.test.ts › is broken',
    'test/b.test.ts',
    'test/c.test.ts',
  ]);
});

test('the end names the slowest, the second attempts, and last what failed and why', () => {
  expect(closingLines([report], 2)).toEqual([
    'slowest:',
    '     9.0 s  test/a.test.ts › needs two',
    '     1.2 s  test/a.test.ts › is fine',
    'at the second attempt:',
    '  test/a.test.ts › needs two',
    '      Error: no page',
    '          at /repo/test/a.test.ts:3:1',
    'failed:',
    '  test/a.test.ts › is broken',
    '      TimeoutError: late',
    '      Call log:',
    '        - waiting',
    '          at /repo/test/a.test.ts:7:9',
    '  test/b.test.ts',
    '      no such file',
    '  test/c.test.ts',
    '      a hook failed',
  ]);
});

test('a long message is cut, and where nothing is to be said nothing is', () => {
  const message = Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n');
  const long = reportOf(
    {
      numPassedTests: 0,
      testResults: [{ name: '/repo/d', status: 'failed', message, assertionResults: [] }],
    },
    '/repo',
  );
  expect(long.failures[0]?.message).toHaveLength(7);
  expect(long.failures[0]?.message.at(-1)).toBe('…');
  expect(closingLines([])).toEqual([]);
});
