/**
 * Reads what is new in files of JSON lines that others write to: from where it was read to, unless the file
 * is another one or was rewritten.
 *
 * Synchronous and small: hooks use it when no editor is running.
 */
import { closeSync, mkdirSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { shallow } from '../model/depth.ts';
import type { Json, TraceEvent } from '../model/event.ts';
import { textHash } from '../model/ids.ts';
import { writeSmallFile } from '../trace/files.ts';
import { LineSplitter } from './lines.ts';
import { openOwn } from './ownFiles.ts';

const CHUNK = 256 * 1024;
/** Bytes before the offset that must still be the same, or the file was rewritten. */
const ANCHOR = 64;

export interface ReadResult {
  /** The last word on each event: write them, then {@link ReadResult.commit}. */
  events: TraceEvent[];
  /** There is more to read than `maxBytes`. */
  more: boolean;
  /** Rows that are no JSON, or are too long. */
  unreadable: number;
  /** Bytes read. */
  bytes: number;
  /** Remembers how far was read. Without it the same events come again. */
  commit(): void;
}

export const nothing: ReadResult = {
  events: [],
  more: false,
  unreadable: 0,
  bytes: 0,
  commit: () => {},
};

/** How far one file was read. JSON. */
export interface RowProgress {
  dev: number;
  ino: number;
  offset: number;
  /** Hash of the bytes before the offset. */
  anchor: string;
  /** In the middle of a row that is too long. */
  skipping?: boolean;
}

/** Rows → events, and what it must remember. */
interface RowTaker {
  push(row: Json): TraceEvent[];
}

export interface RowsRead<Taker> {
  events: TraceEvent[];
  progress: RowProgress;
  taker: Taker;
  /** Bytes read. */
  bytes: number;
  /** Rows that are no JSON, or are too long. */
  unreadable: number;
  /** There is more to read than `maxBytes`. */
  more: boolean;
}

/**
 * The rows of a file since `before`; all of them where the file is another one, or was rewritten. Undefined where
 * it is no plain file of ours.
 *
 * @param maxBytes at least one row is read, however long
 * @param begin is told whether reading goes on from `before`, and gives what takes each row
 */
export function readNewRows<Taker extends RowTaker>(
  path: string,
  before: RowProgress | undefined,
  maxBytes: number,
  begin: (resumed: boolean) => Taker,
): RowsRead<Taker> | undefined {
  const file = openOwn(path);
  if (file === undefined) return undefined;
  const { fd, stats } = file;
  try {
    const same =
      before !== undefined &&
      before.ino === stats.ino &&
      before.dev === stats.dev &&
      before.offset <= stats.size &&
      anchorOf(fd, before.offset) === before.anchor;
    const taker = begin(same);
    const events: TraceEvent[] = [];
    const lines = new LineSplitter(same && before.skipping === true);
    const start = same ? before.offset : 0;
    const end = Math.min(stats.size, start + maxBytes);
    let unreadable = 0;
    const take = (line: string | undefined): void => {
      const row = line === undefined ? undefined : parseRow(line);
      if (row === undefined) unreadable += 1;
      else events.push(...taker.push(row));
    };
    const buffer = Buffer.allocUnsafe(CHUNK);
    let position = start;
    // At least one row is read whole, however long: a smaller limit must not stop at it for ever.
    while (position < stats.size && (position < end || position - lines.pending === start)) {
      const length = position < end ? Math.min(CHUNK, end - position) : CHUNK;
      const count = readSync(fd, buffer, 0, length, position);
      if (count === 0) break;
      position += count;
      lines.push(buffer.subarray(0, count), take);
    }
    const offset = position - lines.pending;
    return {
      events,
      taker,
      unreadable,
      bytes: offset - start,
      more: position < stats.size,
      progress: {
        dev: stats.dev,
        ino: stats.ino,
        offset,
        anchor: anchorOf(fd, offset),
        skipping: lines.skipping,
      },
    };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Parsed JSON; undefined where it is none. An empty line is an empty row. */
export function parseRow(line: string): Json | undefined {
  if (line.trim() === '') return {};
  try {
    return shallow((JSON.parse(line) as Json) ?? {});
  } catch {
    return undefined;
  }
}

function anchorOf(fd: number, offset: number): string {
  const buffer = Buffer.alloc(Math.min(ANCHOR, offset));
  const count = readSync(fd, buffer, 0, buffer.length, offset - buffer.length);
  return textHash(buffer.toString('latin1', 0, count));
}

/** What a trace's file is told by: its inode, and its first bytes, for inodes are used again. */
export function traceOf(path: string | undefined): string {
  const file = path === undefined ? undefined : openOwn(path);
  if (file === undefined) return '';
  try {
    return `${file.stats.dev} ${file.stats.ino} ${anchorOf(file.fd, ANCHOR)}`;
  } finally {
    closeSync(file.fd);
  }
}

/** Writes a small private file whole: others see the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeSmallFile(path, text);
}
