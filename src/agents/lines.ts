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
