import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ROW_FLAGS, ROW_KINDS, type RowColumns } from '../../../src/protocol/rows.ts';
import { RowStore } from '../../shared/rowStore.ts';
import { Axis } from './axis.ts';
import { laneBars, walkBars } from './bars.ts';
import { BAR, LOOKS } from './laneIndex.ts';
import { markGroups } from './marks.ts';
import { MARKS, SessionIndex } from './sessionIndex.ts';

interface Row {
  kind: (typeof ROW_KINDS)[number];
  gap: number;
  ms: number;
  cost: number;
  lane: number;
  flags: number;
}

const row: fc.Arbitrary<Row> = fc.record({
  kind: fc.constantFrom('read', 'run', 'modify', 'reasoning', 'prompt', 'notice', 'agent'),
  gap: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.constantFrom(0, 20_000)),
  ms: fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(Number.NaN, 60_000)),
  cost: fc.oneof(fc.integer({ min: 0, max: 1e7 }), fc.constant(Number.NaN)),
  lane: fc.constantFrom(0, 0, 0, 1, 2, 3),
  flags: fc.constantFrom(
    0,
    0,
    0,
    ROW_FLAGS.error,
    ROW_FLAGS.denied | ROW_FLAGS.error,
    ROW_FLAGS.retry,
    ROW_FLAGS.commit,
    ROW_FLAGS.compaction,
    ROW_FLAGS.estimate,
  ),
});
const rows = fc.array(row, { minLength: 1, maxLength: 120 });
const START = 1e12;

function columnsOf(list: readonly Row[], from = 0, to = list.length): RowColumns {
  let at = START;
  const times = list.map(({ gap }) => (at += gap));
  const part = list.slice(from, to);
  return {
    from,
    count: part.length,
    total: list.length,
    kind: Uint8Array.from(part, ({ kind }) => ROW_KINDS.indexOf(kind)),
    flags: Uint16Array.from(part, ({ flags }) => flags),
    lane: Uint16Array.from(part, ({ lane }) => lane),
    timeMs: Float64Array.from(times.slice(from, to)),
    durationMs: Float32Array.from(part, ({ ms }) => ms),
    nanoUsd: Float64Array.from(part, ({ cost }) => cost),
  };
}

function made(list: readonly Row[]): { store: RowStore; index: SessionIndex; axis: Axis } {
  const store = new RowStore();
  const index = new SessionIndex(store);
  const axis = new Axis(store, index);
  take(store, index, columnsOf(list));
  settle(axis, index);
  return { store, index, axis };
}

function settle(axis: Axis, index: SessionIndex): void {
  axis.startMs = START;
  axis.endMs = index.lastMs;
}

function take(store: RowStore, index: SessionIndex, columns: RowColumns): void {
  const { from, to, rebuilt } = store.apply(columns);
  index.changed(from, to, rebuilt);
  while (index.pump(1000));
}

/** All that an index says. */
function told(index: SessionIndex): unknown {
  const steps = Array.from({ length: index.built + 1 }, (_, step) => step);
  return {
    built: index.built,
    marks: MARKS.map((mark) => steps.filter((step) => index.marks[mark].has(step))),
    idle: steps.filter((step) => index.idle.has(step)),
    cost: steps.map((step) => index.costBefore(step)),
    aside: index.estimatesAside(0, index.built),
    dear: index.dearSteps(),
    last: index.lastMs,
    lanes: [0, 1, 2, 3].map((lane) => {
      const one = index.lanes[lane];
      if (!one || one.length === 0) return [];
      return [0, 1, 2, 3, 4, 5].flatMap((level) =>
        Array.from({ length: one.nodes(level) }, (_, node) => [
          one.look(level, node),
          one.bits(level, node),
          one.endMs(level, node),
        ]),
      );
    }),
  };
}

