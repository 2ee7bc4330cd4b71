import type { SessionFold } from '../../model/fold.ts';
import { type SessionRows, sessionRows } from '../costs/sessionRows.ts';
import { phaseNear, type SessionPhase } from '../phases/phase.ts';
import { drain, SLICE, type Sliced } from '../slices.ts';
import { findCacheBreaks } from './cacheBreaks.ts';
import { redundantReads } from './redundantReads.ts';
import { TimeTaken } from './timeTaken.ts';
import { vainRetries } from './vainRetries.ts';
import type { BreakCause, BreakSum, CacheBreak, Waste, WasteItem, WasteKind } from './waste.ts';

const MOST_ITEMS = 1000;

/** Where the prompt cache was lost, in time order. From the columns alone. */
export function cacheBreaks(fold: SessionFold): CacheBreak[] {
  return drain(findCacheBreaks(fold));
}

/**
 * What was paid for nothing. From the columns alone.
 *
 * Kinds take in the order of WASTE_KINDS, and each response's money is taken once: all of it by a failed phase, the part
 * of a call by a retry or a redundant read, and of what is left, at most the premium by a cache break.
 *
 * @param onTake told of each part of a response's money that a kind takes; nano-dollars
 */
export function sessionWaste(
  fold: SessionFold,
  phases: readonly SessionPhase[],
  onTake?: (response: number, kind: WasteKind, nanoUsd: number) => void,
): Waste {
  return drain(wasteInSlices(fold, phases, { onTake }));
}

/** As {@link sessionWaste}. */
export function* wasteInSlices(
  fold: SessionFold,
  phases: readonly SessionPhase[],
  known: {
    onTake?: ((response: number, kind: WasteKind, nanoUsd: number) => void) | undefined;
    /** Of this fold, as it is now. */
    rows?: SessionRows;
    /** Cache breaks of this fold, as it is now. */
    breaks?: readonly CacheBreak[];
  } = {},
): Sliced<Waste> {
  const rows = known.rows ?? (yield* sessionRows(fold));
  return yield* new WasteCount(fold, phases, rows, known.onTake).waste(known.breaks);
}

class WasteCount {
  private readonly fold: SessionFold;
  private readonly phases: readonly SessionPhase[];
  private readonly rows: SessionRows;
  /** Nano-dollars of each response, by row, that a kind has taken. */
  private readonly taken: Float64Array;
  /** Calls that are an item already. */
  private readonly told: Uint8Array;
  private readonly time = new TimeTaken();
  private readonly items: WasteItem[] = [];
  private readonly byPhase: number[];
  /** The phase that was found last. */
  private near = 0;
  private readonly onTake: (response: number, kind: WasteKind, nanoUsd: number) => void;

  constructor(
    fold: SessionFold,
    phases: readonly SessionPhase[],
    rows: SessionRows,
    onTake: WasteCount['onTake'] = () => {},
  ) {
    this.onTake = onTake;
    this.fold = fold;
    this.phases = phases;
    this.rows = rows;
    this.taken = new Float64Array(fold.columns.length);
    this.told = new Uint8Array(fold.columns.length);
    this.byPhase = phases.map(() => 0);
  }

  *waste(breaks?: readonly CacheBreak[]): Sliced<Waste> {
    const { columns } = this.fold;
    this.addFailedPhases();
    this.time.settle();
    yield;
    for (const { row, nth } of yield* vainRetries(this.fold, this.rows)) {
      this.addCall('retry', row, { times: nth });
    }
    this.time.settle();
    const reads = yield* redundantReads(this.fold, this.rows);
    // By their beginnings: they were found by their ends.
    reads.sort((a, b) => columns.timeMs[a.call]! - columns.timeMs[b.call]!);
    yield;
    for (const [at, { call, file, times }] of reads.entries()) {
      if (at % SLICE === 0) yield;
      this.addCall('redundantRead', call, { file, times });
    }
    const lost = breaks ?? (yield* findCacheBreaks(this.fold, this.rows));
    for (const one of lost) this.addBreak(one);
    yield;
    return this.sums();
  }

