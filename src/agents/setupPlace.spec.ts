import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applySetup } from './registry.ts';
import type { SetupScope } from './setup/plan.ts';
import { planSetupIn } from './setupPlace.ts';

let root: string;
let repo: string;
let sub: string;
const env = () => ({
  AGENT_STRACE_HOME: join(root, 'state'),
  CLAUDE_CONFIG_DIR: join(root, 'claude'),
});
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'place-')));
  repo = join(root, 'repo');
  sub = join(repo, 'packages', 'a');
  mkdirSync(join(repo, '.git'), { recursive: true });
  mkdirSync(sub, { recursive: true });
  writeFileSync(join(root, 'hook.js'), '// the hook\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const plan = (folder: string, scope: SetupScope, remove = false, agentVersion = '2.1.330') =>
  planSetupIn('claude', folder, { scope, remove, agentVersion, env: env() });
const apply = (made: ReturnType<typeof plan>) =>
  applySetup(made, { hookBundle: join(root, 'hook.js'), version: '1.0.0', env: env() });

it('writes where the agent reads it, whichever folder of the repository it is started in', () => {
  expect(plan(sub, 'local').projectDir).toBe(repo);
  expect(plan(repo, 'local').projectDir).toBe(repo);
  // Shared settings, and all settings of an older or unknown version, count where it is started.
  expect(plan(sub, 'project').projectDir).toBe(sub);
  expect(plan(sub, 'local', false, '2.1.100').projectDir).toBe(sub);
  expect(plan(sub, 'local', false, '').projectDir).toBe(sub);
  expect(plan(root, 'local').projectDir).toBe(root);
});

it('removes what another door wrote, at the folder or above it', () => {
  apply(plan(repo, 'project'));
  const removal = plan(sub, 'project', true);
  expect(removal.projectDir).toBe(repo);
  expect(removal.changed).toBe(true);
  apply(plan(sub, 'project'));
  expect(plan(sub, 'project', true).projectDir).toBe(sub);
  apply(plan(sub, 'project', true));
  apply(plan(sub, 'project', true));
  expect(plan(sub, 'project', true)).toMatchObject({ projectDir: sub, changed: false });
});
