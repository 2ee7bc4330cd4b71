import { FLAG } from '../model/columns.ts';
import type { SessionFold } from '../model/fold.ts';
import { ROW_FLAGS, type RowColumns } from '../protocol/rows.ts';

/** Rows in one message: about 200 KB. */
export const CHUNK_ROWS = 8192;

/** What is asked of the fold once for all rows of one moment. */
export interface RowContext {
  /** Rows of the fold that run now. */
  running: ReadonlySet<number>;
  /** Row of a prompt → nano-dollars of its turn. */
  turns: ReadonlyMap<number, number>;
}

export function rowContext(fold: SessionFold): RowContext {
  return {
    running: new Set(fold.running()),
    turns: new Map(fold.phases.all().map(({ row, nanoUsd }) => [row, nanoUsd])),
  };
}

/** Steps `from` (inclusive) `to` (exclusive) as columns. */
export function rowColumns(
  fold: SessionFold,
  context: RowContext,
  from: number,
  to: number,
): RowColumns {
  const { columns, steps } = fold;
  const total = steps.length;
  const count = Math.max(0, Math.min(to, total) - from);
  const rows: RowColumns = {
    from,
    count,
    total,
    kind: new Uint8Array(count),
    flags: new Uint16Array(count),
    lane: new Uint16Array(count),
    timeMs: new Float64Array(count),
    durationMs: new Float32Array(count),
    nanoUsd: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const row = steps.row(from + i);
    rows.kind[i] = columns.kind[row]!;
    rows.flags[i] = rowFlags(columns.flags[row]!, context.running.has(row));
    rows.lane[i] = columns.lane[row]!;
    rows.timeMs[i] = columns.timeMs[row]!;
    rows.durationMs[i] = columns.durationMs[row]!;
    rows.nanoUsd[i] = context.turns.get(row) ?? fold.stepNanoUsd(row);
  }
  return rows;
}

function rowFlags(flags: number, running: boolean): number {
  let out = running ? ROW_FLAGS.running : 0;
  if ((flags & FLAG.error) !== 0) out |= ROW_FLAGS.error;
  if ((flags & FLAG.denied) !== 0) out |= ROW_FLAGS.denied;
  if ((flags & FLAG.retry) !== 0) out |= ROW_FLAGS.retry;
  if ((flags & FLAG.estimate) !== 0) out |= ROW_FLAGS.estimate;
  if ((flags & FLAG.redacted) !== 0) out |= ROW_FLAGS.redacted;
  if ((flags & FLAG.test) !== 0) out |= ROW_FLAGS.test;
  if ((flags & FLAG.commit) !== 0) out |= ROW_FLAGS.commit;
  if ((flags & FLAG.compaction) !== 0) out |= ROW_FLAGS.compaction;
  return out;
}
