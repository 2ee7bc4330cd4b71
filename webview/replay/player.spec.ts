import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowStore } from '../shared/rowStore.ts';
import { Player } from './player.ts';
import { IDLE_MS, SKIPPED_MS, Timebase } from './timebase.ts';

/** Steps at these times, ms. */
function storeOf(times: readonly number[]): RowStore {
  const rows = new RowStore();
  add(rows, times);
  return rows;
}

function add(rows: RowStore, times: readonly number[]): void {
  const count = times.length;
  const from = rows.total;
  rows.apply({
    from,
    count,
    total: from + count,
    kind: new Uint8Array(count),
    flags: new Uint16Array(count),
    lane: new Uint16Array(count),
    timeMs: Float64Array.from(times),
    durationMs: new Float32Array(count),
    nanoUsd: new Float64Array(count),
  });
}

function playerOf(times: readonly number[], skipIdle: boolean) {
  const rows = storeOf(times);
  const time = new Timebase(rows, skipIdle);
  return { rows, time, player: new Player(time, () => rows.total) };
}

describe('Timebase', () => {
  it('keeps real gaps, and makes idle ones short where they are skipped', () => {
    const { time } = playerOf([1000, 3000, 3000 + IDLE_MS, 100_000], false);
    expect([0, 1, 2, 3].map((step) => time.at(step))).toEqual([0, 2000, 2000 + IDLE_MS, 99_000]);
    time.skipIdle = true;
    expect(time.totalMs).toBe(2000 + IDLE_MS + SKIPPED_MS);
    expect(time.clockAt(2000 + IDLE_MS)).toBe(3000 + IDLE_MS);
    expect(time.clockAt(1000)).toBe(2000);
  });

  it('finds the step of each moment', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(gaps, fc.boolean(), fc.nat({ max: 49 }), (list, skip, pick) => {
        let at = 0;
        const { time } = playerOf(
          list.map((gap) => (at += gap)),
          skip,
        );
        const step = pick % list.length;
        const found = time.stepAt(time.at(step));
        expect(time.at(found)).toBe(time.at(step));
        expect(found).toBeGreaterThanOrEqual(step);
        if (step > 0) expect(time.at(step)).toBeGreaterThanOrEqual(time.at(step - 1));
      }),
    );
  });

  it('takes steps that come in any order', () => {
    const rows = new RowStore();
    const time = new Timebase(rows, false);
    add(rows, [0, 1000]);
    expect(time.totalMs).toBe(1000);
    add(rows, [5000]);
    time.changed(2);
    expect(time.totalMs).toBe(5000);
  });
});

describe('Player', () => {
  it('waits between steps as long as it took, at the speed wanted', () => {
    const { player } = playerOf([0, 1000, 9000], false);
    player.speed = 4;
    player.play();
    player.tick(5000, false);
    player.tick(5249, false);
    expect(player.step).toBe(0);
    expect(player.tick(5250, false)).toBe(true);
    expect(player.step).toBe(1);
    player.tick(7249, false);
    expect(player.step).toBe(1);
    player.tick(7250, false);
    expect(player.step).toBe(2);
    expect(player.playing).toBe(false);
  });

  it('is at the same step whatever the speed, once as much was played', () => {
    for (const speed of [0.5, 1, 2, 4, 8, 16] as const) {
      const { player } = playerOf([0, 1000, 2000, 30_000, 31_000], true);
      player.speed = speed;
      player.play();
      player.tick(0, false);
      player.tick(2299 / speed, false);
      expect(player.step).toBe(2);
      player.tick(2301 / speed, false);
      expect(player.step).toBe(3);
    }
  });

  it('plays a step a frame at most speed', () => {
    const { player } = playerOf([0, 100_000, 200_000], false);
    player.speed = 'max';
    player.play();
    player.tick(0, false);
    expect(player.step).toBe(1);
    player.tick(1, false);
    expect(player.step).toBe(2);
  });

  it('waits at the live end, and goes on with what comes', () => {
    const { rows, time, player } = playerOf([0, 100], false);
    player.play();
    player.tick(0, true);
    player.tick(1000, true);
    expect([player.step, player.playing, player.live]).toEqual([1, true, true]);
    add(rows, [5000]);
    time.changed(2);
    player.changed();
    expect(player.step).toBe(2);
    player.pause();
    add(rows, [6000]);
    time.changed(3);
    player.changed();
    expect(player.step).toBe(2);
  });
});
