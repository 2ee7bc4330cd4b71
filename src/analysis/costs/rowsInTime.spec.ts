import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ratePricer, type Script, scriptOf, turns } from '../../../test/costSession.ts';
import type { SessionFold } from '../../model/fold.ts';
import { drain } from '../slices.ts';
import { rowsInTime } from './rowsInTime.ts';

/** Times, in whichever order their rows arrived: what was sorted in one go. */
function check(fold: SessionFold): void {
  const { timeMs, key, length } = fold.columns;
  const rows = Array.from({ length }, (_, row) => row);
  rows.sort((a, b) => timeMs[a]! - timeMs[b]! || key[a]! - key[b]!);
  expect([...drain(rowsInTime(fold))]).toEqual(rows);
}

const folded = (script: Script, order: readonly number[]): SessionFold =>
  script.fold(
    ratePricer,
    order.map((at) => script.events[at]!),
  );

it('is what sorting would give, however rows arrive', () => {
  fc.assert(
    fc.property(turns, fc.infiniteStream(fc.nat()), (list, random) => {
      const script = scriptOf(list);
      const places = script.events.map((_, at) => at);
      check(folded(script, places));
      // As a transcript comes after the hooks; backwards; and by chance.
      check(
        folded(script, [
          ...places.filter((at) => at % 3 > 0),
          ...places.filter((at) => at % 3 === 0),
        ]),
      );
      check(folded(script, places.toReversed()));
      const chance = places.map((at) => ({ at, by: random.next().value as number }));
      chance.sort((a, b) => a.by - b.by);
      check(
        folded(
          script,
          chance.map(({ at }) => at),
        ),
      );
    }),
  );
});
