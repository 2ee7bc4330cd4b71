import { expect, test } from 'vitest';
import { type HostRun, runHostTests } from './runHostTests.ts';

// The tests have run by the time they are listed, so that each shows under its own name.
const { results, log } = await runHostTests();
for (const line of log) if (line.startsWith('measured: ')) console.log(line);

let secondRun: Promise<HostRun> | undefined;

test.for(results)('$name', async ({ name, error }, { task }) => {
  if (!task.result?.retryCount) return expect(error).toBeUndefined();
  // Another attempt is one in another VS Code.
  secondRun ??= runHostTests();
  const again = (await secondRun).results.find((result) => result.name === name);
  expect(again, 'the second run did not come to this test').toBeDefined();
  expect(again?.error).toBeUndefined();
});
