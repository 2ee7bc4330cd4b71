import type { SessionFold } from '../../model/fold.ts';
import { type Sliced, slicewise } from '../slices.ts';
import type { LaneRows } from './contextRows.ts';
import type { Course } from './course.ts';

/** Where rows stand among the points of their courses, and among the steps. Of the session as it is at the beginning. */
export class Places {
  private readonly fold: SessionFold;
  /** The point of each row that is a response; -1 of all others. */
  private readonly points: Int32Array;
  /** The step of each row that is a response: its own, or the first of what it said and asked for; -1. */
  private readonly responseSteps: Int32Array;
  /** Rows of the steps. */
  private readonly list: Int32Array;

  private constructor(fold: SessionFold) {
    const { columns, steps } = fold;
    this.fold = fold;
    this.points = new Int32Array(columns.length).fill(-1);
    this.responseSteps = new Int32Array(columns.length).fill(-1);
    this.list = steps.copy();
  }

  static *of(fold: SessionFold, lanes: readonly LaneRows[]): Sliced<Places> {
    const places = new Places(fold);
    const { points, responseSteps, list } = places;
    for (const { responses } of lanes) {
      for (let at = 0; at < responses.length; at++) points[responses[at]!] = at;
    }
    yield* slicewise(list.length, (from, end) => {
      const { response } = fold.columns;
      for (let step = from; step < end; step++) {
        const row = list[step]!;
        if (points[row]! >= 0) responseSteps[row] = step;
        const own = response[row]!;
        if (own >= 0 && responseSteps[own] === -1) responseSteps[own] = step;
      }
    });
    return places;
  }

  /** The point of a response, in the course of its lane; -1: it is none. */
  point(row: number): number {
    return row >= 0 ? this.points[row]! : -1;
  }

  /** The step of a row, or the last one before it; -1: none. */
  step(row: number): number {
    const known = this.responseSteps[row]!;
    if (known >= 0) return known;
    const before = this.fold.steps.before(row, this.list);
    return this.list[before + 1] === row ? before + 1 : before;
  }

  /** Tells a course the steps of its points. */
  *putInto({ rows, steps, reached }: Course): Sliced<void> {
    let most = -1;
    yield* slicewise(rows.length, (from, end) => {
      for (let at = from; at < end; at++) {
        const step = this.step(rows[at]!);
        steps[at] = step;
        most = Math.max(most, step);
        reached[at] = most;
      }
    });
  }
}
