import { isAscii } from 'node:buffer';
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';

/** Where the lines of a growing file go. */
export interface TailSink {
  /**
   * One whole line without its line end.
   *
   * @param offset of its first byte in the file
   * @param size bytes, without the line end
   */
  line(text: string, offset: number, size: number): void;
  /** Bytes that were passed over: a line longer than the cap. */
  skipped(offset: number, size: number): void;
  /** The file was replaced, truncated or deleted: everything told so far is void. */
  reset(): void;
}

/** Longest line that is read, bytes. */
export const MAX_LINE = 8 * 1024 * 1024;
const CHUNK = 64 * 1024;
/** Bytes before the read position that are compared, to notice a rewrite that did not shrink. */
const PROBE = 64;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Follows a file of lines. Reads only what is new, splits on byte 0x0A, keeps a torn last line until
 * it is whole, and starts anew when the file shrinks, is replaced, or no longer holds what was read.
 *
 * Synchronous and bounded: `read` takes a budget, so that a host can stay responsive while it reads
 * a big file.
 */
export class Tailer {
  /** Bytes read and handed out as lines (or skipped); the torn rest is not in it. */
  private position = 0;
  private identity = '';
  /** Size and mtime at the last reading: an unchanged file is not opened. */
  private seen = '';
  private probe: Buffer = Buffer.alloc(0);
  /** The torn last line, in pieces. */
  private carry: Buffer[] = [];
  private carried = 0;
  /** In the middle of a line beyond the cap. */
  private skipping = false;
  private skipFrom = 0;
  private readonly path: string;
  private readonly sink: TailSink;
  private readonly maxLine: number;
  private readonly chunkSize: number;

  constructor(path: string, sink: TailSink, options: { maxLine?: number; chunk?: number } = {}) {
    this.path = path;
    this.sink = sink;
    this.maxLine = options.maxLine ?? MAX_LINE;
    this.chunkSize = options.chunk ?? CHUNK;
  }

  /** Bytes of the torn last line, waiting for its end. */
  get pending(): number {
    return this.skipping ? 0 : this.carried;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.position;
  }

  /**
   * Reads what is new.
   *
   * @param maxBytes stop after so many bytes (at a chunk's end)
   * @returns whether there is more to read at once
   * @throws {NodeJS.ErrnoException} when the file cannot be read for another reason than that it is
   *   not there, is a link, or is no regular file; these count as an empty file
   */
  read(maxBytes = Number.POSITIVE_INFINITY): boolean {
    const known = this.unchanged();
    if (known) return false;
    let file: number;
    try {
      // Never through a link, and never waiting on a FIFO that somebody put here.
      file = openSync(
        this.path,
        constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
      );
    } catch (error) {
      if (isGone(error)) {
        this.restart('');
        return false;
      }
      throw error;
    }
    try {
      return this.readFrom(file, maxBytes);
    } finally {
      closeSync(file);
    }
  }

  private unchanged(): boolean {
    try {
      const stat = lstatSync(this.path);
      return stampOf(stat) === this.seen;
    } catch {
      return false;
    }
  }

  private readFrom(file: number, maxBytes: number): boolean {
    const stat = fstatSync(file);
    if (!stat.isFile()) {
      this.restart('');
      return false;
    }
    const identity = `${stat.dev}:${stat.ino}`;
    const end = this.position + this.carried;
    if (identity !== this.identity || stat.size < end || !this.stillHolds(file, end)) {
      this.restart(identity);
    }
    let at = this.position + this.carried;
    let budget = maxBytes;
    const buffer = Buffer.allocUnsafe(this.chunkSize);
    while (budget > 0) {
      const got = readSync(file, buffer, 0, this.chunkSize, at);
      if (got === 0) {
        // Only what was read whole counts as seen: the file may have grown since the stat.
        this.seen = at === stat.size ? stampOf(stat) : '';
        return false;
      }
      this.remember(buffer, got);
      this.split(buffer.subarray(0, got), at);
      at += got;
      budget -= got;
    }
    this.seen = '';
    return true;
  }

