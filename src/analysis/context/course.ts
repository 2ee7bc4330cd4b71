import type { SessionFold } from '../../model/fold.ts';
import type { Compaction, ContextCourse, ContextPoint, Contribution } from './contextCourse.ts';
import type { LaneRows } from './contextRows.ts';
import { SOURCES, sourcesAt } from './sources.ts';

/** A course in typed arrays, for a session may have hundreds of thousands of responses: a place for each. */
export class Course implements ContextCourse {
  readonly lane: number;
  readonly model: string;
  readonly window?: number;
  readonly stamp: string;
  readonly compactions: Compaction[] = [];
  largest: Contribution[] = [];
  readonly fold: SessionFold;
  /** Of the responses: row, step, prompt and answer, the prompt alone. */
  readonly rows: Int32Array;
  readonly steps: Int32Array;
  readonly tokens: Int32Array;
  readonly prompts: Int32Array;
  /** The largest step so far, so that it ascends. */
  readonly reached: Int32Array;
  readonly compaction: Int32Array;
  /** What the window held, by source: `SOURCES` numbers each. */
  readonly held: Int32Array;
  private list: ContextPoint[] | undefined;

  constructor(fold: SessionFold, { lane, responses }: LaneRows, stamp: string) {
    const count = responses.length;
    this.fold = fold;
    this.lane = lane;
    this.stamp = stamp;
    this.rows = responses;
    this.steps = new Int32Array(count);
    this.reached = new Int32Array(count);
    this.tokens = new Int32Array(count);
    for (let at = 0; at < count; at++) this.tokens[at] = fold.responseTokens(responses[at]!);
    this.prompts = new Int32Array(count);
    this.compaction = new Int32Array(count).fill(-1);
    this.held = new Int32Array(count * SOURCES);
    const fill = fold.context.ofLane(lane);
    this.model =
      (count > 0 ? fold.cost.modelOfRow(responses[count - 1]!) : '') ||
      fill?.model ||
      (lane === 0 ? fold.session.model : '');
    const window = windowOf(fold, lane, this.model, this.tokens);
    if (window !== undefined) this.window = window;
  }

  get length(): number {
    return this.rows.length;
  }

  get points(): readonly ContextPoint[] {
    this.list ??= Array.from(this.rows, (_, at) => this.point(at));
    return this.list;
  }

  /** As `contextAt`. */
  at(step: number): ContextPoint | undefined {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.reached[middle]! <= step) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.point(low - 1);
  }

  /** As `contextFill`. */
  fill(): { step: Uint32Array; tokens: Float64Array } {
    const step = Uint32Array.from(this.steps, (own) => Math.max(0, own));
    return { step, tokens: Float64Array.from(this.tokens) };
  }

  private point(at: number): ContextPoint {
    const row = this.rows[at]!;
    return {
      row,
      step: this.steps[at]!,
      timeMs: this.fold.columns.timeMs[row]!,
      tokens: this.tokens[at]!,
      prompt: this.prompts[at]!,
      sources: sourcesAt(this.held, at * SOURCES),
      compaction: this.compaction[at]!,
    };
  }
}

const LARGE_WINDOW = 1_000_000;

/** A name does not always tell of the larger window that a session had: what was in it does. */
function windowOf(
  fold: SessionFold,
  lane: number,
  model: string,
  tokens: Int32Array,
): number | undefined {
  const told = fold.context.windowOf(lane, model);
  if (told === undefined) return undefined;
  let most = 0;
  for (let at = 0; at < tokens.length; at++) if (tokens[at]! > most) most = tokens[at]!;
  if (most <= told) return told;
  return /claude/i.test(model) && most <= LARGE_WINDOW ? LARGE_WINDOW : undefined;
}
