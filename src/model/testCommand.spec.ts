import { expect, it } from 'vitest';
import { testRun } from './testCommand.ts';

it('who asks a runner for its help or its version runs no tests', () => {
  for (const command of ['npm test --help', 'pytest -q --help', 'cargo test --version']) {
    expect(testRun(command), command).toBe('no');
  }
  expect(testRun('npm test')).toBe('test');
  expect(testRun('pytest --help; npm test 2>&1 | tail')).toBe('hidden');
});
