/** Patterns of commands: words of one program, its flags in any order and spelling. */

import { UNKNOWN } from '../shell/pattern.ts';
import type { Program } from '../shell/reading.ts';
import { alternatives, textGlob } from './pathGlob.ts';
import { type Truth, truer } from './truth.ts';

type Test = (text: string) => boolean;

export interface CommandPattern {
  /** Of the program's name. */
  name: Test;
  /** Words in their order, flags left out. */
  words: { text: string; test: Test }[];
  /** Single letters, and long names without dashes. */
  flags: Flag[];
  /** `NAME=value` before the program: variables that are set for it. */
  assignments: { name: string; test: Test }[];
  /** Patterns with operators, or a star before the program: of the command as it stands. */
  whole?: Test;
}

interface Flag {
  letter?: string;
  long?: string;
  /** As written, for flags with a star in them. */
  test?: Test;
}

/** Two spellings of one flag, by program: letters → long names. */
const SPELLINGS: Record<string, Record<string, string>> = {
  rm: { r: 'recursive', R: 'recursive', f: 'force', d: 'dir', v: 'verbose', i: 'interactive' },
  cp: { r: 'recursive', R: 'recursive', f: 'force', a: 'archive' },
  mv: { f: 'force' },
  ln: { s: 'symbolic', f: 'force' },
  chmod: { R: 'recursive' },
  chown: { R: 'recursive' },
  chgrp: { R: 'recursive' },
  grep: { r: 'recursive', R: 'dereference-recursive' },
  git: { f: 'force', d: 'delete', D: 'delete-force', a: 'all', n: 'dry-run', m: 'message' },
  hub: { f: 'force', d: 'delete' },
  docker: { f: 'force', a: 'all', v: 'volume' },
  npm: { g: 'global', f: 'force' },
  curl: { d: 'data', F: 'form', T: 'upload-file', o: 'output', X: 'request', k: 'insecure' },
  wget: { O: 'output-document' },
  kill: { s: 'signal' },
  tar: { x: 'extract', c: 'create' },
  sudo: { u: 'user' },
};

/** Every alternative of a pattern. An empty pattern has none. */
export const commandPatterns = (pattern: string): CommandPattern[] =>
  alternatives(pattern.trim()).flatMap((text) => {
    const words = text.split(/\s+/).filter(Boolean);
    const assignments: CommandPattern['assignments'] = [];
    for (let set = ASSIGNMENT.exec(words[0] ?? ''); set; set = ASSIGNMENT.exec(words[0] ?? '')) {
      assignments.push({ name: set[1]!, test: textGlob(set[2]!) });
      words.shift();
    }
    return words.length === 0 ? [] : [new Pattern(text, words, assignments)];
  });

/** What follows the name is compiled for the few commands that have it. */
class Pattern implements CommandPattern {
  readonly name: Test;
  readonly whole?: Test;
  readonly assignments: CommandPattern['assignments'];
  private readonly rest: string[];
  private compiled: Pick<CommandPattern, 'words' | 'flags'> | undefined;

  constructor(
    text: string,
    [first = '', ...rest]: string[],
    assignments: CommandPattern['assignments'],
  ) {
    this.assignments = assignments;
    this.name = textGlob(baseOf(first).toLowerCase());
    if (/[|&;<>]/.test(text) || (first.startsWith('*') && first !== '*'))
      this.whole = textGlob(text);
    this.rest = rest;
  }

  get words(): CommandPattern['words'] {
    return this.compile().words;
  }

  get flags(): Flag[] {
    return this.compile().flags;
  }

  private compile(): Pick<CommandPattern, 'words' | 'flags'> {
    if (this.compiled !== undefined) return this.compiled;
    this.compiled = { words: [], flags: [] };
    const { words, flags } = this.compiled;
    const { rest } = this;
    // A star at the end is whatever comes, nothing included.
    while (rest.at(-1) === '*') rest.pop();
    for (const word of rest) {
      if (/^-./.test(word) && word !== '--') flags.push(...flagsOf(word));
      else if (word !== '--') words.push({ text: word, test: wordTest(word) });
    }
    return this.compiled;
  }
}

const ASSIGNMENT = /^([A-Za-z_]\w*)=(.*)$/s;

const isSet = ({ assignments }: CommandPattern, program: Program): boolean =>
  assignments.every(
    ({ name, test }) =>
      Object.hasOwn(program.assignments, name) && test(program.assignments[name]!),
  );

