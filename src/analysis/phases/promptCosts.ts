import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { type BilledSum, knownNanoUsd } from '../../model/knownCost.ts';
import { emptyUsage } from '../../model/usage.ts';
import { phaseAt } from './phase.ts';

/** What each prompt led to cost, in the order of `fold.phases`; NaN: nothing of it is known. Nano-dollars. O(events). */
export function promptCosts(fold: SessionFold): number[] {
  const { columns, cost } = fold;
  const prompts = fold.phases.all();
  const sums = prompts.map(({ nanoUsd }): BilledSum => ({ nanoUsd, responses: 0, unpriced: 0 }));
  const usage = emptyUsage();
  for (let row = 0; row < columns.length; row++) {
    if (columns.type[row] !== TYPE.llm_response || !cost.usageInto(row, usage)) continue;
    const sum = sums[phaseAt(prompts, columns.timeMs[row]!)];
    if (sum === undefined) continue;
    sum.responses++;
    if (Number.isNaN(columns.nanoUsd[row]!)) sum.unpriced++;
  }
  return sums.map(knownNanoUsd);
}
