import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PhaseView } from '../../src/protocol/replay.ts';
import { ROW_FLAGS, ROW_KINDS } from '../../src/protocol/rows.ts';
import { RowStore } from '../shared/rowStore.ts';
import { Listing } from './listing.ts';

interface Row {
  kind: number;
  error: boolean;
  lane: number;
}

const someRows = fc.array(
  fc.record({
    kind: fc.nat(ROW_KINDS.length - 1),
    error: fc.boolean(),
    lane: fc.nat(2),
  }),
  { maxLength: 40 },
);

function apply(store: RowStore, rows: readonly Row[], from = 0): void {
  const part = rows.slice(from);
  store.apply({
    from,
    count: part.length,
    total: rows.length,
    kind: Uint8Array.from(part, ({ kind }) => kind),
    flags: Uint16Array.from(part, ({ error }) => (error ? ROW_FLAGS.error : 0)),
    lane: Uint16Array.from(part, ({ lane }) => lane),
    timeMs: new Float64Array(part.length),
    durationMs: new Float32Array(part.length),
    nanoUsd: new Float64Array(part.length),
  });
}

/** Phases that cover `total` steps, begun at `cuts`. */
function phasesOf(total: number, cuts: readonly number[]): PhaseView[] {
  const starts = [0, ...cuts.filter((cut) => cut > 0 && cut < total)].sort((a, b) => a - b);
  return [...new Set(starts)].map((firstStep, i, all) => ({
    firstStep,
    lastStep: (all[i + 1] ?? total) - 1,
  })) as PhaseView[];
}

test('heads and steps stand where listing them one by one would put them', () => {
  fc.assert(
    fc.property(
      someRows,
      someRows,
      fc.array(fc.nat(60), { maxLength: 6 }),
      fc.constantFrom('none', 'errors', 'reads', 'lane', 'phase', 'folded', 'noted'),
      (first, later, cuts, how) => {
        const rows = [...first, ...later];
        const store = new RowStore();
        const noted = (step: number) => step % 3 === 0;
        const listing = new Listing(store, noted);
        const { filter } = listing;
        if (how === 'errors') filter.marks.add('error');
        if (how === 'reads') filter.groups.add('reads');
        if (how === 'lane') filter.lane = 1;
        if (how === 'phase') filter.phase = 1;
        if (how === 'folded') filter.folded.add(2);
        if (how === 'noted') filter.noted = true;
        listing.refilter();
        apply(store, first);
        listing.changed(0);
        listing.setPhases(phasesOf(first.length, cuts));
        expect(listing.count).toBeGreaterThanOrEqual(0);
        if (later.length > 0) apply(store, rows, first.length);
        listing.changed(first.length);
        const phases = phasesOf(rows.length, cuts);
        listing.setPhases(phases);

        const passes = ({ kind, error, lane }: Row, step: number): boolean =>
          how === 'none' ||
          (how === 'errors' && error) ||
          (how === 'reads' && ['read', 'search'].includes(ROW_KINDS[kind]!)) ||
          (how === 'lane' && lane === 1) ||
          (how === 'phase' &&
            (!phases[1] || (step >= phases[1].firstStep && step <= phases[1].lastStep))) ||
          (how === 'folded' && lane !== 2) ||
          (how === 'noted' && noted(step));
        const items: ({ step: number } | { phase: number })[] = [];
        phases.forEach(({ firstStep, lastStep }, phase) => {
          const steps = rows.flatMap((row, step) =>
            step >= firstStep && step <= lastStep && passes(row, step) ? [{ step }] : [],
          );
          if (steps.length > 0 && phases.length > 1) items.push({ phase });
          items.push(...steps);
        });

        expect(listing.count).toBe(items.length);
        items.forEach((item, i) => {
          expect(listing.stepAt(i)).toBe('step' in item ? item.step : -1);
          expect(listing.phaseAt(i)).toBe('phase' in item ? item.phase : -1);
        });
        const steps = items.flatMap((item) => ('step' in item ? [item.step] : []));
        for (let step = 0; step < rows.length; step++) {
          const before = steps.findLast((one) => one <= step);
          const item = items.findIndex((one) => 'step' in one && one.step === before);
          expect(listing.itemOf(step)).toBe(item);
          expect(listing.next(step, 1)).toBe(steps.find((one) => one > step) ?? -1);
          expect(listing.next(step, -1)).toBe(steps.findLast((one) => one < step) ?? -1);
        }
        for (const lane of [0, 1, 2]) {
          const own = rows.flatMap((row, step) => (row.lane === lane ? [step] : []));
          expect(listing.stepsOf(lane)?.count ?? 0).toBe(own.length);
          expect(listing.stepsOf(lane)?.last).toBe(own.at(-1));
        }
      },
    ),
  );
});
