/** Globs of rules over paths: `*`, `**`, `?`, `{a,b}`. */
import { escaped, isGlob, isUnknown, type Pattern, pathsMeet, textOf } from '../shell/pattern.ts';
import type { Touch } from './guardedCall.ts';
import type { Truth } from './truth.ts';

/** Alternatives of one glob with braces. */
const MAX_ALTERNATIVES = 100;

export interface GlobPlace {
  /** The folder that relative globs are of, absolute. */
  root: string;
  /** What `~` stands for, absolute. */
  home: string;
  ignoreCase?: boolean;
}

/** One alternative of a glob, absolute. */
export interface PathGlob {
  pattern: Pattern;
  // A name in any folder.
  anywhere: boolean;
  /** The folders that it names before its first `*` or `?`; all of it where it has none. */
  fixed: string;
  /** A folder of this name in any folder, and what is in it: two stars before more than a name. */
  spread: boolean;
  /** Its last name, where that is one name. */
  last: string | undefined;
}

/** `a{b,c}` → `ab`, `ac`. What is no list stands as it is. */
export function alternatives(glob: string): string[] {
  if (!glob.includes('{')) return [glob];
  let done: string[] = [];
  let todo = [glob];
  while (todo.length > 0 && done.length + todo.length <= MAX_ALTERNATIVES) {
    const next: string[] = [];
    for (const text of todo) {
      const list = innermost(text);
      if (list === undefined) done.push(text);
      else for (const part of list.parts) next.push(list.before + part + list.after);
    }
    todo = next;
  }
  done = [...done, ...todo];
  return [...new Set(done)].slice(0, MAX_ALTERNATIVES);
}

function innermost(text: string): { before: string; parts: string[]; after: string } | undefined {
  const match = /\{([^{}]*,[^{}]*)\}/.exec(text);
  if (match === null) return undefined;
  return {
    before: text.slice(0, match.index),
    parts: match[1]!.split(','),
    after: text.slice(match.index + match[0].length),
  };
}

/**
 * A glob without a slash is a name in any folder, as is one that begins with two stars and a slash; one that begins with `/` or
 * `~` is absolute; others are relative to the root. A slash at the end: the folder and all in it.
 */
export function pathGlobs(glob: string, place: GlobPlace): PathGlob[] {
  return alternatives(glob.trim()).flatMap((text) => {
    const absolute = absoluteGlob(text, place);
    if (absolute === undefined) return [];
    const pattern = place.ignoreCase ? absolute.toLowerCase() : absolute;
    const last = pattern.slice(pattern.lastIndexOf('/') + 1);
    return [
      {
        pattern,
        anywhere: pattern.startsWith('/**/'),
        fixed: fixedPart(pattern),
        spread: /\/\*\*\/[^/]+\/./.test(pattern),
        last: last === '' || SPECIAL.test(last) ? undefined : last,
      },
    ];
  });
}

function absoluteGlob(text: string, { root, home }: GlobPlace): Pattern | undefined {
  if (text === '') return undefined;
  const glob = text.endsWith('/') && text !== '/' ? `${text}**` : text;
  if (glob === '~' || glob.startsWith('~/')) return normal(escaped(home) + glob.slice(1));
  if (glob.startsWith('/')) return normal(glob);
  if (!glob.includes('/')) return `/**/${glob}`;
  if (glob.startsWith('**/')) return normal(`/${glob}`);
  return normal(`${escaped(root)}/${glob}`);
}

const SPECIAL = /[*?\\\0]/;

/** Without `.`, `..` and empty parts, by the letter. */
function normal(path: string): string {
  if (path.startsWith('/') && !/\/(\.|\/|$)/.test(path)) return path;
  const done: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') done.pop();
    else done.push(part);
  }
  return `/${done.join('/')}`;
}

function fixedPart(pattern: Pattern): string {
  if (!pattern.includes('\\')) {
    const at = pattern.search(/[*?\0]/);
    return (at < 0 ? pattern : pattern.slice(0, pattern.lastIndexOf('/', at))) || '/';
  }
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => isGlob(part) || isUnknown(part));
  return textOf((first < 0 ? parts : parts.slice(0, first)).join('/')) || '/';
}

const isAtOrBelow = (path: string, folder: string): boolean =>
  path === folder || folder === '/' || path.startsWith(`${folder}/`);

/** Programs and tools that look for something: what is in the project is theirs to see. */
export const SEARCHES =
  /^(e|f|z)?grep$|^(rg|ag|ack|find|fd|fdfind|ls|tree|du|wc|git( .*)?|grep_search|glob|list|list_dir|list_directory|file_search|codebase|semantic_search|search.*|.*_search)$/i;
/** A key that one signs in with is not told to anybody. */
export const SIGNS_IN = /^(auto)?ssh -i$|^mosh -i$|^scp -i$|^ssh-(add|keygen)$/;
/** What takes a folder and all in it. */
const REMOVES =
  /^(rm|rmdir|unlink|shred|mv|rename|trash|srm|git (clean|rm|mv)|find -delete|rsync --delete)/;

export interface TouchPlace {
  /** The project's folder, absolute. */
  project: string;
  ignoreCase?: boolean;
}

