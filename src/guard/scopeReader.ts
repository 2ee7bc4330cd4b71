/** Reads the parts of a policy; what is wrong with one is told with its place. */
import { FileReader } from './rules/fileReader.ts';
import type { RuleProblem } from './rules/rule.ts';
import { type Entry, placer, readTree, type Tree } from './rules/tree.ts';

export type Fields = ReadonlyMap<string, Entry>;

/** Patterns in one list. */
const MAX_PATTERNS = 1000;
const MAX_PATTERN = 1000;
/** What one pattern may stand for: more are not tried by those who decide. */
const MAX_SPELLINGS = 100;

const EXAMPLE = '{ "files": { "write": { "allow": ["src/**"] } } }';

/** A pattern, and what it comes to. @returns a text: what is wrong */
export type Convert = (text: string) => string[] | string;

export interface Item {
  text: string;
  values: string[];
  /** 1-based. */
  line: number;
}

export class Reader {
  readonly #reader: FileReader;
  readonly #text: string;
  readonly #place: (offset: number) => { line: number; column: number };

  constructor(text: string, file: string) {
    this.#reader = new FileReader({ file, text, repo: true });
    this.#text = text;
    this.#place = placer(text);
  }

  get problems(): RuleProblem[] {
    return this.#reader.problems;
  }

  wrong(at: number, message: string, fix: string): void {
    this.#reader.lose(at, message, fix);
  }

  place(at: number): number {
    return this.#place(at).line;
  }

