type Column = Int32Array | Uint32Array | Float64Array;

/** The same column with room for `size` values and some more; itself where it has that already. */
export function grown<T extends Column>(column: T, size: number): T {
  if (size <= column.length) return column;
  // By a quarter: twice as large would waste megabytes on a long session.
  const length = Math.max(size, Math.ceil(column.length * 1.25));
  const larger = new (column.constructor as new (n: number) => T)(length);
  larger.set(column as never);
  return larger;
}

export function joined(a: Int32Array, b: Int32Array): Int32Array {
  if (b.length === 0) return a;
  const both = new Int32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

export interface Buckets {
  values: Int32Array;
  /** Bucket `i` is `values[from[i]] … values[from[i + 1] - 1]`; what is in none comes after the last. */
  from: Int32Array;
}

/**
 * Sorts numbers into buckets, in their order; gives way between chunks.
 *
 * @param bucketOf below 0: left out
 * @param chunk numbers looked at in one go
 */
export function* bucketed(
  numbers: Int32Array,
  count: number,
  bucketOf: (value: number) => number,
  chunk: number,
): Generator<void, Buckets> {
  const from = new Int32Array(count + 2);
  // Asked once: the answer may be another after a pause.
  const buckets = new Int32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const bucket = Math.min(bucketOf(numbers[i]!), count);
    buckets[i] = bucket;
    if (bucket >= 0) from[bucket + 1]!++;
    if (i % chunk === 0) yield;
  }
  for (let i = 1; i < from.length; i++) from[i]! += from[i - 1]!;
  const values = new Int32Array(from[count + 1]!);
  const next = from.slice();
  for (let i = 0; i < numbers.length; i++) {
    const bucket = buckets[i]!;
    if (bucket >= 0) values[next[bucket]!++] = numbers[i]!;
    if (i % chunk === 0) yield;
  }
  return { values, from };
}
