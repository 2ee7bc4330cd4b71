import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { decodeLine, modernise } from '../model/decode.ts';
import { describeStep } from '../model/describe.ts';
import type { TraceEvent } from '../model/event.ts';
import { type FoldOptions, SessionFold } from '../model/fold.ts';
import type { StepView } from '../model/step.ts';
import { Tailer } from './tailer.ts';

/** Bytes; a line of ours is at most 1 MB. */
const MAX_WORDED = 1_500_000;

export const EVENTS_FILE = 'events.ndjson';

/** What could not be read of a session, for the diagnostic that says so. */
export interface SessionProblems {
  /** Lines that are no JSON, or no event. */
  malformed: number;
  /** Lines beyond the cap, and their bytes. */
  tooLong: number;
  skippedBytes: number;
  /** Events saved from a line that a torn write had spoiled. */
  salvaged: number;
  /** Where the first bad line stands, bytes. */
  firstAt?: number;
  /** Events that name another session: shown all the same. */
  foreign: number;
}

const noProblems = (): SessionProblems => ({
  malformed: 0,
  tooLong: 0,
  skippedBytes: 0,
  salvaged: 0,
  foreign: 0,
});

/** Lines that could not be read, as one number for people. */
export function badLines(problems: SessionProblems): number {
  return problems.malformed + problems.tooLong;
}

/** One recorded session: follows its file and folds what it reads. */
export class TraceSession {
  readonly id: string;
  readonly directory: string;
  fold: SessionFold;
  problems = noProblems();
  /** Counts how often the file was replaced: what was read before is void. */
  epoch = 0;
  private readonly tailer: Tailer;
  private readonly options: FoldOptions;
  private readonly file: string;

  /** @param directory the session's folder, checked by the store */
  constructor(directory: string, id: string, options: FoldOptions = {}) {
    this.id = id;
    this.directory = directory;
    this.options = options;
    this.fold = this.newFold();
    this.file = join(directory, EVENTS_FILE);
    this.tailer = new Tailer(this.file, {
      line: (text, offset, size) => this.line(text, offset, size),
      skipped: (offset, size) => {
        this.problems.tooLong++;
        this.problems.skippedBytes += size;
        this.problems.firstAt ??= offset;
      },
      reset: () => {
        this.epoch++;
        this.fold = this.newFold();
        this.problems = noProblems();
      },
    });
  }

  /** Bytes read so far. */
  get bytesRead(): number {
    return this.tailer.offset;
  }

  /** Bytes of a line that is not whole yet. */
  get tornBytes(): number {
    return this.tailer.pending;
  }

  /**
   * Folds what is new.
   *
   * @param maxBytes stop after so many bytes
   * @returns whether there is more
   * @throws {NodeJS.ErrnoException} when the file is there and cannot be read
   */
  update(maxBytes?: number): boolean {
    return this.tailer.read(maxBytes);
  }

  private newFold(): SessionFold {
    return new SessionFold(this.options);
  }

  private line(text: string, offset: number, size: number): void {
    const decoded = decodeLine(text);
    if (!decoded.ok) {
      this.problems.malformed++;
      this.problems.firstAt ??= offset;
      return;
    }
    const { event } = decoded;
    let at = offset;
    let length = size;
    if (decoded.salvagedFrom !== undefined) {
      this.problems.salvaged++;
      this.problems.malformed++;
      this.problems.firstAt ??= offset;
      const before = Buffer.byteLength(text.slice(0, decoded.salvagedFrom));
      at += before;
      length -= before;
    }
    if (event.session_id !== '' && event.session_id !== this.id) this.problems.foreign++;
    this.fold.add(event, at, length);
  }

  /** The events of these rows, read from the file; undefined where it no longer holds them. */
  readEvents(rows: readonly number[]): (TraceEvent | undefined)[] {
    if (rows.length === 0) return [];
    let file: number;
    try {
      // As the tailer: never through a link, never waiting on a pipe.
      file = openSync(
        this.file,
        constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
      );
    } catch {
      return rows.map(() => undefined);
    }
    try {
      if (!fstatSync(file).isFile()) return rows.map(() => undefined);
      return rows.map((row) => this.readEvent(file, row));
    } finally {
      closeSync(file);
    }
  }

  private readEvent(file: number, row: number): TraceEvent | undefined {
    const { columns } = this.fold;
    if (row < 0 || row >= columns.length) return undefined;
    const size = columns.size[row]!;
    const bytes = Buffer.allocUnsafe(size);
    if (readSync(file, bytes, 0, size, columns.offset[row]!) !== size) return undefined;
    const decoded = decodeLine(bytes.toString('utf8'));
    if (!decoded.ok) return undefined;
    const { event } = decoded;
    return event.data.recorded_by === undefined ? modernise(event, 0) : event;
  }

  /** The row, or -1 where its event is larger than a recorder writes: a row's words need no such read. */
  private sized(row: number): number {
    return row >= 0 && this.fold.columns.size[row]! <= MAX_WORDED ? row : -1;
  }

  /** Steps `from` (inclusive) `to` (exclusive) in words. */
  describe(from: number, to: number): StepView[] {
    const { fold } = this;
    const first = Math.max(0, from);
    const last = Math.min(to, fold.steps.length);
    const rows: number[] = [];
    for (let at = first; at < last; at++) {
      const row = fold.steps.row(at);
      rows.push(this.sized(row), this.sized(fold.columns.pair[row]!));
    }
    const events = this.readEvents(rows);
    const views: StepView[] = [];
    for (let at = first; at < last; at++) {
      const index = (at - first) * 2;
      const event = events[index];
      views.push(
        event
          ? describeStep(fold, at, rows[index]!, event, events[index + 1])
          : {
              row: at,
              icon: 'info',
              verb: '',
              target:
                rows[index]! < 0
                  ? 'An event too large to show here.'
                  : 'The trace was moved or deleted.',
              style: 'muted',
              detail: '',
            },
      );
    }
    return views;
  }
}
