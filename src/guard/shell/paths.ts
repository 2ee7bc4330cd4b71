/** Paths of commands made absolute, `..` and links followed as the system follows them. */
import { isGlob, isUnknown, type Pattern, textOf } from './pattern.ts';

/** Longer paths are refused by the system. */
const MAX_PATH = 4096;
const MAX_LINKS = 40;

export interface Links {
  resolveLink: (path: string) => string | undefined;
}

/**
 * The absolute path without `.`, `..` and links. `..` after a link leaves the link's target, not the
 * link: `cd` without `-P` does otherwise, so a folder is given to `cd` through `lexical`.
 * @param keepLast the last component is not followed: what `rm` and `mv` act on
 * @returns undefined where it cannot be known
 */
export function resolved(
  path: Pattern,
  cwd: Pattern | undefined,
  links: Links,
  keepLast = false,
): Pattern | undefined {
  if (isUnknown(path) || path.length > MAX_PATH || path === '') return undefined;
  if (!path.startsWith('/') && (cwd === undefined || isUnknown(cwd))) return undefined;
  const full = path.startsWith('/') ? path : `${cwd}/${path}`;
  const todo = segmentsOf(full.includes('proc/') ? ownProcess(full, cwd) : full).reverse();
  const trailing = path.endsWith('/');
  const done: Pattern[] = [];
  let followed = 0;
  while (todo.length) {
    const segment = todo.pop()!;
    if (segment === '..') done.pop();
    else {
      done.push(segment);
      if (isGlob(segment) || (keepLast && !todo.length && !trailing)) continue;
      if (done.some(isGlob)) continue;
      const target = links.resolveLink(textOf(`/${done.join('/')}`));
      if (target === undefined) continue;
      if (++followed > MAX_LINKS || target.length > MAX_PATH) return undefined;
      done.pop();
      if (target.startsWith('/')) done.length = 0;
      // The target is a literal text, but a path with a star in it is rare and a wider pattern is safe.
      todo.push(...segmentsOf(target).reverse());
    }
  }
  return `/${done.join('/')}`;
}

/** `/proc/$$/cwd` and `/proc/self/root`: folders by another name, those of the process that asks for them. */
function ownProcess(path: Pattern, cwd: Pattern | undefined): Pattern {
  const plain = `/${segmentsOf(path).join('/')}`;
  const found = /^\/proc\/([^/]+)(?:\/task\/[^/]+)?\/(cwd|root)(?=\/|$)/.exec(plain);
  if (found === null) return path;
  const [all, process = '', which] = found;
  const rest = plain.slice(all.length);
  if (which === 'root') return rest || '/';
  // That of another process is where the system says.
  if (/^\d+$/.test(process) || cwd === undefined) return path;
  return cwd + rest;
}

/** The absolute path with `.` and `..` taken away by the letter, as the shell's own `cd` does. */
export function lexical(path: Pattern, cwd: Pattern | undefined): Pattern | undefined {
  return resolved(path, cwd, { resolveLink: () => undefined });
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

/** The last component. */
export function baseName(path: Pattern): Pattern {
  const parts = path.split('/').filter(Boolean);
  return parts.at(-1) ?? '';
}
