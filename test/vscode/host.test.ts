import { expect, test } from 'vitest';
import { runHostTests } from './runHostTests.ts';

// The tests have run by the time they are listed, so that each shows under its own name.
const { results } = await runHostTests();

test.each(results)('$name', ({ error }) => {
  expect(error).toBeUndefined();
});
