import type { ReplaySpeed } from '../../src/protocol/replay.ts';
import type { Timebase } from './timebase.ts';

/** Moves the playhead by the clock. Draws nothing and asks no clock: `tick` is told the time. */
export class Player {
  step = 0;
  playing = false;
  speed: ReplaySpeed = 4;
  /** At the live end, and to stay there. */
  live = false;
  /** Playing time, ms. */
  positionMs = 0;
  private lastMs = Number.NaN;
  private readonly time: Timebase;
  private readonly count: () => number;

  /** @param count steps there are now */
  constructor(time: Timebase, count: () => number) {
    this.time = time;
    this.count = count;
  }

  /** Moves the playhead to a step. */
  goTo(step: number): void {
    this.step = Math.max(0, Math.min(step, this.count() - 1));
    this.positionMs = this.time.at(this.step);
    this.lastMs = Number.NaN;
    this.live = false;
  }

  play(): void {
    this.playing = true;
    this.lastMs = Number.NaN;
  }

  pause(): void {
    this.playing = false;
    this.live = false;
  }

  /** To the last step, and on with those that come. */
  goLive(): void {
    this.goTo(this.count() - 1);
    this.live = true;
  }

  /** Steps came, went or moved. */
  changed(): void {
    if (this.live) this.goLive();
    else {
      this.step = Math.max(0, Math.min(this.step, this.count() - 1));
      if (!this.playing) this.positionMs = this.time.at(this.step);
    }
  }

  /**
   * @param nowMs by any clock that goes on steadily
   * @param isLive the session goes on: at its end the playhead waits for more
   * @returns whether the playhead is at another step
   */
  tick(nowMs: number, isLive: boolean): boolean {
    if (!this.playing) return false;
    const before = this.step;
    const last = this.count() - 1;
    if (this.speed === 'max') {
      this.step = Math.min(last, before + 1);
      this.positionMs = this.time.at(this.step);
    } else {
      const passed = Number.isNaN(this.lastMs) ? 0 : Math.max(0, nowMs - this.lastMs);
      this.positionMs = Math.min(this.positionMs + passed * this.speed, this.time.totalMs);
      this.step = Math.max(before, this.time.stepAt(this.positionMs));
    }
    this.lastMs = nowMs;
    if (this.step >= last) {
      if (isLive) this.live = true;
      else this.playing = false;
    }
    return this.step !== before;
  }
}
