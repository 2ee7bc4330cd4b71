import type { AnalysedSession } from '../analysed.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { type PhaseOptions, sessionPhases } from '../phases/sessionPhases.ts';
import { spawnsOf } from '../spawns.ts';
import { sessionWaste } from '../waste/sessionWaste.ts';
import type { Waste } from '../waste/waste.ts';
import { type CostBreakdown, costBreakdown } from './costBreakdown.ts';

/** Everything that is to be said of a session's money. */
export interface SessionCosts {
  phases: SessionPhase[];
  waste: Waste;
  breakdown: CostBreakdown;
}

export function sessionCosts(session: AnalysedSession, options: PhaseOptions = {}): SessionCosts {
  const { fold } = session;
  const phases = sessionPhases(fold, options);
  const waste = sessionWaste(fold, phases);
  return { phases, waste, breakdown: costBreakdown(fold, phases, waste, spawnsOf(session)) };
}
