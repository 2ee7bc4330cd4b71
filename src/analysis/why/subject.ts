import { isObject, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { recordedFileOps } from '../../model/fileOps.ts';
import { patchPaths } from '../../model/patchText.ts';
import { shownCommand } from '../../model/scriptCommand.ts';
import type { StepKind } from '../../model/step.ts';
import { pathArgument } from '../../model/tools.ts';
import { wholePath } from './mentions.ts';

/** What a step is about: what a cause of it would name. */
export interface Subject {
  /** Whole paths. */
  paths: string[];
  /** Symbols, patterns, addresses; the most telling first. */
  words: string[];
}

const MAX_PATHS = 8;
const MAX_WORDS = 12;
/** Of a command or a text, UTF-16 units. */
const MAX_LOOKED_AT = 20_000;

/** A word that looks like a path in a command: it has a folder or an ending. */
const COMMAND_PATH =
  /(?<![\w*?{}$\]/.@~+-])(?:(?:[\w.@~+-]*\/)+[\w.@+-]+|[A-Za-z_][\w@+-]{2,}\.[A-Za-z]\w{0,5}\b)(?![*?{])/g;
const IDENTIFIER = /[A-Za-z_$][\w$]{3,}/g;
/** Made of several words, as names in programs are: `userId`, `read_all`, `ID3Tag`, `HTTPServer`. */
const TELLING = /[a-z0-9][A-Z]|[A-Z]{2}[a-z]|[A-Za-z0-9]_[A-Za-z0-9]/;

export function subjectOf(
  event: TraceEvent,
  kind: StepKind,
  cwd: string,
  result: TraceEvent | undefined,
): Subject {
  const { data } = event;
  const args = isObject(data.arguments) ? data.arguments : {};
  const paths = new Set<string>();
  const words = new Set<string>();
  const addPath = (path: string): void => {
    if (paths.size < MAX_PATHS && path.length > 2 && path.length < 4096) {
      paths.add(wholePath(unquoted(path), cwd));
    }
  };
  const own = pathArgument(args) ?? pathArgument(data);
  // A search in a folder is not about the folder.
  if (own !== undefined && (kind !== 'search' || /\.[A-Za-z]\w{0,5}$/.test(own))) addPath(own);
  if (Array.isArray(args.paths)) for (const each of args.paths) addPath(String(each));
  for (const key of ['input', 'patch', 'command'] as const) {
    const text = args[key];
    if (typeof text === 'string') for (const each of patchPaths(text)) addPath(each);
  }
  if (kind === 'modify') {
    for (const { path, kind: done } of recordedFileOps(result?.data ?? {}) ?? []) {
      if (done !== 'read') addPath(path);
    }
    addNew(args, words);
  } else if (kind === 'run') {
    const command = commandOf(args).slice(0, MAX_LOOKED_AT);
    for (const [path] of command.matchAll(COMMAND_PATH)) {
      // A program that is run is named wherever it was built: that tells nothing.
      if (!path.startsWith('/dev/') && !/^\.\/[^/.]+$/.test(path)) addPath(path);
    }
    addIdentifiers(command, words);
  } else if (kind === 'search') {
    const pattern = textOf(args.pattern) || textOf(args.query) || textOf(args.glob);
    addPattern(pattern, words);
  } else if (kind === 'web') {
    for (const value of [args.url, args.query]) if (typeof value === 'string') words.add(value);
  } else if (kind === 'assistant' || kind === 'reasoning') {
    addSpoken(textOf(data.text), addPath, words);
  } else if (kind !== 'read') {
    for (const key in args) addIdentifiers(textOf(args[key]).slice(0, 4000), words);
  }
  return { paths: [...paths], words: [...words].slice(0, MAX_WORDS) };
}

/** Names that an edit brings in, which were not in what it replaces. */
function addNew(args: JsonObject, words: Set<string>): void {
  const after = textOf(args.new_string) || textOf(args.content) || textOf(args.new_str);
  const before = textOf(args.old_string) || textOf(args.old_str);
  const known = new Set(before.slice(0, MAX_LOOKED_AT).match(IDENTIFIER) ?? []);
  const found = (after.slice(0, MAX_LOOKED_AT).match(IDENTIFIER) ?? []).filter(
    (word) => !known.has(word) && TELLING.test(word),
  );
  for (const word of longestFirst(found)) words.add(word);
}

function addIdentifiers(text: string, words: Set<string>): void {
  const found = (text.match(IDENTIFIER) ?? []).filter((word) => TELLING.test(word));
  for (const word of longestFirst(found)) words.add(word);
}

/** What a regular expression looks for, piece by piece; and the names in the pieces. */
function addPattern(pattern: string, words: Set<string>): void {
  const pieces = pattern
    .slice(0, 2000)
    .split(/\||\.\*|\\[bBsSdDwW]|[()[\]{}*+?^$]/)
    .map((piece) => piece.replaceAll('\\', '').trim())
    .filter((piece) => piece.length >= 4);
  // A plain short word is everywhere: it would tell nothing.
  const telling = (piece: string): boolean =>
    TELLING.test(piece) || /[/.:_-]/.test(piece) || piece.length >= 8;
  for (const piece of longestFirst(pieces.filter(telling))) words.add(piece);
  addIdentifiers(pattern.slice(0, 2000), words);
}

/** What a text sets as code, and the files and names that it speaks of. */
function addSpoken(text: string, addPath: (path: string) => void, words: Set<string>): void {
  const looked = text.slice(0, MAX_LOOKED_AT);
  for (const [path] of looked.matchAll(COMMAND_PATH)) {
    if (/[A-Za-z]\.[A-Za-z]\w{0,5}$/.test(path)) addPath(path);
  }
  addIdentifiers(looked, words);
}

/** Names that a text speaks of. */
export function spokenWords(text: string): string[] {
  const words = new Set<string>();
  addIdentifiers(text.slice(0, MAX_LOOKED_AT), words);
  return [...words].filter((word) => word.length >= 8);
}

/** The shell command of a call; a script that has none is one itself. */
export const commandOf = (args: JsonObject): string => shownCommand(args) ?? textOf(args.input);

const longestFirst = (words: readonly string[]): string[] =>
  [...new Set(words)].sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, MAX_WORDS);

/** Decorated functions record `repr(value)`. */
const unquoted = (path: string): string => (/^'.*'$/s.test(path) ? path.slice(1, -1) : path);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
