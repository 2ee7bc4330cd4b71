import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { FileOp, Json, TraceEvent } from '../event.ts';
import { intendedFileOps, recordedFileOps } from '../fileOps.ts';
import { Interner } from '../interner.ts';
import { STEP_KINDS } from '../step.ts';
import type { FoldContext, Slice } from './slice.ts';

const KINDS = ['read', 'write', 'create', 'delete'] as const;

/** What the agent did to one file. */
export interface FileSummary {
  path: string;
  reads: number;
  writes: number;
  added: number;
  removed: number;
  lastMs: number;
}

/** One operation on a file, with the row of the step that did it. */
export interface RowFileOp extends FileOp {
  row: number;
  timeMs: number;
}

/** One operation in numbers. */
export interface FileChange {
  /** Code of its path. */
  file: number;
  isRead: boolean;
  /** Lines. */
  added: number;
  removed: number;
}

/**
 * Lines of one operation: `pool[from]` to `pool[end - 1]`, two numbers a range, 1-based and inclusive, in the order of the
 * event. None where no line is known. Valid until the next event.
 */
export interface FileLines {
  pool: Int32Array;
  from: number;
  end: number;
  /** The whole file. */
  all: boolean;
}

interface Seen {
  ops: FileOp[];
  /** It may have changed more. */
  unknown: boolean;
}

/**
 * Files read and changed, with the lines. Operations lie in one table (a list a file through
 * `next`), ranges and hunks in one pool of numbers.
 */
export class FilesSlice implements Slice {
  readonly name = 'files';
  readonly paths = new Interner('', 1_000_000, 4096);
  private readonly heads: number[] = [-1];

  private count = 0;
  private rows = new Int32Array(64);
  private files = new Int32Array(64);
  private next = new Int32Array(64);
  private kinds = new Uint8Array(64);
  private added = new Int32Array(64);
  private removed = new Int32Array(64);
  /** Where in the pool the ranges (pairs) and hunks (quads) of the operation are. */
  private pool = new Int32Array(256);
  private poolUsed = 0;
  private poolAt = new Int32Array(64);
  private rangeCount = new Int32Array(64);
  private hunkCount = new Int32Array(64);

  /** By file: operations on it that stand. */
  private reads: number[] = [0];
  private writes: number[] = [0];
  /** Files in the order in which something was told of them, for readers that come back. */
  private told = new Int32Array(64);
  private toldCount = 0;

  /** Counts the changes of what the agent changed: the same number, the same files and steps. */
  changeVersion = 0;
  /** Results of commands that may have changed more than they tell. */
  private readonly unknown = new Set<number>();
  /** What our recorder saw a command change, whatever stands for its result by now; see {@link addSeen}. */
  private readonly seen = new Map<number, Seen>();
  /** What open calls mean to do, until their result tells. */
  private readonly intended = new Map<number, FileOp[]>();
  private readonly columns: Columns;
  private readonly context: FoldContext;

  constructor(context: FoldContext) {
    this.context = context;
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const type = this.columns.type[row]!;
    if (type === TYPE.tool_call) {
      // Our own recorders put the files into the result.
      if (!this.context.foreign) return;
      const kind = STEP_KINDS[this.columns.kind[row]!]!;
      if (kind !== 'read' && kind !== 'modify') return;
      const args = event.data.arguments;
      if (typeof args !== 'object' || args === null || Array.isArray(args)) return;
      const ops = intendedFileOps(kind, args);
      if (ops) this.intended.set(row, ops);
    } else if (type === TYPE.tool_result || type === TYPE.error) {
      // A command that fails may have changed files all the same.
      if (event.data.changed_files === 'unknown') this.addUnknown(row);
      const ops = recordedFileOps(event.data) ?? [];
      for (const op of ops) this.pushRecorded(row, op);
      if (event.data.partial === true) this.remember(row, event);
      else this.pushSeen(row, ops);
    } else if (type === TYPE.file_read || type === TYPE.file_write) {
      const { path } = event.data;
      if (typeof path !== 'string' || path === '') return;
      this.push(row, { path, kind: type === TYPE.file_read ? 'read' : 'write' });
    }
  }

