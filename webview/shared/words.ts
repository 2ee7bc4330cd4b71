import type { StepView } from '../../src/model/step.ts';
import type { RowsRequest } from '../../src/protocol/rows.ts';

/** Words kept, rows. */
const KEEP = 4000;
/** Rows between two wanted ones that are cheaper to ask for than to leave out. */
const GAP = 4;
/** Most rows in one request. */
const BATCH = 128;
/** An answer that takes longer is asked for again, ms. */
const PATIENCE_MS = 10_000;

interface Entry {
  view: StepView | undefined;
  /** The row changed after these words were asked for. */
  stale: boolean;
  /** Latest request for this row that is not answered; 0: none. */
  request: number;
  /** The request these words answer. */
  answered: number;
  askedMs: number;
}

/** The words of the rows near what is seen, asked for as needed. */
export class Words {
  private readonly entries = new Map<number, Entry>();
  private readonly send: (request: RowsRequest) => void;
  private lastRequest = 0;

  constructor(send: (request: RowsRequest) => void) {
    this.send = send;
  }

  clear(): void {
    this.entries.clear();
  }

  get(row: number): StepView | undefined {
    return this.entries.get(row)?.view;
  }

  /** The rows changed: their words stay until newer ones come. */
  invalidate(from: number, to: number): void {
    const touch = (entry: Entry) => {
      entry.stale = true;
      entry.request = 0;
    };
    if (to - from > this.entries.size) {
      for (const [row, entry] of this.entries) if (row >= from && row < to) touch(entry);
    } else {
      for (let row = from; row < to; row++) {
        const entry = this.entries.get(row);
        if (entry) touch(entry);
      }
    }
  }

  /** @param rows ascending */
  want(rows: readonly number[], nowMs = performance.now()): void {
    let from = -1;
    let to = -1;
    const flush = () => {
      if (from < 0) return;
      const requestId = ++this.lastRequest;
      for (let row = from; row < to; row++) {
        const old = this.entries.get(row);
        // Set anew, so that the map's order is by last use.
        this.entries.delete(row);
        this.entries.set(row, {
          view: old?.view,
          stale: false,
          request: requestId,
          answered: old?.answered ?? 0,
          askedMs: nowMs,
        });
      }
      this.send({ type: 'rows', requestId, from, to });
      from = -1;
    };
    for (const row of rows) {
      const entry = this.entries.get(row);
      const waits = entry && entry.request !== 0 && nowMs - entry.askedMs < PATIENCE_MS;
      if (waits || (entry?.view && !entry.stale && entry.request === 0)) continue;
      if (from >= 0 && (row - to > GAP || row + 1 - from > BATCH)) flush();
      if (from < 0) from = row;
      to = row + 1;
    }
    flush();
    this.forget();
  }

  receive(requestId: number, from: number, views: readonly StepView[]): void {
    views.forEach((view, i) => {
      const entry = this.entries.get(from + i);
      if (!entry || requestId < entry.answered) return;
      entry.view = view;
      entry.answered = requestId;
      if (requestId >= entry.request) entry.request = 0;
    });
  }

  private forget(): void {
    let excess = this.entries.size - KEEP;
    for (const row of this.entries.keys()) {
      if (excess-- <= 0) break;
      this.entries.delete(row);
    }
  }
}
