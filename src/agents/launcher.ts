/**
 * What agents' settings name: a small script in `~/.agent-strace/bin` that finds a Node and runs the hook
 * from `~/.agent-strace/lib`. Settings stay valid while Node, the extension or the package move.
 */
import { execFile, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { textHash } from '../model/ids.ts';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, stateHome } from '../trace/paths.ts';
import { EXIT_REFUSED } from './exitCodes.ts';
import { CLOSED_REASON, type GuardHook, guardWords } from './hookEntry.ts';

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
 * The launcher for POSIX shells. It starts no process but Node while the Node of set-up is there, passes on what the recorder
 * prints, says nothing of its own and exits with 0: any other code or text would be an answer to the agent. Only where it was
 * called with `--closed`, or the recorder says so, is a failure a no.
 */
export function shellLauncher({
  nodePath = '',
  electronPath = '',
  version,
}: LauncherOptions): string {
  return `#!/bin/sh
# agent-strace ${version.replace(/[^\w.+-]/g, '')}: runs the recorder for an agent's hook. Written by 'agent-strace setup'.
hook=\${0%/*}/../lib/hook.js
refuse() {
  echo '${CLOSED_REASON}' >&2
  exit 2
}
over() {
  case " $* " in *' --closed '*) refuse ;; esac
  exit 0
}
run() {
  "$@" 2>/dev/null
  case $? in
    0) exit 0 ;;
    ${EXIT_REFUSED}) refuse ;;
  esac
}
[ -r "$hook" ] || over "$@"
# A repository can set an agent's environment, and must not lead to a state folder without rules.
case $0 in
  */bin/${LAUNCHER_NAME}) [ -z "$AGENT_STRACE_HOME" ] || export AGENT_STRACE_HOME="\${0%/bin/${LAUNCHER_NAME}}" ;;
esac
# What the agent's own Node was told is not for this one.
unset NODE_OPTIONS NODE_V8_COVERAGE NODE_EXTRA_CA_CERTS NODE_DEBUG NODE_CHANNEL_FD ELECTRON_RUN_AS_NODE
node=${shQuote(nodePath)}
if [ -x "$node" ]; then
  run "$node" "$hook" "$@"
fi
# It is gone, or broken. A Node too old to read the recorder fails before it reads the input.
if command -v node >/dev/null 2>&1; then
  run node "$hook" "$@"
fi
node=${shQuote(electronPath)}
if [ -x "$node" ]; then
  export ELECTRON_RUN_AS_NODE=1
  run "$node" "$hook" "$@"
fi
over "$@"
`;
}

/** The same for Windows. Not tested on Windows yet. */
export function cmdLauncher({
  nodePath = '',
  electronPath = '',
  version,
}: LauncherOptions): string {
  const quote = (path: string): string => `"${path.replaceAll('"', '').replaceAll('%', '%%')}"`;
  const refused = `if errorlevel ${EXIT_REFUSED} if not errorlevel ${EXIT_REFUSED + 1} goto refuse`;
  const lines = [
    '@echo off',
    `rem agent-strace ${version.replace(/[^\w.+-]/g, '')}: runs the recorder for an agent's hook. Written by "agent-strace setup".`,
    'setlocal',
    'set "NODE_OPTIONS="',
    'set "NODE_V8_COVERAGE="',
    'set "HOOK=%~dp0..\\lib\\hook.js"',
    'if not exist "%HOOK%" goto over',
    ...(nodePath === ''
      ? []
      : [`if exist ${quote(nodePath)} ${quote(nodePath)} "%HOOK%" %* 2>nul && exit /b 0`, refused]),
    'where node >nul 2>nul && node "%HOOK%" %* 2>nul && exit /b 0',
    refused,
    ...(electronPath === ''
      ? []
      : [
          'set "ELECTRON_RUN_AS_NODE=1"',
          `if exist ${quote(electronPath)} ${quote(electronPath)} "%HOOK%" %* 2>nul && exit /b 0`,
          refused,
        ]),
    ':over',
    'echo " %* " | findstr /c:" --closed " >nul && goto refuse',
    'exit /b 0',
    ':refuse',
    `>&2 echo ${CLOSED_REASON}`,
    'exit /b 2',
    '',
  ];
  return lines.join('\r\n');
}

