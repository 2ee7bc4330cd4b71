/**
 * What agents' settings name: a small script in `~/.agent-strace/bin` that finds a Node and runs the hook
 * from `~/.agent-strace/lib`. Settings stay valid while Node, the extension or the package move.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { textHash } from '../model/ids.ts';
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
  const recorder = wrap(fs.readFileSync(options.hookBundle, 'utf8'));
  // Named by what is in it: a code cache is only ever read with the source that it was made of.
  const name = `recorder-${textHash(recorder)}`;
  const files: [path: string, text: string, mode: number][] = [
    [join(lib, 'package.json'), '{"type":"commonjs"}\n', 0o600],
    [join(lib, `${name}.js`), recorder, 0o600],
    [join(lib, 'hook.js'), loader(name), 0o600],
    [join(lib, 'version'), `${options.version}\n`, 0o600],
    [launcherPath(env), launcher, 0o700],
  ];
  let changed = false;
  for (const [path, text, mode] of files) {
    if (readSmallFile(path, 4_194_304) === text && isRunnable(path, mode)) continue;
    writeSmallFile(path, text, mode);
    changed = true;
  }
  if (options.nodePath) writeCodeCache(options.nodePath, lib, name);
  for (const old of fs.readdirSync(lib)) {
    if (old.startsWith('recorder-') && !old.startsWith(name)) fs.rmSync(join(lib, old));
  }
  return changed;
}

/** The recorder as a function, so that it can be compiled with a code cache. */
const wrap = (bundle: string): string =>
  `(function(require,module,exports,__filename,__dirname){${bundle.replace(/^#!.*/, '')}\n})`;

/**
 * What the launcher runs: the recorder with its code cache, which saves a third of what a hook costs
 * beyond a bare Node. A Node that the cache was not made for passes it over.
 */
const loader = (name: string): string => `'use strict';
const fs = require('fs');
const vm = require('vm');
const file = __dirname + '/${name}';
let cachedData;
try {
  cachedData = fs.readFileSync(file + '.cache');
} catch {}
const source = fs.readFileSync(file + '.js', 'utf8');
const script = new vm.Script(source, { filename: file + '.js', cachedData });
script.runInThisContext()(require, module, exports, __filename, __dirname);
if (process.env.AGENT_STRACE_WRITE_CACHE === '1') {
  process.on('exit', () => fs.writeFileSync(file + '.cache.new', script.createCachedData()));
}
`;

/**
 * Lets this Node record one made-up event, into a folder that is thrown away, and keeps what it
 * compiled for that. Without a cache everything works as well, a little slower.
 */
function writeCodeCache(nodePath: string, lib: string, name: string): void {
  const scratch = fs.mkdtempSync(join(lib, 'warm-'));
  try {
    const payload = {
      session_id: 'warm',
      cwd: scratch,
      hook_event_name: 'PreToolUse',
      tool_name: 'Bash',
      tool_use_id: 'warm',
      tool_input: { command: 'true' },
    };
    fs.rmSync(join(lib, `${name}.cache`), { force: true });
    const run = spawnSync(nodePath, [join(lib, 'hook.js'), '--agent', 'claude', 'PreToolUse'], {
      input: JSON.stringify(payload),
      env: {
        HOME: scratch,
        AGENT_STRACE_HOME: join(scratch, 'state'),
        AGENT_TRACE_DIR: join(scratch, 'traces'),
        AGENT_STRACE_WRITE_CACHE: '1',
      },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: 10_000,
    });
    const made = join(lib, `${name}.cache.new`);
    if (run.status === 0 && fs.existsSync(made)) {
      fs.chmodSync(made, 0o600);
      fs.renameSync(made, join(lib, `${name}.cache`));
    }
  } catch {
    // No cache: see above.
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

const isRunnable = (path: string, mode: number): boolean =>
  (mode & 0o100) === 0 || (fs.statSync(path).mode & 0o100) !== 0;
