import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const PARTS = {
  main: 'hook',
  agents: 'agents',
  guard: 'guard',
  helper: 'helper',
  '../redact/personalRules': 'personal',
  '../guard/rules/regex': 'regex',
  '../guard/shell/readCommand': 'shell',
  opencode: 'opencode',
  rules: 'rules',
  snapshot: 'snapshot',
  transcripts: 'transcripts',
};

/**
 * Builds the recorder and the bundles beside it, as they are shipped, into a new folder.
 *
 * @returns the folder and the path of its `hook.js`; the caller removes the folder
 */
export async function buildHook(): Promise<{ folder: string; bundle: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'hook-'));
  await build({
    bundle: true,
    entryPoints: Object.entries(PARTS).map(([name, out]) => ({
      in: join(import.meta.dirname, `../src/hook/${name}.ts`),
      out,
    })),
    format: 'cjs',
    logLevel: 'error',
    mainFields: ['module', 'main'],
    minify: true,
    outdir: folder,
    platform: 'node',
    target: 'node20',
    // Never beside the recorder.
    alias: { '@pydantic/genai-prices': './prices.js' },
    external: ['./prices.js'],
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  });
  return { folder, bundle: join(folder, 'hook.js') };
}
