import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findAgentVersion, lookAtAgents } from './installed.ts';
import { applySetup } from './registry.ts';
import { planSetupIn } from './setupPlace.ts';

let root: string;
let home: string;
const env = () => ({
  HOME: home,
  PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
  AGENT_STRACE_HOME: join(root, 'state'),
});

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'installed-')));
  home = join(root, 'home');
  mkdirSync(join(root, 'project'), { recursive: true });
  writeFileSync(join(root, 'hook.js'), '// the hook\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function program(folder: string, name: string, script: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

it('finds an agent on the PATH and where its installer put it', async () => {
  const told: string[] = [];
  const options = { env: env(), note: (message: string) => void told.push(message) };
  expect(await findAgentVersion('claude', options)).toBeUndefined();
  program(join(home, '.local', 'bin'), 'claude', 'echo "2.1.330 (Claude Code)"');
  expect(await findAgentVersion('claude', options)).toBe('2.1.330 (Claude Code)\n');
  program(join(root, 'bin'), 'claude', 'exit 1');
  expect(await findAgentVersion('claude', options)).toBe('2.1.330 (Claude Code)\n');
  expect(told).toHaveLength(1);
});

it('reads the version of an agent that npm installed, and does not start it', async () => {
  const folder = join(root, 'node_modules', '@google', 'gemini-cli');
  program(join(folder, 'bundle'), 'gemini.js', `touch "${root}/started"; echo 0.1.0`);
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "@google/gemini-cli", "version": "0.61.0" }',
  );
  mkdirSync(join(root, 'bin'));
  symlinkSync(join(folder, 'bundle', 'gemini.js'), join(root, 'bin', 'gemini'));
  expect(await findAgentVersion('gemini', { env: env() })).toBe('0.61.0');
  expect(existsSync(join(root, 'started'))).toBe(false);

  // Of another package it is asked.
  writeFileSync(join(folder, 'package.json'), '{ "name": "wrapper", "version": "9.9.9" }');
  expect(await findAgentVersion('gemini', { env: env() })).toBe('0.1.0\n');
});

it('tells of every agent whether it is here, and what records it', async () => {
  const bin = join(root, 'bin');
  program(bin, 'codex', 'echo "codex-cli 0.169.0"');
  program(bin, 'cursor-agent', 'exit 3');
  const folder = join(root, 'project');
  const done = planSetupIn('codex', folder, { scope: 'user', env: env() });
  applySetup(done, { hookBundle: join(root, 'hook.js'), version: '1.0.0', env: env() });
  const states = await lookAtAgents(folder, { env: env(), known: { vscode: '1.120.0' } });
  const shown = states.map(({ agent, installed, version, recorded }) => [
    agent,
    installed,
    version,
    recorded.map(({ scope, current }) => `${scope} ${current}`),
  ]);
  expect(shown).toEqual([
    ['claude', false, undefined, []],
    ['codex', true, '0.169.0', ['user true']],
    ['gemini', false, undefined, []],
    // Found, but it does not say which.
    ['cursor', true, undefined, []],
    ['copilot', false, undefined, []],
    ['vscode', true, '1.120.0', []],
    ['opencode', false, undefined, []],
  ]);
});
