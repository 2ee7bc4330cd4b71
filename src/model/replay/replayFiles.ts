import type { SessionFold } from '../fold.ts';
import type { FileChange } from '../slices/files.ts';
import { grown } from './grown.ts';

/** What had been done to one file as of a step. */
export interface FileState {
  path: string;
  reads: number;
  writes: number;
  /** Lines. */
  added: number;
  removed: number;
  /** The step that touched it last. */
  step: number;
}

export interface FilesState {
  /** Files touched, read and changed so far; one that was read and changed counts in both. */
  touched: number;
  read: number;
  modified: number;
  /** The most recent first, not all of them. */
  recent: FileState[];
}

/** Operations between two checkpoints of the counts. */
const STRIDE = 256;
const COUNTS = 3;

/**
 * The operations on files in the order of the steps. Each entry carries the sums of its file so far and
 * names the one before, so that the state at any step is read off the last entry of each file.
 */
export class ReplayFiles {
  length = 0;
  /** Operation in the fold's table. */
  private ops = new Int32Array(64);
  private steps = new Int32Array(64);
  private files = new Int32Array(64);
  /** The entry before of the same file; -1. */
  private previous = new Int32Array(64);
  private reads = new Uint32Array(64);
  private writes = new Uint32Array(64);
  // Doubles: a hostile count must not wrap around.
  private added = new Float64Array(64);
  private removed = new Float64Array(64);
  private marks = new Uint32Array(COUNTS * 4);
  private readonly counts = new Uint32Array(COUNTS);
  /** By file: its last entry; absent or -1: none. */
  private readonly last: number[] = [];
  private readonly change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  private readonly fold: SessionFold;

  constructor(fold: SessionFold) {
    this.fold = fold;
  }

  /** @param op in the fold's table @param step not below that of the entry before */
  append(op: number, step: number): void {
    const at = this.length;
    if (at === this.ops.length) this.grow();
    const { change, counts } = this;
    this.fold.files.change(op, change);
    const before = this.last[change.file] ?? -1;
    const had = before >= 0;
    this.ops[at] = op;
    this.steps[at] = step;
    this.files[at] = change.file;
    this.previous[at] = before;
    this.reads[at] = (had ? this.reads[before]! : 0) + (change.isRead ? 1 : 0);
    this.writes[at] = (had ? this.writes[before]! : 0) + (change.isRead ? 0 : 1);
    this.added[at] = (had ? this.added[before]! : 0) + change.added;
    this.removed[at] = (had ? this.removed[before]! : 0) + change.removed;
    this.last[change.file] = at;
    this.count(at, counts);
    this.length = at + 1;
    if (this.length % STRIDE === 0) {
      this.marks = grown(this.marks, (this.length / STRIDE) * COUNTS);
      this.marks.set(counts, (this.length / STRIDE - 1) * COUNTS);
    }
  }

  /** Takes out the entries of `step` and later. @returns their operations */
  truncate(step: number): Int32Array {
    const size = this.endOf(step - 1);
    const taken = this.ops.slice(size, this.length);
    for (let at = this.length - 1; at >= size; at--) {
      this.last[this.files[at]!] = this.previous[at]!;
    }
    this.length = size;
    this.countsAt(size, this.counts);
    return taken;
  }

  /** @param limit files named, the most recent ones */
  at(step: number, limit: number): FilesState {
    const end = this.endOf(step);
    const counts = this.countsAt(end, new Uint32Array(COUNTS));
    const [touched = 0, read = 0, modified = 0] = counts;
    const recent: FileState[] = [];
    const seen = new Set<number>();
    for (let at = end - 1; at >= 0 && recent.length < Math.min(limit, touched); at--) {
      const file = this.files[at]!;
      if (seen.has(file)) continue;
      seen.add(file);
      recent.push({
        path: this.fold.files.paths.name(file),
        reads: this.reads[at]!,
        writes: this.writes[at]!,
        added: this.added[at]!,
        removed: this.removed[at]!,
        step: this.steps[at]!,
      });
    }
    return { touched, read, modified, recent };
  }

  /** Files read and changed by the steps `from … to`, both inclusive. O(operations of these steps). */
  between(from: number, to: number): { read: number; modified: number } {
    const read = new Set<number>();
    const modified = new Set<number>();
    const end = this.endOf(to);
    for (let at = this.endOf(from - 1); at < end; at++) {
      const before = this.previous[at]!;
      const reads = this.reads[at]! - (before < 0 ? 0 : this.reads[before]!);
      (reads > 0 ? read : modified).add(this.files[at]!);
    }
    return { read: read.size, modified: modified.size };
  }

  /** Counts the entry if it is the first of its kind for its file. */
  private count(at: number, counts: Uint32Array): void {
    const before = this.previous[at]!;
    if (before < 0) counts[0]!++;
    if (this.reads[at] === 1 && (before < 0 || this.reads[before] === 0)) counts[1]!++;
    if (this.writes[at] === 1 && (before < 0 || this.writes[before] === 0)) counts[2]!++;
  }

  private countsAt(size: number, counts: Uint32Array): Uint32Array {
    const mark = Math.floor(size / STRIDE);
    if (mark === 0) counts.fill(0);
    else counts.set(this.marks.subarray((mark - 1) * COUNTS, mark * COUNTS));
    for (let at = mark * STRIDE; at < size; at++) this.count(at, counts);
    return counts;
  }

  /** Entries of this step and before. */
  private endOf(step: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.steps[middle]! <= step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private grow(): void {
    const size = this.length + 1;
    this.ops = grown(this.ops, size);
    this.steps = grown(this.steps, size);
    this.files = grown(this.files, size);
    this.previous = grown(this.previous, size);
    this.reads = grown(this.reads, size);
    this.writes = grown(this.writes, size);
    this.added = grown(this.added, size);
    this.removed = grown(this.removed, size);
  }

  /** Bytes of its tables. */
  get bytes(): number {
    return (
      this.ops.byteLength * 6 +
      this.added.byteLength * 2 +
      this.marks.byteLength +
      this.last.length * 8
    );
  }
}
