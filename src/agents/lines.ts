import { readSync } from 'node:fs';

/** Bytes of one read. */
const CHUNK = 256 * 1024;
/** A row longer than this is skipped and counted, bytes. */
const MAX_ROW = 8 * 1024 * 1024;

/** Cuts bytes into lines at 0x0A; what comes after the last one is kept. */
export class LineSplitter {
  /** In a line that is too long: it is dropped up to its end. */
  skipping: boolean;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(skipping = false) {
    this.skipping = skipping;
  }

  /** Bytes of the line that has no end yet; none while it is dropped. */
  get pending(): number {
    return this.#length;
  }

  /** @param take gets every whole line, or undefined for one that is too long */
  push(bytes: Buffer, take: (line: string | undefined) => void): void {
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, start);
      const part = bytes.subarray(start, end < 0 ? bytes.length : end);
      if (!this.skipping && this.#length + part.length > MAX_ROW) {
        this.skipping = true;
        this.#parts = [];
        this.#length = 0;
        take(undefined);
      }
      if (end < 0) {
        if (this.skipping || part.length === 0) return;
        this.#parts.push(Buffer.from(part));
        this.#length += part.length;
        return;
      }
      if (this.skipping) this.skipping = false;
      else if (this.#parts.length === 0) take(part.toString('utf8'));
      else {
        take(Buffer.concat([...this.#parts, part]).toString('utf8'));
        this.#parts = [];
        this.#length = 0;
      }
      start = end + 1;
    }
  }
}

/** The bytes of an open file from where it stands. Each piece is good until the next is asked for. */
export function* chunksOf(fd: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    const count = readSync(fd, buffer, 0, CHUNK, null);
    if (count === 0) return;
    yield buffer.subarray(0, count);
  }
}

/** Bytes that are in memory, in pieces. */
export function* chunksIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}

/** The lines of a whole file that are not empty; undefined for one that is too long. The last may have no newline. */
export function* linesOf(chunks: Iterable<Buffer>): Generator<string | undefined> {
  const lines = new LineSplitter();
  const whole: (string | undefined)[] = [];
  const take = (line: string | undefined): void => {
    if (line?.trim() !== '') whole.push(line);
  };
  for (const chunk of chunks) {
    lines.push(chunk, take);
    yield* whole.splice(0);
  }
  if (lines.pending > 0) lines.push(Buffer.from('\n'), take);
  yield* whole;
}
