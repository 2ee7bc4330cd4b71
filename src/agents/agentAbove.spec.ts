/** Whether an agent runs us: real processes, whatever runs these tests. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { agentAbove } from './process.ts';

let root: string;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'above-')));
});
afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

/** What a program that this script runs, by a shell, says of what is above it. */
function asked(script: string): unknown {
  const ask = join(root, 'ask.mjs');
  const module = join(import.meta.dirname, 'process.ts');
  fs.writeFileSync(
    ask,
    `import { agentAbove } from ${JSON.stringify(module)};
process.stdout.write(JSON.stringify(agentAbove({}) ?? null));`,
  );
  fs.mkdirSync(join(script, '..'), { recursive: true });
  fs.writeFileSync(
    script,
    `const { spawnSync } = require('node:child_process');
const shell = spawnSync('/bin/sh', ['-c', '"$NODE" --no-warnings "$ASK"; exit $?'], { encoding: 'utf8' });
process.stdout.write(shell.stdout);
process.stderr.write(shell.stderr);`,
  );
  const ran = spawnSync(process.execPath, [script], {
    env: { NODE: process.execPath, ASK: ask, PATH: '/usr/bin:/bin' },
    encoding: 'utf8',
  });
  expect(ran.stderr).toBe('');
  return JSON.parse(ran.stdout);
}

it.runIf(process.platform === 'linux')('sees an agent above a shell', () => {
  expect(asked(join(root, '@google/gemini-cli/dist/index.js'))).toEqual({
    agent: 'gemini',
    how: expect.stringMatching(/^process \d+$/),
  });
});

it.runIf(process.platform === 'linux')('sees none where there is none', () => {
  // Below the first process there is nobody.
  expect(agentAbove({}, 1)).toBeUndefined();
  expect(agentAbove({ CLAUDECODE: '', PATH: '/bin' }, 1)).toBeUndefined();
});

it.each([
  ['claude', 'CLAUDECODE'],
  ['gemini', 'GEMINI_CLI'],
  ['opencode', 'OPENCODE'],
])('knows %s by what it leaves in the environment', (agent, name) => {
  expect(agentAbove({ [name]: '1' }, 1)).toEqual({ agent, how: `${name} is set` });
});
