import { type Sliced, slicewise } from '../slices.ts';
import { CAME, THINKING, WIDTH } from './arrivals.ts';
import type { Compaction } from './contextCourse.ts';
import type { Course } from './course.ts';
import type { Places } from './places.ts';
import { CONTEXT_SOURCES, noSources, SOURCE, SOURCES, shareOut } from './sources.ts';
import { ARRIVED, WindowState } from './windowState.ts';

/** Below this share of what was there, a request whose window nobody told to be compacted was: the Python tool's threshold. */
const COMPACTED = 0.5;
/** A smaller request in between (a title, a check by another model), after which all is back. */
const DETOUR = 0.8;
const MOST_DETOUR = 4;

/**
 * From point to point: tells the course what its window held, and its compactions.
 *
 * @param table see `Arrivals`
 * @param told compactions by the point that they come before
 * @returns tokens a byte of what came before each point, by source
 */
export function* walkCourse(
  course: Course,
  table: Float64Array,
  told: ReadonlyMap<number, number>,
  places: Places,
): Sliced<Float32Array> {
  const walk = new CourseWalk(course, table, told, places);
  yield* slicewise(course.length, (from, end) => walk.take(from, end));
  walk.end();
  return walk.rates;
}

class CourseWalk {
  readonly rates: Float32Array;
  private readonly course: Course;
  private readonly table: Float64Array;
  private readonly told: ReadonlyMap<number, number>;
  private readonly places: Places;
  private readonly state: WindowState;
  private readonly detours: number[] = [];
  /** Tokens after the last point that was no detour. */
  private before = 0;

  constructor(
    course: Course,
    table: Float64Array,
    told: ReadonlyMap<number, number>,
    places: Places,
  ) {
    this.course = course;
    this.table = table;
    this.told = told;
    this.places = places;
    this.state = new WindowState(table);
    this.rates = new Float32Array(course.length * SOURCES);
  }

  take(from: number, end: number): void {
    const { rates, state, table, told } = this;
    const { prompts, tokens, held } = this.course;
    for (let at = from; at < end; at++) {
      const prompt = prompts[at]!;
      const first = at * WIDTH;
      const compacted = told.size === 0 ? undefined : told.get(at);
      // Another model brings another system prompt.
      if (table[first + ARRIVED.prompt] === 1 && this.isSwitch(at))
        table[first + ARRIVED.prompt] = 0;
      if (at === 0) state.begin(prompt, first);
      else if (compacted === undefined && this.isDetour(at)) {
        this.detour(at);
        continue;
      } else if (compacted !== undefined || prompt < this.before * COMPACTED) {
        this.compact(at, compacted);
      } else if (prompt >= this.before) state.grow(prompt - this.before, first);
      else state.shrink(prompt, first);
      state.answer(tokens[at]! - prompt, table[first + THINKING]!);
      for (let k = 0; k < SOURCES; k++) {
        rates[at * SOURCES + k] = state.rates[k]!;
        held[at * SOURCES + k] = state.held[k]!;
      }
      this.before = tokens[at]!;
    }
  }

  end(): void {
    const { course, rates, told } = this;
    for (const at of this.detours.reverse()) {
      rates.copyWithin(at * SOURCES, (at + 1) * SOURCES, (at + 2) * SOURCES);
    }
    const last = told.get(course.length);
    if (last !== undefined && course.length > 0) {
      course.compactions.push(this.compactionOf(course.length, last, [], []));
    }
  }

  private isSwitch(at: number): boolean {
    const { fold, rows } = this.course;
    return at > 0 && fold.cost.modelOfRow(rows[at]!) !== fold.cost.modelOfRow(rows[at - 1]!);
  }

  private isDetour(at: number): boolean {
    const { before, told } = this;
    const { prompts } = this.course;
    if (prompts[at]! >= before * COMPACTED) return false;
    const end = Math.min(prompts.length, at + 1 + MOST_DETOUR);
    for (let next = at + 1; next < end; next++) {
      if (told.has(next)) return false;
      if (prompts[next]! >= before * DETOUR) return true;
    }
    return false;
  }

  /** A point of its own, which leaves the window as it is. */
  private detour(at: number): void {
    const { table } = this;
    const { held, prompts, tokens } = this.course;
    const own = held.subarray(at * SOURCES, (at + 1) * SOURCES);
    shareOut(prompts[at]!, this.state.held, own);
    own[SOURCE.conversation]! += tokens[at]! - prompts[at]!;
    // What came with it is there for the next one to take in.
    const first = at * WIDTH;
    for (let k = 0; k < CAME; k++) table[first + WIDTH + k]! += table[first + k]!;
    this.detours.push(at);
  }

  /** @param row of the event that told of it */
  private compact(at: number, row: number | undefined): void {
    const { course, state, before } = this;
    const prompt = course.prompts[at]!;
    const was = state.held.slice();
    if (row !== undefined && prompt >= before) state.grow(prompt - before, at * WIDTH);
    else state.compact(prompt, at * WIDTH);
    course.compaction[at] = course.compactions.length;
    course.compactions.push(this.compactionOf(at, row, was, state.held));
  }

  private compactionOf(
    at: number,
    row: number | undefined,
    was: ArrayLike<number>,
    is: ArrayLike<number>,
  ): Compaction {
    const { fold, rows, prompts } = this.course;
    const own = row ?? rows[at]!;
    const told = row === undefined ? undefined : fold.context.toldOf(row);
    const dropped = noSources();
    CONTEXT_SOURCES.forEach((source, k) => {
      dropped[source] = Math.max(0, (was[k] ?? 0) - (is[k] ?? 0));
    });
    return {
      step: this.places.step(own),
      timeMs: fold.columns.timeMs[own]!,
      trigger: told?.trigger ?? 'unknown',
      told: row !== undefined,
      point: at,
      before: this.before,
      after: at < rows.length ? prompts[at]! : (told?.after ?? Number.NaN),
      dropped,
    };
  }
}
