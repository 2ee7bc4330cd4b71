// Programs the tests drive (a whole VS Code, real agents): pinned, installed on demand by npm into a cache
// folder outside the repository, and shared by every checkout. Plain JavaScript without dependencies.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} Tool
 * @property {string} npm npm package, without a version
 * @property {string} version the exact version
 * @property {boolean} scripts whether its install scripts must run
 * @property {string} [nested] a folder with a shrinkwrap of its own, installed afterwards
 */

/** @typedef {'vscode' | 'claude' | 'codex' | 'gemini' | 'copilot' | 'opencode' | 'electron'} ToolName */

/** @type {Record<ToolName, Tool>} */
export const tools = {
  // code-server 4.x holds VS Code 1.x: the server, the workbench and the extension host.
  vscode: {
    npm: 'code-server',
    version: process.env.AGENT_STRACE_CODE_SERVER ?? '4.139.1',
    scripts: false,
    nested: 'node_modules/code-server/lib/vscode',
  },
  claude: { npm: '@anthropic-ai/claude-code', version: '2.1.330', scripts: true },
  codex: { npm: '@openai/codex', version: '0.169.0', scripts: false },
  gemini: { npm: '@google/gemini-cli', version: '0.61.0', scripts: false },
  copilot: { npm: '@github/copilot', version: '1.0.102', scripts: false },
  opencode: { npm: 'opencode-ai', version: '1.18.33', scripts: true },
  electron: { npm: '@vscode/test-electron', version: '3.1.0', scripts: false },
};

/** The folder that holds the installed tools. */
export function cacheFolder() {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(base, 'agent-strace');
}

/**
 * Where a tool is, or would be.
 * @param {ToolName} name
 */
export function toolFolder(name) {
  return join(cacheFolder(), `${name}-${tools[name].version}`);
}

/**
 * Installs a tool if it is missing and returns its folder. Safe to call from several processes at once:
 * one installs into a temporary folder and renames it, the others wait.
 * @param {ToolName} name
 * @param {(line: string) => void} [log]
 * @returns {Promise<string>}
 * @throws when npm fails, with the end of npm's output
 */
export async function installTool(name, log = console.error) {
  const folder = toolFolder(name);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  const unlock = await lock(`${folder}.lock`);
  const temporary = `${folder}.tmp-${process.pid}`;
  try {
    if (existsSync(folder)) return folder;
    const tool = tools[name];
    const spec = `${tool.npm}@${tool.version}`;
    log(`installing ${spec} (once, into ${folder}) …`);
    const started = Date.now();
    mkdirSync(temporary, { recursive: true });
    const manifest = { private: true, allowScripts: { [tool.npm]: tool.scripts } };
    writeFileSync(join(temporary, 'package.json'), JSON.stringify(manifest));
    npm(temporary, [...(tool.scripts ? [] : ['--ignore-scripts']), '--save-exact', spec]);
    if (tool.nested) npm(join(temporary, tool.nested), ['--ignore-scripts', '--omit=dev']);
    renameSync(temporary, folder);
    log(`installed ${spec} in ${Math.round((Date.now() - started) / 1000)} s`);
    return folder;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    unlock();
  }
}

/**
 * The environment for npm: with the machine's Node, not the project's own, because npm finds its global
 * settings (a company's registry and certificates) by where Node is, and `npm ci` replaces ours.
 */
export function npmEnvironment() {
  const bin = join('node_modules', '.bin');
  const folders = (process.env.PATH ?? '').split(delimiter);
  return { ...process.env, PATH: folders.filter((dir) => !dir.endsWith(bin)).join(delimiter) };
}

/**
 * @param {string} cwd
 * @param {string[]} args
 */
function npm(cwd, args) {
  const result = spawnSync('npm', ['install', '--no-audit', '--no-fund', ...args], {
    cwd,
    env: npmEnvironment(),
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    const tail = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`.slice(-2000);
    throw new Error(`npm install ${args.join(' ')} failed:\n${tail}`);
  }
}

/**
 * A lock folder with the holder's process id; the lock of a dead process is taken over.
 * @param {string} path
 */
async function lock(path) {
  const owner = join(path, 'pid');
  for (;;) {
    try {
      mkdirSync(path);
      writeFileSync(owner, String(process.pid));
      return () => rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    await sleep(500);
    if (!holderLives(owner)) rmSync(path, { recursive: true, force: true });
  }
}

/** @param {string} owner */
function holderLives(owner) {
  try {
    process.kill(Number(readFileSync(owner, 'utf8')), 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
