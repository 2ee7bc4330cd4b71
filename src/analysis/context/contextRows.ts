import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS, type StepKind } from '../../model/step.ts';
import { SLICE, type Sliced } from '../slices.ts';
import { SOURCE } from './sources.ts';

/** The rows of one lane that its window is made of. */
export interface LaneRows {
  lane: number;
  /** Responses that told their tokens, in time order. */
  responses: Int32Array;
  /** What requests carried: prompts, results, texts, calls. In order of arrival. */
  items: Int32Array;
  /** Compactions that were told, in time order. */
  compactions: Int32Array;
}

/**
 * Sorts out the rows of one lane, or of all.
 *
 * @param lane undefined: all lanes that have a response
 */
export function* laneRows(fold: SessionFold, lane?: number): Sliced<LaneRows[]> {
  const { columns, cost } = fold;
  const { type, flags, lane: lanes, length } = columns;
  const found: Found[] = [];
  const byLane: number[] = [];
  const inLane = (own: number): Found => {
    let at = byLane[own];
    if (at === undefined) {
      at = byLane[own] = found.length;
      found.push({ lane: own, responses: new Rows(), items: new Rows(), compactions: new Rows() });
    }
    return found[at]!;
  };
  let last: Found | undefined;
  for (let row = 0; row < length; row++) {
    if (row % SLICE === SLICE - 1) yield;
    const own = lanes[row]!;
    if (lane !== undefined && own !== lane) continue;
    const code = type[row]!;
    const isResponse = code === TYPE.llm_response;
    const isItem = ITEM[code] === 1;
    if (!isResponse && !isItem && (flags[row]! & FLAG.compaction) === 0) continue;
    if (isResponse && (fold.responseTokens(row) === 0 || !cost.hasUsage(row))) continue;
    if (last?.lane !== own) last = inLane(own);
    if (isResponse) last.responses.push(row);
    else if (isItem) last.items.push(row);
    else last.compactions.push(row);
  }
  return found.map(({ lane: own, responses, items, compactions }) => ({
    lane: own,
    responses: responses.sorted((a, b) => compareResponses(fold, a, b)),
    items: items.all(),
    compactions: compactions.sorted((a, b) => compareRows(fold, a, b)),
  }));
}

interface Found {
  lane: number;
  responses: Rows;
  items: Rows;
  compactions: Rows;
}

const ITEM = new Uint8Array(256);
for (const name of [
  'user_prompt',
  'tool_result',
  'error',
  'file_read',
  'assistant_response',
  'tool_call',
] as const) {
  ITEM[TYPE[name]] = 1;
}

const SOURCES_OF_KIND: Partial<Record<StepKind, number>> = {
  read: SOURCE.files,
  search: SOURCE.files,
  modify: SOURCE.files,
};
const SOURCE_OF_KIND = Uint8Array.from(
  STEP_KINDS,
  (kind) => SOURCES_OF_KIND[kind] ?? SOURCE.output,
);

/** Which source an item is of, in the window. @param row of the items of a lane */
export function sourceOf(
  { columns: { type, kind, pair }, context }: SessionFold,
  row: number,
): number {
  switch (type[row]) {
    case TYPE.file_read:
      return context.isInstructions(row) ? SOURCE.memory : SOURCE.files;
    case TYPE.tool_result:
    case TYPE.error: {
      const call = pair[row]!;
      return SOURCE_OF_KIND[kind[call >= 0 ? call : row]!] ?? SOURCE.output;
    }
    default:
      return SOURCE.conversation;
  }
}

/** By time; what stands at one moment by its id, so that the order of arrival does not matter. */
function compareRows({ columns: { timeMs, key } }: SessionFold, a: number, b: number): number {
  return timeMs[a]! - timeMs[b]! || key[a]! - key[b]!;
}

/** At one moment the larger is the later, as the fold's context slice has it. */
function compareResponses(fold: SessionFold, a: number, b: number): number {
  return (
    fold.columns.timeMs[a]! - fold.columns.timeMs[b]! ||
    fold.responseTokens(a) - fold.responseTokens(b) ||
    fold.columns.key[a]! - fold.columns.key[b]!
  );
}

/** A list of rows that grows. */
class Rows {
  private rows = new Int32Array(16);
  private count = 0;

  push(row: number): void {
    if (this.count === this.rows.length) {
      const larger = new Int32Array(this.count * 2);
      larger.set(this.rows);
      this.rows = larger;
    }
    this.rows[this.count++] = row;
  }

  all(): Int32Array {
    return this.rows.subarray(0, this.count);
  }

  sorted(compare: (a: number, b: number) => number): Int32Array {
    const all = this.all();
    for (let at = 1; at < all.length; at++) {
      // Nearly always in order as they arrived.
      if (compare(all[at - 1]!, all[at]!) > 0) return all.sort(compare);
    }
    return all;
  }
}
