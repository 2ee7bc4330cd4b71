/** What git knows of a few files, without running it: a hook has no time for that, and a repository may make it run programs. */
import { closeSync, fstatSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { codeOf, openRead, readSmallFile } from '../../trace/files.ts';
import { gitRootOf } from '../../trace/paths.ts';

/**
 * `same`: as git last saw it; `changed`: tracked, and differs from it; `new`: not tracked; `ignored`: not tracked, and told to be left
 * alone; undefined: not known.
 */
export type GitState = 'same' | 'changed' | 'new' | 'ignored' | undefined;

/** Larger indexes are not read, bytes: some 60 000 files. */
const MAX_INDEX = 8_000_000;
const MAX_IGNORE = 64_000;
/** Of an entry, before its name: times, device, mode, owner, size, id and flags, bytes. */
const BEFORE_NAME = 62;

/** Asks of several files; each index is read once. The function takes an absolute path of something that is there. */
export function gitStates(): (path: string) => GitState {
  const indexes = new Map<string, Index>();
  return (path) => {
    const root = gitRootOf(dirname(path));
    if (root === undefined) return undefined;
    if (!indexes.has(root)) indexes.set(root, indexOf(root));
    return gitState(path, root, indexes.get(root));
  };
}

type Index = Buffer | 'none' | undefined;

function gitState(path: string, root: string, index: Index): GitState {
  const name = relative(root, path);
  if (index === undefined) return undefined;
  const at = index === 'none' ? undefined : entryOf(index, name);
  if (index === 'none' || at === undefined) return isIgnored(root, name) ? 'ignored' : 'new';
  try {
    const { mtimeMs, size } = statSync(path);
    const seconds = index.readUInt32BE(at + 8);
    return index.readUInt32BE(at + 36) === size % 2 ** 32 && seconds === Math.floor(mtimeMs / 1000)
      ? 'same'
      : 'changed';
  } catch {
    return undefined;
  }
}

function indexOf(root: string): Index {
  let fd: number | undefined;
  try {
    fd = openRead(join(root, '.git/index'));
    if (fstatSync(fd).size > MAX_INDEX) return undefined;
    const index = readFileSync(fd);
    // Version 4 does not spell names out.
    const plain = index.toString('latin1', 0, 4) === 'DIRC' && index.readUInt32BE(4) < 4;
    return plain ? index : undefined;
  } catch (error) {
    // Elsewhere (`git worktree`), it is not a file of a folder `.git`.
    return codeOf(error) === 'ENOENT' ? 'none' : undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Where the entry of a file stands. A folder is tracked if something in it is: it has no entry of its own. */
function entryOf(index: Buffer, name: string): number | undefined {
  const wanted = Buffer.from(`${name}\0`);
  for (let from = 0; ; ) {
    const found = index.indexOf(wanted, from);
    if (found < 0) return undefined;
    const at = found - BEFORE_NAME;
    // The length before the name says that it is a name, and all of it.
    if (at >= 12 && (index.readUInt16BE(at + 60) & 0xfff) === wanted.length - 1) return at;
    from = found + 1;
  }
}

/** By lines that name it as it is, or all there is: enough for files that a tool told git to leave alone. */
function isIgnored(root: string, name: string): boolean {
  const parts = name.split('/');
  const places: [file: string, rest: string][] = [[join(root, '.git/info/exclude'), name]];
  for (let depth = 0; depth < parts.length; depth++)
    places.push([join(root, ...parts.slice(0, depth), '.gitignore'), parts.slice(depth).join('/')]);
  places.push([join(root, name, '.gitignore'), '']);
  return places.some(([file, rest]) => {
    const first = rest.split('/')[0]!;
    return linesOf(file).some(
      (line) =>
        line === '*' ||
        (rest !== '' && [rest, first].includes(line.replace(/^\//, '').replace(/\/(\*\*?)?$/, ''))),
    );
  });
}

const linesOf = (file: string): string[] =>
  (readSmallFile(file, MAX_IGNORE) ?? '').split('\n').map((line) => line.trim());