describe('index', () => {
  test('a session that comes in pieces, tail first, and whose rows change, is as one that comes at once', () => {
    fc.assert(
      fc.property(
        rows,
        fc.array(fc.tuple(fc.nat(1000), row), { maxLength: 6 }),
        fc.array(fc.nat(1000), { maxLength: 4 }),
        (list, changes, cuts) => {
          const store = new RowStore();
          const index = new SessionIndex(store);
          const { length } = list;
          const places = [0, ...cuts.map((cut) => cut % length), length].sort((a, b) => a - b);
          take(store, index, columnsOf(list, Math.max(0, length - 5), length));
          for (let i = 1; i < places.length; i++) {
            take(store, index, columnsOf(list, places[i - 1], places[i]));
          }
          expect(told(index)).toEqual(told(made(list).index));
          // A call ends, a cost comes, a step turns out to be of another lane; times stay.
          const changed = [...list];
          for (const [at, other] of changes) {
            const step = at % length;
            changed[step] = { ...other, gap: changed[step]!.gap };
            take(store, index, columnsOf(changed, step, step + 1));
          }
          expect(told(index)).toEqual(told(made(changed).index));
        },
      ),
    );
  });

  test('the cost is that of the steps, not that of the prompts’ turns', () => {
    const base = { gap: 1000, ms: 10, lane: 0, flags: 0 };
    const { index } = made([
      { ...base, kind: 'prompt', cost: 900 },
      { ...base, kind: 'read', cost: 400 },
      { ...base, kind: 'run', cost: 500 },
      { ...base, kind: 'run', cost: 70, flags: ROW_FLAGS.estimate },
    ]);
    expect([0, 1, 2, 3, 4].map((step) => index.costBefore(step))).toEqual([0, 0, 400, 900, 900]);
    expect(index.estimated).toBe(false);
    expect(index.estimatesAside(0, 4)).toBe(70);
  });

  test('where all is an estimate, the curve is of estimates', () => {
    const { index } = made([
      { kind: 'run', gap: 0, ms: 1, lane: 0, cost: 70, flags: ROW_FLAGS.estimate },
    ]);
    expect(index.estimated).toBe(true);
    expect(index.costBefore(1)).toBe(70);
    expect(index.estimatesAside(0, 1)).toBe(0);
  });

  test('idle begins where the last thing that ran ended, in whichever lane', () => {
    const base = { cost: 0, flags: 0, kind: 'run' as const };
    const { index } = made([
      { ...base, gap: 0, ms: 60_000, lane: 0 },
      { ...base, gap: 1000, ms: 1000, lane: 1 },
      { ...base, gap: 70_000, ms: 1, lane: 0 },
      { ...base, gap: 20_000, ms: 1, lane: 0 },
    ]);
    expect([0, 1, 2, 3].filter((step) => index.idle.has(step))).toEqual([3]);
    expect(index.idleFrom(3)).toBe(START + 71_001);
  });
});

