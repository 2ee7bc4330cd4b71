import { expect, test } from 'vitest';
import type { LaneView } from '../../../src/protocol/replay.ts';
import { LANES_Y, layOut, zoneAt } from './layout.ts';

const lane = (number: number, name: string, startMs = 0, endMs = 10): LaneView => ({
  kind: number === 0 ? 'main' : 'subagent',
  lane: number,
  name,
  startMs,
  endMs,
  spawnStep: -1,
  parentLane: 0,
});

test('stands as it is drawn: main 34 high, subagents 20, the cost below them', () => {
  const layout = layOut(1400, 300, [lane(0, 'Main'), lane(1, 'a'), lane(2, 'b')], false, 0);
  expect(layout.rows.map(({ y, barY, barHeight }) => [y, barY, barHeight])).toEqual([
    [98, 102, 34],
    [143, 148, 20],
    [173, 178, 20],
  ]);
  expect(layout.track).toEqual({ y: 203, bottom: 300 });
  expect([layout.left, layout.right]).toEqual([150, 1336]);
  expect(zoneAt(layout, 150)).toMatchObject({ zone: 'lane', row: { kind: 'subagent' } });
  expect(zoneAt(layout, 250)).toEqual({ zone: 'track' });
});

test('subagents of one name share a row, one after the other', () => {
  const lanes = [lane(0, 'Main'), lane(1, 'a', 0, 5), lane(2, 'a', 6, 9), lane(3, 'a', 8, 9)];
  const { rows } = layOut(1400, 300, lanes, false, 0);
  expect(rows.map(({ lanes: of }) => of.map((one) => one.lane))).toEqual([[0], [1, 2], [3]]);
});

test('more than four rows stack, none is lost, and all can be opened', () => {
  const lanes = [lane(0, 'Main')];
  for (let i = 1; i <= 10; i++) lanes.push(lane(i, `w${i}`, i, i + 6));
  const closed = layOut(1400, 300, lanes, false, 0);
  expect(closed.rows).toHaveLength(5);
  expect(closed.folded).toBe(6);
  expect(closed.rows.flatMap(({ lanes: of }) => of)).toHaveLength(11);
  expect(closed.canFold).toBe(true);
  const open = layOut(1400, 300, lanes, true, 0);
  expect(open.rows).toHaveLength(11);
  expect(open.lanesBottom).toBeLessThan(open.rows.at(-1)!.y);
  // Scrolled to the end, the last one is seen; and no further.
  const scrolled = layOut(1400, 300, lanes, true, 1e6);
  const last = scrolled.rows.at(-1)!;
  expect(last.y + last.height).toBe(scrolled.lanesBottom);
});

test('however low it is, the lanes begin where they begin, and what has no room goes', () => {
  const layout = layOut(400, 160, [lane(0, 'Main'), lane(1, 'a')], false, 0);
  expect(layout.track).toBeUndefined();
  expect(layout.rows[0]!.y).toBe(LANES_Y);
  expect(layout.lanesBottom).toBe(160);
  expect(layOut(0, 0, [], false, 0).rows).toHaveLength(1);
});
