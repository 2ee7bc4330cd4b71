import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage } from '../../model/usage.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { type LaneRows, laneRows, sourceOfKind } from './contextRows.ts';
import {
  CONTEXT_SOURCES,
  type ContextSource,
  type ContextSources,
  noSources,
  SOURCE,
  SOURCES,
  shareOut,
  sourcesAt,
} from './sources.ts';
import { ARRIVED, BYTES_PER_TOKEN, WindowState } from './windowState.ts';

export { CONTEXT_SOURCES, type ContextSource, type ContextSources };

/** One request of a lane, with what its window held when it was answered. */
export interface ContextPoint {
  /** The fold's row of the response, and the step that it belongs to (-1: to none yet). */
  row: number;
  step: number;
  timeMs: number;
  /** Prompt and answer: what the next request starts with. Told by the agent, no estimate. */
  tokens: number;
  /** Of these, the prompt. */
  prompt: number;
  /** Estimated from sizes, scaled so that they add up to `tokens`. */
  sources: ContextSources;
  /** Index of the compaction that came just before; -1. */
  compaction: number;
}

export interface Compaction {
  step: number;
  timeMs: number;
  trigger: 'auto' | 'manual' | 'unknown';
  /** False: no event tells of it, but the next request was less than half as large. */
  told: boolean;
  /** Index of the first point after it; `points.length` while there is none. */
  point: number;
  /** Tokens before and after; NaN where not known. */
  before: number;
  after: number;
  /** What is no longer in the window, by source (estimated). */
  dropped: ContextSources;
}

/** One thing that came into the window. */
export interface Contribution {
  /** The fold's row of its event, and its step (a result's: that of its call). */
  row: number;
  step: number;
  source: ContextSource;
  /** Estimated. */
  tokens: number;
  /** Index of the first point that has it. */
  point: number;
}

/** How the window of one lane filled. From the columns alone; O(events). */
export interface ContextCourse {
  lane: number;
  readonly points: readonly ContextPoint[];
  compactions: Compaction[];
  /** What was largest, the largest first; at most {@link MOST_LARGEST}. */
  largest: Contribution[];
  /** Tokens that fit, where known. */
  window?: number;
  model: string;
  /** See {@link contextStamp}. */
  stamp: string;
}

const MOST_LARGEST = 20;

/** The course of one lane's window. About 0.1 s for a million events. */
export function contextCourse(fold: SessionFold, lane = 0): ContextCourse {
  return drain(courseInSlices(fold, lane));
}

/** As {@link contextCourse}. */
export function* courseInSlices(fold: SessionFold, lane = 0): Sliced<ContextCourse> {
  const rows = (yield* laneRows(fold, lane))[0];
  const [course] = yield* coursesOf(fold, rows ? [rows] : []);
  return course ?? new Course(fold, emptyLane(lane));
}

/** The courses of all lanes that had a response, by lane; in one walk over the events. */
export function contextCourses(fold: SessionFold): ContextCourse[] {
  return drain(coursesInSlices(fold));
}

/** As {@link contextCourses}. */
export function* coursesInSlices(fold: SessionFold): Sliced<ContextCourse[]> {
  const courses = yield* coursesOf(fold, yield* laneRows(fold));
  return courses.filter((course) => course.length > 0).sort((a, b) => a.lane - b.lane);
}

/** Changes when a course of this session would be another one: while it is the same, keep the one you have. */
export const contextStamp = (fold: SessionFold): string =>
  `${fold.context.changes} ${fold.steps.moves}`;

/** The last point at or before a step; undefined: none. */
export function contextAt(course: ContextCourse, step: number): ContextPoint | undefined {
  if (course instanceof Course) return course.at(step);
  let found: ContextPoint | undefined;
  for (const point of course.points) {
    if (point.step > step) break;
    found = point;
  }
  return found;
}

/**
 * Only how full the window was: the steps of the points (0 for what was before the first), and their tokens. No objects, for
 * there may be hundreds of thousands.
 */
export function contextFill(course: ContextCourse): { step: Uint32Array; tokens: Float64Array } {
  if (course instanceof Course) return course.fill();
  const step = Uint32Array.from(course.points, (point) => Math.max(0, point.step));
  return { step, tokens: Float64Array.from(course.points, ({ tokens }) => tokens) };
}

