// npm start: builds the extension and opens it on a demo project, in VS Code where there is one, else in
// VS Code's browser build. Ctrl-C ends it and removes the demo's files.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const project = join(scratch, 'demo');
const demo = join(root, 'demo');
const player = join(demo, 'play.mjs');
if (existsSync(demo)) {
  cpSync(demo, project, { recursive: true, filter: (path) => path !== player });
}
mkdirSync(join(project, '.agent-traces'), { recursive: true });

/** @type {(() => unknown)[]} */
const cleanups = [() => rmSync(scratch, { recursive: true, force: true })];
let ending = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => void end(0));
}

if (code) {
  console.log(`opening VS Code on ${project} (Ctrl-C ends the demo)`);
  const args = ['--new-window', '--wait', `--extensionDevelopmentPath=${root}`, project];
  const window = spawn(code, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  window.on('exit', () => void end(0));
} else {
  const { CodeServer, installExtension } = await import('../test/vscode/codeServer.ts');
  const extensionsDir = join(scratch, 'extensions');
  await installExtension(join(root, 'dist', 'agent-strace.vsix'), extensionsDir);
  const port = Number(process.env.AGENT_STRACE_PORT ?? 0);
  const server = await CodeServer.start({ extensionsDir, port });
  cleanups.unshift(() => server.stop());
  const url = server.url(project);
  console.log(`Agent Strace runs in VS Code's browser build: ${url}\nCtrl-C ends it.`);
  if (hasDisplay) openInBrowser(url);
}

if (existsSync(player)) {
  const play = spawn('node', [player, project], { cwd: project, stdio: 'inherit' });
  cleanups.unshift(() => play.kill());
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
