import { TYPE } from '../../model/columns.ts';
import { type Sliced, slicewise } from '../slices.ts';
import { bytesOf } from './arrivals.ts';
import type { Contribution } from './contextCourse.ts';
import { sourceOf } from './contextRows.ts';
import type { Course } from './course.ts';
import type { Places } from './places.ts';
import { CONTEXT_SOURCES, SOURCES } from './sources.ts';

const MOST_LARGEST = 20;

interface Found {
  row: number;
  source: number;
  tokens: number;
  point: number;
}

/**
 * The largest of what came in, the largest first.
 *
 * @param points of each item, the point that it came in before; -1
 * @param rates tokens a byte of what came before each point, by source
 */
export function* largestOf(
  { fold, length }: Course,
  items: Int32Array,
  points: Int32Array,
  rates: Float32Array,
  places: Places,
): Sliced<Contribution[]> {
  const { columns } = fold;
  const { key } = columns;
  const found: Found[] = [];
  const isBelow = (a: Found, b: Found): boolean =>
    a.tokens < b.tokens || (a.tokens === b.tokens && key[a.row]! > key[b.row]!);
  let least = 0;
  const put = (one: Found): void => {
    if (found.length === MOST_LARGEST) {
      if (!isBelow(found[found.length - 1]!, one)) return;
      found.pop();
    }
    let to = found.length;
    while (to > 0 && isBelow(found[to - 1]!, one)) to--;
    found.splice(to, 0, one);
    if (found.length === MOST_LARGEST) least = found[MOST_LARGEST - 1]!.tokens;
  };
  yield* slicewise(items.length, (from, end) => {
    const { size } = columns;
    for (let i = from; i < end; i++) {
      const point = points[i]!;
      if (point < 0 || point >= length) continue;
      const row = items[i]!;
      const source = sourceOf(fold, row);
      const tokens = Math.round(bytesOf(size[row]!) * rates[point * SOURCES + source]!);
      if (tokens !== 0 && tokens >= least) put({ row, source, tokens, point });
    }
  });
  return found.map(({ row, source, tokens, point }) => {
    const pair = columns.pair[row]!;
    const isResult = columns.type[row] === TYPE.tool_result || columns.type[row] === TYPE.error;
    return {
      row,
      step: places.step(isResult && pair >= 0 ? pair : row),
      source: CONTEXT_SOURCES[source]!,
      tokens,
      point,
    };
  });
}
