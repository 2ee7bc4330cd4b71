/** A file of YAML or JSON as a tree that knows where everything stands. Nothing in it is run, expanded or followed. */
import { type Node as JsonNode, parseTree, printParseErrorCode } from 'jsonc-parser';
import { isAlias, isMap, isScalar, isSeq, Lexer, type Pair, parseDocument } from 'yaml';

/** Offsets count from the start of the text. */
export type Tree =
  | { kind: 'map'; start: number; entries: Entry[] }
  | { kind: 'list'; start: number; items: Tree[] }
  | { kind: 'scalar'; start: number; value: string | number | boolean | null }
  /** What neither rules nor anything else of ours needs. */
  | { kind: 'wrong'; start: number; message: string; fix: string };

export interface Entry {
  key: string;
  keyStart: number;
  node: Tree;
}

/** A mistake of the file's own grammar: nothing in it can be relied on. */
export interface Unreadable {
  at: number;
  message: string;
  fix: string;
}

/** Deeper than any file of rules. */
const MAX_DEPTH = 40;
/** More than any file of rules has. */
const MAX_NODES = 50_000;
/** Words and signs of YAML: a thousand rules have 33,000. Its parser takes seconds for a million, which a hook has not. */
const MAX_LEXEMES = 50_000;

class TooMuch extends Error {}

/** @returns the tree; undefined: the file is empty */
export function readTree(text: string, format: 'yaml' | 'json'): Tree | undefined | Unreadable {
  const budget = { nodes: MAX_NODES };
  try {
    const deep = tooDeep(text);
    if (deep !== undefined) return { at: deep, ...TOO_DEEP };
    return format === 'json' ? json(text, budget) : yaml(text, budget);
  } catch (error) {
    // A parser that runs out of stack throws a RangeError.
    if (error instanceof TooMuch || error instanceof RangeError) return { at: 0, ...TOO_DEEP };
    throw error;
  }
}

const TOO_DEEP = {
  message: 'the file is nested too deeply, or holds too much',
  fix: 'a file of rules is a list of rules: name, condition, action',
};

/** Where brackets are nested deeper than parsers should be asked to follow. In strings they count, too: nobody needs so many. */
function tooDeep(text: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 91 || char === 123) {
      if (++depth > 20 * MAX_DEPTH) return at;
    } else if ((char === 93 || char === 125) && depth > 0) depth--;
  }
  return undefined;
}

function json(text: string, budget: { nodes: number }): Tree | undefined | Unreadable {
  if (text.trim() === '') return undefined;
  const errors: { error: number; offset: number; length: number }[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const { error, offset } = first ?? { error: 4, offset: 0 };
    const found = text.slice(offset, offset + 12).split('\n', 1)[0];
    return {
      at: offset,
      message: `this is no JSON: ${JSON_WORDS[printParseErrorCode(error)] ?? printParseErrorCode(error)}`,
      fix: found ? `look at and before: ${found}` : 'the end of the file is missing',
    };
  }
  return fromJson(root, budget, 0);
}

const JSON_WORDS: Record<string, string> = {
  CommaExpected: 'a comma is missing',
  ColonExpected: 'a colon is missing',
  ValueExpected: 'a value is missing',
  PropertyNameExpected: 'a name in quotes is missing',
  CloseBraceExpected: 'a } is missing',
  CloseBracketExpected: 'a ] is missing',
  EndOfFileExpected: 'something follows its end',
  InvalidSymbol: 'a word without quotes',
  UnexpectedEndOfString: 'a quote is missing',
  InvalidCharacter: 'a character that must not be there',
};

function spend(budget: { nodes: number }, depth: number): void {
  if (--budget.nodes < 0 || depth > MAX_DEPTH) throw new TooMuch();
}

