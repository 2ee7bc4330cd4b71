import { type Columns, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import { asksPerson } from '../moments.ts';
import { STEP_KINDS } from '../step.ts';
import { oneLine } from '../text.ts';
import type { FoldContext, Slice } from './slice.ts';

const PROMPT = STEP_KINDS.indexOf('prompt');
const NEVER = 0;

/** Who, where, when, and in which state. Moments are ms since the epoch; 0 is never. */
export class SessionSlice implements Slice {
  readonly name = 'session';
  /** First prompt, cut at 300 characters. */
  title = '';
  provider = '';
  agentName = '';
  model = '';
  cwd = '';
  transcriptPath = '';
  traceVersion = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = NEVER;
  /** Last session_start, session_end, prompt, and end of a turn. */
  startMs = NEVER;
  endMs = NEVER;
  promptMs = NEVER;
  turnEndMs = NEVER;
  /** By lane: the last time that the agent asked the user for something, and its last work. */
  private readonly asked = new Map<number, number>();
  private readonly worked = new Map<number, number>();
  /** Last sign of work in the main lane: a call, a result, a response. */
  workMs = NEVER;
  private titleMs = Number.POSITIVE_INFINITY;
  private providerMs = Number.POSITIVE_INFINITY;
  private cwdMs = Number.POSITIVE_INFINITY;
  private modelMs = NEVER;
  private readonly columns: Columns;

  constructor(context: FoldContext) {
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const timeMs = this.columns.timeMs[row]!;
    const { data } = event;
    if (timeMs < this.firstMs) this.firstMs = timeMs;
    if (timeMs > this.lastMs) this.lastMs = timeMs;
    // Of the earliest event that names one: an agent started by another is a session of its own.
    if (timeMs < this.providerMs && typeof data.provider === 'string') {
      this.provider = data.provider.slice(0, 40);
      this.providerMs = timeMs;
    }
    // Only what happened before the earliest known cwd can tell of an earlier one.
    if (timeMs < this.cwdMs && typeof data.cwd === 'string') {
      this.cwd = data.cwd.slice(0, 4096);
      this.cwdMs = timeMs;
    }
    const type = this.columns.type[row]!;
    const main = this.columns.lane[row] === 0;
    switch (type) {
      case TYPE.session_start: {
        if (typeof data.trace_version === 'number') {
          this.traceVersion = Math.max(this.traceVersion, data.trace_version);
        }
        if (timeMs < this.startMs) break;
        this.startMs = timeMs;
        if (typeof data.agent_name === 'string') this.agentName = data.agent_name.slice(0, 100);
        if (typeof data.transcript_path === 'string') {
          this.transcriptPath = data.transcript_path.slice(0, 4096);
        }
        break;
      }
      case TYPE.session_end:
        this.endMs = Math.max(this.endMs, timeMs);
        break;
      case TYPE.decision:
        if (data.event_subtype === 'turn_end' && main) {
          this.turnEndMs = Math.max(this.turnEndMs, timeMs);
        } else if (asksPerson(data)) this.later(this.asked, row, timeMs);
        break;
      case TYPE.user_prompt:
        if (main) {
          this.promptMs = Math.max(this.promptMs, timeMs);
          if (
            this.columns.kind[row] === PROMPT &&
            timeMs < this.titleMs &&
            typeof data.prompt === 'string'
          ) {
            this.title = oneLine(data.prompt);
            this.titleMs = timeMs;
          }
        }
        break;
      case TYPE.tool_call:
      case TYPE.tool_result:
      case TYPE.error:
        if (main) this.workMs = Math.max(this.workMs, timeMs);
        this.later(this.worked, row, timeMs);
        break;
      default:
    }
    if (!main || (type !== TYPE.llm_response && type !== TYPE.session_start)) return;
    const { model } = data;
    if (
      typeof model === 'string' &&
      model !== '' &&
      model !== '<synthetic>' &&
      timeMs >= this.modelMs
    ) {
      this.model = model.slice(0, 200);
      this.modelMs = timeMs;
    }
  }

  private later(moments: Map<number, number>, row: number, timeMs: number): void {
    const lane = this.columns.lane[row]!;
    if (timeMs > (moments.get(lane) ?? NEVER)) moments.set(lane, timeMs);
  }

  /** Since when somebody waits for the user's answer: a lane that has asked and not gone on since. */
  get askedMs(): number {
    let since = NEVER;
    for (const [lane, asked] of this.asked) {
      if (asked > (this.worked.get(lane) ?? NEVER) && asked > since) since = asked;
    }
    return since;
  }

  remove(): void {
    // Moments only move forward, and a better version of an event tells the same ones.
  }

  save(): Json {
    const {
      columns: _,
      name: __,
      asked,
      worked,
      ...rest
    } = this as unknown as Record<string, Json>;
    const moments = {
      asked: [...(asked as unknown as Map<number, number>)],
      worked: [...(worked as unknown as Map<number, number>)],
    };
    return Object.fromEntries(
      Object.entries<Json>({ ...rest, ...moments }).map(([key, value]) => [
        key,
        value === Number.POSITIVE_INFINITY ? null : value,
      ]),
    );
  }

  load(saved: Json): void {
    const { asked, worked, ...rest } = saved as Record<string, Json>;
    for (const [lane, at] of asked as [number, number][]) this.asked.set(lane, at);
    for (const [lane, at] of worked as [number, number][]) this.worked.set(lane, at);
    for (const [key, value] of Object.entries(rest)) {
      (this as unknown as Record<string, Json>)[key] = value ?? Number.POSITIVE_INFINITY;
    }
  }
}
