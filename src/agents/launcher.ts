/**
 * What agents' settings name: a small script in `~/.agent-strace/bin` that finds a Node and runs the hook
 * from `~/.agent-strace/lib`. Settings stay valid while Node, the extension or the package move.
 */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, stateHome } from '../trace/paths.ts';

type Env = Record<string, string | undefined>;

export const LAUNCHER_NAME = 'agent-strace-hook';

export interface LauncherOptions {
  /** Absolute path of a Node of version 20 or newer, found at set-up. */
  nodePath?: string | undefined;
  /** VS Code's own executable, which can be a Node too. */
  electronPath?: string | undefined;
  /** Version of agent-strace. */
  version: string;
}

const shQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The launcher for POSIX shells. It starts no process but Node while the Node of set-up is there, says nothing
 * and exits with 0: any other code or text would be an answer to the agent.
 */
export function shellLauncher({
  nodePath = '',
  electronPath = '',
  version,
}: LauncherOptions): string {
  return `#!/bin/sh
# agent-strace ${version.replace(/[^\w.+-]/g, '')}: runs the recorder for an agent's hook. Written by 'agent-strace setup'.
hook=\${0%/*}/../lib/hook.js
[ -r "$hook" ] || exit 0
# What the agent's own Node was told is not for this one.
unset NODE_OPTIONS NODE_V8_COVERAGE NODE_EXTRA_CA_CERTS NODE_DEBUG NODE_CHANNEL_FD ELECTRON_RUN_AS_NODE
# Recording never answers. A guard's word on PreToolUse would pass here: its output and its exit code.
exec >/dev/null 2>&1
node=${shQuote(nodePath)}
if [ -x "$node" ]; then
  "$node" "$hook" "$@" && exit 0
fi
# It is gone, or broken. A Node too old to read the recorder fails before it reads the input.
if command -v node; then
  node "$hook" "$@" && exit 0
fi
node=${shQuote(electronPath)}
if [ -x "$node" ]; then
  ELECTRON_RUN_AS_NODE=1 "$node" "$hook" "$@"
fi
exit 0
`;
}

/** The same for Windows. Not tested on Windows yet. */
export function cmdLauncher({
  nodePath = '',
  electronPath = '',
  version,
}: LauncherOptions): string {
  const quote = (path: string): string => `"${path.replaceAll('"', '').replaceAll('%', '%%')}"`;
  const lines = [
    '@echo off',
    `rem agent-strace ${version.replace(/[^\w.+-]/g, '')}: runs the recorder for an agent's hook. Written by "agent-strace setup".`,
    'setlocal',
    'set "NODE_OPTIONS="',
    'set "NODE_V8_COVERAGE="',
    'set "HOOK=%~dp0..\\lib\\hook.js"',
    'if not exist "%HOOK%" exit /b 0',
    ...(nodePath === ''
      ? []
      : [`if exist ${quote(nodePath)} ${quote(nodePath)} "%HOOK%" %* >nul 2>nul && exit /b 0`]),
    'where node >nul 2>nul && node "%HOOK%" %* >nul 2>nul && exit /b 0',
    ...(electronPath === ''
      ? []
      : [
          'set "ELECTRON_RUN_AS_NODE=1"',
          `if exist ${quote(electronPath)} ${quote(electronPath)} "%HOOK%" %* >nul 2>nul`,
        ]),
    'exit /b 0',
    '',
  ];
  return lines.join('\r\n');
}

/**
 * The command that an agent's settings hold. The same in every scope where the state folder is in the user's
 * home, so that an agent that finds it in two settings files runs it once; and silent where the launcher is not
 * there (a colleague's machine, or after it was deleted).
 */
export function hookCommand(agent: string, event: string, env: Env = process.env): string {
  const path = launcherPath(env);
  const tail = `--agent ${agent} ${event}`;
  if (process.platform === 'win32') return `"${path}" ${tail}`;
  const inHome = relative(homedir(), path);
  const shown =
    inHome.startsWith('..') || inHome.startsWith(sep) || /["$`\\]/.test(inHome)
      ? shQuote(path)
      : `"$HOME/${inHome}"`;
  return `[ ! -x ${shown} ] || exec ${shown} ${tail}`;
}

/** Whether a command in an agent's settings is one of ours, of any version. */
export function isHookCommand(command: string, agent: string): boolean {
  const ours = /agent-strace-hook(?:\.cmd)?["']?\s+--agent\s+(\w+)/.exec(command);
  return ours?.[1] === agent;
}

/** Absolute path of the launcher. */
export function launcherPath(env: Env = process.env): string {
  const name = process.platform === 'win32' ? `${LAUNCHER_NAME}.cmd` : LAUNCHER_NAME;
  return join(stateHome(env), 'bin', name);
}

export interface InstallOptions extends LauncherOptions {
  /** Path of the built hook (`dist/hook.js` of this package). */
  hookBundle: string;
  env?: Env;
}

/**
 * Puts launcher and hook into the state folder, or renews them; running hooks keep the file they opened.
 *
 * @returns whether anything changed
 * @throws an error with a message for people
 */
export function installLauncher(options: InstallOptions): boolean {
  const { env = process.env } = options;
  for (const name of ['bin', 'lib']) {
    const { path, problem } = ensureStateFolder(name, env);
    if (problem !== undefined) throw new Error(`${path} cannot be used (${problem})`);
  }
  const windows = process.platform === 'win32';
  const launcher = windows ? cmdLauncher(options) : shellLauncher(options);
  const lib = join(stateHome(env), 'lib');
  const bundle = fs.readFileSync(options.hookBundle, 'utf8');
  const files: [path: string, text: string, mode: number][] = [
    [join(lib, 'package.json'), '{"type":"commonjs"}\n', 0o600],
    [join(lib, 'hook.js'), bundle, 0o600],
    [join(lib, 'version'), `${options.version}\n`, 0o600],
    [launcherPath(env), launcher, 0o700],
  ];
  let changed = false;
  for (const [path, text, mode] of files) {
    if (readSmallFile(path, 4_194_304) === text && isRunnable(path, mode)) continue;
    writeSmallFile(path, text, mode);
    changed = true;
  }
  return changed;
}

const isRunnable = (path: string, mode: number): boolean =>
  (mode & 0o100) === 0 || (fs.statSync(path).mode & 0o100) !== 0;
