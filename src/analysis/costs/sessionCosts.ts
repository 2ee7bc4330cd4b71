import type { AnalysedSession } from '../analysed.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { type PhaseOptions, phasesInSlices } from '../phases/sessionPhases.ts';
import { drain, type Sliced } from '../slices.ts';
import { spawnsOf } from '../spawns.ts';
import { wasteInSlices } from '../waste/sessionWaste.ts';
import type { Waste } from '../waste/waste.ts';
import { breakdownInSlices, type CostBreakdown } from './costBreakdown.ts';
import { sessionRows } from './sessionRows.ts';

/** Everything that is to be said of a session's money. */
export interface SessionCosts {
  phases: SessionPhase[];
  waste: Waste;
  breakdown: CostBreakdown;
}

export function sessionCosts(session: AnalysedSession, options: PhaseOptions = {}): SessionCosts {
  return drain(costsInSlices(session, options));
}

/** As {@link sessionCosts}. */
export function* costsInSlices(
  session: AnalysedSession,
  options: PhaseOptions = {},
): Sliced<SessionCosts> {
  const { fold } = session;
  const phases = yield* phasesInSlices(fold, options);
  const rows = yield* sessionRows(fold);
  const waste = yield* wasteInSlices(fold, phases, { rows });
  const spawns = spawnsOf(session);
  yield;
  const breakdown = yield* breakdownInSlices(fold, phases, waste, spawns, rows);
  return { phases, waste, breakdown };
}
