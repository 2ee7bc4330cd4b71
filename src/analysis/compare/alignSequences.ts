/**
 * Two sequences set side by side. Keys that are in both exactly once are anchors (patience diff); what lies between
 * two anchors is aligned in full, as long as it is small; a large piece without anchors is split at its rarest keys,
 * and what even that does not split is matched as it comes. So the work is bounded whatever the input.
 */

import { drain, SLICE, type Sliced } from '../slices.ts';

/** The keys of one sequence. */
export interface Sequence {
  length: number;
  exact: ArrayLike<number>;
  target: ArrayLike<number>;
}

export interface Matches {
  /** By place in `a`: the place in `b`; -1: none. */
  match: Int32Array;
  /** 1: the same; 2: only the target is. 0 where there is none. */
  how: Uint8Array;
  /** Places of `a` in pieces that were too large to be aligned in full: other pairs may fit better there. */
  approximate: number;
}

export const SAME = 1;
export const SIMILAR = 2;

/** Cells of the largest piece that is aligned in full, and of all of them: 2 MB, and a fifth of a second. */
const MAX_CELLS = 2_000_000;
const TOTAL_CELLS = 40_000_000;
/** Keys looked at for anchors, for each key of the input: honest input needs about ten, a crafted one could ask for all. */
const MAX_LOOKS = 60;
/** A key more frequent than this in a piece splits nothing. */
const MAX_OCCURRENCES = 64;
/** How far ahead a match is looked for where nothing else helps. */
const NEAR = 64;

/** Keys, and cells, that are looked at in one go. */
const STEPS = 8192;
const CELLS = 500_000;

/** Worth of a pair. One that only resembles must not take the place of one that is the same. */
const WORTH_SAME = 4;
const WORTH_SIMILAR = 1;

export const alignSequences = (a: Sequence, b: Sequence): Matches => drain(sequencesInSlices(a, b));

/** As {@link alignSequences}. */
export function* sequencesInSlices(a: Sequence, b: Sequence): Sliced<Matches> {
  const found: Matches = {
    match: new Int32Array(a.length).fill(-1),
    how: new Uint8Array(a.length),
    approximate: 0,
  };
  let budget = TOTAL_CELLS;
  let looks = MAX_LOOKS * (a.length + b.length);
  const pair = (i: number, j: number, how: number): void => {
    found.match[i] = j;
    found.how[i] = how;
  };
  const stack: Piece[] = [{ a0: 0, a1: a.length, b0: 0, b1: b.length }];
  let done = 0;
  for (let piece = stack.pop(); piece; piece = stack.pop()) {
    done += 1 + piece.a1 - piece.a0 + piece.b1 - piece.b0;
    if (done > SLICE) {
      done = 0;
      yield;
    }
    trim(piece, a, b, pair);
    const { a0, a1, b0, b1 } = piece;
    if (a0 >= a1 || b0 >= b1) continue;
    const cells = (a1 - a0) * (b1 - b0);
    const fits = cells <= MAX_CELLS && cells <= budget;
    // Small pieces gain nothing from anchors, and may lose by them.
    if (looks > 0 && (!fits || cells > 10_000)) {
      looks -= a1 - a0 + b1 - b0;
      const anchors = yield* split(piece, a, b, 1);
      if (anchors.length > 0) {
        between(piece, anchors, stack);
        for (const [i, j] of anchors) pair(i, j, SAME);
        continue;
      }
    }
    if (fits) {
      budget -= cells;
      yield* inFull(piece, a, b, pair);
      continue;
    }
    if (looks > 0) {
      looks -= a1 - a0 + b1 - b0;
      const rare = yield* split(piece, a, b, MAX_OCCURRENCES);
      if (rare.length > 0) {
        between(piece, rare, stack);
        for (const [i, j] of rare) pair(i, j, SAME);
        continue;
      }
    }
    found.approximate += a1 - a0;
    asItComes(piece, a, b, pair);
  }
  return found;
}

interface Piece {
  a0: number;
  a1: number;
  b0: number;
  b1: number;
}
type Pair = (i: number, j: number, how: number) => void;

const isSame = (a: Sequence, i: number, b: Sequence, j: number): boolean =>
  a.exact[i] !== 0 && a.exact[i] === b.exact[j];
const isSimilar = (a: Sequence, i: number, b: Sequence, j: number): boolean =>
  a.target[i] !== 0 && a.target[i] === b.target[j];

/** Takes off what is the same at both ends. */
function trim(piece: Piece, a: Sequence, b: Sequence, pair: Pair): void {
  while (piece.a0 < piece.a1 && piece.b0 < piece.b1 && isSame(a, piece.a0, b, piece.b0)) {
    pair(piece.a0++, piece.b0++, SAME);
  }
  while (piece.a0 < piece.a1 && piece.b0 < piece.b1 && isSame(a, piece.a1 - 1, b, piece.b1 - 1)) {
    pair(--piece.a1, --piece.b1, SAME);
  }
}

