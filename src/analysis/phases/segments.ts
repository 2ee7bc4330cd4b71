import { SLICE, type Sliced } from '../slices.ts';
import { ACTIVITY, type Units } from './units.ts';

/** Activities that a stretch of calls can have. */
const STATES = 6;
/** What it costs to begin another activity: so much must fit better with it. */
const SWITCH = 2.5;
/** Below so many calls a prompt is one phase. */
export const LEAST_UNITS = 12;

/**
 * How badly a call (column) fits an activity (row). A read between edits hardly speaks against editing; an edit
 * speaks strongly against exploring.
 */
const MISFIT: readonly (readonly number[])[] = (() => {
  const { explore, edit, test, fix, run, delegate } = ACTIVITY;
  const table = Array.from({ length: STATES }, () => new Array<number>(STATES).fill(0));
  const set = (state: number, read: number, modify: number, tests: number, other: number) => {
    table[state]![explore] = read;
    table[state]![edit] = modify;
    table[state]![test] = tests;
    table[state]![run] = other;
    table[state]![delegate] = 0.8;
  };
  set(explore, 0, 2.6, 1, 0.8);
  set(edit, 0.45, 0, 0.6, 0.7);
  set(test, 0.7, 1.2, 0, 0.5);
  set(fix, 0.45, 0, 0.2, 0.5);
  set(run, 0.6, 1, 0.6, 0);
  set(delegate, 0.5, 1.2, 1, 0.8);
  table[delegate]![delegate] = 0;
  return table;
})();

/** What each call says of each activity, nothing having failed before it and something having failed. */
const CALM = new Float64Array(STATES * STATES);
const TROUBLED = new Float64Array(STATES * STATES);
for (let state = 0; state < STATES; state++) {
  for (let kind = 0; kind < STATES; kind++) {
    const misfit = MISFIT[state]![kind]!;
    const acts = kind === ACTIVITY.edit || kind === ACTIVITY.test;
    const at = state * STATES + kind;
    CALM[at] = misfit + (state === ACTIVITY.fix ? (acts ? 1.2 : 0.5) : 0);
    const plainEdit = state === ACTIVITY.edit && acts;
    TROUBLED[at] = misfit + (plainEdit ? (kind === ACTIVITY.edit ? 0.5 : 0.3) : 0);
  }
}

/** How many phases a prompt of so many calls may have: 12 for 200, 24 for 1,000. */
export const mostPhases = (units: number): number =>
  units < LEAST_UNITS ? 1 : Math.round(2 + 0.7 * Math.sqrt(units));

/** Stretches of one activity: the unit where each begins, and which it is. */
export interface Segments {
  from: number[];
  activity: number[];
}

/**
 * Cuts a prompt's calls into stretches of one activity: of all ways to do that, the one in which the calls fit best, where every
 * further stretch has its price. With too many stretches the price rises until they are few enough. O(calls).
 *
 * @param from first unit
 * @param to unit after the last
 * @param most stretches there may be
 */
export function* segmentsOf(
  units: Units,
  from: number,
  to: number,
  most: number,
): Sliced<Segments> {
  const whole = (): Segments => ({ from: [from], activity: [wholeActivity(units, from, to)] });
  if (most <= 1) return whole();
  let low = SWITCH;
  let found = yield* cheapest(units, from, to, low);
  if (found.from.length > most) {
    let high = low;
    do {
      low = high;
      high *= 2;
      found = yield* cheapest(units, from, to, high);
    } while (found.from.length > most);
    // As many as there may be, or nearly.
    for (let tries = 0; tries < 4; tries++) {
      const middle = (low + high) / 2;
      const other = yield* cheapest(units, from, to, middle);
      if (other.from.length > most) low = middle;
      else {
        high = middle;
        found = other;
      }
    }
  }
  return found.from.length === 1 ? whole() : found;
}

function* cheapest(units: Units, from: number, to: number, price: number): Sliced<Segments> {
  const length = to - from;
  const before = new Uint8Array(length * STATES);
  const sums = new Float64Array(STATES);
  for (let at = 0; at < length; at++) {
    if (at % SLICE === SLICE - 1) yield;
    const unit = from + at;
    let best = 0;
    for (let state = 1; state < STATES; state++) if (sums[state]! < sums[best]!) best = state;
    const entry = sums[best]! + price;
    const open = at > 0 && units.open[unit] === 1;
    const fits = units.trouble[unit] === 1 ? TROUBLED : CALM;
    const kind = units.kind[unit]!;
    const weight = units.weight[unit]!;
    for (let state = 0; state < STATES; state++) {
      const moves = open && entry < sums[state]!;
      before[at * STATES + state] = moves ? best : state;
      sums[state] = (moves ? entry : sums[state]!) + weight * fits[state * STATES + kind]!;
    }
  }
  let state = 0;
  for (let other = 1; other < STATES; other++) if (sums[other]! < sums[state]!) state = other;
  const found: Segments = { from: [], activity: [] };
  for (let at = length - 1; at >= 0; at--) {
    const earlier = before[at * STATES + state]!;
    if (at > 0 && earlier === state) continue;
    found.from.push(from + at);
    found.activity.push(state);
    state = earlier;
  }
  found.from.reverse();
  found.activity.reverse();
  return found;
}

/** What all of it was, as one: who changed files did not just look at them. */
function wholeActivity(units: Units, from: number, to: number): number {
  if (from >= to) return ACTIVITY.answer;
  const counts = new Float64Array(STATES);
  let fixes = 0;
  for (let unit = from; unit < to; unit++) {
    const kind = units.kind[unit]!;
    counts[kind]! += units.weight[unit]!;
    if (kind === ACTIVITY.edit && units.trouble[unit] === 1) fixes++;
  }
  const edits = counts[ACTIVITY.edit]!;
  if (edits > 0) return fixes * 2 > edits ? ACTIVITY.fix : ACTIVITY.edit;
  let most = ACTIVITY.explore;
  for (let state = 1; state < STATES; state++) if (counts[state]! > counts[most]!) most = state;
  return most;
}
