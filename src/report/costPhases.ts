import type { SessionCosts } from '../analysis/costs/sessionCosts.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { phaseName } from '../analysis/phases/sessionPhases.ts';
import type { SessionFold } from '../model/fold.ts';
import { type CostLine, responsesPriced } from './costBy.ts';

/** Phases, those of one prompt under it. What the prompt says of itself is the sum of its phases. */
export function phaseLines(
  fold: SessionFold,
  { phases, waste }: SessionCosts,
  prompts: ReadonlyMap<number, string>,
): CostLine[] {
  const lines: CostLine[] = [];
  for (let from = 0; from < phases.length; ) {
    const first = phases[from]!;
    let end = from + 1;
    while (end < phases.length && phases[end]!.promptNumber === first.promptNumber) end++;
    const prompt = prompts.get(first.promptRow) ?? '';
    const inner = phases.slice(from, end).map((phase, at) => ({
      ...phaseLine(phase, waste.byPhase[from + at] ?? 0),
      name: phaseName(fold, phase, prompt),
    }));
    const label = first.promptNumber > 0 ? `P${first.promptNumber}` : '';
    const before = first.promptNumber === 0;
    if (inner.length === 1) {
      const name = inner[0]!.name || (before ? '(before the first prompt)' : '');
      lines.push({ ...inner[0]!, label, name });
    } else {
      lines.push({
        ...sumOf(inner, phases.slice(from, end)),
        label,
        name: prompt || (before ? '(before the first prompt)' : ''),
        rest: prompt === '' && before,
      });
      for (const one of inner) lines.push({ ...one, depth: 1, inside: true });
    }
    from = end;
  }
  return lines;
}

const NAMELESS = { label: '', name: '', depth: 0, rest: false, inside: false };

function phaseLine(phase: SessionPhase, wasteNanoUsd: number): CostLine {
  return {
    ...NAMELESS,
    outcome: phase.outcome,
    count: phase.calls,
    errors: phase.errors,
    priced: responsesPriced(phase.responses, phase.unpriced),
    nanoUsd: phase.nanoUsd,
    wasteNanoUsd,
  };
}

function sumOf(lines: readonly CostLine[], phases: readonly SessionPhase[]): CostLine {
  const responses = phases.reduce((total, one) => total + one.responses, 0);
  const unpriced = phases.reduce((total, one) => total + one.unpriced, 0);
  const sum = (of: (line: CostLine) => number): number =>
    lines.reduce((total, one) => total + of(one), 0);
  return {
    ...NAMELESS,
    count: sum(({ count }) => count),
    errors: sum(({ errors = 0 }) => errors),
    priced: responsesPriced(responses, unpriced),
    nanoUsd: sum(({ nanoUsd }) => nanoUsd),
    wasteNanoUsd: sum(({ wasteNanoUsd = 0 }) => wasteNanoUsd),
  };
}
