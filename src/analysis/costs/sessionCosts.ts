import type { SessionFold } from '../../model/fold.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { type PhaseOptions, sessionPhases } from '../phases/sessionPhases.ts';
import { sessionWaste } from '../waste/sessionWaste.ts';
import type { Waste } from '../waste/waste.ts';
import { type CostBreakdown, costBreakdown } from './costBreakdown.ts';

/** Everything that is to be said of a session's money. */
export interface SessionCosts {
  phases: SessionPhase[];
  waste: Waste;
  breakdown: CostBreakdown;
}

export function sessionCosts(fold: SessionFold, options: PhaseOptions = {}): SessionCosts {
  const phases = sessionPhases(fold, options);
  const waste = sessionWaste(fold, phases);
  return { phases, waste, breakdown: costBreakdown(fold, phases, waste) };
}
