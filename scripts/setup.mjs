// Gets a fresh clone ready: dependencies, the Node that they bring, and what the tests need beside them.
// Plain JavaScript without dependencies: it starts on the Node that the machine has (20 or newer).
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installTool, npmEnvironment } from './tools.mjs';

export const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const ownNode = join(
  root,
  'node_modules/node/bin',
  process.platform === 'win32' ? 'node.exe' : 'node',
);

/** Programs from npm that the tests drive; agents among them. */
export const programs = /** @type {const} */ ([
  'vscode',
  'claude',
  'codex',
  'gemini',
  'copilot',
  'opencode',
]);

/** @typedef {'chromium' | (typeof programs)[number]} Need */

/**
 * What could not be had, by name, each with one line that says why and how to get it.
 * @typedef {{ [need in Need]?: string }} Missing
 */

/**
 * Installs dependencies when they are missing or stale, continues this script on the project's own Node
 * (the call does not return in the older one), and provides the extras that are asked for.
 * @param {readonly Need[]} [want]
 * @returns {Promise<Missing>}
 */
export async function ensureSetup(want = []) {
  ensureDependencies();
  await continueOnOwnNode();
  process.env.PATH = `${bin}${delimiter}${process.env.PATH}`;
  /** @type {Missing} */
  const missing = {};
  if (want.includes('chromium')) {
    const reason = ensureChromium();
    if (reason) missing.chromium = reason;
  }
  for (const name of programs) {
    if (!want.includes(name)) continue;
    try {
      await installTool(name);
    } catch (error) {
      missing[name] = `could not be installed from npm: ${firstLines(error)}`;
    }
  }
  return missing;
}

/** Whether node_modules holds what package-lock.json names (npm keeps its own record of that). */
function dependenciesAreFresh() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const record = join(root, 'node_modules/.package-lock.json');
    const got = JSON.parse(readFileSync(record, 'utf8')).packages;
    return Object.entries(wanted).every(
      ([path, entry]) => path === '' || entry.optional || got[path]?.version === entry.version,
    );
  } catch {
    return false;
  }
}

function ensureDependencies() {
  if (dependenciesAreFresh() && existsSync(ownNode)) return;
  console.error('installing dependencies (npm ci) …');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    env: npmEnvironment(),
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) fail('npm ci failed; see its output above.');
  if (!existsSync(ownNode)) {
    fail("npm ci did not bring Node: were install scripts switched off? Run 'npm rebuild node'.");
  }
}

async function continueOnOwnNode() {
  const wanted = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8'));
  const major = Number(wanted.version.split('.')[0]);
  if (Number(process.versions.node.split('.')[0]) >= major) return;
  if (process.env.AGENT_STRACE_REEXEC) {
    fail(`node_modules/node should be Node ${wanted.version}, but it runs ${process.version}.`);
  }
  const child = spawn(ownNode, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, AGENT_STRACE_REEXEC: '1' },
  });
  // The terminal sends Ctrl-C to both; the child decides when to go.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const code = await new Promise((resolve) => {
    child.on('error', (error) => fail(`cannot run ${ownNode}: ${error.message}`));
    child.on('exit', (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  });
  process.exit(code);
}

const chromiumNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const chromiumPlaces = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** The path of a Chromium: the CHROME variable, else the first one found. @returns {string | undefined} */
export function findChromium() {
  if (process.env.CHROME) return process.env.CHROME;
  return findProgram(...chromiumNames) ?? chromiumPlaces.find((path) => existsSync(path));
}

/**
 * The path of the first of these programs that is on PATH.
 * @param {...string} names
 */
export function findProgram(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  return names
    .flatMap((name) => folders.flatMap((dir) => endings.map((end) => join(dir, name + end))))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** @returns {string | undefined} why there is no Chromium, with how to get it */
function ensureChromium() {
  const found = findChromium();
  if (found) return existsSync(found) ? undefined : `CHROME names ${found}, which does not exist`;
  const how = 'install Chromium (Debian: apt install chromium) or set CHROME to its path';
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    return `no Chromium found: ${how}`;
  }
  console.error('installing Chromium (apt-get) …');
  for (const args of [
    ['update'],
    ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation'],
  ]) {
    const apt = spawnSync('apt-get', ['-qq', ...args], {
      stdio: ['ignore', 'ignore', 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (apt.status !== 0) return `apt-get ${args[0]} failed: ${how}`;
  }
  return findChromium() ? undefined : `apt-get brought no Chromium: ${how}`;
}

/** @param {unknown} error */
function firstLines(error) {
  return (error instanceof Error ? error.message : String(error)).split('\n').slice(0, 3).join(' ');
}

/** @param {string} message @returns {never} */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

if (process.argv[1] === import.meta.filename) {
  const missing = await ensureSetup(['chromium', ...programs]);
  for (const [name, why] of Object.entries(missing)) console.error(`${name}: ${why}`);
  process.exitCode = Object.keys(missing).length ? 1 : 0;
}
