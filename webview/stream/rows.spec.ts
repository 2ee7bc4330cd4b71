import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { StepView } from '../../src/model/step.ts';
import { ROW_FLAGS, ROW_KINDS, type RowColumns, type RowKind } from '../../src/protocol/rows.ts';
import { lowerBound, RowStore } from '../shared/rowStore.ts';
import { Words } from '../shared/words.ts';
import { RowView } from './rowView.ts';

type Row = [kind: RowKind, flag?: keyof typeof ROW_FLAGS];

function columns(rows: readonly Row[], from = 0, total = from + rows.length): RowColumns {
  const count = rows.length;
  return {
    from,
    count,
    total,
    kind: Uint8Array.from(rows, ([kind]) => ROW_KINDS.indexOf(kind)),
    flags: Uint16Array.from(rows, ([, flag]) => (flag ? ROW_FLAGS[flag] : 0)),
    lane: new Uint16Array(count),
    timeMs: new Float64Array(count),
    durationMs: new Float32Array(count),
    nanoUsd: new Float64Array(count),
  };
}

const shown = (view: RowView): number[] =>
  Array.from({ length: view.length }, (_, index) => view.rowAt(index));

const aRow: fc.Arbitrary<Row> = fc.oneof(
  fc.constantFrom<Row>(['prompt'], ['read'], ['modify'], ['reasoning']),
  fc.constantFrom<Row>(['run', 'error'], ['run', 'denied'], ['run', 'running']),
);

describe('rows', () => {
  it('are counted once however often they come', () => {
    const store = new RowStore();
    store.apply(columns([['prompt'], ['run', 'running'], ['modify']]));
    store.apply(columns([['run', 'error']], 1, 3));
    store.apply(columns([['run', 'error']], 1, 3));
    expect(store.counts).toEqual({ all: 3, tools: 2, errors: 1, denied: 0, edits: 1 });
    expect(store.loaded).toBe(3);
  });

  it('may come with the end first', () => {
    const store = new RowStore();
    store.apply(columns([['prompt'], ['read']], 2, 4));
    expect([store.known(0), store.known(2), store.loaded]).toEqual([false, true, 2]);
    store.apply(columns([['prompt'], ['run', 'error']], 0, 4));
    expect(store.prompts).toEqual([0, 2]);
    expect(store.promptIndex(1)).toBe(0);
    expect(store.promptIndex(3)).toBe(1);
  });

  it('are forgotten when the list is rebuilt', () => {
    const store = new RowStore();
    store.apply(columns([['prompt'], ['read'], ['run', 'denied']]));
    expect(store.apply(columns([['read']])).rebuilt).toBe(true);
    expect([store.total, store.counts.denied, store.prompts]).toEqual([1, 0, []]);
  });
});