/** Agents to which a hook that ends with anything but 0 says no, even where the launcher cannot be run. */
const FAILURE_IS_NO: readonly string[] = ['gemini', 'copilot', 'vscode', 'cursor'];

/**
 * The command that an agent's settings hold. The same in every scope where the state folder is in the user's
 * home, so that an agent that finds it in two settings files runs it once; and silent where the launcher is not
 * there (a colleague's machine, or after it was deleted), unless nothing is to run without it. It must not change with our
 * versions: Codex asks the person about every entry that is not the one that was trusted.
 *
 * @param guard of the hook before a tool
 */
export function hookCommand(
  agent: string,
  event: string,
  env: Env = process.env,
  guard?: GuardHook,
): string {
  const path = launcherPath(env);
  const tail = tailOf(agent, event, guard);
  if (process.platform === 'win32') {
    // Gemini and Copilot run PowerShell there, in which a quoted path alone is a text.
    const powershell = ['gemini', 'copilot', 'vscode'].includes(agent);
    // Both of cmd and bash read that.
    if (!powershell) return `"${path}" ${tail}${guard?.closed === true ? ' || exit 2' : ''}`;
    return (
      windowsCommand('powershell', agent, event, env, guard) ??
      `& "${path}" ${tail}; ${powershellEnd(guard)}`
    );
  }
  const inHome = belowHome(path);
  const shown =
    inHome === undefined || /["$`\\]/.test(inHome) ? shQuote(path) : `"$HOME/${inHome}"`;
  if (guard?.closed === true) {
    // What the launcher itself denies, with 2, it has given a reason for.
    return `[ -x ${shown} ] && ${shown} ${tail} || { [ $? -eq 2 ] || echo '${CLOSED_REASON}' >&2; exit 2; }`;
  }
  return FAILURE_IS_NO.includes(agent)
    ? `[ ! -x ${shown} ] || ${shown} ${tail}; exit 0`
    : `[ ! -x ${shown} ] || exec ${shown} ${tail}`;
}

const tailOf = (agent: string, event: string, guard: GuardHook | undefined): string =>
  `--agent ${agent} ${event}${guard === undefined ? '' : ` ${guardWords(guard)}`}`;

/** A program that is not there leaves no exit code. */
const powershellEnd = (guard: GuardHook | undefined): string =>
  guard?.closed === true
    ? `if ($LASTEXITCODE -ne 0) { [Console]::Error.WriteLine('${CLOSED_REASON}'); exit 2 }; exit 0`
    : 'exit 0';

/**
 * The same for Windows, for files that people with other systems share. Not tested on Windows yet.
 *
 * @returns undefined where the launcher is not in the user's home: then it is on this machine only
 */
export function windowsCommand(
  shell: 'cmd' | 'powershell',
  agent: string,
  event: string,
  env: Env = process.env,
  guard?: GuardHook,
): string | undefined {
  const inHome = belowHome(join(stateHome(env), 'bin', `${LAUNCHER_NAME}.cmd`));
  if (inHome === undefined || /["$`%']/.test(inHome)) return undefined;
  const tail = tailOf(agent, event, guard);
  if (shell === 'powershell') {
    const path = `"$HOME/${inHome.replaceAll(sep, '/')}"`;
    const run = `if (Test-Path ${path}) { & ${path} ${tail} }`;
    return `${run}; ${powershellEnd(guard)}`;
  }
  const path = `"%USERPROFILE%\\${inHome.replaceAll('/', '\\')}"`;
  return guard?.closed === true ? `${path} ${tail} || exit 2` : `if exist ${path} ${path} ${tail}`;
}

/** A path's way from the user's home; undefined where it is not below it. */
function belowHome(path: string): string | undefined {
  const way = relative(homedir(), path);
  return way.startsWith('..') || isAbsolute(way) ? undefined : way;
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
  const { changed, lib, name, nodePath } = putFiles(options);
  if (nodePath) writeCodeCache(nodePath, lib, name);
  sweep(lib, name);
  return changed;
}

/**
 * Brings a recorder that is set up to this version, where it is of an older one or not whole. One of a
 * newer version (of the other door: editor or package) stays, and nothing is set up that was not.
 *
 * @returns whether it was renewed
 * @throws an error with a message for people
 */
export async function renewLauncher(options: InstallOptions): Promise<boolean> {
  const { env = process.env, version, hookBundle } = options;
  const lib = join(stateHome(env), 'lib');
  const installed = readSmallFile(join(lib, 'version'))?.trim();
  if (installed === undefined || isOlder(version, installed)) return false;
  const recorder = wrap(fs.readFileSync(hookBundle, 'utf8'));
  const current = recorderName(recorder);
  const parts = partBundles(hookBundle);
  const whole =
    readSmallFile(join(lib, `${current}.js`), MAX_RECORDER_BYTES) === recorder &&
    readSmallFile(join(lib, 'hook.js')) === loader(current, parts) &&
    parts.every(
      ([name, text]) => readSmallFile(join(lib, `${name}.js`), MAX_RECORDER_BYTES) === text,
    ) &&
    fs.existsSync(launcherPath(env));
  if (installed === version && whole) return false;
  const { name, nodePath } = putFiles(options);
  if (nodePath) await writeCodeCacheAside(nodePath, lib, name);
  sweep(lib, name);
  return true;
}

/** Whether version `a` comes before `b`; what is no version comes first of all. */
export function isOlder(a: string, b: string): boolean {
  const partsOf = (text: string): number[] => {
    const match = /^v?(\d+)\.(\d+)\.(\d+)(-)?/.exec(text);
    // A pre-release comes before its release.
    return match ? [+match[1]!, +match[2]!, +match[3]!, match[4] ? 0 : 1] : [-1, 0, 0, 0];
  };
  const [left, right] = [partsOf(a), partsOf(b)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at >= 0 && left[at]! < right[at]!;
}

/** What an earlier set-up knew of this machine. */
export function readLauncher(env: Env = process.env): { nodePath?: string; electronPath?: string } {
  const text = readSmallFile(launcherPath(env));
  if (text === undefined) return {};
  let found: (string | undefined)[];
  if (process.platform === 'win32') {
    const paths = [...text.matchAll(/^if exist "[^"]*" "([^"]*)"/gm)].map((match) => ({
      path: match[1]!.replaceAll('%%', '%'),
      electron: match.index > text.indexOf('ELECTRON_RUN_AS_NODE=1'),
    }));
    const electronKnown = text.includes('ELECTRON_RUN_AS_NODE=1');
    found = [
      paths.find(({ electron }) => !electronKnown || !electron)?.path,
      paths.find(({ electron }) => electronKnown && electron)?.path,
    ];
  } else {
    found = [...text.matchAll(/^node='((?:[^']|'\\'')*)'$/gm)].map((match) =>
      match[1]!.replaceAll("'\\''", "'"),
    );
  }
  const [nodePath, electronPath] = found;
  return { ...(nodePath && { nodePath }), ...(electronPath && { electronPath }) };
}

/** What the recorder loads when it is needed, and what opencode loads: bundles that lie beside it. */
const PARTS = [
  'agents',
  'guard',
  'helper',
  'opencode',
  'personal',
  'regex',
  'rules',
  'shell',
  'snapshot',
  'transcripts',
] as const;

/** The bundles beside the hook's, by name; a build may have none of them. */
function partBundles(hookBundle: string): [name: string, text: string][] {
  const found: [string, string][] = [];
  for (const name of PARTS) {
    try {
      found.push([name, fs.readFileSync(join(dirname(hookBundle), `${name}.js`), 'utf8')]);
    } catch {
      // The recorder does without.
    }
  }
  return found;
}

/** A hook is a hundredth of this. */
const MAX_RECORDER_BYTES = 4_194_304;

/** Named by what is in it: a code cache is only ever read with the source that it was made of. */
const recorderName = (recorder: string): string => `recorder-${textHash(recorder)}`;

interface PutFiles {
  changed: boolean;
  lib: string;
  /** Of the recorder, without its ending. */
  name: string;
  nodePath: string | undefined;
}

function putFiles(given: InstallOptions): PutFiles {
  const { env = process.env } = given;
  for (const name of ['bin', 'lib']) {
    const { path, problem } = ensureStateFolder(name, env);
    if (problem !== undefined) throw new Error(`${path} cannot be used (${problem})`);
  }
  const windows = process.platform === 'win32';
  const known = readLauncher(env);
  // Each door knows a Node that the other does not: what was known stays.
  const options = {
    ...given,
    nodePath: given.nodePath ?? known.nodePath,
    electronPath: given.electronPath ?? known.electronPath,
  };
  const launcher = windows ? cmdLauncher(options) : shellLauncher(options);
  const lib = join(stateHome(env), 'lib');
  const recorder = wrap(fs.readFileSync(options.hookBundle, 'utf8'));
  const name = recorderName(recorder);
  const parts = partBundles(options.hookBundle);
  const files: (readonly [path: string, text: string, mode: number])[] = [
    [join(lib, 'package.json'), '{"type":"commonjs"}\n', 0o600],
    ...parts.map(([part, text]) => [join(lib, `${part}.js`), text, 0o600] as const),
    [join(lib, `${name}.js`), recorder, 0o600],
    [join(lib, 'hook.js'), loader(name, parts), 0o600],
    [join(lib, 'version'), `${options.version}\n`, 0o600],
    [launcherPath(env), launcher, 0o700],
  ];
  let changed = false;
  for (const [path, text, mode] of files) {
    if (readSmallFile(path, MAX_RECORDER_BYTES) === text && isRunnable(path, mode)) continue;
    writeSmallFile(path, text, mode);
    changed = true;
  }
  return { changed, lib, name, nodePath: options.nodePath };
}

/** Takes recorders of other versions away, and what was compiled of them. */
function sweep(lib: string, name: string): void {
  const current = readSmallFile(join(lib, 'hook.js')) ?? '';
  for (const old of fs.readdirSync(lib)) {
    const isOld =
      (old.startsWith('recorder-') && !old.startsWith(name)) ||
      (old.startsWith('part-') && !current.includes(`"${old.replace(/\.cache.*$/, '')}"`));
    if (isOld) fs.rmSync(join(lib, old), { force: true });
  }
}

/** The recorder as a function, so that it can be compiled with a code cache. */
const wrap = (bundle: string): string =>
  `(function(require,module,exports,__filename,__dirname){${bundle.replace(/^#!.*/, '')}\n})`;

/** Parts whose code cache is worth its file: those that decide before every tool where there are rules. */
const CACHED_PARTS: readonly string[] = ['guard', 'shell'];

/**
 * What the launcher runs: the recorder with its code cache, which saves a third of what a hook costs
 * beyond a bare Node. A Node that the cache was not made for passes it over.
 */
const loader = (
  name: string,
  parts: readonly [name: string, text: string][],
): string => `'use strict';
const fs = require('fs');
const vm = require('vm');
const cached = ${JSON.stringify(
  Object.fromEntries(
    parts
      .filter(([part]) => CACHED_PARTS.includes(part))
      .map(([part, text]) => [part, `part-${part}-${textHash(text)}`]),
  ),
)};
const scripts = [];
function compile(source, filename, cache) {
  let cachedData;
  try {
    cachedData = fs.readFileSync(cache);
  } catch {}
  const script = new vm.Script(source, { filename, cachedData });
  scripts.push([script, cache]);
  return script.runInThisContext();
}
const loaded = {};
function load(id) {
  const name = id.startsWith(__dirname + '/') ? id.slice(__dirname.length + 1, -3) : '';
  if (!Object.hasOwn(cached, name)) return require(id);
  if (!Object.hasOwn(loaded, name)) {
    const part = { exports: {} };
    const source = '(function(require,module,exports,__filename,__dirname){' + fs.readFileSync(id, 'utf8') + '\\n})';
    compile(source, id, __dirname + '/' + cached[name] + '.cache')(load, part, part.exports, id, __dirname);
    loaded[name] = part.exports;
  }
  return loaded[name];
}
const file = __dirname + '/${name}';
compile(fs.readFileSync(file + '.js', 'utf8'), file + '.js', file + '.cache')(load, module, exports, __filename, __dirname);
if (process.env.AGENT_STRACE_WRITE_CACHE === '1') {
  process.on('exit', () => {
    for (const [script, cache] of scripts) fs.writeFileSync(cache + '.new', script.createCachedData());
  });
}
`;

/**
 * Lets this Node record made-up events, and decide upon them by made-up rules, in a folder that is thrown away, and keeps
 * what it compiled for that. Without a cache everything works as well, a little slower.
 */
function writeCodeCache(nodePath: string, lib: string, name: string): void {
  const warm = warmUp(lib, name);
  if (warm === undefined) return;
  const { args, inputs, options, done } = warm;
  const ran = inputs.every(
    (input) =>
      spawnSync(nodePath, args, { ...options, input, stdio: ['pipe', 'ignore', 'ignore'] })
        .status === 0,
  );
  done(ran);
}

/** The same without keeping the caller waiting. */
function writeCodeCacheAside(nodePath: string, lib: string, name: string): Promise<void> {
  const warm = warmUp(lib, name);
  if (warm === undefined) return Promise.resolve();
  const { args, inputs, options, done } = warm;
  const run = (input: string): Promise<boolean> =>
    new Promise((resolve) => {
      const child = execFile(nodePath, args, options, (error) => resolve(error === null));
      // It may end before it has read.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
  return inputs
    .reduce<Promise<boolean>>(
      async (ran, input) => (await ran) && run(input),
      Promise.resolve(true),
    )
    .then(done);
}

interface WarmUp {
  args: string[];
  /** Of one run each, in turn. */
  inputs: string[];
  options: { env: Record<string, string>; timeout: number };
  /** @param ok the run ended well */
  done(ok: boolean): void;
}

/** None of them trips: an answer is not what is warmed up. */
const WARM_RULES = [
  { name: 'path', condition: 'file_path writes "**/no-such-file"', action: 'deny' },
  { name: 'command', condition: 'command matches "no-such-program --force"', action: 'deny' },
  { name: 'tool', condition: 'tool matches "no_such_tool"', action: 'deny' },
  { name: 'metric', condition: 'tool_calls > 1000000 and not loop 9/10', action: 'stop' },
];

function warmUp(lib: string, name: string): WarmUp | undefined {
  let scratch: string;
  try {
    scratch = fs.mkdtempSync(join(lib, 'warm-'));
    fs.rmSync(join(lib, `${name}.cache`), { force: true });
    const state = join(scratch, 'state');
    fs.mkdirSync(state, { mode: 0o700 });
    fs.writeFileSync(join(state, 'rules.json'), JSON.stringify({ rules: WARM_RULES }));
  } catch {
    return undefined;
  }
  const payload = {
    session_id: 'warm',
    cwd: scratch,
    hook_event_name: 'PreToolUse',
    tool_name: 'Bash',
    tool_use_id: 'warm',
  };
  const commands = ['true', 'cd src && npm test -- --run a | tee out.log; rm -f "$TMP"/x'];
  const inputs = commands.map((command) => JSON.stringify({ ...payload, tool_input: { command } }));
  const done = (ok: boolean): void => {
    try {
      for (const made of fs.readdirSync(lib)) {
        if (!made.endsWith('.cache.new')) continue;
        if (!ok) fs.rmSync(join(lib, made), { force: true });
        else {
          fs.chmodSync(join(lib, made), 0o600);
          fs.renameSync(join(lib, made), join(lib, made.slice(0, -'.new'.length)));
        }
      }
    } catch {
      // No cache: see above.
    } finally {
      fs.rmSync(scratch, { recursive: true, force: true });
    }
  };
  return {
    args: [join(lib, 'hook.js'), '--agent', 'claude', 'PreToolUse'],
    inputs,
    options: {
      env: {
        HOME: scratch,
        AGENT_STRACE_HOME: join(scratch, 'state'),
        AGENT_TRACE_DIR: join(scratch, 'traces'),
        AGENT_STRACE_WRITE_CACHE: '1',
      },
      timeout: 10_000,
    },
    done,
  };
}

const isRunnable = (path: string, mode: number): boolean =>
  (mode & 0o100) === 0 || (fs.statSync(path).mode & 0o100) !== 0;