  /** Whether the bytes before `end` are those that were read there. */
  private stillHolds(file: number, end: number): boolean {
    const { length } = this.probe;
    if (length === 0) return true;
    const now = Buffer.allocUnsafe(length);
    const got = readSync(file, now, 0, length, end - length);
    return got === length && now.equals(this.probe);
  }

  private remember(buffer: Buffer, got: number): void {
    const fresh = buffer.subarray(Math.max(0, got - PROBE), got);
    this.probe =
      fresh.length === PROBE
        ? Buffer.from(fresh)
        : Buffer.concat([this.probe, fresh]).subarray(-PROBE);
  }

  private restart(identity: string): void {
    const told = this.position > 0 || this.carried > 0 || this.skipping;
    this.position = 0;
    this.identity = identity;
    this.seen = '';
    this.probe = Buffer.alloc(0);
    this.carry = [];
    this.carried = 0;
    this.skipping = false;
    if (told) this.sink.reset();
  }

  private split(chunk: Buffer, at: number): void {
    let start = 0;
    if (this.carried > 0 || this.skipping) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) {
        this.keep(chunk, at);
        return;
      }
      this.finishCarried(chunk.subarray(0, end), at + end);
      start = end + 1;
    }
    const last = chunk.lastIndexOf(NEWLINE);
    if (last >= start) {
      this.lines(chunk.subarray(start, last + 1), at + start);
      start = last + 1;
    }
    this.position = at + start;
    if (start < chunk.length) this.keep(chunk.subarray(start), at + start);
  }

  /** Many whole lines: one conversion to text, and one search for line ends in it. */
  private lines(bytes: Buffer, at: number): void {
    if (isAscii(bytes)) {
      const text = bytes.toString('latin1');
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        this.emit(text, start, end, at + start);
        start = end + 1;
      }
      return;
    }
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.emitBytes(bytes.subarray(start, end), at + start);
      start = end + 1;
    }
  }

  private emit(text: string, start: number, end: number, at: number): void {
    const stop = end > start && text.charCodeAt(end - 1) === RETURN ? end - 1 : end;
    if (stop === start) return;
    if (stop - start > this.maxLine) this.sink.skipped(at, end - start + 1);
    else this.sink.line(text.slice(start, stop), at, stop - start);
  }

  private emitBytes(bytes: Buffer, at: number): void {
    const { length } = bytes;
    const size = length > 0 && bytes[length - 1] === RETURN ? length - 1 : length;
    if (size === 0) return;
    if (size > this.maxLine) this.sink.skipped(at, length + 1);
    else this.sink.line(bytes.toString('utf8', 0, size), at, size);
  }

  private keep(bytes: Buffer, at: number): void {
    if (this.skipping) {
      this.position = at + bytes.length;
      return;
    }
    if (this.carried === 0) this.position = at;
    if (this.carried + bytes.length > this.maxLine + 1) {
      // Nothing of it is kept: a line of a gigabyte costs no more memory than a chunk.
      this.skipping = true;
      this.skipFrom = this.position;
      this.carry = [];
      this.carried = 0;
      this.position = at + bytes.length;
      return;
    }
    this.carry.push(Buffer.from(bytes));
    this.carried += bytes.length;
  }

  /** @param end offset of the line end */
  private finishCarried(rest: Buffer, end: number): void {
    if (this.skipping) {
      this.skipping = false;
      this.position = end + 1;
      this.sink.skipped(this.skipFrom, end + 1 - this.skipFrom);
      return;
    }
    const at = this.position;
    const line = Buffer.concat([...this.carry, rest]);
    this.carry = [];
    this.carried = 0;
    this.position = end + 1;
    this.emitBytes(line, at);
  }
}

const stampOf = (stat: { dev: number; ino: number; size: number; mtimeMs: number }): string =>
  `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}`;

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  // ELOOP: a link where no link may be. ENXIO: a socket.
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENXIO';
}
