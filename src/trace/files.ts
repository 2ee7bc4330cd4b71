import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** What keeps a file or folder from being used: an error code of the system, or one of ours. */
export type FileProblem = string;

const uid = process.getuid?.();
// Windows has neither; there they are undefined, which counts as 0.
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const NON_BLOCK = constants.O_NONBLOCK ?? 0;

export const codeOf = (error: unknown): FileProblem =>
  (error as NodeJS.ErrnoException | undefined)?.code ?? 'EUNKNOWN';

const WORDS = new Map([
  ['ESYMLINK', 'it is a symbolic link'],
  ['ELOOP', 'it is a symbolic link'],
  ['ENOTDIR', 'it is not a folder'],
  ['EISDIR', 'it is a folder'],
  ['ENOTFILE', 'it is not a plain file'],
  ['ENXIO', 'it is a pipe, a socket or a device'],
  ['ELINKED', 'it has another name elsewhere, a hard link'],
  ['EEXIST', 'something of that name is there already'],
  ['ENOENT', 'it is not there'],
  ['EOWNER', 'it belongs to another user'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['ESHORT', 'the disk is full'],
  ['ENOROOM', 'there is not room enough for it on the disk'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EMFILE', 'too many files are open'],
]);

/** A problem in words, its code behind them for those who search for it. */
export function problemText(problem: FileProblem): string {
  const words = WORDS.get(problem);
  return words === undefined ? problem : `${words} (${problem})`;
}

/**
 * Makes sure that `path` is a real directory of our user, creating it (0700) where it is missing.
 * Its parents must exist.
 *
 * @returns undefined, or what is wrong: `ESYMLINK`, `ENOTDIR`, `EOWNER`, or a code of the system.
 */
export function ensureOwnDirectory(path: string): FileProblem | undefined {
  const problem = checkOwnDirectory(path);
  if (problem !== 'ENOENT') return problem;
  try {
    mkdirSync(path, { mode: 0o700 });
    return undefined;
  } catch (error) {
    // Another hook of the same moment made it.
    return codeOf(error) === 'EEXIST' ? checkOwnDirectory(path) : codeOf(error);
  }
}

/** As {@link ensureOwnDirectory}, but creates nothing: `ENOENT` where there is none. */
export function checkOwnDirectory(path: string): FileProblem | undefined {
  let stat: Stats | undefined;
  try {
    stat = lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return codeOf(error);
  }
  if (stat === undefined) return 'ENOENT';
  if (stat.isSymbolicLink()) return 'ESYMLINK';
  if (!stat.isDirectory()) return 'ENOTDIR';
  return uid === undefined || stat.uid === uid ? undefined : 'EOWNER';
}

/**
 * Opens a file to append to (0600 when new), following no symbolic link in its last component and
 * blocking on nothing that only looks like a file. A file with a second name (a hard link) is not ours alone,
 * and perhaps no trace.
 *
 * @throws a system error, or one with code `EOWNER`, `ENOTFILE` or `ELINKED`
 */
export function openAppend(path: string): number {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NO_FOLLOW | NON_BLOCK;
  return checked(openSync(path, flags, 0o600), 1);
}

/** Opens a file to read, with the same care, but under any number of names: a backup may have linked it. @throws a system error, `EOWNER`, `ENOTFILE` */
export function openRead(path: string): number {
  return checked(openSync(path, constants.O_RDONLY | NO_FOLLOW | NON_BLOCK));
}

function checked(fd: number, maxNames = Number.POSITIVE_INFINITY): number {
  const stat = fstatSync(fd);
  const problem = !stat.isFile()
    ? 'ENOTFILE'
    : uid !== undefined && stat.uid !== uid
      ? 'EOWNER'
      : stat.nlink > maxNames
        ? 'ELINKED'
        : undefined;
  if (problem === undefined) return fd;
  closeSync(fd);
  throw Object.assign(new Error(problem), { code: problem });
}

/**
 * The text of a small file of ours; undefined where there is none, or it is not one (a link, another
 * user's, longer than `maxBytes`).
 */
export function readSmallFile(path: string, maxBytes = 65_536): string | undefined {
  let fd: number;
  try {
    fd = openRead(path);
  } catch {
    return undefined;
  }
  try {
    if (fstatSync(fd).size > maxBytes) return undefined;
    return readFileSync(fd, 'utf8');
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a small file whole (0600 unless told): into a temporary one beside it, then by rename, so that
 * nobody ever reads half of it and no link in its place is followed.
 *
 * @throws a system error; the file is then as it was
 */
export function writeSmallFile(path: string, text: string | Uint8Array, mode = 0o600): void {
  const unique = `${process.pid.toString(36)}${Math.random().toString(36).slice(2, 8)}`;
  const temporary = join(dirname(path), `.tmp-${unique}`);
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW,
    mode,
  );
  try {
    try {
      writeFileSync(fd, text);
      fchmodSync(fd, mode);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
