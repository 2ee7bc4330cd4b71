import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import { eventIdNumber, idNumber } from '../ids.ts';
import type { FoldContext, Slice } from './slice.ts';

/** One subagent: a lane of its own. */
export interface Subagent {
  lane: number;
  id: string;
  type: string;
  description: string;
  /** ms since the epoch. */
  startMs: number;
  /** Absent while it runs. */
  endMs?: number;
  calls: number;
  /** `tool_use_id` of the call that started it, where known. */
  toolUseId?: string;
}

interface State {
  type: string;
  description: string;
  startMs: number;
  endMs: number;
  calls: number;
  toolUseId: string;
  /** The event of the call that started it, as a number; 0: not known. */
  callId: number;
}

/** Subagents by lane. Lane 0 is the main agent and is not listed. */
export class SubagentsSlice implements Slice {
  readonly name = 'subagents';
  private readonly byLane = new Map<number, State>();
  private readonly columns: Columns;
  private readonly context: FoldContext;

  constructor(context: FoldContext) {
    this.context = context;
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const lane = this.columns.lane[row]!;
    if (lane === 0) return;
    const timeMs = this.columns.timeMs[row]!;
    let state = this.byLane.get(lane);
    if (!state) {
      state = {
        type: '',
        description: '',
        startMs: timeMs,
        endMs: 0,
        calls: 0,
        toolUseId: '',
        callId: 0,
      };
      this.byLane.set(lane, state);
    }
    const { data } = event;
    // The longest word wins, so that the order of arrival does not matter.
    if (data.agent_type !== state.type) state.type = longer(state.type, data.agent_type);
    if (timeMs < state.startMs) state.startMs = timeMs;
    const type = this.columns.type[row]!;
    if ((this.columns.flags[row]! & FLAG.subagent) !== 0) {
      if (type === TYPE.tool_call) {
        state.description = longer(state.description, data.description);
        state.toolUseId = longer(state.toolUseId, data.tool_use_id);
        state.callId = Math.max(state.callId, startedBy(event));
      } else if (timeMs > state.endMs) state.endMs = timeMs;
    } else if (type === TYPE.tool_call) {
      state.calls++;
    }
  }

  remove(row: number): void {
    const state = this.byLane.get(this.columns.lane[row]!);
    if (!state) return;
    const isCall =
      this.columns.type[row] === TYPE.tool_call && (this.columns.flags[row]! & FLAG.subagent) === 0;
    if (isCall) state.calls--;
  }

  all(): Subagent[] {
    return [...this.byLane].map(([lane, state]) => ({
      lane,
      id: this.context.lanes.name(lane),
      type: state.type,
      description: state.description,
      startMs: state.startMs,
      ...(state.endMs > 0 ? { endMs: state.endMs } : {}),
      calls: state.calls,
      ...(state.toolUseId ? { toolUseId: state.toolUseId } : {}),
    }));
  }

  /** When the subagent of this lane ended, ms since the epoch; 0 while it runs. */
  endMs(lane: number): number {
    return this.byLane.get(lane)?.endMs ?? 0;
  }

  /** The event of the call that started the subagent of this lane, as a number; 0: not known. */
  callIdOf(lane: number): number {
    return this.byLane.get(lane)?.callId ?? 0;
  }

  save(): Json {
    return [...this.byLane] as unknown as Json;
  }

  load(saved: Json): void {
    for (const [lane, state] of saved as unknown as [number, State][]) this.byLane.set(lane, state);
  }
}

function startedBy({ parent_id, session_id, data }: TraceEvent): number {
  if (parent_id !== undefined && parent_id !== '') return idNumber(parent_id);
  const use = data.parent_tool_use_id ?? data.tool_use_id;
  return typeof use === 'string' && use !== '' ? eventIdNumber(session_id, 'call', use) : 0;
}

function longer(known: string, value: Json | undefined): string {
  if (typeof value !== 'string') return known;
  const cut = value.slice(0, 200);
  if (cut.length !== known.length) return cut.length > known.length ? cut : known;
  return cut > known ? cut : known;
}
