// npm start: builds the extension and opens it on a demo project, in VS Code where there is one, else in
// VS Code's browser build. Ctrl-C ends it and removes the demo's files.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureSetup, findProgram, root } from './setup.mjs';

await ensureSetup();

const hasDisplay =
  ['darwin', 'win32'].includes(process.platform) ||
  Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
const code = hasDisplay ? findProgram('code') : undefined;

const build = spawnSync('node', [code ? 'esbuild.mjs' : 'scripts/package.mjs'], {
  cwd: root,
  stdio: ['ignore', code ? 'inherit' : 'ignore', 'inherit'],
});
if (build.status !== 0) process.exit(1);

const scratch = mkdtempSync(join(tmpdir(), 'agent-strace-demo-'));
const project = join(scratch, 'payments-api');
const workspace = join(root, 'demo', 'workspace');
cpSync(workspace, project, { recursive: true });
mkdirSync(join(project, '.agent-traces'));
mkdirSync(join(project, '.vscode'));
writeFileSync(
  join(project, '.vscode', 'settings.json'),
  JSON.stringify({ 'agentStrace.stream.revealOnStart': true }),
);
// The demo's agent and state live in the scratch folder: nothing of the user's is read or written.
const claude = join(scratch, 'claude');
const codex = join(scratch, 'codex');
const own = {
  CLAUDE_CONFIG_DIR: claude,
  CODEX_HOME: codex,
  AGENT_STRACE_HOME: join(scratch, 'agent-strace'),
};
const env = { ...process.env, ...own };
// While the editor starts: its first list has sessions to look into.
const past = importYesterday().catch((error) => console.error(`demo: ${error.message}`));

const PAST =
  'In its list of sessions, under Yesterday: two runs of one prompt, to replay, explain and compare.';

/** @type {(() => unknown)[]} */
const cleanups = [() => rmSync(scratch, { recursive: true, force: true })];
let ending = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => void end(0));
}

if (code) {
  await past;
  console.log(`opening VS Code on ${project} (Ctrl-C ends the demo)\n${PAST}`);
  const args = [
    '--new-window',
    '--wait',
    '--disable-workspace-trust',
    // An instance of its own: one that runs already would not get the demo's environment.
    `--user-data-dir=${join(scratch, 'code')}`,
    `--extensionDevelopmentPath=${root}`,
    project,
  ];
  const window = spawn(code, args, { stdio: 'inherit', env, shell: process.platform === 'win32' });
  window.on('exit', () => void end(0));
} else {
  const { CodeServer, installExtension } = await import('../test/vscode/codeServer.ts');
  const extensionsDir = join(scratch, 'extensions');
  await installExtension(join(root, 'dist', 'agent-strace.vsix'), extensionsDir);
  const port = Number(process.env.AGENT_STRACE_PORT ?? 0);
  const server = await CodeServer.start({
    extensionsDir,
    port,
    env: own,
  });
  cleanups.unshift(() => server.stop());
  const url = server.url(project);
  await past;
  console.log(
    `Open ${url}\n  VS Code's browser build, on a demo project in which an agent session plays live. Ctrl-C ends it.\n  ${PAST}`,
  );
  if (hasDisplay) openInBrowser(url);
}

// A session plays, and after a while the next: whoever comes late still sees one live.
/** @type {import('node:child_process').ChildProcess | undefined} */
let play;
cleanups.unshift(() => play?.kill());
await windowOpened();
while (!ending) {
  const player = join(root, 'demo', 'play.mjs');
  play = spawn('node', [player, project, '--config', claude], { env, stdio: 'inherit' });
  await once(play, 'exit');
  await sleep(20_000);
  // What it has changed.
  cpSync(join(workspace, 'src', 'payments'), join(project, 'src', 'payments'), { recursive: true });
}

/** A session that began before the window did is not shown by itself. Whoever takes long to look gets it all the same. */
async function windowOpened() {
  // The window reads the project's rules, and keeps them.
  const sign = join(own.AGENT_STRACE_HOME, 'guard');
  for (let waits = 0; waits < 200 && !ending && !existsSync(sign); waits++) await sleep(150);
  await sleep(1000);
}

/** Two finished sessions of one prompt, in the agents' own words, through the product's own import. */
async function importYesterday() {
  const writer = join(root, 'demo', 'yesterday', 'write.mjs');
  const written = await output([writer, project, '--claude', claude, '--codex', codex]);
  const traces = join(project, '.agent-traces');
  for (const transcript of written.trim().split('\n')) {
    await output([join(root, 'dist', 'cli.js'), '--trace-dir', traces, 'import', transcript]);
  }
}

/** @param {string[]} args of Node @returns {Promise<string>} what it prints */
function output(args) {
  return new Promise((resolve, reject) => {
    execFile('node', args, { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

/** @param {string} url */
function openInBrowser(url) {
  const openers = { darwin: ['open', url], win32: ['cmd', '/c', 'start', '', url] };
  const [command = '', ...args] = openers[/** @type {'darwin' | 'win32'} */ (process.platform)] ?? [
    'xdg-open',
    url,
  ];
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}

/** @param {number} status */
async function end(status) {
  if (ending) return;
  ending = true;
  for (const cleanup of cleanups) await cleanup();
  process.exit(status);
}