describe('the filtered view', () => {
  it('keeps the prompt of every turn with a match', () => {
    const store = new RowStore();
    const view = new RowView(store, () => undefined);
    view.setFilter('errors');
    const rows: Row[] = [['prompt'], ['run', 'error'], ['prompt'], ['read'], ['run', 'error']];
    view.update(store.apply(columns(rows)));
    expect(shown(view)).toEqual([0, 1, 2, 4]);
    expect(view.matchCount).toBe(2);
  });

  it('is the same whether rows come at once, in parts or change', () => {
    fc.assert(
      fc.property(fc.array(aRow, { maxLength: 60 }), fc.nat(), fc.nat(), (rows, a, b) => {
        const final = columns(rows);
        const whole = new RowStore();
        const expected = new RowView(whole, () => undefined);
        expected.setFilter('errors');
        expected.update(whole.apply(final));

        const store = new RowStore();
        const view = new RowView(store, () => undefined);
        view.setFilter('errors');
        const cut = a % (rows.length + 1);
        const running = rows.slice(0, cut).map<Row>((row) => (row[1] ? ['run', 'running'] : row));
        view.update(store.apply(columns(running)));
        view.update(store.apply(columns(rows.slice(cut), cut)));
        const middle = b % (cut + 1);
        view.update(store.apply(columns(rows.slice(middle, cut), middle, rows.length)));
        view.update(store.apply(columns(rows.slice(0, middle), 0, rows.length)));
        expect(shown(view)).toEqual(shown(expected));
        expect(view.matchCount).toBe(store.counts.errors);
      }),
    );
  });

  it('takes a million rows in steps of a few milliseconds', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    // A clock on which 2,048 rows take one millisecond.
    let nowMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs++);
    try {
      const store = new RowStore();
      const changed = vi.fn();
      const view = new RowView(store, changed);
      const kinds = (row: number): Row => [row % 100 === 0 ? 'prompt' : row % 3 ? 'read' : 'model'];
      view.update(store.apply(columns(Array.from({ length: 1_000_000 }, (_, row) => kinds(row)))));
      view.setFilter('tools');
      expect(view.done).toBe(false);
      expect(view.length).toBeLessThan(8 * 2048);
      let steps = 1;
      for (; !view.done && steps < 1000; steps++) vi.advanceTimersToNextTimer();
      expect(view.matchCount).toBe(store.counts.tools);
      expect(view.longestStepMs).toBeLessThan(8);
      expect(steps).toBeGreaterThan(30);
      expect(changed).toHaveBeenCalledTimes(steps - 1);
    } finally {
      clock.mockRestore();
      vi.useRealTimers();
    }
  });

  it('shows what a search found, part by part', () => {
    const store = new RowStore();
    const view = new RowView(store, () => undefined);
    view.update(store.apply(columns([['prompt'], ['read'], ['prompt'], ['read'], ['read']])));
    view.startSearch();
    view.addFound(Uint32Array.of(1), false);
    expect([shown(view), view.done]).toEqual([[0, 1], false]);
    view.addFound(Uint32Array.of(2, 4), true);
    expect([shown(view), view.done, view.matchCount]).toEqual([[0, 1, 2, 4], true, 3]);
    expect(view.indexOf(4)).toBe(3);
    view.reopenSearch(2);
    expect(shown(view)).toEqual([0, 1, 2, 4]);
    view.addFound(Uint32Array.of(3), true);
    expect([shown(view), view.matchCount]).toEqual([[0, 1, 2, 3], 2]);
  });

  it('finds places in an ascending list', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(100)), fc.nat(101), (list, value) => {
        list.sort((a, b) => a - b);
        expect(lowerBound(list, value)).toBe(list.filter((item) => item < value).length);
      }),
    );
  });
});

describe('words', () => {
  const view = (row: number, target = ''): StepView => ({
    row,
    icon: 'file',
    verb: '',
    target,
    style: 'code',
    detail: '',
  });

  it('are asked for once, neighbours together', () => {
    const send = vi.fn();
    const words = new Words(send);
    words.want([3, 4, 5, 40, 41], 0);
    words.want([3, 4, 5, 40, 41], 100);
    expect(send.mock.calls.map(([{ from, to }]) => [from, to])).toEqual([
      [3, 6],
      [40, 42],
    ]);
  });

  it('are asked for again when the answer does not come', () => {
    const send = vi.fn();
    const words = new Words(send);
    words.want([3], 0);
    words.want([3], 60_000);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('stay until newer ones come', () => {
    const send = vi.fn();
    const words = new Words(send);
    words.want([3], 0);
    words.receive(1, 3, [view(3, 'old')]);
    words.invalidate(3, 4);
    expect(words.get(3)?.target).toBe('old');
    words.want([3], 1);
    words.receive(2, 3, [view(3, 'new')]);
    words.receive(1, 3, [view(3, 'late')]);
    words.want([3], 2);
    expect(send).toHaveBeenCalledTimes(2);
    expect(words.get(3)?.target).toBe('new');
  });

  it('of a row that changed while they were on their way are asked for again', () => {
    const send = vi.fn();
    const words = new Words(send);
    words.want([3], 0);
    words.invalidate(3, 4);
    words.receive(1, 3, [view(3, 'before')]);
    expect(words.get(3)?.target).toBe('before');
    words.want([3], 1);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it('are kept for a bounded number of rows', () => {
    const words = new Words(() => undefined);
    for (let row = 0; row < 20_000; row += 10) words.want([row, row + 1, row + 2], row);
    for (let row = 0; row < 20_000; row++) words.receive(1e9, row, [view(row)]);
    const kept = Array.from({ length: 20_000 }, (_, row) => words.get(row)).filter(Boolean);
    expect(kept.length).toBeLessThanOrEqual(4000);
    expect(words.get(19_990)).toBeDefined();
  });
});
