/**
 * Time in which the session was not really there: the machine slept, the clock was set, the agent was frozen. A rule on
 * duration or idleness does not count it.
 */
import type { Facts } from './decision/facts.ts';
import type { Metric } from './rules/rule.ts';

/** A wall clock that leaves the monotonic one behind by this much was set, or the machine slept, ms. */
const JUMP_MS = 60_000;
/** The oldest are merged: a laptop that sleeps a thousand times keeps a list of so many. */
const MOST_GAPS = 200;
const MINUTE = 60_000;

interface Gap {
  /** By the wall clock, ms since the epoch. */
  fromMs: number;
  toMs: number;
}

export class WakeClock {
  private readonly gaps: Gap[] = [];
  private wallMs: number | undefined;
  private monotonicMs = 0;

  /**
   * One look at both clocks.
   *
   * @param frozen the agent was frozen since the look before
   */
  look(wallMs: number, monotonicMs: number, frozen = false): void {
    const before = this.wallMs;
    const wall = before === undefined ? 0 : wallMs - before;
    const passed = before === undefined ? 0 : Math.max(0, monotonicMs - this.monotonicMs);
    this.wallMs = wallMs;
    this.monotonicMs = monotonicMs;
    if (before === undefined || wall <= 0) return;
    if (frozen) this.add({ fromMs: before, toMs: wallMs });
    else if (wall - passed > JUMP_MS) this.add({ fromMs: before + passed, toMs: wallMs });
  }

  private add(gap: Gap): void {
    const last = this.gaps.at(-1);
    if (last !== undefined && last.toMs === gap.fromMs) last.toMs = gap.toMs;
    else this.gaps.push(gap);
    if (this.gaps.length <= MOST_GAPS) return;
    const [first, second] = this.gaps.splice(0, 2) as [Gap, Gap];
    const length = first.toMs - first.fromMs + second.toMs - second.fromMs;
    this.gaps.unshift({ fromMs: second.toMs - length, toMs: second.toMs });
  }

  /** How much of the time from a moment on was missed, ms. */
  missedSince(fromMs: number): number {
    let missed = 0;
    for (const gap of this.gaps) missed += Math.max(0, gap.toMs - Math.max(gap.fromMs, fromMs));
    return missed;
  }

  /** The same facts, whose clock stood still in the gaps. */
  awake(facts: Facts): Facts {
    if (this.gaps.length === 0) return facts;
    const metric = (name: Metric, nowMs: number): number | undefined => {
      const value = facts.metric(name, nowMs);
      if (value === undefined || (name !== 'duration_minutes' && name !== 'idle_minutes')) {
        return value;
      }
      return Math.max(0, value - this.missedSince(nowMs - value * MINUTE) / MINUTE);
    };
    return {
      metric,
      repeats: (key, window) => facts.repeats(key, window),
      sequence: (key, length) => facts.sequence(key, length),
      unpriced: facts.unpriced,
    };
  }
}