/** Whether what is done to a path is done to something that the glob matches. */
export function meets(touch: Touch, glob: PathGlob, place: TouchPlace): Truth {
  if (touch.path === undefined) return 'maybe';
  const path = place.ignoreCase ? touch.path.toLowerCase() : touch.path;
  const vague = isGlob(path) || isUnknown(path);
  if (!vague && isElsewhere(path, touch.deep, glob)) return 'no';
  const project = place.ignoreCase ? place.project.toLowerCase() : place.project;
  // Anything below a folder: as a folder with all in it.
  if (path.endsWith('/**') && !glob.pattern.startsWith(path)) {
    if (pathsMeet(instance(path), glob.pattern)) return 'yes';
    return pathsMeet(path, glob.pattern)
      ? within({ ...touch, path: path.slice(0, -3) || '/' }, glob, project)
      : 'no';
  }
  if (pathsMeet(path, glob.pattern)) {
    if (!vague) return touch.deep && !glob.pattern.endsWith('/**') ? 'some' : 'yes';
    if (pathsMeet(instance(path), glob.pattern)) return 'yes';
    return mayBe(path, touch.holds, glob.pattern) ? 'maybe' : 'no';
  }
  if (!touch.deep || !pathsMeet(`${path}/**`, glob.pattern)) return 'no';
  return within({ ...touch, path }, glob, project);
}

/** What most rules have to say of most paths, without comparing them name by name. @param path one path */
function isElsewhere(path: Pattern, deep: boolean, { fixed, last }: PathGlob): boolean {
  if (!path.startsWith('/') || /\\|\/\/|\/$/.test(path)) return false;
  if (!deep && last !== undefined && !path.endsWith(`/${last}`)) return true;
  return !isAtOrBelow(path, fixed) && !(deep && (path === '/' || isAtOrBelow(fixed, path)));
}

/** Whether a pattern of a command may become a path that a rule is about: by the names that are there, where they are known. */
function mayBe(path: Pattern, holds: readonly string[] | undefined, pattern: Pattern): boolean {
  if (holds === undefined) return !hidden(path, pattern);
  const folder = path.slice(0, path.lastIndexOf('/'));
  return holds.some((name) => {
    const at = `${folder}/${escaped(name)}`;
    return pathsMeet(at, path) && pathsMeet(at, pattern);
  });
}

/** Of a folder with all in it, where the folder itself does not match. */
function within(touch: Touch & { path: Pattern }, glob: PathGlob, project: string): Truth {
  const vague = isGlob(touch.path) || isUnknown(touch.path);
  const folder = textOf(touch.path);
  const fixed = glob.anywhere ? project : glob.fixed;
  if (vague) return withinSome(touch, glob);
  const around = isAtOrBelow(fixed, folder);
  if (touch.access === 'read') {
    // A search of the project sees all its files: to hold up every one of them would be of no use to anybody.
    if (SEARCHES.test(touch.how) && isAtOrBelow(folder, project)) return 'no';
    if (around && !(glob.anywhere && folder === project)) return 'maybe';
  } else if (around) return REMOVES.test(touch.how) ? 'some' : 'maybe';
  if (touch.holds?.some((name) => pathsMeet(`${touch.path}/${escaped(name)}`, glob.pattern)))
    return touch.access === 'read' ? 'maybe' : 'some';
  // A name that may be anywhere may also be here: nearly every folder would do.
  if (glob.anywhere || touch.holds !== undefined) return 'no';
  return isAtOrBelow(folder, glob.fixed) && touch.access !== 'read' ? 'maybe' : 'no';
}

/** Of folders that a pattern stands for. */
function withinSome(touch: Touch & { path: Pattern }, glob: PathGlob): Truth {
  const { path, holds, access } = touch;
  if (access === 'read') return 'no';
  if (holds === undefined) return glob.anywhere ? 'no' : 'maybe';
  const folder = path.slice(0, path.lastIndexOf('/'));
  const there = holds.some((name) => {
    const at = `${folder}/${escaped(name)}`;
    return pathsMeet(at, `${path}/**`) && pathsMeet(at, glob.pattern);
  });
  return there ? 'maybe' : 'no';
}

/**
 * The shell's `*` and `?` leave names out that begin with a dot. `find` does not, but where the rule has a star too, that the
 * two meet is mere chance: `*.log` and `.env*`.
 */
function hidden(path: Pattern, pattern: Pattern): boolean {
  const last = pattern.slice(pattern.lastIndexOf('/') + 1);
  if (!last.startsWith('.') || !/^[*?]/.test(path.slice(path.lastIndexOf('/') + 1))) return false;
  return isGlob(last) || !path.includes('**');
}

/** One of the paths that a pattern stands for, unlike any that a person would name. */
function instance(path: Pattern): Pattern {
  return path
    .split('/')
    .map((part) => (part === '**' ? '\ue000/\ue001' : part.replace(/(?<!\\)[*?\0]/g, '\ue000')))
    .join('/');
}

/** Whether a text is matched by a glob as a whole; `*` stands for anything, slashes and spaces too. */
export function textGlob(glob: string, ignoreCase = false): (text: string) => boolean {
  const globs = alternatives(glob).map((one) => (ignoreCase ? one.toLowerCase() : one));
  const starts = globs.map((one) => one.slice(0, Math.max(0, one.search(/[*?]|$/))));
  return (text) => {
    const given = ignoreCase ? text.toLowerCase() : text;
    return globs.some((one, at) => given.startsWith(starts[at]!) && matches(given, one));
  };
}

/** Linear in the glob's stars times the text: no regular expression, whose time an author could make grow. */
function matches(text: string, glob: string): boolean {
  if (text === glob) return true;
  let at = 0;
  let star = -1;
  let from = 0;
  let g = 0;
  while (at < text.length) {
    if (glob[g] === '*') {
      star = g++;
      from = at;
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === text[at])) {
      g++;
      at++;
    } else if (star >= 0) {
      g = star + 1;
      at = ++from;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}