  /**
   * Files that our recorder saw change, told by a version of a result that does not stand: the agent's own word on how
   * the command ended is better, but does not know of them.
   */
  addSeen(row: number, event: TraceEvent): void {
    if (event.data.partial !== true || this.seen.has(row)) return;
    this.remember(row, event);
    const known = [...this.operationsOf(row)].map((at) => this.paths.name(this.files[at]!));
    this.pushSeen(
      row,
      known.map((path) => ({ path, kind: 'read' })),
    );
    const call = this.columns.pair[row]!;
    if (call >= 0) for (const at of this.operationsOf(row)) this.tell(this.files[at]!);
  }

  private remember(row: number, { data }: TraceEvent): void {
    const ops = (recordedFileOps(data) ?? []).filter(({ source }) => source === 'stat');
    const unknown = data.changed_files === 'unknown';
    if (ops.length > 0 || unknown) this.seen.set(row, { ops, unknown });
  }

  /** @param told what the result that stands tells of */
  private pushSeen(row: number, told: readonly FileOp[]): void {
    const seen = this.seen.get(row);
    if (seen === undefined) return;
    if (seen.unknown) this.addUnknown(row);
    const paths = new Set(told.map(({ path }) => path));
    for (const op of seen.ops) if (!paths.has(op.path)) this.pushRecorded(row, op);
  }

  private addUnknown(row: number): void {
    this.unknown.add(row);
    this.changeVersion++;
  }

  private pushRecorded(row: number, op: FileOp): void {
    this.columns.flags[row]! |= FLAG.hasFiles;
    this.push(row, op);
  }

  pair(callRow: number, resultRow: number): void {
    // Operations that came before their call change hands.
    if (callRow > resultRow && (this.columns.flags[resultRow]! & FLAG.hasFiles) !== 0) {
      for (const at of this.operationsOf(resultRow)) this.tell(this.files[at]!);
    }
    if (this.intended.size === 0) return;
    const ops = this.intended.get(callRow);
    if (!ops) return;
    const flags = this.columns.flags[resultRow]!;
    if ((flags & (FLAG.hasFiles | FLAG.error | FLAG.denied | FLAG.closed)) === 0) {
      for (const op of ops) this.push(callRow, op);
    }
    // A better result may come: only what is certain is forgotten.
    if ((flags & FLAG.hasFiles) !== 0) this.intended.delete(callRow);
  }

  unpair(callRow: number): void {
    this.drop(callRow);
  }

  remove(row: number): void {
    this.intended.delete(row);
    this.unknown.delete(row);
    this.drop(row);
    this.columns.flags[row]! &= ~FLAG.hasFiles;
  }

  private push(row: number, op: FileOp): void {
    if (this.count === this.rows.length) this.grow();
    const at = this.count++;
    if (op.kind !== 'read') this.changeVersion++;
    const file = this.paths.code(op.path);
    this.rows[at] = row;
    this.files[at] = file;
    this.next[at] = this.heads[file] ?? -1;
    this.heads[file] = at;
    this.sum(file, op.kind, 1);
    this.tell(file);
    this.kinds[at] = KINDS.indexOf(op.kind);
    this.added[at] = op.added ?? 0;
    this.removed[at] = op.removed ?? 0;
    this.poolAt[at] = this.poolUsed;
    // 0 is "not told", so that a whole-file operation differs from one that touched no line.
    this.rangeCount[at] = op.ranges ? op.ranges.length + 1 : 0;
    this.hunkCount[at] = op.hunks ? op.hunks.length + 1 : 0;
    const numbers = 2 * (op.ranges?.length ?? 0) + 4 * (op.hunks?.length ?? 0);
    if (this.poolUsed + numbers > this.pool.length) {
      const pool = new Int32Array(Math.max(this.pool.length * 2, this.poolUsed + numbers));
      pool.set(this.pool.subarray(0, this.poolUsed));
      this.pool = pool;
    }
    for (const range of op.ranges ?? []) for (const n of range) this.pool[this.poolUsed++] = n;
    for (const hunk of op.hunks ?? []) for (const n of hunk) this.pool[this.poolUsed++] = n;
  }

  private sum(file: number, kind: FileOp['kind'], by: 1 | -1): void {
    const sums = kind === 'read' ? this.reads : this.writes;
    sums[file] = (sums[file] ?? 0) + by;
  }

