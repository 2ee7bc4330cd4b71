/** The lines of files that a search showed the model, from ripgrep's (and grep's) text. Pure. */
import { MAX_RESULT_UNITS } from '../../model/codec.ts';
import type { FileOp } from '../../model/event.ts';

const MAX_FILES = 200;
const MAX_RANGES = 200;
/** ripgrep prints these instead of a line: the model saw no text of it. */
const OMITTED = /^\[Omitted long (matching|context) line\]$/;

export interface SearchOptions {
  /** Where the search looked; its hits have no path of their own where that is one file. */
  path: string;
  /** Relative paths are relative to it; empty where it is not known. */
  cwd: string;
  /** Lines around the hits were asked for: they stand between `-`. */
  context: boolean;
}

/**
 * The files in lines of the form `path:12:text`, context lines `path-13-text`, or the same without
 * the path. None where the text does not hold to that form: nothing is guessed.
 */
export function searchedFiles(text: string, options: SearchOptions): FileOp[] {
  const shown = text.length > MAX_RESULT_UNITS ? text.slice(0, MAX_RESULT_UNITS) : text;
  const lines = shown.split('\n');
  // The last line may be a half one.
  if (shown.length < text.length || lines.at(-1) === '') lines.pop();
  const hits = new Hits(options.cwd);
  if (!readSingle(lines, options, hits)) readMany(lines, options, hits);
  return hits.files();
}

/** A search and nothing else: words, quoted or not, and perhaps a `head` behind it. */
const SEARCH =
  /^\s*(?:[ef]?grep|rg|git grep)((?: +(?:'[^']*'|"[^"$`\\]*"|[^\s'"|;&<>$`()\\]+))+) *(?:2>\/dev\/null *)?(?:\| *head[ \w-]*)?$/;

/** Whether a command may be one that {@link commandHits} reads. */
export const isSearch = (command: string): boolean => SEARCH.test(command);

/**
 * The lines that a shell command showed the model, where it is a plain `grep -n`, `rg -n` or `git grep -n`:
 * newer versions of Claude Code have no search tool of their own.
 */
export function commandHits(command: string, output: string, cwd: string): FileOp[] {
  const words = SEARCH.exec(command)?.[1]?.match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  const options = words.filter((word) => word[0] === '-').join(' ');
  if (!/(^| )-(\w*n|-line-number)/.test(options) || /(^| )-(\w*h|-no-f)/.test(options)) return [];
  const last = words.at(-1)!.replace(/^(['"])(.*)\1$/, '$2');
  return searchedFiles(output, {
    // A pattern of names is none; nor is an option, nor the text that is searched for.
    path: /^-|[*?[{]/.test(last) ? '' : last,
    cwd,
    context: /(^| )-(\w*[ABC]|\d|-\w*context)/.test(options),
  });
}

/** `12:text` and `13-text`, rising: hits of one file. */
function readSingle(lines: string[], { path, context }: SearchOptions, hits: Hits): boolean {
  if (path === '') return false;
  const found: number[] = [];
  let matched = false;
  let before = 0;
  for (const line of lines) {
    if (context && line === '--') continue;
    const parts = /^(\d{1,9})([:-])(.*)$/s.exec(line);
    const number = Number(parts?.[1]);
    if (parts === null || number <= before) return false;
    if (parts[2] === '-' && !context) return false;
    matched ||= parts[2] === ':';
    before = number;
    if (!OMITTED.test(parts[3]!)) found.push(number);
  }
  if (!matched) return false;
  for (const number of found) hits.add(path, number);
  return true;
}

function readMany(lines: string[], { context }: SearchOptions, hits: Hits): void {
  let path = '';
  let number = 0;
  for (const [at, line] of lines.entries()) {
    if (context && line === '--') {
      path = '';
      continue;
    }
    // The next line of the same file, whatever dashes and colons are in its path and text.
    let length = path === '' ? 0 : continues(line, path, number + 1, context);
    if (length > 0) number += 1;
    else {
      const place = placeOf(line, lines[at + 1], context);
      if (place === undefined) {
        // A match over more lines, or a form that we do not know.
        path = '';
        continue;
      }
      ({ path, number, length } = place);
    }
    if (!OMITTED.test(line.slice(length))) hits.add(path, number);
  }
}

interface Place {
  path: string;
  number: number;
  /** Characters before the line's own text. */
  length: number;
}

/** Length of what stands before the text where `line` is this line of this file, else 0. */
function continues(line: string, path: string, number: number, context: boolean): number {
  if (!line.startsWith(path)) return 0;
  const rest = line.slice(path.length);
  const marked =
    rest.startsWith(`:${number}:`) || (context && rest.startsWith(`-${number}-`)) ? number : 0;
  return marked === 0 ? 0 : path.length + String(number).length + 2;
}

/** A first line: of the ways to read it, the one that the next line goes on with. */
function placeOf(line: string, next: string | undefined, context: boolean): Place | undefined {
  const places: Place[] = [];
  for (const { 0: mark, index } of line.slice(0, 4096).matchAll(/([:-])\d{1,9}(?=\1)/g)) {
    if (index === 0 || (mark[0] === '-' && !context)) continue;
    const path = line.slice(0, index);
    const place = { path, number: Number(mark.slice(1)), length: index + mark.length + 1 };
    if (next !== undefined && continues(next, path, place.number + 1, context) > 0) return place;
    places.push(place);
    if (places.length === 8) break;
  }
  return places.find(({ path, length }) => line[path.length] === ':' && length > 0);
}

/** Hits by file, lines that follow each other joined. */
class Hits {
  readonly #cwd: string;
  readonly #found = new Map<string, [number, number][]>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  add(path: string, line: number): void {
    const ranges = this.#found.get(path);
    if (ranges === undefined) {
      if (this.#found.size < MAX_FILES) this.#found.set(path, [[line, line]]);
      return;
    }
    const last = ranges.at(-1)!;
    if (line === last[1] + 1) last[1] = line;
    else if ((line < last[0] || line > last[1]) && ranges.length < MAX_RANGES) {
      ranges.push([line, line]);
    }
  }

  files(): FileOp[] {
    return [...this.#found].map(([path, ranges]) => ({
      path: absolutePath(path, this.#cwd),
      kind: 'read',
      ranges,
    }));
  }
}

/** A path as the agent gave it, made absolute where its folder is known. */
export function absolutePath(path: string, cwd: string): string {
  if (cwd === '' || /^([/\\]|[A-Za-z]:[/\\])/.test(path)) return path;
  const back = cwd.includes('\\') && !cwd.includes('/');
  const rest = path.replace(/^(\.[/\\]+)+/, '');
  return cwd.replace(/[/\\]+$/, '') + (back ? '\\' : '/') + rest;
}
