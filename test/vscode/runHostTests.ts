import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from '../../scripts/setup.mjs';
import { launchChromium } from '../browser.ts';
import { CodeServer } from './codeServer.ts';
import { type HostTestResult, resultMarker } from './hostSuite.ts';

/** What ran in the extension host. */
export interface HostRun {
  results: HostTestResult[];
  /** What the extension host wrote to its console, for when something is missing. */
  log: string[];
}

/** The compiled test module: a CommonJS file that exports `run`. */
export const hostBundle = join(root, '.cache', 'host-tests', 'index.cjs');

/** Bundles test/vscode/host/*.test.ts into {@link hostBundle}. */
export async function bundleHostTests(): Promise<void> {
  const files = globSync('test/vscode/host/*.test.ts', { cwd: root }).sort();
  await bundleForHost(
    [
      ...files.map((file) => `import './${file.replaceAll('\\', '/')}';`),
      "export { run } from './test/vscode/hostSuite.ts';",
    ].join('\n'),
    hostBundle,
  );
}

/**
 * Bundles a module that exports `run` for the extension host.
 *
 * @param contents TypeScript, its imports as seen from the repository
 */
export async function bundleForHost(contents: string, outfile: string): Promise<void> {
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    external: ['vscode'],
    sourcemap: 'inline',
    outfile,
    logLevel: 'warning',
  });
}

/**
 * Runs the tests of test/vscode/host inside a real extension host, against the built extension, in a new
 * folder with an empty `.agent-traces` (or a copy of `fixture`).
 * @throws when VS Code did not finish within `timeout` ms, with the extension host's console
 */
export async function runHostTests(fixture?: string, timeout = 180_000): Promise<HostRun> {
  await bundleHostTests();
  const folder = mkdtempSync(join(tmpdir(), 'agent-strace-host-'));
  if (fixture) cpSync(fixture, folder, { recursive: true });
  mkdirSync(join(folder, '.agent-traces'), { recursive: true });
  try {
    const { code, log } = await runInHost(folder, hostBundle, timeout);
    const results = log
      .filter((line) => line.startsWith(resultMarker))
      .map((line) => JSON.parse(line.slice(resultMarker.length)) as HostTestResult);
    if (results.length === 0 || (code !== 0 && results.every(({ error }) => !error))) {
      throw new Error(`the extension host ended with code ${code}:\n${log.join('\n')}`);
    }
    return { results, log };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs a bundle's `run` in the extension host of a real VS Code that has `folder` open, beside the built
 * extension.
 * @throws when VS Code did not finish within `timeout` ms, with the extension host's console
 */
export async function runInHost(
  folder: string,
  bundle: string,
  timeout: number,
): Promise<{ code: number; log: string[] }> {
  const server = await CodeServer.start();
  const browser = await launchChromium();
  const log: string[] = [];
  try {
    const page = await browser.newPage();
    const exited = new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(late(timeout, log))), timeout);
      page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
        log.push(...args.map((arg) => (typeof arg === 'string' ? arg : `${type} ${inspect(arg)}`)));
      });
      page.exposeFunction('codeAutomationExit', (code: number) => {
        clearTimeout(timer);
        resolve(code);
      });
    });
    await page.goto(
      server.url(folder, {
        extensionDevelopmentPath: server.remoteUri(root),
        extensionTestsPath: server.remoteUri(bundle),
      }),
    );
    return { code: await exited, log };
  } finally {
    await browser.close();
    await server.stop();
  }
}

function late(timeout: number, log: string[]): string {
  return `the extension host did not finish in ${timeout} ms; its console:\n${log.join('\n')}`;
}

function inspect(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
