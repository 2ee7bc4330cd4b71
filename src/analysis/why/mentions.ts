/** Whether a text names a path or a symbol: on the boundaries of its parts, never within another word. Pure. */

/** Characters of a text that are looked at. */
export const MAX_TEXT = 262_144;

export interface Mention {
  /** Where it begins, UTF-16 units. */
  at: number;
  /** 1-based. */
  line: number;
  /** As the text has it. */
  as: string;
  /** Only the name of the file, without a folder: one that few folders have. */
  bare: boolean;
}

const PATH_PART = /[\w.@~+\-/\\%]/;
const WORD = /[\w$]/;

/** A path in one spelling: `/` between its parts, no `./` before it. */
export const plainPath = (path: string): string =>
  path
    .replaceAll('\\', '/')
    .replace(/^file:\/\//, '')
    .replace(/\/{2,}/g, '/')
    .replace(/(^|\/)(?:\.\/)+/g, '$1')
    .replace(/\/$/, '');

/** The path as an absolute one where the session's folder is known. */
export function wholePath(path: string, cwd: string): string {
  const plain = plainPath(path);
  if (/^(\/|~|[A-Za-z]:)/.test(plain) || cwd === '') return plain;
  const folder = plainPath(cwd).split('/');
  const parts = plain.split('/');
  while (parts[0] === '..' && folder.length > 1) {
    parts.shift();
    folder.pop();
  }
  return [...folder, ...parts].join('/');
}

/**
 * The first place where a text names a path: whole, from the session's folder, or by its last parts.
 * `lib/auth.py` is named by `src/lib/auth.py`'s tail, but `my-auth.py` and `auth.pyc` name it not.
 *
 * @param path of {@link wholePath}
 */
export function mentionOfPath(text: string, path: string): Mention | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.length < 3) return undefined;
  const limit = Math.min(text.length, MAX_TEXT);
  // Alone, the name of a folder is a word like any other, and a common name is any folder's.
  const alone = /.\.[A-Za-z]\w*$/.test(name) && !COMMON.test(name);
  let bare: Mention | undefined;
  for (let at = text.indexOf(name), tries = 0; at >= 0 && at < limit && tries < 500; tries++) {
    const end = at + name.length;
    if (endsHere(text, end)) {
      let from = at;
      while (from > 0 && PATH_PART.test(text[from - 1]!) && at - from < 4096) from--;
      const said = text.slice(from, end);
      if (isPath(said, path)) {
        const isBare = !plainPath(said).includes('/');
        if (!isBare) return { at: from, line: lineAt(text, from), as: said, bare: false };
        if (alone) bare ??= { at: from, line: lineAt(text, from), as: said, bare: true };
      }
    }
    at = text.indexOf(name, end);
  }
  return bare;
}

/** The name is not the beginning of a longer one: `auth.py:12` and `auth.py.` are, `auth.pyc` and `auth.py.bak` are not. */
function endsHere(text: string, end: number): boolean {
  const next = text[end];
  if (next === undefined) return true;
  if (next === '.') return !/[A-Za-z0-9]/.test(text[end + 1] ?? '');
  return !/[\w\-~/\\]/.test(next);
}

function isPath(said: string, path: string): boolean {
  const plain = plainPath(said.replace(/^(?:\.\.\/)+/, ''));
  if (plain === path) return true;
  if (path.startsWith('/') || path.startsWith('~')) {
    if (plain.startsWith('/')) return false;
    // `~` is some home folder: what follows must be the path's end.
    const tail = plain.startsWith('~/') ? plain.slice(2) : plain;
    return endsWithParts(path, tail) || endsWithParts(path, tail.replace(/^[ab]\//, ''));
  }
  return endsWithParts(path, plain) || endsWithParts(plain, path);
}

const endsWithParts = (path: string, tail: string): boolean =>
  tail !== '' && (path === tail || path.endsWith(`/${tail}`));

/** The first place where a text names a symbol or another word, not within a longer one. */
export function mentionOfWord(text: string, word: string): Mention | undefined {
  const limit = Math.min(text.length, MAX_TEXT);
  for (let at = text.indexOf(word), tries = 0; at >= 0 && at < limit && tries < 500; tries++) {
    const end = at + word.length;
    const open = at === 0 || !WORD.test(text[at - 1]!) || !WORD.test(word[0]!);
    const closed = end >= text.length || !WORD.test(text[end]!) || !WORD.test(word.at(-1)!);
    if (open && closed) return { at, line: lineAt(text, at), as: word, bare: false };
    at = text.indexOf(word, end);
  }
  return undefined;
}

function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', next + 1)) {
    line++;
  }
  return line;
}

/** Names of files that many folders have: alone they tell nothing. */
const COMMON =
  /^(?:index|main|mod|lib|__init__|setup|readme|license|changelog|package|tsconfig|makefile|dockerfile|types|utils?|config)(?:\.\w+)?$/i;

export const isCommonName = (name: string): boolean => COMMON.test(name);

/** The sentence of a text around a place in it. */
export function sentenceAt(text: string, at: number): string {
  const from = Math.max(0, at - 400);
  const before = text.slice(from, at);
  const after = text.slice(at, at + 400);
  const begins = [...before.matchAll(/[.!?:]\s+|\n/g)].at(-1);
  const ends = /[.!?](?:\s|$)|\n/.exec(after);
  const start = begins === undefined ? 0 : begins.index + begins[0].length;
  return (before.slice(start) + after.slice(0, ends === null ? undefined : ends.index + 1)).trim();
}

/** Before what is named, in its clause: it is to be left alone. */
const NOT =
  /\b(?:don['’]?t|(?:do|must|should|shall) not|not to|never|without|except|avoid|leave|ignore|skip|instead of|rather than)\b[^,;:]*$/i;

/** Whether the words before a place in a text say that it is not to be touched: `do not change src/db.py`. */
export function isForbidden(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 120), at);
  const clause = before.slice(
    Math.max(before.lastIndexOf('\n'), before.lastIndexOf('. '), before.lastIndexOf('! ')) + 1,
  );
  return NOT.test(clause.split(/\b(?:but|then)\b/i).at(-1) ?? '');
}

/** The last sentence of a text: what comes next, where an agent says what it will do. */
export function lastSentence(text: string): string {
  const end = text.slice(-2000).trimEnd();
  return sentenceAt(end, Math.max(0, end.length - 2));
}