function between({ a0, a1, b0, b1 }: Piece, anchors: [number, number][], stack: Piece[]): void {
  let fromA = a0;
  let fromB = b0;
  for (const [i, j] of anchors) {
    stack.push({ a0: fromA, a1: i, b0: fromB, b1: j });
    fromA = i + 1;
    fromB = j + 1;
  }
  stack.push({ a0: fromA, a1, b0: fromB, b1 });
}

/**
 * Pairs of the keys that occur least in a piece, equally often on both sides (the n-th with the n-th), at most `most`
 * times: the longest row of them that is in order in both.
 */
function* split(
  { a0, a1, b0, b1 }: Piece,
  a: Sequence,
  b: Sequence,
  most: number,
): Sliced<[number, number][]> {
  const counts = new Map<number, { inA: number[]; inB: number[] }>();
  const placesOf = (key: number): { inA: number[]; inB: number[] } => {
    let places = counts.get(key);
    if (!places) {
      places = { inA: [], inB: [] };
      counts.set(key, places);
    }
    return places;
  };
  for (let i = a0; i < a1; i++) {
    if ((i - a0 + 1) % STEPS === 0) yield;
    const key = a.exact[i]!;
    if (key === 0) continue;
    const { inA } = placesOf(key);
    if (inA.length <= most) inA.push(i);
  }
  for (let j = b0; j < b1; j++) {
    if ((j - b0 + 1) % STEPS === 0) yield;
    const places = counts.get(b.exact[j]!);
    if (places && places.inB.length <= most) places.inB.push(j);
  }
  let least = most + 1;
  let seen = 0;
  for (const { inA, inB } of counts.values()) {
    if (++seen % STEPS === 0) yield;
    if (inA.length === inB.length && inA.length < least) least = inA.length;
  }
  if (least > most) return [];
  const pairs: [number, number][] = [];
  for (const { inA, inB } of counts.values()) {
    if (++seen % STEPS === 0) yield;
    if (inA.length !== least || inB.length !== least) continue;
    for (let n = 0; n < least; n++) pairs.push([inA[n]!, inB[n]!]);
  }
  if (pairs.length > STEPS) yield;
  pairs.sort((x, y) => x[0] - y[0]);
  return yield* longestRising(pairs);
}

/** The longest row of pairs whose second numbers rise. O(n log n). */
function* longestRising(pairs: readonly [number, number][]): Sliced<[number, number][]> {
  const tails: number[] = [];
  const before = new Int32Array(pairs.length);
  for (let at = 0; at < pairs.length; at++) {
    if ((at + 1) % STEPS === 0) yield;
    const value = pairs[at]![1];
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[tails[middle]!]![1] < value) low = middle + 1;
      else high = middle;
    }
    before[at] = low > 0 ? tails[low - 1]! : -1;
    tails[low] = at;
  }
  const row: [number, number][] = [];
  for (let at = tails.at(-1) ?? -1; at >= 0; at = before[at]!) row.push(pairs[at]!);
  return row.reverse();
}

/** The alignment of the greatest worth: dynamic programming over all cells. */
function* inFull({ a0, a1, b0, b1 }: Piece, a: Sequence, b: Sequence, pair: Pair): Sliced<void> {
  const n = a1 - a0;
  const m = b1 - b0;
  /** 0: leave out a's, 1: leave out b's, 2: pair. */
  const ways = new Uint8Array(n * m);
  let last = new Float64Array(m + 1);
  let row = new Float64Array(m + 1);
  // From the end, so that of equal alignments the one that begins to pair earliest is found.
  let cells = 0;
  for (let i = n - 1; i >= 0; i--) {
    cells += m;
    if (cells > CELLS) {
      cells = 0;
      yield;
    }
    row[m] = 0;
    for (let j = m - 1; j >= 0; j--) {
      let best = last[j]!;
      let way = 0;
      if (row[j + 1]! > best) {
        best = row[j + 1]!;
        way = 1;
      }
      const worth = isSame(a, a0 + i, b, b0 + j)
        ? WORTH_SAME
        : isSimilar(a, a0 + i, b, b0 + j)
          ? WORTH_SIMILAR
          : 0;
      if (worth > 0 && last[j + 1]! + worth >= best) {
        best = last[j + 1]! + worth;
        way = 2;
      }
      row[j] = best;
      ways[i * m + j] = way;
    }
    [last, row] = [row, last];
  }
  for (let i = 0, j = 0; i < n && j < m; ) {
    const way = ways[i * m + j]!;
    if (way === 2) {
      pair(a0 + i, b0 + j, isSame(a, a0 + i, b, b0 + j) ? SAME : SIMILAR);
      i++;
      j++;
    } else if (way === 1) j++;
    else i++;
  }
}

/** Each step of `a` with the next one of `b` near by that is the same. */
function asItComes({ a0, a1, b0, b1 }: Piece, a: Sequence, b: Sequence, pair: Pair): void {
  let j = b0;
  for (let i = a0; i < a1 && j < b1; i++) {
    const end = Math.min(b1, j + NEAR);
    for (let at = j; at < end; at++) {
      if (!isSame(a, i, b, at)) continue;
      pair(i, at, SAME);
      j = at + 1;
      break;
    }
  }
}