  private tell(file: number): void {
    if (this.toldCount === this.told.length) {
      const told = new Int32Array(this.told.length * 2);
      told.set(this.told);
      this.told = told;
    }
    this.told[this.toldCount++] = file;
  }

  /** Operations of a row, the last first. */
  private *operationsOf(row: number): Generator<number> {
    for (let at = this.count - 1; at >= 0; at--) {
      if (this.rows[at] === row) yield at;
      // Operations are pushed soon after their row: far older ones cannot be of this row.
      else if (this.rows[at]! + 100_000 < row) return;
    }
  }

  /** Takes out the operations of a row. Rare (a better version of a result), so it may walk. */
  private drop(row: number): void {
    for (const at of this.operationsOf(row)) {
      const file = this.files[at]!;
      if (this.kinds[at] !== 0) this.changeVersion++;
      if (this.heads[file] === at) this.heads[file] = this.next[at]!;
      else {
        let before = this.heads[file] ?? -1;
        while (before >= 0 && this.next[before] !== at) before = this.next[before]!;
        if (before >= 0) this.next[before] = this.next[at]!;
      }
      this.rows[at] = -1;
      this.sum(file, KINDS[this.kinds[at]!]!, -1);
      this.tell(file);
    }
  }

  private grow(): void {
    const size = this.rows.length * 2;
    for (const name of OP_COLUMNS) {
      const old = this[name];
      const larger = new (old.constructor as new (n: number) => typeof old)(size);
      larger.set(old as never);
      (this as unknown as Record<string, unknown>)[name] = larger;
    }
  }

  /** The step that an operation belongs to: the call, where it is known. */
  private stepRow(row: number): number {
    const type = this.columns.type[row];
    if (type !== TYPE.tool_result && type !== TYPE.error) return row;
    const call = this.columns.pair[row]!;
    return call >= 0 ? call : row;
  }

  /** Counts up whenever something new is told of a file: where {@link toldSince} goes on. */
  get toldSoFar(): number {
    return this.toldCount;
  }

  /** Paths of which something was told since `toldSoFar` was `from`. */
  toldSince(from: number): Set<string> {
    const files = new Set(this.told.subarray(from, this.toldCount));
    return new Set(Array.from(files, (file) => this.paths.name(file)));
  }

  /** How often a file was read and changed; O(1). */
  countsOf(path: string): { reads: number; writes: number } {
    const file = this.paths.find(path) ?? -1;
    return { reads: this.reads[file] ?? 0, writes: this.writes[file] ?? 0 };
  }

  /** Commands of which it is not known whether they changed files. */
  get unknownCommands(): number {
    return this.unknown.size;
  }

  /** Operations on one file in time order. */
  opsOf(path: string): RowFileOp[] {
    const file = this.paths.find(path);
    if (file === undefined) return [];
    const ops: RowFileOp[] = [];
    for (let at = this.heads[file] ?? -1; at >= 0; at = this.next[at]!) ops.push(this.op(at));
    return ops.sort((a, b) => a.timeMs - b.timeMs || a.row - b.row);
  }

  /** Operations of one step (a call's row, or a file event's). */
  opsOfStep(row: number): RowFileOp[] {
    const result = this.columns.type[row] === TYPE.tool_call ? this.columns.pair[row]! : -1;
    const ops: RowFileOp[] = [];
    for (let at = 0; at < this.count; at++) {
      const owner = this.rows[at]!;
      if (owner >= 0 && (owner === row || owner === result)) ops.push(this.op(at));
    }
    return ops;
  }

  /** Files that were touched. */
  get fileCount(): number {
    let count = 0;
    for (const head of this.heads) if (head >= 0) count++;
    return count;
  }

  /** Operations there are, those that were taken back included: places for {@link change}. */
  get opCount(): number {
    return this.count;
  }

  /** Row of the event that operation `at` came with; -1: it was taken back. */
  opRow(at: number): number {
    return this.rows[at]!;
  }

  /** What operation `at` did, in numbers; written into `into`, for there may be a million. */
  change(at: number, into: FileChange): void {
    into.file = this.files[at]!;
    into.isRead = this.kinds[at] === 0;
    into.added = this.added[at]!;
    into.removed = this.removed[at]!;
  }

