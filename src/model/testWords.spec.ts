import { describe, expect, it } from 'vitest';
import { saysTestsFailed } from './testWords.ts';

describe('what test runners say', () => {
  it.each([
    '--- FAIL: TestRanks (0.07s)\nFAIL\nFAIL\texample.com/graph/sem\t0.671s\nFAIL',
    'FAIL\nFAIL\texample.com/graph/sem\t0.636s\nFAIL',
    'ok  \ta\t1.9s\nFAIL\n[test] ERROR task failed',
    '[test:ci] FAIL\texample.com/a\t0.1s',
    '    --- FAIL: TestA/sub (0.00s)',
    'FAILED tests/test_auth.py::test_login - AssertionError\n1 failed, 2 passed in 0.12s',
    '==== 2 failed, 29 passed, 1 warning in 3.21s ====',
    'FAILED (failures=1)',
    ' Test Files  1 failed | 3 passed (4)\n      Tests  2 failed | 29 passed (31)',
    'Tests:       1 failed, 5 passed, 6 total',
    '  12 passing (30ms)\n  2 failing\n',
    'ℹ fail 2',
    '# fail 1',
    'ok 1 - a\nnot ok 2 - b',
    'test result: FAILED. 3 passed; 1 failed; 0 ignored',
    '3 examples, 1 failure',
    'FAILURES!\nTests: 3, Assertions: 3, Failures: 1.',
    'Failed!  - Failed:     1, Passed:     4',
    '[ERROR] Tests run: 5, Failures: 1, Errors: 0',
    `${'x'.repeat(10_000)}\nFAIL`,
    '\u001b[31m=== \u001b[1m1 failed\u001b[0m, \u001b[32m2 passed\u001b[0m in 0.1s ===\u001b[0m',
    '\u001b[2m      Tests \u001b[22m \u001b[1m\u001b[31m1 failed\u001b[39m | 30 passed',
    'FAIL src/a.test.js\n  ● adds',
    ' FAIL  src/a.test.ts > adds',
    ' 2 pass\n 1 fail\n',
    'FAILED | 1 passed | 1 failed (3ms)',
    '  1 failed\n    [chromium] › a.spec.ts\n  3 passed (2s)',
    '66% tests passed, 1 tests failed out of 3',
    '3 runs, 3 assertions, 0 failures, 1 errors, 0 skips',
    '3 tests, 1 failure',
    '     Summary [   0.1s] 3 tests run: 2 passed, 1 failed, 0 skipped',
    'Executed 3 tests, with 1 failure (0 unexpected) in 0.1 seconds',
    '> Task :test FAILED\n\nBUILD FAILED in 3s',
  ])('failed: %s', (text) => {
    expect(saysTestsFailed(text)).toBe(true);
  });

  it.each([
    '',
    'PASS\nok  \texample.com/a\t0.2s',
    '31 passed in 2.1s',
    '      Tests  31 passed (31)\n   fails  0',
    'test result: ok. 3 passed; 0 failed; 0 ignored',
    '3 examples, 0 failures',
    'ℹ fail 0',
    'Tests run: 5, Failures: 0, Errors: 0',
    'a login that failed is told: 1 failed attempt\n12 passed in 0.4s',
    '--- PASS: TestFAIL (0.00s)\nPASS',
    'exit check:\n0',
    `FAIL\n${'x'.repeat(10_000)}`,
    'ok 1 - a\nnot ok 2 - later # TODO not done\n# pass 1\n# fail 0',
    'not ok 2 - on Windows # SKIP',
    'FAIL\n Test Files  3 passed (3)\n      Tests  31 passed (31)',
    '--- FAIL: a log that the test prints\n==== 12 passed in 0.4s ====',
    '✓ says BUILD FAILED when the compiler breaks\n      Tests  3 passed (3)',
    'ok | 2 passed | 0 failed (3ms)',
    '100% tests passed, 0 tests failed out of 3',
    '3 runs, 3 assertions, 0 failures, 0 errors, 0 skips',
  ])('not: %s', (text) => {
    expect(saysTestsFailed(text)).toBe(false);
  });

  it('looks at text only', () => {
    for (const value of [undefined, null, 3, ['FAIL']]) expect(saysTestsFailed(value)).toBe(false);
  });
});
