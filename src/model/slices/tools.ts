import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { Json } from '../event.ts';
import type { FoldContext, Slice } from './slice.ts';

/** One tool over the session. */
export interface ToolSummary {
  tool: string;
  calls: number;
  errors: number;
  denied: number;
  /** Calls whose duration is known. */
  timed: number;
  /** ms, of the calls whose duration is known. */
  totalMs: number;
  medianMs: number;
}

interface ToolState {
  calls: number;
  errors: number;
  denied: number;
  timed: number;
  totalMs: number;
  /** The last durations, ms: what is usual is their median. */
  recent: number[];
}

const RECENT = 31;

/** Tools: how often, how long, and which calls are open now. */
export class ToolsSlice implements Slice {
  readonly name = 'tools';
  private readonly byTool = new Map<number, ToolState>();
  /** Rows of calls without a result, oldest first. */
  private readonly open = new Set<number>();
  private readonly columns: Columns;
  private readonly context: FoldContext;

  constructor(context: FoldContext) {
    this.context = context;
    this.columns = context.columns;
  }

  add(row: number): void {
    if (!this.isCall(row)) return;
    this.state(row).calls++;
    this.open.add(row);
  }

  remove(row: number): void {
    if (!this.isCall(row)) return;
    this.state(row).calls--;
    this.open.delete(row);
  }

  pair(callRow: number, resultRow: number): void {
    if (!this.isCall(callRow)) return;
    this.open.delete(callRow);
    const state = this.state(callRow);
    this.outcome(state, resultRow, 1);
    const ms = this.columns.durationMs[callRow]!;
    if (Number.isNaN(ms)) return;
    state.timed++;
    state.totalMs += ms;
    // A ring: which of the recent ones is the oldest follows from how many were timed.
    if (state.recent.length < RECENT) state.recent.push(ms);
    else state.recent[state.timed % RECENT] = ms;
  }

  unpair(callRow: number, resultRow: number): void {
    if (!this.isCall(callRow)) return;
    this.open.add(callRow);
    const state = this.state(callRow);
    this.outcome(state, resultRow, -1);
    const ms = this.columns.durationMs[callRow]!;
    if (Number.isNaN(ms)) return;
    state.timed--;
    state.totalMs -= ms;
    const at = state.recent.lastIndexOf(ms);
    if (at >= 0) state.recent.splice(at, 1);
  }

  private outcome(state: ToolState, resultRow: number, by: 1 | -1): void {
    const flags = this.columns.flags[resultRow]!;
    if ((flags & FLAG.denied) !== 0) state.denied += by;
    else if ((flags & FLAG.error) !== 0) state.errors += by;
  }

  private isCall(row: number): boolean {
    return (
      this.columns.type[row] === TYPE.tool_call && (this.columns.flags[row]! & FLAG.subagent) === 0
    );
  }

  private state(row: number): ToolState {
    const code = this.columns.tool[row]!;
    let state = this.byTool.get(code);
    if (!state) {
      state = { calls: 0, errors: 0, denied: 0, timed: 0, totalMs: 0, recent: [] };
      this.byTool.set(code, state);
    }
    return state;
  }

  /** Most used first. */
  summaries(): ToolSummary[] {
    return [...this.byTool]
      .filter(([, state]) => state.calls > 0)
      .map(([code, state]) => ({
        tool: this.context.tools.name(code),
        calls: state.calls,
        errors: state.errors,
        denied: state.denied,
        timed: state.timed,
        totalMs: state.totalMs,
        medianMs: median(state.recent),
      }))
      .sort((a, b) => b.calls - a.calls || (a.tool < b.tool ? -1 : 1));
  }

  /** Median of the last durations of this call's tool, ms; undefined before there are three. */
  usualMs(row: number): number | undefined {
    const recent = this.byTool.get(this.columns.tool[row]!)?.recent;
    return recent && recent.length >= 3 ? median(recent) : undefined;
  }

  /**
   * Calls that run now: without a result, and begun after the last moment at which their lane was
   * known to stand still.
   *
   * @param restedMs when that was, for a lane; ms since the epoch
   */
  running(restedMs: (lane: number) => number): number[] {
    const rows: number[] = [];
    for (const row of this.open) {
      if (this.columns.timeMs[row]! > restedMs(this.columns.lane[row]!)) rows.push(row);
    }
    return rows;
  }

  save(): Json {
    return { byTool: [...this.byTool] as unknown as Json, open: [...this.open] };
  }

  load(saved: Json): void {
    const from = saved as unknown as { byTool: [number, ToolState][]; open: number[] };
    for (const [code, state] of from.byTool) this.byTool.set(code, state);
    for (const row of from.open) this.open.add(row);
  }
}

function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
