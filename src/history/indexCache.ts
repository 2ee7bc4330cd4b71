/**
 * A repository's index in the form that a hook needs it in: what git writes takes a hook longer to parse than
 * it takes to look at the files.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openRead, writeSmallFile } from '../trace/files.ts';
import { type GitIndex, parseGitIndex } from './gitIndex.ts';

/** A longer index is not read in the time there is, bytes. */
const MAX_INDEX_BYTES = 16 * 1_048_576;
const MAX_CACHE_BYTES = 2 * MAX_INDEX_BYTES;
/** Numbers before the columns: version, count, bytes of paths, and the stamp. */
const HEAD = 6;
const VERSION = 1;

/** What tells that an index is the one that was read before. */
export interface IndexStamp {
  mtimeMs: number;
  size: number;
  ino: number;
}

export const sameStamp = (a: IndexStamp, b: IndexStamp): boolean =>
  a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino;

/** An index, and where it came from. */
export interface ReadIndex {
  index: GitIndex;
  stamp: IndexStamp;
  /** The content's id of an entry; undefined where the file is another one by now. */
  oid(at: number): string | undefined;
}

/**
 * Reads an index by way of a cache file, which is renewed where it is of another index.
 *
 * @returns undefined where there is none, or none that can be read in time
 */
export function readIndex(
  path: string,
  cache: string,
  expired: () => boolean,
): ReadIndex | undefined {
  let fd: number;
  try {
    fd = openRead(path);
  } catch {
    return undefined;
  }
  try {
    const { mtimeMs, size, ino } = fstatSync(fd);
    const stamp = { mtimeMs, size, ino };
    if (size > MAX_INDEX_BYTES) return undefined;
    let index = readCache(cache, stamp);
    if (index === undefined) {
      const bytes = readBytes(fd, 0, size);
      index = bytes && parseGitIndex(bytes, expired);
      if (index === undefined) return undefined;
      writeCache(cache, stamp, index);
    }
    const { idAt } = index;
    return { index, stamp, oid: (at) => readId(path, stamp, idAt[at]!) };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

function readBytes(fd: number, from: number, size: number): Buffer | undefined {
  // Of its own memory: columns are views that must be aligned.
  const bytes = Buffer.allocUnsafeSlow(size);
  return readSync(fd, bytes, 0, size, from) === size ? bytes : undefined;
}

function readId(path: string, stamp: IndexStamp, at: number): string | undefined {
  try {
    const fd = openRead(path);
    try {
      if (!sameStamp(fstatSync(fd), stamp)) return undefined;
      return readBytes(fd, at, 20)?.toString('hex');
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function writeCache(file: string, stamp: IndexStamp, index: GitIndex): void {
  // A line end in a name would shift all others.
  const names = index.paths.map((path) => (path.includes('\n') ? '' : path));
  const text = Buffer.from(names.join('\n'));
  const count = names.length;
  const head = Float64Array.of(VERSION, count, text.length, stamp.mtimeMs, stamp.size, stamp.ino);
  const columns = [head, index.mtimeMs, index.sizes, index.idAt, index.regular];
  try {
    const parts = columns.map((c) => Buffer.from(c.buffer, c.byteOffset, c.byteLength));
    writeSmallFile(file, Buffer.concat([...parts, text]));
  } catch {
    // The next hook parses it again.
  }
}

function readCache(file: string, stamp: IndexStamp): GitIndex | undefined {
  let fd: number;
  try {
    fd = openRead(file);
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    if (size < HEAD * 8 || size > MAX_CACHE_BYTES) return undefined;
    const bytes = readBytes(fd, 0, size);
    if (bytes === undefined) return undefined;
    const { buffer } = bytes;
    const head = new Float64Array(buffer, 0, HEAD);
    const [version, count = 0, textBytes = 0, mtimeMs = 0, indexSize = 0, ino = 0] = head;
    if (version !== VERSION || !sameStamp({ mtimeMs, size: indexSize, ino }, stamp)) {
      return undefined;
    }
    if (HEAD * 8 + count * 21 + textBytes !== size) return undefined;
    const paths = count === 0 ? [] : bytes.toString('utf8', size - textBytes).split('\n');
    if (paths.length !== count) return undefined;
    let at = HEAD * 8;
    const column = (width: number): number => {
      at += count * width;
      return at - count * width;
    };
    return {
      paths,
      mtimeMs: new Float64Array(buffer, column(8), count),
      sizes: new Float64Array(buffer, column(8), count),
      idAt: new Int32Array(buffer, column(4), count),
      regular: new Uint8Array(buffer, column(1), count),
    };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
