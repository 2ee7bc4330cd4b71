import { type MarkRun, type MarkStep, part } from './lineMarks.ts';
import { END_OF_FILE } from './lineSpans.ts';
import { knows, type StepText } from './lineTexts.ts';

/** Tries to find lines elsewhere, in all: a file that has little to do with the trace costs no more. */
const MAX_TRIES = 200_000;
/** Of one run: a trace can name any number. */
const MAX_LINES = 1_000_000;
/** A single line is known again elsewhere only if it says this much, characters. */
const TELLING = 8;

export interface AnchorOptions {
  /** What a step read or wrote; undefined where the trace does not say. */
  textOf(step: MarkStep): StepText | undefined;
  /** Nobody but agents has written the file since this step: its lines stand where it says. */
  isTrusted(step: MarkStep): boolean;
}

/**
 * Where marks stand in a file as it is now. Lines are known by what the step read or wrote; where the
 * trace does not say that, by their place, if nobody else has written the file. Lines that moved are
 * found again; what is not found has no mark.
 *
 * @param runs in order, as the trace has them
 * @param lines of the file
 */
export function anchor(
  runs: readonly MarkRun[],
  lines: readonly string[],
  options: AnchorOptions,
): MarkRun[] {
  return inPlace(runs, lines, options) ?? new Search(lines, options).all(runs);
}

/** The runs as they are, where every line that can be checked is the right one. */
function inPlace(
  runs: readonly MarkRun[],
  lines: readonly string[],
  { textOf, isTrusted }: AnchorOptions,
): MarkRun[] | undefined {
  const placed: MarkRun[] = [];
  for (const run of runs) {
    const text = textOf(run.steps[0]!);
    const trusted = isTrusted(run.steps[0]!);
    if (!text) {
      if (!trusted) return undefined;
      if (run.first <= lines.length) placed.push(run);
      continue;
    }
    const last = lastLine(run, text, lines.length);
    for (let line = run.first; line <= last; line++) {
      const known =
        line > lines.length ? false : knows(text, lines[line - 1]!, run.origin + line - run.first);
      if (known === false || (known === undefined && !trusted)) return undefined;
    }
    if (last >= run.first) placed.push({ ...run, last });
  }
  return placed;
}

/** Of a file read whole: the last line that the agent saw. */
function lastLine(run: MarkRun, text: StepText, lines: number): number {
  if (run.last < END_OF_FILE) return run.last;
  if (text.incomplete) return lines;
  let last = 0;
  for (const number of text.numbered.keys()) last = Math.max(last, number);
  return run.first + last - run.origin;
}

/** Finds lines again that are no longer where they were, from top to bottom. */
class Search {
  private readonly lines: readonly string[];
  private readonly options: AnchorOptions;
  private index: Map<string, number[]> | undefined;
  private tries = MAX_TRIES;
  /** How far lines have moved, as found last. */
  private delta = 0;
  /** The last line that has a mark. */
  private placed = 0;

  constructor(lines: readonly string[], options: AnchorOptions) {
    this.lines = lines;
    this.options = options;
  }

  all(runs: readonly MarkRun[]): MarkRun[] {
    return runs.flatMap((run) => this.one(run));
  }

  private one(run: MarkRun): MarkRun[] {
    const text = this.options.textOf(run.steps[0]!);
    const trusted = this.options.isTrusted(run.steps[0]!);
    if (!text) {
      // Its place is all that is known of it, and that no longer holds for what came before.
      return trusted && this.delta === 0 && run.first > this.placed ? [this.cut(run)] : [];
    }
    const found: MarkRun[] = [];
    const last = Math.min(lastLine(run, text, this.lines.length), run.first + MAX_LINES);
    for (let line = run.first; line <= last; line++) {
      if (!this.place(run, text, line, last) && !(trusted && this.mayStay(run, text, line))) {
        continue;
      }
      const before = found.at(-1);
      const at = line + this.delta;
      if (
        before &&
        before.last + 1 === at &&
        before.origin + at - before.first === originOf(run, line)
      ) {
        before.last = at;
      } else found.push(part(run, line, line, this.delta));
      this.placed = at;
    }
    return found;
  }

  private cut(run: MarkRun): MarkRun {
    this.placed = Math.min(run.last, this.lines.length);
    return { ...run, last: this.placed };
  }

  private place(run: MarkRun, text: StepText, line: number, last: number): boolean {
    const here = line + this.delta;
    if (here > this.placed && this.is(run, text, line, here)) return true;
    const delta = this.moved(run, text, line, last);
    if (delta === undefined) return false;
    this.delta = delta;
    return true;
  }

  /** Nobody can tell whether it is this line, and nothing speaks against it. */
  private mayStay(run: MarkRun, text: StepText, line: number): boolean {
    const found = this.lines[line - 1];
    if (this.delta !== 0 || line <= this.placed || found === undefined) return false;
    return knows(text, found, originOf(run, line)) === undefined;
  }

  private is(run: MarkRun, text: StepText, line: number, at: number): boolean {
    const found = this.lines[at - 1];
    return found !== undefined && knows(text, found, originOf(run, line)) === true;
  }

  /** How far this line has moved, the least first. */
  private moved(run: MarkRun, text: StepText, line: number, last: number): number | undefined {
    const here = line + this.delta;
    const exact = text.numbered.get(originOf(run, line));
    if (exact !== undefined) {
      if (exact.trim() === '') return undefined;
      const places = this.placesOf(exact).filter((place) => place > this.placed);
      places.sort((a, b) => Math.abs(a - here) - Math.abs(b - here));
      const at = places.find((place) =>
        this.isTelling(run, text, line, last, place, places.length),
      );
      return at === undefined ? undefined : at - line;
    }
    if (text.numbered.size > 0) return undefined;
    for (let away = 1; away <= this.lines.length && this.tries > 0; away++) {
      for (const at of [here + away, here - away]) {
        this.tries--;
        if (at <= this.placed || !this.is(run, text, line, at)) continue;
        const places = this.placesOf(this.lines[at - 1]!).length;
        if (this.isTelling(run, text, line, last, at, places)) return at - line;
      }
    }
    return undefined;
  }

  /** That it is found there is no chance: the next line follows it, or there is no other like it. */
  private isTelling(
    run: MarkRun,
    text: StepText,
    line: number,
    last: number,
    at: number,
    places: number,
  ): boolean {
    this.tries--;
    const words = this.lines[at - 1]!.trim();
    if (words === '') return false;
    if (places === 1 && words.length >= TELLING) return true;
    return line < last && this.is(run, text, line + 1, at + 1) && this.lines[at]!.trim().length > 1;
  }

  private placesOf(line: string): readonly number[] {
    if (!this.index) {
      this.index = new Map();
      for (const [at, text] of this.lines.entries()) {
        const places = this.index.get(text);
        if (!places) this.index.set(text, [at + 1]);
        else if (places.length < 100) places.push(at + 1);
      }
    }
    return this.index.get(line) ?? [];
  }
}

const originOf = (run: MarkRun, line: number): number => run.origin + line - run.first;
