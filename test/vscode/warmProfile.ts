import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { launchProfile, profileOrigin } from '../browser.ts';
import { CodeServer } from './codeServer.ts';

/** What of a profile holds files and compiled scripts, and nothing that a person did. */
const caches = ['Cache', 'Code Cache'].map((name) => join('Default', name));

/** The workbench's own script has 19 MB; what Chromium keeps of it compiled has 13. */
const compiledBytes = 5_000_000;

/**
 * Makes a profile in which Chromium has the workbench loaded and compiled: a window that starts with a copy of it
 * spends a second less on that. Where it is there already nothing is done; where Chromium keeps nothing in time, it
 * holds what there is.
 */
export async function warmProfile(profile: string): Promise<void> {
  if (existsSync(profile)) return;
  const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-warm-'));
  const warm = join(scratch, 'profile');
  const folder = join(scratch, 'project');
  mkdirSync(folder);
  const server = await CodeServer.start();
  try {
    const context = await launchProfile(warm, server);
    // At the second time a script is worth keeping.
    for (let time = 0; time < 2; time++) {
      const page = await context.newPage();
      await page.goto(server.url(folder, {}, profileOrigin));
      await page.locator('.monaco-workbench .statusbar-item').first().waitFor();
      const deadline = Date.now() + (time === 0 ? 0 : 15_000);
      while (!isCompiled(warm) && Date.now() < deadline) await sleep(250);
      await page.close();
    }
    await context.close();
    // Whole, or not at all.
    const made = `${profile}.new`;
    rmSync(made, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    for (const cache of caches) {
      const from = join(warm, cache);
      if (existsSync(from)) cpSync(from, join(made, cache), { recursive: true });
    }
    renameSync(made, profile);
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isCompiled(profile: string): boolean {
  return globSync(join(profile, 'Default', 'Code Cache', 'js', '*')).some(
    (path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > compiledBytes,
  );
}
