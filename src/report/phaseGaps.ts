/** Of very many phases those that tell most, and what is said of the others. */
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { formatCount } from '../model/format.ts';
import { knownCostText } from '../model/knownCost.ts';
import { type Gap, gapText, mostTelling, type Place } from './bounds.ts';

/** Phases that are told in full. */
export const USUAL_PHASES = 40;

type Weighed = Pick<SessionPhase, 'outcome' | 'nanoUsd' | 'calls'>;

/** The first and last, failed and mixed ones, the dearest. */
export const tellingPhases = (phases: readonly Weighed[], most: number): Place[] =>
  mostTelling(phases.length, most, (at) => phaseWeight(phases[at]!));

/** How much a phase tells: the more, the higher. */
export const phaseWeight = ({ outcome, nanoUsd, calls }: Weighed): number =>
  nanoUsd + calls + (outcome === 'failed' ? 1e15 : outcome === 'mixed' ? 1e12 : 0);

type Costly = Pick<SessionPhase, 'nanoUsd' | 'responses' | 'unpriced'>;

/** What phases cost together, in words. */
export function costsText(phases: readonly Costly[]): string {
  const sum = { nanoUsd: 0, responses: 0, unpriced: 0 };
  for (const { nanoUsd, responses, unpriced } of phases) {
    sum.nanoUsd += nanoUsd;
    sum.responses += responses;
    sum.unpriced += unpriced;
  }
  return knownCostText(sum);
}

type Told = Costly & Pick<SessionPhase, 'outcome'>;

/** `… phases 12 to 48, $1.23, 2 failed (--all shows all)`. */
export function phaseGap(phases: readonly Told[], { from, to }: Gap, how?: string): string {
  const which = to - from === 1 ? `phase ${from + 1}` : `phases ${from + 1} to ${to}`;
  const left = phases.slice(from, to);
  const failed = left.filter(({ outcome }) => outcome === 'failed').length;
  const words = [which, costsText(left), ...(failed > 0 ? [`${formatCount(failed)} failed`] : [])];
  return gapText(words.join(', '), how);
}