function fromJson(node: JsonNode, budget: { nodes: number }, depth: number): Tree {
  spend(budget, depth);
  const start = node.offset;
  if (node.type === 'array')
    return {
      kind: 'list',
      start,
      items: (node.children ?? []).map((item) => fromJson(item, budget, depth + 1)),
    };
  if (node.type !== 'object') return { kind: 'scalar', start, value: node.value };
  const entries = (node.children ?? []).flatMap(({ children }) => {
    const [key, value] = children ?? [];
    if (key === undefined || value === undefined) return [];
    return [
      { key: String(key.value), keyStart: key.offset, node: fromJson(value, budget, depth + 1) },
    ];
  });
  return { kind: 'map', start, entries };
}

function yaml(text: string, budget: { nodes: number }): Tree | undefined | Unreadable {
  let lexemes = 0;
  for (const _ of new Lexer().lex(text)) if (++lexemes > MAX_LEXEMES) throw new TooMuch();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    customTags: [],
    resolveKnownTags: false,
    // Told by the reader of rules, with the line of each.
    uniqueKeys: false,
    prettyErrors: false,
    // Silent, it would not tell of a second document.
    logLevel: 'error',
    keepSourceTokens: false,
  });
  const [first] = document.errors;
  if (first !== undefined) {
    return {
      at: first.pos[0],
      message: `this is no YAML: ${first.message.split('\n', 1)[0]!.slice(0, 200)}`,
      fix:
        YAML_FIX[first.code] ?? 'look at the indentation, and put texts with : # * & ! in quotes',
    };
  }
  const root: unknown = document.contents;
  return root === null ? undefined : fromYaml(root, budget, 0, 0);
}

const YAML_FIX: Record<string, string> = {
  MULTIPLE_DOCS: 'one file is one document: take the second --- out',
  TAB_AS_INDENT: 'indent with spaces',
  BAD_ALIAS: 'put the text in quotes',
};

function fromYaml(node: unknown, budget: { nodes: number }, depth: number, near: number): Tree {
  spend(budget, depth);
  const start = (node as { range?: number[] } | null)?.range?.[0] ?? near;
  const tag = (node as { tag?: string } | null)?.tag;
  if (isAlias(node))
    return {
      kind: 'wrong',
      start,
      message: `YAML takes *${node.source.slice(0, 40)} for an alias, and aliases are not read here`,
      fix: `put it in quotes: "*${node.source.slice(0, 40)}"`,
    };
  if (tag !== undefined && !tag.startsWith('tag:yaml.org,2002:'))
    return {
      kind: 'wrong',
      start,
      message: `tags (${tag.slice(0, 40)}) are not read here`,
      fix: 'put the text in quotes',
    };
  if (isSeq(node))
    return {
      kind: 'list',
      start,
      items: node.items.map((item) => fromYaml(item, budget, depth + 1, start)),
    };
  if (isMap(node))
    return {
      kind: 'map',
      start,
      entries: node.items.map((pair) => entryOf(pair, budget, depth, start)),
    };
  const value: unknown = isScalar(node) ? node.value : null;
  const plain = ['string', 'number', 'boolean'].includes(typeof value);
  return { kind: 'scalar', start, value: plain ? (value as string | number | boolean) : null };
}

function entryOf(pair: Pair, budget: { nodes: number }, depth: number, near: number): Entry {
  const key = fromYaml(pair.key, budget, depth + 1, near);
  return {
    key: key.kind === 'scalar' ? String(key.value) : '?',
    keyStart: key.start,
    node: fromYaml(pair.value, budget, depth + 1, key.start),
  };
}

/** 1-based line and column of offsets in a text. */
export function placer(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}

/** Where the n-th character of a scalar's value stands in the text: behind its quote, and what is escaped is longer. */
export function placeIn(text: string, start: number, index: number): number {
  const quote = text[start];
  // Of a text over several lines its beginning.
  if (quote === '|' || quote === '>') return start;
  if (quote !== '"' && quote !== "'") return start + index;
  let at = start + 1;
  for (let left = index; left > 0 && at < text.length; left--) {
    if (quote === '"' && text[at] === '\\') at += text[at + 1] === 'u' ? 6 : 2;
    else if (quote === "'" && text[at] === "'" && text[at + 1] === "'") at += 2;
    else at++;
  }
  return at;
}
