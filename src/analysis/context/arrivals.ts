import { FLAG, TYPE } from '../../model/columns.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage } from '../../model/usage.ts';
import { type Sliced, slicewise } from '../slices.ts';
import { sourceOf } from './contextRows.ts';
import type { Course } from './course.ts';
import type { Places } from './places.ts';
import { SOURCE, SOURCES } from './sources.ts';
import { pointFrom } from './toldCompactions.ts';
import { ARRIVED, BYTES_PER_TOKEN } from './windowState.ts';

/** What an event's line has beside the text that the model sees, bytes; and what is counted at least. */
const ENVELOPE = 350;
const LEAST = 16;
/** A line of this size was cut: the model saw more. */
const CUT = 60_000;
const IMAGE_TOKENS = 2000;
const ITEM_SLACK = 30;
/** Bytes of texts and calls to an output token that cannot be. */
const UNTOLD = 24;

const { loose: LOOSE, slack: SLACK, instructions: INSTRUCTIONS, prompt: PROMPTED } = ARRIVED;
/** What came before a point; then bytes of its own texts and calls, and of its thinking (later tokens). */
export const CAME = SOURCES + 4;
const OWN = CAME;
export const THINKING = CAME + 1;
/** Numbers of a point in the table. */
export const WIDTH = CAME + 2;

const REASONING = STEP_KINDS.indexOf('reasoning');
const PROMPT = STEP_KINDS.indexOf('prompt');
const RUN = STEP_KINDS.indexOf('run');
const MODIFY = STEP_KINDS.indexOf('modify');

export interface Arrivals {
  /** {@link WIDTH} numbers for each point, and for what came after the last. */
  table: Float64Array;
  /** Of each item, the point that it came in before; -1: it is none of what came in. */
  points: Int32Array;
}

/** Bytes of an event's line that the model saw. */
export const bytesOf = (size: number): number => Math.max(LEAST, size - ENVELOPE);

/** Adds up what came in before each point, and what each said itself. Tells the course its prompts. */
export function* arrivalsOf(
  course: Course,
  items: Int32Array,
  places: Places,
  told: ReadonlyMap<number, number>,
): Sliced<Arrivals> {
  const points = new Int32Array(items.length);
  const table = new Float64Array((course.length + 1) * WIDTH);
  const sums = new Sums(course, places, told, table, points);
  yield* slicewise(items.length, (from, end) => sums.add(items, from, end));
  yield* slicewise(course.length, (from, end) => addAnswers(course, table, from, end));
  return { table, points };
}

class Sums {
  private readonly course: Course;
  private readonly places: Places;
  private readonly told: ReadonlyMap<number, number>;
  private readonly table: Float64Array;
  private readonly points: Int32Array;
  /** The point that was found last. */
  private near = 0;

  constructor(
    course: Course,
    places: Places,
    told: ReadonlyMap<number, number>,
    table: Float64Array,
    points: Int32Array,
  ) {
    this.course = course;
    this.places = places;
    this.told = told;
    this.table = table;
    this.points = points;
  }

  add(items: Int32Array, from: number, end: number): void {
    const { places, told, table, points } = this;
    const { rows, fold } = this.course;
    const { type, kind, size, pair, response, flags, timeMs } = fold.columns;
    for (let i = from; i < end; i++) {
      const row = items[i]!;
      const code = type[row]!;
      const bytes = bytesOf(size[row]!);
      points[i] = -1;
      const isSubagent = (flags[row]! & FLAG.subagent) !== 0;
      if (isSubagent && code !== TYPE.tool_call) continue;
      const isSaid = code === TYPE.assistant_response || (code === TYPE.tool_call && !isSubagent);
      if (isSaid) {
        const own = places.point(response[row]!);
        if (own >= 0) {
          table[own * WIDTH + OWN]! += bytes;
          if (kind[row] === REASONING) table[own * WIDTH + THINKING]! += bytes;
          continue;
        }
      }
      let point = pointFrom(timeMs, rows, timeMs[row]!, this.near);
      this.near = point;
      if (code === TYPE.tool_result || code === TYPE.error) {
        const call = pair[row]!;
        // An agent may tell what a response cost after its calls have ended.
        const asked = call >= 0 ? places.point(response[call]!) : -1;
        if (asked >= point) point = asked + 1;
      }
      const at = point * WIDTH;
      const compacted = told.size === 0 ? undefined : told.get(point);
      if (compacted !== undefined && timeMs[row]! < timeMs[compacted]!) continue;
      if (isSaid) {
        table[at + LOOSE]! += bytes;
        continue;
      }
      const source = sourceOf(fold, row);
      if (source === SOURCE.memory) {
        table[at + INSTRUCTIONS] = 1;
        // Mostly their path alone is told.
        if (size[row]! < 2 * ENVELOPE) continue;
      }
      table[at + source]! += bytes;
      if (kind[row] === PROMPT) table[at + PROMPTED] = 1;
      table[at + SLACK]! += slackOf(size[row]!, code, kind[pair[row]!] ?? -1);
      points[i] = point;
    }
  }
}

/** What was prompt and what was answer, as told or as estimated. */
function addAnswers(course: Course, table: Float64Array, from: number, end: number): void {
  const { rows, tokens, prompts } = course;
  const { cost } = course.fold;
  const usage = emptyUsage();
  for (let at = from; at < end; at++) {
    const first = at * WIDTH;
    const known = cost.usageInto(rows[at]!, usage);
    const own = Math.ceil(table[first + OWN]! / BYTES_PER_TOKEN);
    const output = Math.min(tokens[at]!, known ? usage.output_tokens : own);
    prompts[at] = tokens[at]! - output;
    // Older transcripts tell the output of a stream's first row alone: what was said then shows in the next prompt.
    const untold = table[first + OWN]! - output * BYTES_PER_TOKEN;
    if (known && untold > output * UNTOLD) {
      table[first + WIDTH + SOURCE.conversation]! += Math.round(untold);
    }
    const thought = Math.ceil(table[first + THINKING]! / BYTES_PER_TOKEN);
    table[first + THINKING] = Math.max(known ? usage.reasoning_output_tokens : 0, thought);
  }
}

/** Tokens that a line may stand for beyond its own bytes. @param kind of the call */
function slackOf(size: number, type: number, kind: number): number {
  if (type !== TYPE.tool_result) return ITEM_SLACK;
  if (size >= CUT) return Number.MAX_SAFE_INTEGER / 1e6;
  return kind === RUN || kind === MODIFY ? ITEM_SLACK : IMAGE_TOKENS;
}
