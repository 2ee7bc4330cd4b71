/**
 * What agents' settings name: a small script in `~/.agent-strace/bin` that finds a Node and runs the hook
 * from `~/.agent-strace/lib`. Settings stay valid while Node, the extension or the package move.
 */
import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { textHash } from '../model/ids.ts';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, stateHome } from '../trace/paths.ts';
import { EXIT_REFUSED } from './exitCodes.ts';
import { CLOSED_REASON, type GuardHook, guardWords, KILLED_REASON } from './hookEntry.ts';
import { FLAGS, writeCodeCache, writeCodeCacheAside } from './warmUp.ts';

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

/** In the words of agents whose entries pass no exit code on; VS Code reads Copilot's. All others know 2 for a no. */
const KILLED_ANSWERS: Readonly<Record<string, object>> = {
  gemini: { decision: 'deny', reason: KILLED_REASON },
  copilot: {
    permissionDecision: 'deny',
    permissionDecisionReason: KILLED_REASON,
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: KILLED_REASON,
    },
  },
  cursor: { permission: 'deny', user_message: KILLED_REASON, agent_message: KILLED_REASON },
};

const killedAnswers = Object.entries(KILLED_ANSWERS)
  .map(
    ([agent, answer]) => `    *' --agent ${agent} '*) echo ${shQuote(JSON.stringify(answer))} ;;`,
  )
  .join('\n');

/**
 * The launcher for POSIX shells. It starts no process but Node while the Node of set-up is there, passes on what the recorder
 * prints, says nothing of its own and exits with 0: any other code or text would be an answer to the agent. Only where it was
 * called with `--closed`, or the recorder says so, is a failure a no; and where there are rules, a recorder that was killed
 * before a tool: nobody does that by accident, and another Node would find its input read. What a killed one had printed is
 * held back, for two answers are none.
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
guarded() {
  case " $* " in *' --closed '*) return 0 ;; esac
  for file in "$state"/guard/armed/*.json "$state"/rules.yaml "$state"/rules.yml "$state"/rules.json; do
    [ ! -e "$file" ] || return 0
  done
  set -- "$state"/guard/compiled/*.json
  [ -e "$1" ] || set --
  [ ! -e "$state/config.json" ] || set -- "$@" "$state/config.json"
  [ $# -gt 0 ] || return 1
  grep -q -e '"set":{"rules":\\[{' -e '"safe": *true' "$@" 2>/dev/null
  [ $? -ne 1 ]
}
killed() {
  guarded "$@" || return 0
  case " $* " in
${killedAnswers}
    *) echo '${KILLED_REASON}' >&2; exit 2 ;;
  esac
  exit 0
}
run() {
  case " $* " in
    *' --agent gemini BeforeTool '* | *' --agent copilot preToolUse '* | *' --agent copilot PreToolUse '* | *' --agent cursor preToolUse '*)
      said=$("$@" 2>/dev/null)
      code=$?
      [ $code -gt 128 ] || printf '%s' "$said" ;;
    *)
      "$@" 2>/dev/null
      code=$? ;;
  esac
  case $code in
    0) exit 0 ;;
    ${EXIT_REFUSED}) refuse ;;
  esac
  [ $code -gt 128 ] || return 0
  case " $* " in *' PreToolUse '* | *' preToolUse '* | *' BeforeTool '*) killed "$@" ;; esac
}
[ -r "$hook" ] || over "$@"
state=\${0%/*}/..
# A repository can set an agent's environment, and must not lead to a state folder without rules.
unset AGENT_STRACE_AGENT_HOME
case $0 in
  "$HOME"/.agent-strace/bin/${LAUNCHER_NAME})
    [ -z "$AGENT_STRACE_HOME" ] || export AGENT_STRACE_HOME="\${0%/bin/${LAUNCHER_NAME}}" ;;
  /*/.agent-strace/bin/${LAUNCHER_NAME})
    export AGENT_STRACE_HOME="\${0%/bin/${LAUNCHER_NAME}}"
    # Rules are about the person's home; what the agent's own commands take for it is another matter.
    export AGENT_STRACE_AGENT_HOME="$HOME" HOME="\${0%/.agent-strace/bin/${LAUNCHER_NAME}}" ;;
  */bin/${LAUNCHER_NAME})
    [ -z "$AGENT_STRACE_HOME" ] || export AGENT_STRACE_HOME="\${0%/bin/${LAUNCHER_NAME}}" ;;
esac
# What the agent's own Node was told is not for this one.
unset NODE_OPTIONS NODE_V8_COVERAGE NODE_EXTRA_CA_CERTS NODE_DEBUG NODE_CHANNEL_FD ELECTRON_RUN_AS_NODE
node=${shQuote(nodePath)}
if [ -x "$node" ]; then
  run "$node" ${FLAGS.join(' ')} "$hook" "$@"
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

/**
 * What stands beside {@link hookCommand}'s in settings that are the person's own, where their agent lets a repository set its
 * environment: with another `HOME` that command finds nothing, or a launcher of the repository's. This one runs the
 * launcher then, and only then: the other stays the same in every scope.
 *
 * @returns undefined where the first one does not go by `HOME`
 */