/** Below this share of what was there, a request whose window nobody told to be compacted was: the Python tool's threshold. */
const COMPACTED = 0.5;
/** A smaller request in between (a title, a check by another model), after which all is back. */
const DETOUR = 0.8;
const MOST_DETOUR = 4;

/** What an event's line has beside the text that the model sees, bytes; and what is counted at least. */
const ENVELOPE = 350;
const LEAST = 16;
/** A line of this size was cut: the model saw more. */
const CUT = 60_000;
const IMAGE_TOKENS = 2000;
const ITEM_SLACK = 30;
/** Bytes of texts and calls to an output token that cannot be. */
const UNTOLD = 24;

/** Per gap (what came before point i), beside the bytes by source. */
const { loose: LOOSE, slack: SLACK, instructions: INSTRUCTIONS, prompt: PROMPTED } = ARRIVED;
/** Per point: bytes of its own texts and calls, and of its thinking. */
const OWN = SOURCES + 4;
const THINKING = SOURCES + 5;
const WIDTH = SOURCES + 6;

const REASONING = STEP_KINDS.indexOf('reasoning');
const PROMPT = STEP_KINDS.indexOf('prompt');
const RUN = STEP_KINDS.indexOf('run');
const MODIFY = STEP_KINDS.indexOf('modify');

const emptyLane = (lane: number): LaneRows => ({
  lane,
  responses: new Int32Array(0),
  items: new Int32Array(0),
  compactions: new Int32Array(0),
});

function* coursesOf(fold: SessionFold, lanes: readonly LaneRows[]): Sliced<Course[]> {
  const { columns, steps } = fold;
  // Of the session as it was when its rows were sorted out.
  yield;
  const pointOf = new Int32Array(columns.length).fill(-1);
  for (const { responses } of lanes) {
    for (let at = 0; at < responses.length; at++) pointOf[responses[at]!] = at;
  }
  const stepOf = new Int32Array(columns.length).fill(-1);
  const list = steps.copy();
  for (let step = 0; step < list.length; step++) {
    if (step % SLICE === 0) yield;
    const row = list[step]!;
    stepOf[row] = step;
    const response = columns.response[row]!;
    if (response >= 0 && stepOf[response] === -1) stepOf[response] = step;
  }
  const place = (row: number): number =>
    stepOf[row]! >= 0 ? stepOf[row]! : steps.before(row, list);
  const courses: Course[] = [];
  for (const rows of lanes) {
    yield;
    const course = new Course(fold, rows);
    yield* course.build(rows, pointOf, place);
    courses.push(course);
  }
  return courses;
}

/** In typed arrays: a session may have hundreds of thousands of responses. */
class Course implements ContextCourse {
  readonly lane: number;
  readonly model: string;
  readonly window?: number;
  readonly stamp: string;
  readonly compactions: Compaction[] = [];
  largest: Contribution[] = [];
  private readonly fold: SessionFold;
  private readonly rows: Int32Array;
  private readonly steps: Int32Array;
  /** The largest step so far, so that it ascends. */
  private readonly reached: Int32Array;
  private readonly tokens: Int32Array;
  private readonly prompts: Int32Array;
  private readonly compaction: Int32Array;
  private readonly table: Int32Array;
  private list: ContextPoint[] | undefined;

