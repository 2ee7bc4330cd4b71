import type { RowColumns } from '../protocol/rows.ts';
import type { LiveSession, RowCursor } from './liveSession.ts';
import { CHUNK_ROWS, type RowContext, rowColumns, rowContext } from './streamRows.ts';

/** The end of a long list comes first: it is what is seen. */
const TAIL_ROWS = 1024;

/** Sends the rows of one session to one page: all of them, then those that change. */
export class RowSender {
  readonly session: LiveSession;
  private readonly post: (columns: RowColumns) => void;
  private readonly again: () => void;
  private readonly cursor: RowCursor;
  private context: RowContext = { running: new Set(), turns: new Map() };
  private sentTotal = 0;
  private busy = false;
  private closed = false;

  /** @param again asks for another {@link send}, soon */
  constructor(session: LiveSession, post: (columns: RowColumns) => void, again: () => void) {
    this.session = session;
    this.post = post;
    this.again = again;
    this.cursor = session.openCursor();
  }

  /** All that the page knows is void. */
  get rebuilt(): boolean {
    return this.cursor.rebuilt;
  }

  /** Not all of it is sent yet. */
  get sending(): boolean {
    return this.busy;
  }

  /** Sends what changed, in chunks: between two of them the editor has its turn. */
  send(): void {
    const { session, cursor } = this;
    if (this.closed || this.busy) return;
    const { fold } = session.trace;
    const total = fold.steps.length;
    const before = this.context;
    this.context = rowContext(fold);
    if (cursor.rebuilt || total < this.sentTotal) {
      cursor.rebuilt = false;
      cursor.from = 0;
      if (this.sentTotal > 0) this.postRows(0, 0, 0);
      if (total > CHUNK_ROWS) this.postRows(total - TAIL_ROWS, total);
    } else {
      this.sendDistant(cursor.from, before);
    }
    this.busy = true;
    const turn = (): void => {
      if (this.closed) return;
      const { length } = fold.steps;
      if (fold !== session.trace.fold || cursor.rebuilt || length < this.sentTotal) {
        this.busy = false;
        this.again();
        return;
      }
      if (cursor.from >= length) {
        this.busy = false;
        return;
      }
      const { from } = cursor;
      const to = Math.min(from + CHUNK_ROWS, length);
      cursor.from = to;
      this.postRows(from, to);
      if (to < length) setImmediate(turn);
      else this.busy = false;
    };
    turn();
  }

  /** Rows before `from` that changed with others: totals of turns, calls that no longer run. */
  private sendDistant(from: number, before: RowContext): void {
    const { steps } = this.session.trace.fold;
    const { running, turns } = this.context;
    const changed = new Set<number>();
    for (const [row, nanoUsd] of turns) if (before.turns.get(row) !== nanoUsd) changed.add(row);
    for (const row of before.running) if (!running.has(row)) changed.add(row);
    for (const row of running) if (!before.running.has(row)) changed.add(row);
    for (const row of changed) {
      const step = row < 0 ? -1 : steps.stepOf(row);
      if (step >= 0 && step < from) this.postRows(step, step + 1);
    }
  }

  private postRows(from: number, to: number, total?: number): void {
    const columns = rowColumns(this.session.trace.fold, this.context, from, to);
    if (total !== undefined) columns.total = total;
    this.sentTotal = columns.total;
    this.post(columns);
  }

  dispose(): void {
    this.closed = true;
    this.session.closeCursor(this.cursor);
  }
}
