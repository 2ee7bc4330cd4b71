import { formatKnownUsd, MISSING } from './format.ts';

/** What some responses cost together: `nanoUsd` is the sum of those that have a price. */
export interface BilledSum {
  nanoUsd: number;
  responses: number;
  /** Responses without a known price. */
  unpriced: number;
}

/** Nano-dollars; NaN where nothing is known: there are no responses, or none has a price. */
export const knownNanoUsd = ({ nanoUsd, responses, unpriced }: BilledSum): number =>
  responses > unpriced ? nanoUsd : Number.NaN;

/** `$0.42`, `≥$0.42` where some of it has no price, `unpriced` where nothing has, `–` without responses. */
export function knownCostText(sum: BilledSum): string {
  if (sum.responses === 0) return MISSING;
  const nanoUsd = knownNanoUsd(sum);
  if (Number.isNaN(nanoUsd)) return 'unpriced';
  return formatKnownUsd(nanoUsd, sum.unpriced);
}
