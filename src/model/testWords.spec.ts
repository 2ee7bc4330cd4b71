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
  ])('not: %s', (text) => {
    expect(saysTestsFailed(text)).toBe(false);
  });

  it('looks at text only', () => {
    for (const value of [undefined, null, 3, ['FAIL']]) expect(saysTestsFailed(value)).toBe(false);
  });
});