  private addFailedPhases(): void {
    const { fold, phases, taken } = this;
    const { columns } = fold;
    if (!phases.some(({ outcome }) => outcome === 'failed')) return;
    const sums = new Float64Array(phases.length);
    let at = 0;
    for (const row of fold.cost.billedRows()) {
      at = phaseNear(phases, columns.timeMs[row]!, at);
      const nano = columns.nanoUsd[row]!;
      if (phases[at]?.outcome !== 'failed' || Number.isNaN(nano)) continue;
      taken[row] = nano;
      this.onTake(row, 'failedPhase', nano);
      sums[at]! += nano;
    }
    for (const [index, phase] of phases.entries()) {
      if (phase.outcome !== 'failed') continue;
      const step = phase.failedStep >= 0 ? phase.failedStep : phase.lastStep;
      const durationMs = this.time.take(phase.startMs, phase.endMs);
      this.add(index, {
        ...item('failedPhase', step, sums[index]!),
        durationMs,
        phase: phase.index,
      });
    }
  }

  private addCall(kind: WasteKind, row: number, more: { times: number; file?: number }): void {
    const { fold, taken, told } = this;
    const { response, nanoUsd, timeMs, durationMs } = fold.columns;
    if (told[row] !== 0) return;
    told[row] = 1;
    const of = response[row]!;
    const share = this.rows.shares.ofCall(row);
    // A failed phase takes whole responses, other kinds the share of a call that is no item yet.
    const nano = Number.isNaN(share) ? 0 : Math.min(share, nanoUsd[of]! - taken[of]!);
    if (nano > 0) {
      taken[of]! += nano;
      this.onTake(of, kind, nano);
    }
    const ms = durationMs[row]!;
    const took = Number.isNaN(ms) ? 0 : this.time.take(timeMs[row]!, timeMs[row]! + ms);
    this.near = phaseNear(this.phases, timeMs[row]!, this.near);
    const phase = this.near;
    // Told by the phase.
    if (nano === 0 && took === 0 && this.phases[phase]?.outcome === 'failed') return;
    this.add(phase, {
      ...item(kind, fold.steps.stepOf(row), nano),
      durationMs: took,
      ...more,
    });
  }

  private addBreak(one: CacheBreak): void {
    const { taken, fold } = this;
    this.near = phaseNear(this.phases, one.timeMs, this.near);
    const phase = this.near;
    const had = taken[one.row]!;
    const nano = Number.isNaN(one.nanoUsd) ? 0 : Math.max(0, one.nanoUsd - had);
    if (nano === 0 && had > 0 && had === fold.columns.nanoUsd[one.row]) return;
    taken[one.row]! += nano;
    if (nano > 0) this.onTake(one.row, 'cacheBreak', nano);
    this.add(phase, { ...item('cacheBreak', one.step, nano), break: one });
  }

  private add(phase: number, one: WasteItem): void {
    this.items.push(one);
    if (phase >= 0) this.byPhase[phase]! += one.nanoUsd;
  }

  private sums(): Waste {
    const none = () => ({ nanoUsd: 0, durationMs: 0, count: 0 });
    const waste: Waste = {
      nanoUsd: 0,
      durationMs: 0,
      byKind: { failedPhase: none(), retry: none(), redundantRead: none(), cacheBreak: none() },
      byCause: [],
      byPhase: this.byPhase,
      items: [],
    };
    const causes = new Map<BreakCause, BreakSum>();
    for (const { kind, nanoUsd, durationMs, break: broken } of this.items) {
      if (broken !== undefined) addTo(causes, broken, nanoUsd);
      const sum = waste.byKind[kind];
      sum.nanoUsd += nanoUsd;
      sum.durationMs += durationMs;
      sum.count++;
      waste.nanoUsd += nanoUsd;
      waste.durationMs += durationMs;
    }
    waste.byCause = [...causes.values()].sort(
      (a, b) => b.nanoUsd - a.nanoUsd || b.tokens - a.tokens || (a.cause < b.cause ? -1 : 1),
    );
    waste.items = this.items
      .sort((a, b) => b.nanoUsd - a.nanoUsd || b.durationMs - a.durationMs || a.step - b.step)
      .slice(0, MOST_ITEMS);
    return waste;
  }
}

function addTo(causes: Map<BreakCause, BreakSum>, broken: CacheBreak, nanoUsd: number): void {
  const { cause, tokens } = broken;
  let sum = causes.get(cause);
  if (sum === undefined) {
    sum = { cause, count: 0, tokens: 0, nanoUsd: 0, unpriced: 0 };
    causes.set(cause, sum);
  }
  sum.count++;
  sum.tokens += tokens;
  sum.nanoUsd += nanoUsd;
  if (Number.isNaN(broken.nanoUsd)) sum.unpriced++;
}

const item = (kind: WasteKind, step: number, nanoUsd: number): WasteItem => ({
  kind,
  step,
  nanoUsd,
  durationMs: 0,
  phase: -1,
  file: -1,
  times: 0,
});
