import { type Columns, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import type { Usage } from '../usage.ts';
import type { FoldContext, Slice } from './slice.ts';

const FIVE_MINUTES = 300_000;
const ONE_HOUR = 3_600_000;

/** Moments at which the beginning of the prompt may have changed, as far as events tell. */
export type ContextMark = 'start' | 'resume' | 'clear' | 'fork' | 'settings';

/** The window of one lane, as of its last response. */
export interface ContextFill {
  /** Tokens of the last request and its response: what the next one starts with. */
  tokens: number;
  model: string;
  /** ms since the epoch. */
  timeMs: number;
  /** How long the prompt cache lives after its last use, ms; 0 where nothing is cached. */
  cacheTtlMs: number;
  /** Tokens that fit, by the agent's own word. */
  window?: number;
}

/** What an event says of a compaction; tokens, where it tells them. */
export interface ToldCompaction {
  trigger: 'auto' | 'manual' | 'unknown';
  before?: number;
  after?: number;
}

/** A hostile trace may tell of any number: of what is kept by row, so many. */
const MOST = 10_000;

/** How full each lane's context window is, and whether its prompt cache is warm. */
export class ContextSlice implements Slice {
  readonly name = 'context';
  // The hook and the transcript tell of the same compactions, without a common id.
  private fromHooks = 0;
  private fromTranscript = 0;
  /** Claude Code writes two rows of one compaction: where it was, and the summary, which says nothing else. */
  private summaries = 0;
  /** What compactions say of themselves, and instructions that were loaded, by row. */
  private readonly told = new Map<number, ToldCompaction>();
  private readonly instructions = new Set<number>();
  /** Goes up with all that a course of the window is made of: see `contextStamp`. */
  changes = 0;
  /** Time of the newest response: what comes from before it may be part of what it was asked with. */
  private newestMs = Number.NEGATIVE_INFINITY;
  private readonly byLane = new Map<number, ContextFill>();
  private readonly marks = new Map<number, ContextMark>();
  private readonly columns: Columns;
  private readonly fold: FoldContext;

  constructor(context: FoldContext) {
    this.fold = context;
    this.columns = context.columns;
  }

  add(row: number, event: TraceEvent): void {
    const type = this.columns.type[row]!;
    if (this.columns.timeMs[row]! <= this.newestMs) this.changes++;
    if (type === TYPE.session_start) {
      const mark = startMark(event);
      if (mark !== undefined) this.marks.set(row, mark);
      return;
    }
    if (type === TYPE.decision) {
      if (event.data.event_subtype === 'config_change') this.marks.set(row, 'settings');
      if (!isCompaction(event)) return;
      this.changes++;
      if (this.told.size < MOST) this.told.set(row, toldBy(event));
      if (event.data.recorded_by === 'hook') this.fromHooks++;
      else if (event.data.summary !== undefined && saysNothing(toldBy(event))) this.summaries++;
      else this.fromTranscript++;
      return;
    }
    if (type === TYPE.file_read && event.data.event_subtype === 'instructions') {
      if (this.instructions.size < MOST) this.instructions.add(row);
      return;
    }
    if (type !== TYPE.llm_response) return;
    this.changes++;
    this.newestMs = Math.max(this.newestMs, this.columns.timeMs[row]!);
    const { usage } = this.fold;
    if (!usage) return;
    const lane = this.columns.lane[row]!;
    const timeMs = this.columns.timeMs[row]!;
    const known = this.byLane.get(lane);
    const tokens = usage.input_tokens + usage.output_tokens;
    // At one and the same moment the larger is the later state of one stream.
    if (known && (known.timeMs > timeMs || (known.timeMs === timeMs && known.tokens > tokens))) {
      return;
    }
    const { model, context_window: window } = event.data;
    const cached = usage.cache_read_input_tokens + usage.cache_write_input_tokens > 0;
    const ttl = cacheLifetimeMs(usage, known?.cacheTtlMs ?? 0);
    this.byLane.set(lane, {
      tokens,
      model: typeof model === 'string' ? model : '',
      timeMs,
      cacheTtlMs: cached ? ttl : 0,
      ...(isCount(window) && { window }),
    });
  }

  remove(row: number): void {
    this.marks.delete(row);
    // A better version of the last response follows at once and takes its place.
    this.changes++;
    this.told.delete(row);
    this.instructions.delete(row);
  }

  /** What the compaction in this row says of itself. */
  toldOf(row: number): ToldCompaction | undefined {
    return this.told.get(row);
  }

  /** Whether this row tells of instructions that were loaded (CLAUDE.md, AGENTS.md and the like). */
  isInstructions(row: number): boolean {
    return this.instructions.has(row);
  }

  get compactions(): number {
    return Math.max(this.fromHooks, this.fromTranscript, this.summaries);
  }

  /** What the event in this row may have done to what the agent sends: its conversation, its tools. */
  markOf(row: number): ContextMark | undefined {
    return this.marks.get(row);
  }

  ofLane(lane: number): ContextFill | undefined {
    return this.byLane.get(lane);
  }

  /**
   * Tokens that fit into a lane's window: by the agent's own word, else by the list of models.
   *
   * @param model of a request before the last one
   */
  windowOf(lane: number, model?: string): number | undefined {
    const fill = this.byLane.get(lane);
    const asked = model ?? fill?.model ?? '';
    if (fill?.window !== undefined && asked === fill.model) return fill.window;
    return this.fold.pricer?.contextWindow(asked);
  }

  save(): Json {
    const { fromHooks, fromTranscript, summaries } = this;
    return {
      fromHooks,
      fromTranscript,
      summaries,
      told: [...this.told] as unknown as Json,
      instructions: [...this.instructions],
      byLane: [...this.byLane] as unknown as Json,
      marks: [...this.marks],
    };
  }

  load(saved: Json): void {
    const from = saved as unknown as {
      fromHooks: number;
      fromTranscript: number;
      summaries?: number;
      told?: [number, ToldCompaction][];
      instructions?: number[];
      byLane: [number, ContextFill][];
      marks: [number, ContextMark][];
    };
    this.fromHooks = from.fromHooks;
    this.fromTranscript = from.fromTranscript;
    this.summaries = from.summaries ?? 0;
    for (const [row, told] of from.told ?? []) this.told.set(row, told);
    for (const row of from.instructions ?? []) this.instructions.add(row);
    for (const [lane, fill] of from.byLane) this.byLane.set(lane, fill);
    for (const [row, mark] of from.marks) this.marks.set(row, mark);
  }
}

/**
 * How long a prompt cache lives after this use, by what was written into it, ms. A request that only reads keeps the
 * lifetime that the cache was written with.
 *
 * @param knownMs its lifetime so far; 0: none
 */
export function cacheLifetimeMs(usage: Usage, knownMs: number): number {
  if (usage.cache_write_1h_input_tokens > 0) return ONE_HOUR;
  return usage.cache_write_input_tokens === 0 && knownMs === ONE_HOUR ? ONE_HOUR : FIVE_MINUTES;
}

/** What a start says of the conversation that follows. After a compaction nothing new: that has an event of its own. */
function startMark({ data }: TraceEvent): ContextMark | undefined {
  const { event_subtype: how } = data;
  if (how === 'compact') return undefined;
  return how === 'resume' || how === 'clear' || how === 'fork' ? how : 'start';
}

const isCompaction = (event: TraceEvent): boolean =>
  event.data.event_subtype === 'compaction' && event.data.phase !== 'start';

function toldBy({ data }: TraceEvent): ToldCompaction {
  const { trigger, pre_tokens: before, post_tokens: after } = data;
  return {
    trigger: trigger === 'auto' || trigger === 'manual' ? trigger : 'unknown',
    ...(isCount(before) ? { before } : {}),
    ...(isCount(after) ? { after } : {}),
  };
}

const saysNothing = ({ trigger, before }: ToldCompaction): boolean =>
  trigger === 'unknown' && before === undefined;

const isCount = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
