import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { installTool } from '../../scripts/tools.mjs';
import { killTree } from '../processes.ts';

/** Themes by what they test, with the names that VS Code gives them. */
export const themes = {
  dark: 'Dark Modern',
  light: 'Light Modern',
  hc: 'Default High Contrast',
} as const;

/** And the fourth kind that VS Code has: each page is looked at once in it, not every look of it. */
export const allThemes = { ...themes, hcLight: 'Default High Contrast Light' } as const;

export type Theme = keyof typeof allThemes;

/** Options of {@link CodeServer.start}. */
export interface CodeServerOptions {
  /** Folder of installed extensions; an empty one by default. */
  extensionsDir?: string;
  /** Of the extensions that VS Code brings only these; all by default. */
  builtIn?: readonly string[];
  /** `workbench.colorTheme`; dark by default. */
  theme?: Theme;
  /** Added to the quiet default settings. */
  settings?: Record<string, unknown>;
  /** Added to the environment of the server and so of the extension host. */
  env?: Record<string, string>;
  /** Folders open in restricted mode, without a question; by default all are trusted. */
  restricted?: boolean;
  /** 0, the default, takes a free port. */
  port?: number;
}

const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
};

/** VS Code's server with its web workbench, on loopback, with a home and data of its own. */
export class CodeServer {
  readonly home: string;
  readonly port: number;
  private readonly scratch: string;
  private readonly child: ChildProcess;
  private settings: Record<string, unknown>;

  private constructor(
    scratch: string,
    child: ChildProcess,
    port: number,
    settings: Record<string, unknown>,
  ) {
    this.scratch = scratch;
    this.home = join(scratch, 'home');
    this.settings = settings;
    this.child = child;
    this.port = port;
  }

  /**
   * Installs VS Code if needed and starts it.
   * @throws when it ends or says nothing within 60 s, with its output
   */
  static async start(options: CodeServerOptions = {}): Promise<CodeServer> {
    const main = await serverMain();
    const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-code-'));
    const data = join(scratch, 'data');
    const home = join(scratch, 'home');
    mkdirSync(home);
    const settings = {
      ...quietSettings,
      'workbench.colorTheme': allThemes[options.theme ?? 'dark'],
      ...(options.restricted === true && {
        'security.workspace.trust.enabled': true,
        'security.workspace.trust.startupPrompt': 'never',
      }),
      ...options.settings,
    };
    writeSettings(data, settings);
    const child = spawn(
      process.execPath,
      [
        main,
        '--accept-server-license-terms',
        '--host=127.0.0.1',
        `--port=${options.port ?? 0}`,
        '--without-connection-token',
        '--enable-smoke-test-driver',
        ...(options.restricted === true ? [] : ['--disable-workspace-trust']),
        '--telemetry-level=off',
        `--server-data-dir=${data}`,
        `--extensions-dir=${options.extensionsDir ?? join(scratch, 'extensions')}`,
        ...(options.builtIn
          ? [`--builtin-extensions-dir=${builtInOnly(main, options.builtIn, scratch)}`]
          : []),
      ],
      { env: { ...scratchEnv(home), ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    process.once('exit', () => killTree(child, home));
    try {
      return new CodeServer(scratch, child, await listeningPort(child), settings);
    } catch (error) {
      killTree(child);
      rmSync(scratch, { recursive: true, force: true });
      throw error;
    }
  }

  /**
   * The address of the workbench with `folder` (absolute) open.
   * @param origin where the browser finds this server; its own address by default
   */
  url(
    folder: string,
    payload: Record<string, string> = {},
    origin = `http://127.0.0.1:${this.port}`,
  ): string {
    const url = new URL(origin);
    url.searchParams.set('folder', folder);
    const entries = Object.entries(payload);
    if (entries.length) url.searchParams.set('payload', JSON.stringify(entries));
    return url.href;
  }

  /** A file of this machine, as the workbench names it in a payload. */
  remoteUri(path: string): string {
    return `vscode-remote://127.0.0.1:${this.port}${path}`;
  }

  /** Changes settings as a person does; the windows follow in a moment. */
  configure(change: Record<string, unknown>): void {
    this.settings = { ...this.settings, ...change };
    writeSettings(join(this.scratch, 'data'), this.settings);
  }

  /** Ends the server with its extension hosts and removes its scratch folder. */
  async stop(): Promise<void> {
    const ended = this.child.exitCode === null ? once(this.child, 'exit') : undefined;
    killTree(this.child, this.home);
    await ended;
    rmSync(this.scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** A folder with links to some of the extensions that VS Code brings. @throws when it brings no such one */
function builtInOnly(main: string, names: readonly string[], scratch: string): string {
  const all = join(dirname(main), '..', 'extensions');
  const folder = join(scratch, 'built-in');
  mkdirSync(folder);
  for (const name of names) {
    const path = join(all, name);
    if (!existsSync(path)) throw new Error(`VS Code brings no extension '${name}'`);
    symlinkSync(path, join(folder, name), 'junction');
  }
  return folder;
}

function writeSettings(data: string, settings: Record<string, unknown>): void {
  for (const folder of ['Machine', 'User']) {
    const path = join(data, 'data', folder, 'settings.json');
    mkdirSync(dirname(path), { recursive: true });
    // Nobody reads half of it.
    writeFileSync(`${path}.new`, JSON.stringify(settings));
    renameSync(`${path}.new`, path);
  }
}

/**
 * Installs a packaged extension into a folder, as `code --install-extension` does.
 * @throws with the server's output when it refuses the package
 */
export async function installExtension(vsix: string, extensionsDir: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-install-'));
  const child = spawn(
    process.execPath,
    [
      await serverMain(),
      '--accept-server-license-terms',
      `--install-extension=${vsix}`,
      `--extensions-dir=${extensionsDir}`,
      `--server-data-dir=${join(scratch, 'data')}`,
    ],
    { env: scratchEnv(scratch), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const output = collect(child);
  await once(child, 'exit');
  rmSync(scratch, { recursive: true, force: true });
  if (child.exitCode !== 0 || !/successfully installed/.test(output())) {
    throw new Error(`could not install ${vsix}:\n${output()}`);
  }
}

async function serverMain(): Promise<string> {
  const folder = await installTool('vscode');
  return join(folder, 'node_modules/code-server/lib/vscode/out/server-main.js');
}

/** Only what a server needs: the user's own settings, tokens and agents stay out. */
function scratchEnv(home: string): Record<string, string> {
  const keep = ['PATH', 'LANG', 'TMPDIR', 'SystemRoot', 'PATHEXT'];
  const kept = keep.flatMap((key) => {
    const value = process.env[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return { ...Object.fromEntries(kept), HOME: home, USERPROFILE: home };
}

function collect(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
    });
  }
  return () => output;
}

async function listeningPort(child: ChildProcess): Promise<number> {
  const output = collect(child);
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(new Error('VS Code did not start in 60 s')), 60_000);
    const look = () => {
      const port = /listening on (\d+)/.exec(output())?.[1];
      if (port) settle(Number(port));
    };
    const settle = (result: number | Error) => {
      clearTimeout(timer);
      child.stdout?.off('data', look);
      if (typeof result === 'number') resolve(result);
      else reject(new Error(`${result.message}\n${output()}`));
    };
    child.stdout?.on('data', look);
    child.once('exit', (code) => settle(new Error(`VS Code ended with code ${code}`)));
  });
}
