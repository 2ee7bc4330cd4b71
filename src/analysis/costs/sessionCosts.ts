import type { SessionFold } from '../../model/fold.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { type PhaseOptions, phasesInSlices } from '../phases/sessionPhases.ts';
import { drain, type Sliced } from '../slices.ts';
import { wasteInSlices } from '../waste/sessionWaste.ts';
import type { Waste } from '../waste/waste.ts';
import { breakdownInSlices, type CostBreakdown } from './costBreakdown.ts';
import { CallShares } from './shares.ts';

/** Everything that is to be said of a session's money. */
export interface SessionCosts {
  phases: SessionPhase[];
  waste: Waste;
  breakdown: CostBreakdown;
}

export function sessionCosts(fold: SessionFold, options: PhaseOptions = {}): SessionCosts {
  return drain(costsInSlices(fold, options));
}

export function* costsInSlices(
  fold: SessionFold,
  options: PhaseOptions = {},
): Sliced<SessionCosts> {
  const phases = yield* phasesInSlices(fold, options);
  const shares = yield* CallShares.inSlices(fold);
  const waste = yield* wasteInSlices(fold, phases, { shares });
  return { phases, waste, breakdown: yield* breakdownInSlices(fold, phases, waste, shares) };
}
