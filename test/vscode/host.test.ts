import { expect, test } from 'vitest';
import { runHostTests } from './runHostTests.ts';

// The tests have run by the time they are listed, so that each shows under its own name.
const { results, log } = await runHostTests();
for (const line of log) if (line.startsWith('measured: ')) console.log(line);

test.each(results)('$name', ({ error }) => {
  expect(error).toBeUndefined();
});
