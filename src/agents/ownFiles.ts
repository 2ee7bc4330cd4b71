/** Files in agents' own folders, opened without trusting a path. */
import type * as fs from 'node:fs';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';

const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Whether a session id is one safe path component. */
export const isSessionId = (id: string): boolean => SESSION_ID.test(id) && !id.includes('..');

/** A plain file of this user's. */
export const isOwnFile = (stats: fs.Stats): boolean =>
  stats.isFile() && stats.uid === (process.getuid?.() ?? stats.uid);

/**
 * Opens a plain file of ours for reading; undefined where it is none, or a symlink.
 *
 * @param anyOwner for a file that a person named: it may be another user's
 */
export function openOwn(
  path: string,
  anyOwner = false,
): { fd: number; stats: fs.Stats } | undefined {
  let fd: number;
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
  } catch {
    return undefined;
  }
  const stats = fstatSync(fd);
  if (anyOwner ? stats.isFile() : isOwnFile(stats)) return { fd, stats };
  closeSync(fd);
  return undefined;
}

/** A small file's text, at most `max` bytes; undefined where it cannot be read. */
export function readSmall(
  path: string,
  max = 65_536,
  cut = false,
  anyOwner = false,
): string | undefined {
  const file = openOwn(path, anyOwner);
  if (file === undefined) return undefined;
  try {
    const { size } = file.stats;
    if (size > max && !cut) return undefined;
    const buffer = Buffer.alloc(Math.min(size, max));
    return buffer.toString('utf8', 0, readSync(file.fd, buffer, 0, buffer.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(file.fd);
  }
}

/** The beginning of a file as text; empty where it cannot be read. */
export const firstBytes = (path: string, bytes: number, anyOwner = false): string =>
  readSmall(path, bytes, true, anyOwner) ?? '';

/** Entries of a real directory by name; none where there is no such directory. */
export function entriesOf(dir: string) {
  try {
    if (!lstatSync(dir).isDirectory()) return [];
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}
