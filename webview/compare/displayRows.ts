import { LIKENESSES } from '../../src/protocol/compare.ts';

/** Steps side by side, as the host sends them. */
interface Aligned {
  readonly length: number;
  readonly a: Int32Array;
  readonly b: Int32Array;
  readonly like: Uint8Array;
}

/** A run of rows on one side only is folded from this length on, and shows so many rows first. */
const FOLD_FROM = 6;
const FOLD_SHOWS = 2;

const ONLY_A = LIKENESSES.indexOf('onlyA');
const ONLY_B = LIKENESSES.indexOf('onlyB');
const SAME = LIKENESSES.indexOf('same');

export interface Fold {
  /** Rows `from … to - 1` of the alignment. */
  from: number;
  to: number;
  side: 'a' | 'b';
}

export type DisplayRow =
  /** Both sides beside each other, or what is the same in one line. */
  | { kind: 'both'; row: number }
  /** One side of a row, where there is room for one only. */
  | { kind: 'one'; row: number; side: 'a' | 'b' }
  | { kind: 'fold'; fold: Fold };

/** What the list shows of an alignment: long runs on one side folded, and one line a side where it is narrow. */
export class DisplayRows {
  /** Row times four, and which part: 0 both, 1 A, 2 B; a fold: −1 − its number. */
  private codes: Int32Array = new Int32Array(0);
  private count = 0;
  private readonly folds: Fold[] = [];
  /** First display row of an alignment's row, or of the fold that it is in. */
  private places: Int32Array = new Int32Array(0);

  /** @param opened rows where folds begin that the person has opened */
  constructor(steps: Aligned, narrow: boolean, opened: ReadonlySet<number>) {
    this.codes = new Int32Array(2 * steps.length + 16);
    this.places = new Int32Array(steps.length);
    for (let row = 0; row < steps.length; ) {
      const like = steps.like[row]!;
      const end = like === ONLY_A || like === ONLY_B ? runEnd(steps.like, row) : row + 1;
      const shown =
        end - row >= FOLD_FROM && !opened.has(row + FOLD_SHOWS) ? FOLD_SHOWS : end - row;
      for (let at = row; at < row + shown; at++) this.push(steps, at, narrow);
      if (row + shown < end) {
        const fold: Fold = { from: row + shown, to: end, side: like === ONLY_A ? 'a' : 'b' };
        this.folds.push(fold);
        for (let at = fold.from; at < fold.to; at++) this.places[at] = this.count;
        this.codes[this.count++] = -this.folds.length;
      }
      row = end;
    }
  }

  get length(): number {
    return this.count;
  }

  at(index: number): DisplayRow | undefined {
    if (index < 0 || index >= this.count) return undefined;
    const code = this.codes[index]!;
    if (code < 0) return { kind: 'fold', fold: this.folds[-code - 1]! };
    const row = code >> 2;
    const part = code & 3;
    return part === 0 ? { kind: 'both', row } : { kind: 'one', row, side: part === 1 ? 'a' : 'b' };
  }

  /** Where a row of the alignment is shown. */
  placeOf(row: number): number {
    return this.places[row] ?? -1;
  }

  private push(steps: Aligned, row: number, narrow: boolean): void {
    this.places[row] = this.count;
    if (!narrow || steps.like[row] === SAME) {
      this.codes[this.count++] = row * 4;
      return;
    }
    if (steps.a[row]! >= 0) this.codes[this.count++] = row * 4 + 1;
    if (steps.b[row]! >= 0) this.codes[this.count++] = row * 4 + 2;
  }
}

function runEnd(like: Uint8Array, from: number): number {
  let end = from + 1;
  while (end < like.length && like[end] === like[from]) end++;
  return end;
}