export function otherHomeCommand(
  agent: string,
  event: string,
  env: Env,
  guard: GuardHook,
): string | undefined {
  const path = launcherPath(env);
  const inHome = belowHome(path);
  if (process.platform === 'win32' || inHome === undefined || /["$`\\]/.test(inHome)) {
    return undefined;
  }
  const shown = shQuote(path);
  const tail = tailOf(agent, event, guard);
  const here = `[ "$HOME" = ${shQuote(homedir())} ]`;
  return guard.closed
    ? `${here} || { [ -x ${shown} ] && ${shown} ${tail} || { [ $? -eq 2 ] || echo '${CLOSED_REASON}' >&2; exit 2; }; }`
    : `${here} || [ ! -x ${shown} ] || exec ${shown} ${tail}`;
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
    [...parts, ...wrappedParts(parts)].every(
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

/** Of a part: its bundle, and the one that takes what the recorder has from it. */
type Part = [name: string, text: string, lean: string];

/** The bundles beside the hook's, by name; a build may have none of them. */
function partBundles(hookBundle: string): Part[] {
  const found: Part[] = [];
  const read = (name: string): string =>
    fs.readFileSync(join(dirname(hookBundle), `${name}.js`), 'utf8');
  for (const name of PARTS) {
    try {
      const text = read(name);
      let lean = text;
      try {
        lean = read(`lean-${name}`);
      } catch {
        // Most have none.
      }
      found.push([name, text, lean]);
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
    ...[...parts, ...wrappedParts(parts)].map(
      ([part, text]) => [join(lib, `${part}.js`), text, 0o600] as const,
    ),
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
      (old.startsWith('part-') && !current.includes(`"${old.replace(/\..*$/, '')}"`));
    if (isOld) fs.rmSync(join(lib, old), { force: true });
  }
}

/** The recorder as a function, so that it can be compiled with a code cache. */
const wrap = (bundle: string): string =>
  `(function(require,module,exports,__filename,__dirname,__recorder){${bundle.replace(/^#!.*/, '')}\n})`;

/**
 * Parts whose code cache is worth its file: those that run at every tool, of some agents or where there are rules. What warms up
 * must use them: only functions that have run are in a cache.
 */
const CACHED_PARTS: readonly string[] = ['agents', 'guard', 'regex', 'shell', 'transcripts'];

const partName = (part: string, text: string): string => `part-${part}-${textHash(text)}`;

/**
 * Those parts once more, as functions: put together in a hook, a hundred KB of text would cost it a collection of garbage. What
 * runs without the launcher's loader (opencode) reads them as they are.
 */
const wrappedParts = (parts: readonly Part[]): [string, string][] =>
  parts
    .filter(([part]) => CACHED_PARTS.includes(part))
    .map(([part, _, lean]) => [partName(part, lean), wrap(lean)]);

/**
 * What the launcher runs: the recorder with its code cache, which saves a third of what a hook costs
 * beyond a bare Node. A Node that the cache was not made for passes it over.
 */
const loader = (name: string, parts: readonly Part[]): string => `'use strict';
const fs = require('fs');
const vm = require('vm');
const cached = ${JSON.stringify(
  Object.fromEntries(
    parts
      .filter(([part]) => CACHED_PARTS.includes(part))
      .map(([part, _, lean]) => [part, partName(part, lean)]),
  ),
)};
const scripts = [];
// Each run adds to what the ones before it have compiled.
const writing = process.env.AGENT_STRACE_WRITE_CACHE === '1';
function compile(source, filename, cache) {
  if (writing) cache += '.new';
  let cachedData;
  try {
    cachedData = fs.readFileSync(cache);
  } catch {}
  const script = new vm.Script(source, { filename, cachedData });
  if (writing) scripts.push([script, cache]);
  return script.runInThisContext();
}
const loaded = {};
function load(id) {
  const name = id.startsWith(__dirname + '/') ? id.slice(__dirname.length + 1, -3) : '';
  if (!Object.hasOwn(cached, name)) return require(id);
  if (!Object.hasOwn(loaded, name)) {
    const part = { exports: {} };
    const file = __dirname + '/' + cached[name];
    let source;
    try {
      source = fs.readFileSync(file + '.js', 'utf8');
    } catch {
      // Another version has just taken this one's place.
      return require(id);
    }
    compile(source, file + '.js', file + '.cache')(load, part, part.exports, id, __dirname, module.exports.shared);
    loaded[name] = part.exports;
  }
  return loaded[name];
}
const file = __dirname + '/${name}';
compile(fs.readFileSync(file + '.js', 'utf8'), file + '.js', file + '.cache')(load, module, exports, __filename, __dirname);
if (writing) {
  process.on('exit', () => {
    for (const [script, cache] of scripts) fs.writeFileSync(cache, script.createCachedData());
  });
}
`;

const isRunnable = (path: string, mode: number): boolean =>
  (mode & 0o100) === 0 || (fs.statSync(path).mode & 0o100) !== 0;
