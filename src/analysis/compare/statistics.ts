/** Tests for a handful of runs: exact, for with five numbers nothing is normally distributed. */

/** More runs a side than this are not enumerated: the rank sums are then close to normal. */
const MAX_EXACT = 60;

/**
 * How likely samples that do not differ would lie at least so far apart: two-sided Mann–Whitney test, by all ways to
 * divide the ranks (ties get the mean of theirs). 1 where a side is empty.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const n = a.length;
  const m = b.length;
  if (n === 0 || m === 0) return 1;
  const all = [...a, ...b];
  const ranks = doubledRanks(all);
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  let observed = 0;
  for (let i = 0; i < n; i++) observed += ranks[i]!;
  const mean = (total * n) / (n + m);
  const distance = Math.abs(observed - mean);
  if (n > MAX_EXACT || m > MAX_EXACT) return normalTail(ranks, n, m, distance);
  // ways[k][s]: how many choices of k of the ranks sum to s.
  const ways: Float64Array[] = Array.from({ length: n + 1 }, () => new Float64Array(total + 1));
  ways[0]![0] = 1;
  let reached = 0;
  for (let at = 0; at < ranks.length; at++) {
    const rank = ranks[at]!;
    reached += rank;
    for (let k = Math.min(n, at + 1); k >= 1; k--) {
      const from = ways[k - 1]!;
      const to = ways[k]!;
      for (let sum = reached; sum >= rank; sum--) to[sum]! += from[sum - rank]!;
    }
  }
  let far = 0;
  let every = 0;
  const last = ways[n]!;
  for (let sum = 0; sum <= total; sum++) {
    every += last[sum]!;
    if (Math.abs(sum - mean) >= distance - 1e-9) far += last[sum]!;
  }
  return Math.min(1, far / every);
}

/** Ranks from 1, those of ties their mean; times two, so that they are whole. */
function doubledRanks(values: readonly number[]): number[] {
  const order = values.map((_, at) => at).sort((x, y) => values[x]! - values[y]!);
  const ranks: number[] = new Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let at = from; at < to; at++) ranks[order[at]!] = from + 1 + to;
    from = to;
  }
  return ranks;
}

function normalTail(ranks: readonly number[], n: number, m: number, distance: number): number {
  const size = n + m;
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / size;
  const squares = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  const deviation = Math.sqrt((n * m * squares) / (size * (size - 1)));
  return deviation === 0 ? 1 : 2 * upperTail(distance / deviation);
}

/** Of the normal distribution; Abramowitz and Stegun 26.2.17, to seven digits. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}

/** How likely shares of `a` in `n` and `b` in `m` would lie at least so far apart by chance: Fisher's exact test, two-sided. */
export function fisherExact(a: number, n: number, b: number, m: number): number {
  const hits = a + b;
  const logs = [0];
  for (let k = 1; k <= n + m; k++) logs.push(logs[k - 1]! + Math.log(k));
  const choose = (of: number, k: number): number => logs[of]! - logs[k]! - logs[of - k]!;
  const weight = (k: number): number =>
    Math.exp(choose(n, k) + choose(m, hits - k) - choose(n + m, hits));
  const observed = weight(a);
  let sum = 0;
  for (let k = Math.max(0, hits - m); k <= Math.min(n, hits); k++) {
    const one = weight(k);
    if (one <= observed * (1 + 1e-7)) sum += one;
  }
  return Math.min(1, sum);
}

/** p of each of several tests, so that asking often does not make a find more likely: Holm's method. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, at) => at).sort((x, y) => ps[x]! - ps[y]!);
  const adjusted: number[] = new Array(ps.length);
  let most = 0;
  order.forEach((at, place) => {
    most = Math.max(most, Math.min(1, ps[at]! * (ps.length - place)));
    adjusted[at] = most;
  });
  return adjusted;
}

/** NaN of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
