import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const slow = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What is waited for comes when it comes: a busy machine is no failure. The default is one second.
  expect: { poll: { timeout: 20_000 } },
};

export default defineConfig({
  test: {
    // On two cores the default is one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'unit',
          // A slow machine is no failure.
          testTimeout: 30_000,
          setupFiles: 'test/seed.ts',
          include: ['src/**/*.spec.ts', 'webview/**/*.spec.{ts,tsx}', 'scripts/**/*.spec.ts'],
        },
      },
      { test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'page', include: ['test/page/**/*.test.ts'], ...slow } },
      {
        test: {
          name: 'vscode',
          include: ['test/vscode/host.test.ts', 'test/vscode/workbench/**/*.test.ts'],
          globalSetup: 'test/vscode/globalSetup.ts',
          ...slow,
          // Two at once are 100 s faster on two cores, and keep each other from what they wait for.
          fileParallelism: false,
        },
      },
      // One after the other: they measure what a guard costs, and limits that agents have for a hook.
      {
        test: {
          name: 'agents',
          include: ['test/agents/**/*.test.ts'],
          ...slow,
          fileParallelism: false,
        },
      },
    ],
  },
});