  /** The fields of the file; undefined: it is none. A file without anything in it is a mistake, too. */
  top(): Fields | undefined {
    const tree = this.#text.includes('\0')
      ? { at: this.#text.indexOf('\0'), message: 'this is not a text file', fix: EXAMPLE }
      : readTree(this.#text, 'json');
    if (tree === undefined) {
      this.wrong(0, 'the policy is empty', `write one, such as ${EXAMPLE}, or delete the file`);
      return undefined;
    }
    if (!('kind' in tree)) {
      this.wrong(tree.at, tree.message, tree.fix);
      return undefined;
    }
    if (tree.kind !== 'map') {
      this.wrong(tree.start, 'a policy is an object', `write: ${EXAMPLE}`);
      return undefined;
    }
    return this.#fields(tree, ['files', 'commands', 'network', 'version', 'name', 'description']);
  }

  /** A part of the policy that is an object; where there is none it has no fields. */
  section(of: Fields, name: string, keys: readonly string[]): Fields {
    const entry = of.get(name);
    if (entry === undefined) return new Map();
    if (entry.node.kind === 'map') return this.#fields(entry.node, keys);
    this.wrong(
      entry.node.start,
      `"${name}" is an object`,
      `write: "${name}": { ${keys.map((key) => `"${key}": …`).join(', ')} }`,
    );
    return new Map();
  }

  #fields(map: Extract<Tree, { kind: 'map' }>, keys: readonly string[]): Fields {
    // JSON has no comments.
    const notes = map.entries
      .map(({ key }) => key)
      .filter((key) => /^([$_]|x-|comment$)/.test(key));
    return this.#reader.fields(map, [...keys, ...notes], 'a policy');
  }

  flag(of: Fields, name: string): boolean | undefined {
    const entry = of.get(name);
    if (entry === undefined) return undefined;
    const { node } = entry;
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
    this.wrong(node.start, `"${name}" is true or false`, `write: "${name}": true`);
    return undefined;
  }

  /** 1-based line of a field's name. */
  lineOf(of: Fields, name: string): number {
    const entry = of.get(name);
    return entry === undefined ? 1 : this.place(entry.keyStart);
  }
}

/** A list of patterns. What cannot be one is told, and left out. */
export function list(reader: Reader, of: Fields, name: string, convert: Convert): Item[] {
  const entry = of.get(name);
  if (entry === undefined) return [];
  const { node } = entry;
  if (node.kind !== 'list') {
    reader.wrong(node.start, `"${name}" is a list of texts`, `write: "${name}": ["…"]`);
    return [];
  }
  if (node.items.length > MAX_PATTERNS)
    reader.wrong(
      node.items[MAX_PATTERNS]!.start,
      `a list has at most ${MAX_PATTERNS} patterns: those from here on are not read`,
      'write fewer and wider ones: src/**',
    );
  return node.items.slice(0, MAX_PATTERNS).flatMap((item): Item[] => {
    const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : undefined;
    if (text === undefined) {
      reader.wrong(item.start, `"${name}" is a list of texts`, 'put it in quotes');
      return [];
    }
    const values =
      text.length > MAX_PATTERN ? `a pattern has at most ${MAX_PATTERN} characters` : convert(text);
    if (typeof values === 'string') {
      reader.wrong(item.start, values, 'correct it, or take it out');
      return [];
    }
    return [{ text, values, line: reader.place(item.start) }];
  });
}

/** A glob over paths. `[ab]` within a name is one of these characters, as Python's `fnmatch` has it; `[id]` alone is a name. */
export const onlyPaths: Convert = (text) => {
  const glob = text.trim();
  if (glob === '') return 'an empty pattern';
  if (/^[A-Za-z]:[\\/]/.test(glob) || glob.includes('\\'))
    return 'folders are parted by /, not by \\';
  const found = glob.split('/').map(characters);
  const wrong = found.find((part) => typeof part === 'string');
  if (typeof wrong === 'string') return wrong;
  let spellings = [''];
  for (const [at, part] of (found as string[][]).entries()) {
    spellings = spellings.flatMap((start) =>
      part.map((one) => (at === 0 ? one : `${start}/${one}`)),
    );
    if (spellings.length > MAX_SPELLINGS) return TOO_MANY;
  }
  const braces = [...glob.matchAll(/\{([^{}]*,[^{}]*)\}/g)];
  const each = braces.reduce((count, [, parts = '']) => count * parts.split(',').length, 1);
  return spellings.length * each > MAX_SPELLINGS ? TOO_MANY : spellings;
};

const TOO_MANY = `a pattern stands for at most ${MAX_SPELLINGS} spellings`;

/** All spellings of a name with character classes, the one by the letter first. */
function characters(part: string): string[] | string {
  if (!part.includes('[') || /^\[[^\]]*\]$|^\[\[.*\]\]$/.test(part)) return [part];
  let spellings = [''];
  let rest = part;
  for (;;) {
    const match = /^([^[]*)\[([^\]]+)\]/.exec(rest);
    if (match === null) break;
    const [all, before, set] = match;
    if (/^[!^]/.test(set!)) return 'what a character must not be cannot be said here: write * or ?';
    const one = membersOf(set!);
    spellings = spellings.flatMap((start) => one.map((char) => start + before + char));
    if (spellings.length > MAX_SPELLINGS) return TOO_MANY;
    rest = rest.slice(all.length);
  }
  return [...new Set([part, ...spellings.map((start) => start + rest)])];
}

function membersOf(set: string): string[] {
  const members = set.replace(/(.)-(.)/g, (_all, from: string, to: string) => {
    const first = from.charCodeAt(0);
    const count = Math.min(MAX_SPELLINGS + 1, to.charCodeAt(0) - first + 1);
    return Array.from({ length: Math.max(0, count) }, (_, at) =>
      String.fromCharCode(first + at),
    ).join('');
  });
  return [...new Set(members)];
}

/** A host, without what stands around it in an address. */
export const network: Convert = (text) => {
  const host = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#].*$/s, '')
    .replace(/^[^@]*@/, '');
  const bare = /^\[[^\]]*\](:\d+)?$/.test(host)
    ? host.replace(/:\d+$/, '')
    : host.replace(/^([^:]*):(\d+|\*)$/, '$1');
  if (bare === '' || /[\s\\]/.test(bare))
    return 'this is no host: write example.com or *.example.com';
  return [bare];
};
