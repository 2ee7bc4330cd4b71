import { ROW_FLAGS, ROW_KINDS, type RowColumns, type RowKind } from '../../src/protocol/rows.ts';
import type { StreamFilter } from '../../src/protocol/stream.ts';

/** Kind of a row whose columns have not come yet. */
const UNKNOWN = 255;

const TOOL_KINDS: readonly RowKind[] = [
  'read',
  'modify',
  'search',
  'run',
  'web',
  'mcp',
  'agent',
  'tool',
];

const isTool = new Uint8Array(256);
for (const kind of TOOL_KINDS) isTool[ROW_KINDS.indexOf(kind)] = 1;
const MODIFY = ROW_KINDS.indexOf('modify');
const PROMPT = ROW_KINDS.indexOf('prompt');

export interface RowChange {
  from: number;
  to: number;
  /** The list was rebuilt: nothing that was known holds. */
  rebuilt: boolean;
  /** First row that may now pass another filter than before. */
  refilterFrom: number;
}

/** Everything about the rows but their words, in columns: 25 bytes a row. */
export class RowStore {
  /** Rows there are. */
  total = 0;
  /** Rows whose columns are here. */
  loaded = 0;
  /** Rows in ascending order: prompts of the main agent, which head the rows of their turn. */
  readonly prompts: number[] = [];
  /** How many of the loaded rows pass each filter. */
  readonly counts: Record<StreamFilter, number> = {
    all: 0,
    tools: 0,
    errors: 0,
    denied: 0,
    edits: 0,
  };

  private capacity = 0;
  private kinds = new Uint8Array(0);
  private flags = new Uint16Array(0);
  private lanes = new Uint16Array(0);
  private times = new Float64Array(0);
  private durations = new Float32Array(0);
  private costs = new Float64Array(0);

  clear(): void {
    this.total = 0;
    this.loaded = 0;
    this.prompts.length = 0;
    this.kinds.fill(UNKNOWN);
    for (const filter of Object.keys(this.counts) as StreamFilter[]) this.counts[filter] = 0;
  }

  apply(columns: RowColumns): RowChange {
    const rebuilt = columns.total < this.total;
    if (rebuilt) this.clear();
    const { from } = columns;
    const to = from + columns.count;
    this.reserve(Math.max(columns.total, to));
    this.total = Math.max(columns.total, to);

    let refilterFrom = to;
    let promptsChanged = false;
    for (let i = 0, row = from; row < to; i++, row++) {
      const oldKind = this.kinds[row]!;
      const kind = columns.kind[i] ?? 0;
      const flags = columns.flags[i] ?? 0;
      if (oldKind !== kind || this.flags[row] !== flags) {
        if (row < refilterFrom) refilterFrom = row;
        if (oldKind === UNKNOWN) this.loaded++;
        else this.count(oldKind, this.flags[row]!, -1);
        this.count(kind, flags, 1);
        promptsChanged ||= oldKind === PROMPT || kind === PROMPT;
      }
    }
    this.kinds.set(columns.kind.subarray(0, columns.count), from);
    this.flags.set(columns.flags.subarray(0, columns.count), from);
    this.lanes.set(columns.lane.subarray(0, columns.count), from);
    this.times.set(columns.timeMs.subarray(0, columns.count), from);
    this.durations.set(columns.durationMs.subarray(0, columns.count), from);
    this.costs.set(columns.nanoUsd.subarray(0, columns.count), from);
    if (promptsChanged) this.indexPrompts(from, to);
    return { from, to, rebuilt, refilterFrom };
  }

  known(row: number): boolean {
    return row >= 0 && row < this.total && this.kinds[row] !== UNKNOWN;
  }

  kind(row: number): RowKind {
    return ROW_KINDS[this.kinds[row] ?? 0] ?? 'other';
  }

  /** Index into ROW_KINDS; 255 of a row whose columns have not come. */
  kindCode(row: number): number {
    return this.kinds[row] ?? UNKNOWN;
  }

  /** Bits of ROW_FLAGS. */
  flagBits(row: number): number {
    return this.flags[row] ?? 0;
  }

  has(row: number, flag: keyof typeof ROW_FLAGS): boolean {
    return ((this.flags[row] ?? 0) & ROW_FLAGS[flag]) !== 0;
  }

  lane(row: number): number {
    return this.lanes[row] ?? 0;
  }

  timeMs(row: number): number {
    return this.times[row] ?? Number.NaN;
  }

  durationMs(row: number): number {
    return this.durations[row] ?? Number.NaN;
  }

  nanoUsd(row: number): number {
    return this.costs[row] ?? Number.NaN;
  }

  isPrompt(row: number): boolean {
    return this.kinds[row] === PROMPT && this.lanes[row] === 0;
  }

  passes(row: number, filter: StreamFilter): boolean {
    const kind = this.kinds[row]!;
    if (kind === UNKNOWN) return false;
    switch (filter) {
      case 'all':
        return true;
      case 'tools':
        return isTool[kind] === 1;
      case 'edits':
        return kind === MODIFY;
      case 'errors':
        return (this.flags[row]! & ROW_FLAGS.error) !== 0;
      case 'denied':
        return (this.flags[row]! & ROW_FLAGS.denied) !== 0;
    }
  }

  /** Place in {@link prompts} of the prompt whose turn a row belongs to; -1 before the first. */
  promptIndex(row: number): number {
    return lowerBound(this.prompts, row + 1) - 1;
  }

  private count(kind: number, flags: number, by: number): void {
    const { counts } = this;
    counts.all += by;
    if (isTool[kind] === 1) counts.tools += by;
    if (kind === MODIFY) counts.edits += by;
    if (flags & ROW_FLAGS.error) counts.errors += by;
    if (flags & ROW_FLAGS.denied) counts.denied += by;
  }

  private indexPrompts(from: number, to: number): void {
    const fresh: number[] = [];
    for (let row = from; row < to; row++) if (this.isPrompt(row)) fresh.push(row);
    const start = lowerBound(this.prompts, from);
    const tail = this.prompts.slice(lowerBound(this.prompts, to));
    this.prompts.length = start;
    for (const row of fresh) this.prompts.push(row);
    for (const row of tail) this.prompts.push(row);
  }

  private reserve(rows: number): void {
    if (rows <= this.capacity) return;
    const capacity = Math.max(rows, Math.ceil(this.capacity * 1.5), 1024);
    const kinds = new Uint8Array(capacity).fill(UNKNOWN);
    kinds.set(this.kinds);
    this.kinds = kinds;
    this.flags = grown(this.flags, new Uint16Array(capacity));
    this.lanes = grown(this.lanes, new Uint16Array(capacity));
    this.times = grown(this.times, new Float64Array(capacity));
    this.durations = grown(this.durations, new Float32Array(capacity));
    this.costs = grown(this.costs, new Float64Array(capacity));
    this.capacity = capacity;
  }
}

function grown<T extends Uint16Array | Float32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** First place in an ascending list whose value is not below `value`. */
export function lowerBound(
  list: { readonly length: number; readonly [index: number]: number },
  value: number,
  length = list.length,
): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
