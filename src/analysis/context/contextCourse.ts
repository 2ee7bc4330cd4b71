import type { SessionFold } from '../../model/fold.ts';
import { drain, type Sliced } from '../slices.ts';
import { arrivalsOf } from './arrivals.ts';
import { type LaneRows, laneRows } from './contextRows.ts';
import { Course } from './course.ts';
import { walkCourse } from './courseWalk.ts';
import { largestOf } from './largest.ts';
import { Places } from './places.ts';
import { CONTEXT_SOURCES, type ContextSource, type ContextSources } from './sources.ts';
import { toldCompactions } from './toldCompactions.ts';

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
  /** What was largest, the largest first; at most 20. */
  largest: Contribution[];
  /** Tokens that fit, where known. */
  window?: number;
  model: string;
  /** See {@link contextStamp}. */
  stamp: string;
}

/** The course of one lane's window. About 0.1 s for a million events. */
export function contextCourse(fold: SessionFold, lane = 0): ContextCourse {
  return drain(courseInSlices(fold, lane));
}

/** As {@link contextCourse}. */
export function* courseInSlices(fold: SessionFold, lane = 0): Sliced<ContextCourse> {
  const rows = (yield* laneRows(fold, lane))[0];
  const [course] = yield* coursesOf(fold, rows ? [rows] : []);
  return course ?? new Course(fold, emptyLane(lane), contextStamp(fold));
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

const emptyLane = (lane: number): LaneRows => ({
  lane,
  responses: new Int32Array(0),
  items: new Int32Array(0),
  compactions: new Int32Array(0),
});

function* coursesOf(fold: SessionFold, lanes: readonly LaneRows[]): Sliced<Course[]> {
  // Of the session as it was when its rows were sorted out.
  yield;
  const places = yield* Places.of(fold, lanes);
  const courses: Course[] = [];
  for (const rows of lanes) {
    yield;
    const course = new Course(fold, rows, contextStamp(fold));
    yield* places.putInto(course);
    const told = toldCompactions(fold, rows);
    const arrivals = yield* arrivalsOf(course, rows.items, places, told);
    const rates = yield* walkCourse(course, arrivals.table, told, places);
    course.largest = yield* largestOf(course, rows.items, arrivals.points, rates, places);
    courses.push(course);
  }
  return courses;
}