describe('bars', () => {
  test('every bar that is wide enough is drawn where it is, every failure is seen, and no pixel stays empty', () => {
    fc.assert(
      fc.property(
        rows,
        fc.constantFrom('time' as const, 'steps' as const, 'cost' as const),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (list, order, from, span) => {
          const { index, axis } = made(list);
          axis.order = order;
          const view = { from: from * axis.length, to: Math.min(1, from + span) * axis.length };
          const scale = 400 / (view.to - view.from);
          const projection = { ...view, scale, left: 0, now: 0 };
          for (const lane of index.lanes) {
            if (!lane) continue;
            const bars = laneBars(lane, axis, projection, 400, 1);
            for (let place = 0; place < lane.length; place++) {
              const step = lane.steps.at(place);
              const x0 = (axis.start(step) - view.from) * scale;
              const x1 = (axis.end(step) - view.from) * scale;
              if (x1 < 0 || x0 >= 399) continue;
              if (order === 'cost' && x1 <= x0) continue;
              const look = index.look(step);
              if (look > 0) {
                const middle = (Math.max(0, x0) + Math.min(400, x1)) / 2;
                // Of its look or a taller one.
                const covers = [...bars.wide, ...bars.thin]
                  .flatMap((spans, at) => (at % LOOKS.length >= look ? pairs(spans) : []))
                  .some(([x, width]) => middle >= x - 1.01 && middle <= x + width + 1.01);
                expect(covers).toBe(true);
              }
              if ((index.bits(step) & (BAR.error | BAR.denied)) !== 0 && x0 >= 0) {
                const near = [...bars.errors, ...bars.denied].some(
                  (at) => Math.abs(at - x0) <= 1.5,
                );
                expect(near).toBe(true);
              }
            }
          }
        },
      ),
    );
  });

  test('a million steps in one lane are looked at by the thousand', () => {
    const total = 1_000_000;
    const store = new RowStore();
    const index = new SessionIndex(store);
    const axis = new Axis(store, index);
    take(store, index, {
      from: 0,
      count: total,
      total,
      kind: new Uint8Array(total).fill(ROW_KINDS.indexOf('read')),
      flags: new Uint16Array(total),
      lane: new Uint16Array(total),
      timeMs: Float64Array.from({ length: total }, (_, i) => START + i * 40),
      durationMs: new Float32Array(total).fill(1500),
      nanoUsd: new Float64Array(total).fill(1e6),
    });
    settle(axis, index);
    for (const order of ['time', 'steps', 'cost'] as const) {
      axis.order = order;
      for (const share of [1, 0.1, 0.01, 1e-4]) {
        const to = axis.length * share;
        const projection = { from: 0, to, scale: 1186 / to, left: 0, now: 0 };
        const seen = walkBars(index.lanes[0]!, axis, projection, 1, { bar: () => true });
        expect(seen).toBeLessThan(60_000);
        expect(seen).toBeGreaterThan(30);
      }
    }
  });
});

const pairs = (spans: number[]): [number, number][] =>
  Array.from({ length: spans.length / 2 }, (_, i) => [spans[2 * i]!, spans[2 * i + 1]!]);

describe('marks', () => {
  const sizes = { sign: 13, badge: () => 22, merged: () => 30 };

  test('every mark is in exactly one sign, and signs stand in order', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 30, max: 2000 }), (list, width) => {
        const { index, axis } = made(list);
        const to = axis.length;
        const projection = { from: 0, to, scale: width / to, left: 0, now: 0 };
        const groups = markGroups(index, axis, projection, width, sizes);
        const marked = list.flatMap((_, step) =>
          MARKS.some((mark) => index.marks[mark].has(step)) ? [step] : [],
        );
        expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(marked.length);
        for (const [i, { from, to: last }] of groups.entries()) {
          expect(from).toBeLessThanOrEqual(last);
          if (i > 0) expect(from).toBeGreaterThan(groups[i - 1]!.to);
        }
      }),
    );
  });

  test('close ones merge to the one that matters most, far ones stand alone, a badge moves its neighbour', () => {
    const base = { ms: 10, cost: 0, lane: 0, kind: 'run' as const };
    const { index, axis } = made([
      { ...base, gap: 0, kind: 'prompt', flags: 0 },
      { ...base, gap: 1000, flags: ROW_FLAGS.error },
      { ...base, gap: 50_000, flags: ROW_FLAGS.error },
      { ...base, gap: 100, flags: ROW_FLAGS.denied },
      { ...base, gap: 100, flags: ROW_FLAGS.retry },
      { ...base, gap: 48_800, flags: ROW_FLAGS.commit },
    ]);
    const projection = { from: 0, to: 100_000, scale: 0.005, left: 0, now: 0 };
    const groups = markGroups(index, axis, projection, 500, sizes);
    expect(groups.map(({ mark, count }) => `${mark} ${count}`)).toEqual([
      'prompt 1',
      'error 1',
      'denied 3',
      'commit 1',
    ]);
    expect(groups[1]!.x).toBeGreaterThanOrEqual(22);
    expect(groups[1]!.at).toBe(5);
  });
});
