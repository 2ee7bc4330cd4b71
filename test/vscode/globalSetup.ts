import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root } from '../../scripts/setup.mjs';
import { tools } from '../../scripts/tools.mjs';
import { installExtension } from './codeServer.ts';
import { warmProfile } from './warmProfile.ts';

/** Installs the packaged extension once, and warms a browser; every workbench gets a copy of both. */
export async function setup(project: TestProject): Promise<void> {
  const vsix = join(root, 'dist', 'agent-strace.vsix');
  if (!existsSync(vsix)) throw new Error('there is no dist/agent-strace.vsix: npm run package');
  const extensionsDir = join(root, '.cache', 'extensions');
  rmSync(extensionsDir, { recursive: true, force: true });
  await installExtension(vsix, extensionsDir);
  project.provide('extensionsDir', extensionsDir);
  const profile = join(root, '.cache', `chromium-${tools.vscode.version}`);
  await warmProfile(profile);
  project.provide('chromiumProfile', profile);
}
