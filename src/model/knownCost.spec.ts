import { expect, it } from 'vitest';
import { knownCostText, knownNanoUsd } from './knownCost.ts';

const sum = (nanoUsd: number, responses: number, unpriced: number) => ({
  nanoUsd,
  responses,
  unpriced,
});

it('knows no cost of what has no responses, or none with a price', () => {
  expect(knownNanoUsd(sum(0, 0, 0))).toBeNaN();
  expect(knownNanoUsd(sum(0, 5, 5))).toBeNaN();
  expect(knownNanoUsd(sum(7, 5, 4))).toBe(7);
  expect(knownNanoUsd(sum(0, 2, 0))).toBe(0);
});

it('says so', () => {
  expect(knownCostText(sum(0, 0, 0))).toBe('–');
  expect(knownCostText(sum(0, 5, 5))).toBe('unpriced');
  expect(knownCostText(sum(2e9, 5, 4))).toBe('≥$2.00');
  expect(knownCostText(sum(0, 2, 0))).toBe('$0.00');
});