  /** The lines that operation `at` read, or left; written into `into`, for there may be a million. */
  linesInto(at: number, into: FileLines): void {
    const count = this.rangeCount[at]!;
    into.pool = this.pool;
    into.from = this.poolAt[at]!;
    into.end = into.from + 2 * Math.max(0, count - 1);
    into.all = count === 0;
  }

  /** The event in this row is the result of a command that may have changed files that nobody tells of. */
  mayChangeMore(row: number): boolean {
    return this.unknown.size > 0 && this.unknown.has(row);
  }

  private op(at: number): RowFileOp {
    const row = this.stepRow(this.rows[at]!);
    const op: RowFileOp = {
      row,
      timeMs: this.columns.timeMs[row]!,
      path: this.paths.name(this.files[at]!),
      kind: KINDS[this.kinds[at]!]!,
    };
    let from = this.poolAt[at]!;
    if (this.rangeCount[at]! > 0) {
      op.ranges = [];
      for (let k = 1; k < this.rangeCount[at]!; k++, from += 2) {
        op.ranges.push([this.pool[from]!, this.pool[from + 1]!]);
      }
    }
    if (this.hunkCount[at]! > 0) {
      op.hunks = [];
      for (let k = 1; k < this.hunkCount[at]!; k++, from += 4) {
        const [a, b, c, d] = this.pool.subarray(from, from + 4);
        op.hunks.push([a!, b!, c!, d!]);
      }
    }
    if (this.added[at]! > 0) op.added = this.added[at]!;
    if (this.removed[at]! > 0) op.removed = this.removed[at]!;
    return op;
  }

  /** Every file with its sums, in order of first touch. */
  summaries(): FileSummary[] {
    const byFile = new Map<number, FileSummary>();
    for (let at = 0; at < this.count; at++) {
      const owner = this.rows[at]!;
      if (owner < 0) continue;
      const file = this.files[at]!;
      let summary = byFile.get(file);
      if (!summary) {
        const path = this.paths.name(file);
        summary = { path, reads: 0, writes: 0, added: 0, removed: 0, lastMs: 0 };
        byFile.set(file, summary);
      }
      if (this.kinds[at] === 0) summary.reads++;
      else summary.writes++;
      summary.added += this.added[at]!;
      summary.removed += this.removed[at]!;
      summary.lastMs = Math.max(summary.lastMs, this.columns.timeMs[this.stepRow(owner)]!);
    }
    return [...byFile.values()];
  }

  save(): Json {
    const saved: Record<string, Json> = {
      paths: this.paths.save(),
      heads: Array.from(this.heads, (head) => head ?? -1),
      intended: [...this.intended] as unknown as Json,
      unknown: [...this.unknown],
      seen: [...this.seen] as unknown as Json,
      pool: [...this.pool.subarray(0, this.poolUsed)],
    };
    for (const name of OP_COLUMNS) saved[name] = [...this[name].subarray(0, this.count)];
    return saved;
  }

  load(saved: Json): void {
    const from = saved as unknown as Record<string, number[]> & {
      paths: string[];
      intended: [number, FileOp[]][];
      seen: [number, Seen][];
    };
    this.paths.load(from.paths);
    this.heads.length = 0;
    for (const head of from.heads!) this.heads.push(head);
    for (const [row, ops] of from.intended) this.intended.set(row, ops);
    for (const row of from.unknown!) this.unknown.add(row);
    for (const [row, seen] of from.seen) this.seen.set(row, seen);
    this.pool = Int32Array.from(from.pool!);
    this.poolUsed = from.pool!.length;
    this.count = from.rows!.length;
    for (const name of OP_COLUMNS) {
      const column = new (this[name].constructor as new (n: number) => Int32Array)(
        Math.max(64, this.count),
      );
      column.set(from[name]!);
      (this as unknown as Record<string, unknown>)[name] = column;
    }
    this.reads = [0];
    this.writes = [0];
    this.toldCount = 0;
    for (let at = 0; at < this.count; at++) {
      if (this.rows[at]! >= 0) this.sum(this.files[at]!, KINDS[this.kinds[at]!]!, 1);
      this.tell(this.files[at]!);
    }
  }
}

const OP_COLUMNS = [
  'rows',
  'files',
  'next',
  'kinds',
  'added',
  'removed',
  'poolAt',
  'rangeCount',
  'hunkCount',
] as const;