  constructor(fold: SessionFold, { lane, responses }: LaneRows) {
    const count = responses.length;
    this.fold = fold;
    this.lane = lane;
    this.stamp = contextStamp(fold);
    this.rows = responses;
    this.steps = new Int32Array(count);
    this.reached = new Int32Array(count);
    this.tokens = new Int32Array(count);
    for (let at = 0; at < count; at++) this.tokens[at] = fold.responseTokens(responses[at]!);
    this.prompts = new Int32Array(count);
    this.compaction = new Int32Array(count).fill(-1);
    this.table = new Int32Array(count * SOURCES);
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

  fill(): { step: Uint32Array; tokens: Float64Array } {
    const step = Uint32Array.from(this.steps, (own) => Math.max(0, own));
    return { step, tokens: Float64Array.from(this.tokens) };
  }

  get points(): readonly ContextPoint[] {
    this.list ??= Array.from(this.rows, (_, at) => this.point(at));
    return this.list;
  }

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

  private point(at: number): ContextPoint {
    const row = this.rows[at]!;
    return {
      row,
      step: this.steps[at]!,
      timeMs: this.fold.columns.timeMs[row]!,
      tokens: this.tokens[at]!,
      prompt: this.prompts[at]!,
      sources: sourcesAt(this.table, at * SOURCES),
      compaction: this.compaction[at]!,
    };
  }

  *build(rows: LaneRows, pointOf: Int32Array, place: (row: number) => number): Sliced<void> {
    const { tokens, prompts } = this;
    const count = this.rows.length;
    let reached = -1;
    for (let at = 0; at < count; at++) {
      if (at % SLICE === SLICE - 1) yield;
      this.steps[at] = place(this.rows[at]!);
      reached = Math.max(reached, this.steps[at]!);
      this.reached[at] = reached;
    }
    const told = this.toldCompactions(rows.compactions);
    const gaps = new Int32Array(rows.items.length);
    const sums = yield* this.sums(rows.items, pointOf, told, gaps);
    const usage = emptyUsage();
    const { cost } = this.fold;
    for (let at = 0; at < count; at++) {
      if (at % SLICE === SLICE - 1) yield;
      const known = cost.usageInto(this.rows[at]!, usage);
      const own = Math.ceil(sums[at * WIDTH + OWN]! / BYTES_PER_TOKEN);
      const output = Math.min(tokens[at]!, known ? usage.output_tokens : own);
      prompts[at] = tokens[at]! - output;
      // Older transcripts tell the output of a stream's first row alone: what was said then shows in the next prompt.
      const untold = sums[at * WIDTH + OWN]! - output * BYTES_PER_TOKEN;
      if (known && untold > output * UNTOLD) {
        sums[(at + 1) * WIDTH + SOURCE.conversation]! += Math.round(untold);
      }
      const thought = Math.ceil(sums[at * WIDTH + THINKING]! / BYTES_PER_TOKEN);
      sums[at * WIDTH + THINKING] = Math.max(known ? usage.reasoning_output_tokens : 0, thought);
    }
    const rates = yield* this.walk(sums, told, place);
    yield* this.findLargest(rows.items, gaps, rates, place);
  }

  /** What was told of by gap. The hook and the transcript tell of one compaction twice. */
  private toldCompactions(rows: Int32Array): Map<number, number> {
    const told = new Map<number, number>();
    for (const row of rows) {
      const gap = this.gapAt(this.fold.columns.timeMs[row]!);
      const known = told.get(gap);
      // Of two that tell of it, the one that says more.
      if (known === undefined || this.tells(row) >= this.tells(known)) told.set(gap, row);
    }
    return told;
  }

  private tells(row: number): number {
    const told = this.fold.context.toldOf(row);
    return (told?.trigger === 'unknown' ? 0 : 2) + (told?.before === undefined ? 0 : 1);
  }

  /** The first point at or after a moment. */
  private gapAt(timeMs: number, near = 0): number {
    const { rows } = this;
    const times = this.fold.columns.timeMs;
    // Events come nearly in order: what is sought is mostly where the last one was found, or next to it.
    for (let at = near, tries = 0; tries < 3 && at <= rows.length; at++, tries++) {
      const after = at === rows.length || times[rows[at]!]! >= timeMs;
      if (!after) continue;
      if (at === 0 || times[rows[at - 1]!]! < timeMs) return at;
      break;
    }
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[rows[middle]!]! < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds up what came in before each point, and what each said itself. @param gaps receives the gap of each item; -1: none */
  private *sums(
    items: Int32Array,
    pointOf: Int32Array,
    told: ReadonlyMap<number, number>,
    gaps: Int32Array,
  ): Sliced<Float64Array> {
    const { columns, context } = this.fold;
    const { type, kind, size, pair, response, flags, timeMs } = columns;
    const sums = new Float64Array((this.rows.length + 1) * WIDTH);
    let near = 0;
    for (let i = 0; i < items.length; i++) {
      if (i % SLICE === SLICE - 1) yield;
      const row = items[i]!;
      const code = type[row]!;
      const bytes = bytesOf(size[row]!);
      gaps[i] = -1;
      if ((flags[row]! & FLAG.subagent) !== 0 && code !== TYPE.tool_call) continue;
      const isCall = code === TYPE.tool_call && (flags[row]! & FLAG.subagent) === 0;
      if (isCall || code === TYPE.assistant_response) {
        const point = response[row]! >= 0 ? pointOf[response[row]!]! : -1;
        if (point >= 0) {
          sums[point * WIDTH + OWN]! += bytes;
          if (kind[row] === REASONING) sums[point * WIDTH + THINKING]! += bytes;
          continue;
        }
      }
      let gap = this.gapAt(timeMs[row]!, near);
      near = gap;
      let source: number = SOURCE.conversation;
      if (code === TYPE.tool_result || code === TYPE.error) {
        const call = pair[row]!;
        source = sourceOfKind(kind[call >= 0 ? call : row]!);
        // An agent may tell what a response cost after its calls have ended.
        const asked = call >= 0 && response[call]! >= 0 ? pointOf[response[call]!]! : -1;
        if (asked >= gap) gap = asked + 1;
      }
      const at = gap * WIDTH;
      const compacted = told.size === 0 ? undefined : told.get(gap);
      if (compacted !== undefined && timeMs[row]! < timeMs[compacted]!) continue;
      if (isCall || code === TYPE.assistant_response) {
        sums[at + LOOSE]! += bytes;
        continue;
      }
      if (code === TYPE.file_read) {
        source = SOURCE.files;
        if (context.isInstructions(row)) {
          source = SOURCE.memory;
          sums[at + INSTRUCTIONS] = 1;
          // Mostly their path alone is told.
          if (size[row]! < 2 * ENVELOPE) continue;
        }
      }
      sums[at + source]! += bytes;
      if (kind[row] === PROMPT) sums[at + PROMPTED] = 1;
      sums[at + SLACK]! += slackOf(size[row]!, code, kind[pair[row]!] ?? -1);
      gaps[i] = gap;
    }
    return sums;
  }

  /** From point to point. @returns tokens a byte of what came before each, by source */
  private *walk(
    sums: Float64Array,
    told: ReadonlyMap<number, number>,
    place: (row: number) => number,
  ): Sliced<Float32Array> {
    const { tokens, prompts, table } = this;
    const count = this.rows.length;
    const state = new WindowState(sums);
    const rates = new Float32Array(count * SOURCES);
    const detours: number[] = [];
    let before = 0;
    for (let at = 0; at < count; at++) {
      if (at % SLICE === SLICE - 1) yield;
      const prompt = prompts[at]!;
      const from = at * WIDTH;
      const compacted = told.get(at);
      // Another model brings another system prompt.
      if (sums[from + PROMPTED] === 1 && this.isSwitch(at)) sums[from + PROMPTED] = 0;
      if (at === 0) state.begin(prompt, from);
      else if (compacted === undefined && this.isDetour(at, before, told)) {
        this.detour(at, state);
        // What came with it is there for the next one to take in.
        for (let k = 0; k < OWN; k++) sums[from + WIDTH + k]! += sums[from + k]!;
        detours.push(at);
        continue;
      } else if (compacted !== undefined || prompt < before * COMPACTED) {
        const was = state.held.slice();
        if (compacted !== undefined && prompt >= before) state.grow(prompt - before, from);
        else state.compact(prompt, from);
        this.compaction[at] = this.compactions.length;
        this.compactions.push(this.compactionOf(at, compacted, was, state.held, before, place));
      } else if (prompt >= before) state.grow(prompt - before, from);
      else state.shrink(prompt, from);
      state.answer(tokens[at]! - prompt, sums[from + THINKING]!);
      for (let k = 0; k < SOURCES; k++) {
        rates[at * SOURCES + k] = state.rates[k]!;
        table[at * SOURCES + k] = state.held[k]!;
      }
      before = tokens[at]!;
    }
    for (const at of detours.reverse()) {
      rates.copyWithin(at * SOURCES, (at + 1) * SOURCES, (at + 2) * SOURCES);
    }
    const last = told.get(count);
    if (last !== undefined && count > 0) {
      this.compactions.push(this.compactionOf(count, last, [], [], before, place));
    }
    return rates;
  }

  private isSwitch(at: number): boolean {
    const { cost } = this.fold;
    return at > 0 && cost.modelOfRow(this.rows[at]!) !== cost.modelOfRow(this.rows[at - 1]!);
  }

  private isDetour(at: number, before: number, told: ReadonlyMap<number, number>): boolean {
    const { prompts } = this;
    if (prompts[at]! >= before * COMPACTED) return false;
    const end = Math.min(prompts.length, at + 1 + MOST_DETOUR);
    for (let next = at + 1; next < end; next++) {
      if (told.has(next)) return false;
      if (prompts[next]! >= before * DETOUR) return true;
    }
    return false;
  }

  /** A point of its own, which leaves the window as it is. */
  private detour(at: number, state: WindowState): void {
    const own = this.table.subarray(at * SOURCES, (at + 1) * SOURCES);
    shareOut(this.prompts[at]!, state.held, own);
    own[SOURCE.conversation]! += this.tokens[at]! - this.prompts[at]!;
  }

  private compactionOf(
    at: number,
    row: number | undefined,
    was: ArrayLike<number>,
    is: ArrayLike<number>,
    before: number,
    place: (row: number) => number,
  ): Compaction {
    const { columns, context } = this.fold;
    const own = row ?? this.rows[at]!;
    const told = row === undefined ? undefined : context.toldOf(row);
    const dropped = noSources();
    CONTEXT_SOURCES.forEach((source, k) => {
      dropped[source] = Math.max(0, (was[k] ?? 0) - (is[k] ?? 0));
    });
    return {
      step: place(own),
      timeMs: columns.timeMs[own]!,
      trigger: told?.trigger ?? 'unknown',
      told: row !== undefined,
      point: at,
      before,
      after: at < this.rows.length ? this.prompts[at]! : (told?.after ?? Number.NaN),
      dropped,
    };
  }

  private *findLargest(
    items: Int32Array,
    gaps: Int32Array,
    rates: Float32Array,
    place: (row: number) => number,
  ): Sliced<void> {
    const { columns, context } = this.fold;
    const { key } = columns;
    const found: { row: number; source: number; tokens: number; point: number }[] = [];
    const isBelow = (a: (typeof found)[number], b: (typeof found)[number]): boolean =>
      a.tokens < b.tokens || (a.tokens === b.tokens && key[a.row]! > key[b.row]!);
    let least = 0;
    for (let i = 0; i < items.length; i++) {
      if (i % SLICE === SLICE - 1) yield;
      const gap = gaps[i]!;
      if (gap < 0 || gap >= this.rows.length) continue;
      const row = items[i]!;
      const code = columns.type[row]!;
      const pair = columns.pair[row]!;
      const source =
        code === TYPE.user_prompt || code === TYPE.tool_call
          ? SOURCE.conversation
          : code === TYPE.file_read
            ? context.isInstructions(row)
              ? SOURCE.memory
              : SOURCE.files
            : sourceOfKind(columns.kind[pair >= 0 ? pair : row]!);
      const rate = rates[gap * SOURCES + source]!;
      const tokens = Math.round(bytesOf(columns.size[row]!) * rate);
      if (tokens === 0 || tokens < least) continue;
      const one = { row, source, tokens, point: gap };
      if (found.length === MOST_LARGEST) {
        if (!isBelow(found[found.length - 1]!, one)) continue;
        found.pop();
      }
      let to = found.length;
      while (to > 0 && isBelow(found[to - 1]!, one)) to--;
      found.splice(to, 0, one);
      if (found.length === MOST_LARGEST) least = found[MOST_LARGEST - 1]!.tokens;
    }
    this.largest = found.map(({ row, source, tokens, point }) => {
      const pair = columns.pair[row]!;
      const isResult = columns.type[row] === TYPE.tool_result || columns.type[row] === TYPE.error;
      return {
        row,
        step: place(isResult && pair >= 0 ? pair : row),
        source: CONTEXT_SOURCES[source]!,
        tokens,
        point,
      };
    });
  }
}

const bytesOf = (size: number): number => Math.max(LEAST, size - ENVELOPE);

/** Tokens that a line may stand for beyond its own bytes. @param kind of the call */
function slackOf(size: number, type: number, kind: number): number {
  if (type !== TYPE.tool_result) return ITEM_SLACK;
  if (size >= CUT) return Number.MAX_SAFE_INTEGER / 1e6;
  return kind === RUN || kind === MODIFY ? ITEM_SLACK : IMAGE_TOKENS;
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
  for (const one of tokens) if (one > most) most = one;
  if (most <= told) return told;
  return /claude/i.test(model) && most <= LARGE_WINDOW ? LARGE_WINDOW : undefined;
}
