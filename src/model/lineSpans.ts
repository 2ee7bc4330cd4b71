/** Lines that moved together: 1-based, inclusive, in the old text; `delta` gives the new place. */
export interface LineSpan {
  first: number;
  last: number;
  delta: number;
}

/** The last line of what goes to the end of a file, however long it is. */
export const END_OF_FILE = 2 ** 31 - 1;

/** Something that holds lines `first` to `last`. */
export interface Lines {
  first: number;
  last: number;
}

/**
 * Moves runs of lines as spans say; what lies in no span is gone.
 *
 * @param runs in order, none overlapping another
 * @param spans in order, in the old text and in the new
 * @param cut makes the part `first` to `last` of a run, `delta` lines on
 */
export function moveLines<Run extends Lines>(
  runs: readonly Run[],
  spans: readonly LineSpan[],
  cut: (run: Run, first: number, last: number, delta: number) => Run,
): Run[] {
  const moved: Run[] = [];
  let at = 0;
  for (const run of runs) {
    while (at < spans.length && spans[at]!.last < run.first) at++;
    for (let next = at; next < spans.length && spans[next]!.first <= run.last; next++) {
      const { first, last, delta } = spans[next]!;
      moved.push(cut(run, Math.max(first, run.first), Math.min(last, run.last), delta));
    }
  }
  return moved;
}

/** `line` moved; the end of a file stays the end. */
export const movedBy = (line: number, delta: number): number =>
  line >= END_OF_FILE ? END_OF_FILE : line + delta;
