/** What the inputs of agents' tools say: paths, commands, folders. Pure. */
import { fileURLToPath } from 'node:url';
import type { HookTool } from '../../agents/agent.ts';
import { isObject, type Json, type JsonObject } from '../../model/event.ts';
import type { StepKind } from '../../model/step.ts';
import { patchTargets } from '../shell/patchTargets.ts';
import type { Touch } from './guardedCall.ts';

export interface ToolPath extends Pick<Touch, 'access' | 'deep'> {
  path: string;
}

/** Of one call. */
const MAX_PATHS = 2500;
const MAX_LEVELS = 20;

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The path of a `file:` address; anything else as it is. */
export function plainPath(path: string): string {
  if (!/^file:/i.test(path)) return path;
  try {
    return fileURLToPath(path);
  } catch {
    return path.replace(/^file:\/*/i, '/');
  }
}

/** The folder that a call works in, by whatever key its agent gives it. */
export function folderIn(input: JsonObject): string | undefined {
  const { workdir, cwd, working_directory, workingDirectory, dir_path, directory } = input;
  // Of Gemini's and opencode's commands; a tool that lists a folder names it by the same key.
  const named = text(input.command) !== undefined ? (text(dir_path) ?? text(directory)) : undefined;
  return text(workdir) ?? text(cwd) ?? text(working_directory) ?? text(workingDirectory) ?? named;
}

const COMMAND_KEYS = ['command', 'cmd', 'script', 'commandLine', 'command_line', 'chars', 'input'];
/** Tools that are no agent's own, but say that they run what they are given. */
const RUNS = /shell|bash|exec|terminal|command|cmd|run|script|powershell|process|eval/i;

/** … and those that type it where a shell listens. */
const TERMINALS =
  /(^|[^a-z])(i?term(inal)?s?|tmux|screen|pty|tty|console|repl|shell|bash|ssh)([^a-z]|$)/i;
const TYPED_KEYS = ['text', 'keys', 'data', 'line', 'message'];
const CODE_KEYS = ['code', 'source_code', 'sourceCode', 'snippet', 'script_code', 'expression'];
/** Tools that run code, other than by a shell. */
const RUNS_CODE =
  /(^|[^a-z])(repl|run|exec\w*|eval\w*|interpret\w*|kernel|jupyter|i?python3?|node|javascript)([^a-z]|$)/i;
/** No country, and no word. */
const LOOKS_LIKE_CODE = /[()=;{}\n]/;
/** Camel case has no seams that the above would see. */
const seamed = (name: string): string => name.replace(/([a-z])([A-Z])/g, '$1_$2');

/** The code that a call runs, and by which interpreter: one that is not known counts as one that is not read. */
export function codeIn({ name, input }: HookTool, kind: StepKind): string[] | undefined {
  if (kind !== 'run' && kind !== 'mcp' && kind !== 'tool') return undefined;
  if (!RUNS_CODE.test(seamed(name))) return undefined;
  for (const key of CODE_KEYS) {
    const code = text(input[key]);
    if (code === undefined || !LOOKS_LIKE_CODE.test(code)) continue;
    const said = `${name} ${text(input.language) ?? text(input.lang) ?? ''}`;
    if (/python|jupyter|\bipython/i.test(said)) return ['python3', '-c', code];
    if (/^repl\b|node|javascript|typescript|\b[jt]s\b/i.test(said)) return ['node', '-e', code];
    return ['interpreter', '-c', code];
  }
  return undefined;
}

/** The command that a call runs, as a shell would be given it. */
export function commandIn({ name, input }: HookTool, kind: StepKind): string | undefined {
  const foreign = kind === 'mcp' || kind === 'tool';
  const types = foreign && TERMINALS.test(seamed(name));
  if (kind !== 'run' && !types && !(foreign && RUNS.test(name))) return undefined;
  const task = isObject(input.task) ? input.task : undefined;
  for (const source of [input, task]) {
    if (source === undefined) continue;
    for (const key of types ? [...COMMAND_KEYS, ...TYPED_KEYS] : COMMAND_KEYS) {
      const typed = TYPED_KEYS.includes(key);
      const value = typed ? keysTyped(source[key]) : source[key];
      const args = Array.isArray(source.args) ? source.args : [];
      if (Array.isArray(value)) {
        const command = fromWords(value);
        if (command !== undefined) return command;
      } else if (typeof value === 'string' && value !== '') {
        const words = args.filter((arg) => typeof arg === 'string');
        return words.length === 0 ? value : `${value} ${words.map(quoted).join(' ')}`;
      }
    }
  }
  return undefined;
}

/** Without the names of keys at the end. */
function keysTyped(value: Json | undefined): Json | undefined {
  const all = Array.isArray(value)
    ? value.filter((one) => typeof one === 'string').join(' ')
    : value;
  return typeof all === 'string'
    ? all.replace(/(\s*(Enter|C-m|Return|<CR>|\\n|\n|\r))+$/, '')
    : undefined;
}

const SHELL = /^(?:.*\/)?(?:ba|z|da|k|a)?sh$/;

/** Words are not text: each is quoted, but for what a shell is given to run. */
function fromWords(value: readonly Json[]): string | undefined {
  const words = value.filter((word) => typeof word === 'string');
  if (words.length === 0) return undefined;
  const [shell, flag, script] = words;
  if (words.length === 3 && SHELL.test(shell!) && /^-[a-z]*c$/.test(flag!)) return script;
  return asCommand(words);
}

/** Words as a shell would be given them. */
export const asCommand = (words: readonly string[]): string => words.map(quoted).join(' ');

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Keys of paths, without `_`, `-` and case. */
const PATH_KEY =
  /^(.*(path|file|filename|folder|dir|directory|uri)s?|src|source|sources|dest|destination|target|targets|output|input|from|to|root|location|notebook|absolutepath|oldpath|newpath|include|cwd|workdir)$/;

/** … of those that hold nothing else: a name may have a line break in it, a text under `input` is no name. */
const SURE_KEY = /(path|file|filename|folder|dir|directory|uri)s?$/;

/** All paths that the tool's input names, and what is done to them. */
export function toolPaths(tool: HookTool, kind: StepKind): ToolPath[] {
  const { name, input } = tool;
  const found: ToolPath[] = [];
  const patch = patchOf(input);
  if (patch !== undefined && (kind === 'modify' || /patch/i.test(name))) {
    for (const { path, removed } of patchTargets(patch))
      found.push({ path, access: removed ? 'delete' : 'write', deep: false });
    return found;
  }
  switch (kind) {
    case 'modify': {
      const access = modifies(name, input);
      for (const path of pathsIn(input)) found.push({ path, access, deep: access === 'delete' });
      break;
    }
    case 'read': {
      const deep = /many/.test(name);
      for (const path of pathsIn(input)) found.push({ path, access: 'read', deep });
      for (const path of strings(input.paths)) found.push({ path, access: 'read', deep });
      break;
    }
    case 'search':
      found.push(...searched(input));
      break;
    case 'mcp':
    case 'tool':
      for (const path of pathsIn(input)) found.push({ path, access: 'unknown', deep: false });
      break;
    case 'run':
      // What it runs says the rest; some are given a folder or a notebook to work on.
      for (const key of ['notebook', 'filePath', 'notebook_path', 'workspaceFolder']) {
        const path = text(input[key]);
        if (path !== undefined) found.push({ path, access: 'unknown', deep: false });
      }
      break;
    default:
  }
  return found;
}

function modifies(name: string, input: JsonObject): Touch['access'] {
  if (/^delete/i.test(name)) return 'delete';
  // The editor tool of Anthropic's and those made after it.
  if (/^str_replace_(based_edit_tool|editor)$|^file_edit$/.test(name) && input.command === 'view')
    return 'read';
  return 'write';
}

/** Where a search looks. Names alone (`Glob`, `LS`) are no contents, but who may not read may not look around either. */
function searched(input: JsonObject): ToolPath[] {
  const found: ToolPath[] = [];
  const places = [...pathsIn(input, new Set(['include', 'glob', 'pattern', 'includePattern']))];
  if (places.length === 0) places.push('.');
  for (const path of places) found.push({ path, access: 'read', deep: true });
  const pattern = text(input.pattern);
  // `/etc/**/*.key`: a glob may lead elsewhere.
  if (
    pattern !== undefined &&
    /^(\/|~\/|\.\.\/)[^*?]*/.test(pattern) &&
    !/[\\^$|+()]/.test(pattern)
  ) {
    const folder = pattern.replace(/[^/]*[*?[{].*$/s, '');
    found.push({ path: folder, access: 'read', deep: true });
  }
  for (const key of ['include', 'glob', 'includePattern']) {
    const only = text(input[key]);
    // A search of `.env` alone is a reading of it.
    if (only === undefined || /[*?{[]/.test(only.replace(/^(\*\*\/)+/, ''))) continue;
    for (const place of places)
      found.push({
        path: `${place}/${only.replace(/^(\*\*\/)+/, '')}`,
        access: 'read',
        deep: false,
      });
  }
  return found;
}

const strings = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

/** Texts under keys of paths, at any depth. */
function* pathsIn(input: JsonObject, except: ReadonlySet<string> = new Set()): Generator<string> {
  let count = 0;
  const walk = function* (
    value: Json,
    named: boolean,
    levels: number,
    sure = false,
  ): Generator<string> {
    if (count >= MAX_PATHS || levels === 0) return;
    if (typeof value === 'string') {
      const isUrl = /^[a-z][a-z0-9+.-]+:\/\//i.test(value) && !/^file:/i.test(value);
      if (
        named &&
        value !== '' &&
        value.length <= 4096 &&
        !isUrl &&
        (sure || !/\S\n/.test(value))
      ) {
        count++;
        yield value;
      } else if (/^file:\/\/\S+$/i.test(value) && value.length <= 4096) {
        count++;
        yield value;
      }
    } else if (Array.isArray(value)) {
      for (const item of value) yield* walk(item, named, levels - 1, sure);
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        if (except.has(key)) continue;
        const plain = key.toLowerCase().replace(/[_-]/g, '');
        const isPath = PATH_KEY.test(plain) && !isObject(item);
        yield* walk(item, isPath, levels - 1, SURE_KEY.test(plain));
      }
    }
  };
  yield* walk(input, false, MAX_LEVELS);
}

function patchOf(input: JsonObject): string | undefined {
  for (const key of ['command', 'input', 'patch', 'patchText', 'diff', 'value', 'patch_text']) {
    const value = input[key];
    const given = Array.isArray(value)
      ? value.find((word) => typeof word === 'string' && word.includes('*** '))
      : value;
    if (typeof given === 'string' && /^(\*\*\* |--- |\+\+\+ |diff --git )/m.test(given))
      return given;
  }
  return undefined;
}