const baseOf = (word: string): string =>
  /^[\w-]+$/.test(word) ? word : word.replace(/^.*\//, '').replace(/\.exe$/i, '') || word;

function wordTest(word: string): Test {
  // `./x` and `x` are one word.
  const glob = textGlob(word.replace(/^\.\//, ''));
  return (text) => glob(text.replace(/^\.\//, '')) || glob(text);
}

function flagsOf(word: string): Flag[] {
  if (/[*?]/.test(word)) return [{ test: textGlob(word) }];
  if (word.startsWith('--')) return [{ long: word.slice(2).toLowerCase() }];
  if (/^-[A-Za-z0-9]+$/.test(word)) return [...word.slice(1)].map((letter) => ({ letter }));
  return [{ test: (text) => text === word }];
}

/** Whether a command, one of its programs or the text, is of this pattern. */
export function runs(
  pattern: CommandPattern,
  programs: readonly Program[],
  text: string | undefined,
  first = false,
): Truth {
  if (first) {
    return programs.reduce<Truth>((best, one) => truer(best, begins(pattern, one)), 'no');
  }
  if (text !== undefined && pattern.whole?.(text.trim())) return 'yes';
  let best: Truth = 'no';
  for (const program of programs) {
    best = truer(best, matches(pattern, program));
    if (best === 'yes') break;
  }
  return best;
}

function matches(pattern: CommandPattern, program: Program): Truth {
  const { name } = program;
  if (name === undefined || !pattern.name(name) || !isSet(pattern, program)) return 'no';
  const args = program.words.slice(1);
  // A word that is not known could be any of those that are missing.
  const vague = args.map((_, at) => program.unknown.includes(at + 1));
  const globs = args.map((_, at) => program.globs.includes(at + 1));
  let open = vague.some(Boolean);
  const spellings = Object.hasOwn(SPELLINGS, name) ? SPELLINGS[name]! : {};
  let least: Truth = 'yes';
  for (const flag of pattern.flags) {
    if (args.some((arg, at) => !vague[at] && hasFlag(arg, flag, spellings))) continue;
    if (!open) return 'no';
    least = 'maybe';
  }
  let from = 0;
  for (const { text, test } of pattern.words) {
    const at = args.findIndex((arg, index) => index >= from && !vague[index] && test(arg));
    if (at >= 0) {
      from = at + 1;
      continue;
    }
    const may = args.findIndex(
      (arg, index) =>
        index >= from &&
        (vague[index]
          ? couldBe(arg, text)
          : // A star alone is whatever the folder holds.
            globs[index] && /[^*?]/.test(arg) && textGlob(arg)(text)),
    );
    if (may < 0) return 'no';
    from = may + 1;
    open = true;
    least = 'maybe';
  }
  return least;
}

/** Options before a program's own words that change nothing of what it does. */
const PLAIN: Record<string, { alone: Set<string>; valued: Set<string> }> = {
  git: {
    alone: new Set([
      '--no-pager',
      '-P',
      '--paginate',
      '--no-optional-locks',
      '--literal-pathspecs',
    ]),
    valued: new Set(['-C']),
  },
};

/** Whether a program is run with the words of the pattern before all others. What is not known might be anything. */
function begins(pattern: CommandPattern, program: Program): Truth {
  const { name, words, unknown, globs, via } = program;
  // `python -m pytest` is one program with its words, which are looked at as such.
  if (via.at(-1) === 'python -m') return 'yes';
  if (name === undefined || !pattern.name(name) || !isSet(pattern, program)) return 'no';
  const args = words.slice(1);
  const isOpen = (at: number): boolean => unknown.includes(at + 1) || globs.includes(at + 1);
  const spellings = Object.hasOwn(SPELLINGS, name) ? SPELLINGS[name]! : {};
  const named = (arg: string): boolean =>
    pattern.flags.some((flag) => hasFlag(arg, flag, spellings));
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
  let at = 0;
  for (const { text, test } of pattern.words) {
    for (; at < args.length && !isOpen(at) && /^-./.test(args[at]!); at++) {
      if (plain?.valued.has(args[at]!)) at++;
      else if (!plain?.alone.has(args[at]!) && !named(args[at]!)) return 'no';
    }
    const arg = args[at];
    if (arg === undefined) return 'no';
    if (isOpen(at)) return couldBe(arg, text) ? 'maybe' : 'no';
    if (!test(arg)) return 'no';
    at++;
  }
  for (const flag of pattern.flags)
    if (!args.some((arg, index) => !isOpen(index) && hasFlag(arg, flag, spellings))) return 'no';
  return 'yes';
}

/** Whether a word with a part that is not known may become this one. */
function couldBe(word: string, text: string): boolean {
  const [start = '', ...rest] = word.split(UNKNOWN);
  const end = rest.at(-1) ?? '';
  return text.includes('*') || (text.startsWith(start) && text.endsWith(end));
}

function hasFlag(arg: string, flag: Flag, spellings: Record<string, string>): boolean {
  if (!/^-./.test(arg)) return false;
  if (flag.test !== undefined) return flag.test(arg);
  if (arg.startsWith('--')) {
    const name = arg.slice(2).replace(/=.*$/s, '').toLowerCase();
    const long = flag.long ?? spellings[flag.letter!];
    // Options may be cut short, as far as they stay clear.
    return long !== undefined && (name === long || (name.length >= 2 && long.startsWith(name)));
  }
  // `-delete`, `-rf`, `-ofile`: letters together, or a long name behind one dash.
  const letters = arg.slice(1).replace(/=.*$/s, '');
  if (flag.long !== undefined) {
    if (letters.toLowerCase() === flag.long) return true;
    return [...letters].some((letter) => spellings[letter] === flag.long);
  }
  const wanted = spellings[flag.letter!];
  return [...letters].some(
    (letter) => letter === flag.letter || (wanted !== undefined && spellings[letter] === wanted),
  );
}
