import { readFileSync } from 'node:fs';
import * as library from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Price, Usage } from '../model/usage.ts';
import { emptyUsage } from '../model/usage.ts';
import { createPricer, libraryUsage, PRICE_LIST, pricerOver } from './price.ts';

const pricer = pricerOver(library);
const NOW = Date.parse('2026-11-23T00:00:00Z');
const usage = (more: Partial<Usage>): Usage => ({ ...emptyUsage(), ...more });
const nano = (price: Price): number => {
  if (price.status === 'unpriced') throw new Error(price.reason);
  return price.nanoUsd;
};
const reason = (price: Price): string => (price.status === 'unpriced' ? price.reason : 'priced');

const MILLION = usage({ input_tokens: 1e6, output_tokens: 1e6 });

describe('price', () => {
  it('knows the version and the day of the list that is installed', () => {
    const file = new URL('../../node_modules/@pydantic/genai-prices/package.json', import.meta.url);
    // A new list brings a new day: change both.
    expect(JSON.parse(readFileSync(file, 'utf8')).version).toBe(PRICE_LIST.version);
  });

  it('prices every bucket apart', () => {
    const price = pricer.price(
      'claude-opus-5-5',
      usage({
        input_tokens: 100_000,
        cache_read_input_tokens: 50_000,
        cache_write_input_tokens: 20_000,
        cache_write_1h_input_tokens: 10_000,
        output_tokens: 1000,
        reasoning_output_tokens: 900,
      }),
      NOW,
    );
    // 30k · $4 + 50k · $0.20 + 10k · $5 + 10k · $8 + 1k · $20, by hand
    expect(price).toEqual({ status: 'priced', nanoUsd: 280_000_000, priceDate: '2026-09-23' });
  });

  const buckets = fc
    .tuple(
      fc.nat({ max: 400_000 }),
      fc.nat({ max: 400_000 }),
      fc.nat({ max: 100_000 }),
      fc.nat({ max: 100_000 }),
      fc.nat({ max: 64_000 }),
    )
    .map(([fresh, read, write5m, write1h, output]) =>
      usage({
        input_tokens: fresh + read + write5m + write1h,
        cache_read_input_tokens: read,
        cache_write_input_tokens: write5m + write1h,
        cache_write_1h_input_tokens: write1h,
        output_tokens: output,
      }),
    );
  const models = fc.constantFrom(
    'claude-opus-5-5',
    'claude-sonnet-4-5-20250929',
    'claude-sonnet-4-6',
    'claude-opus-4-6',
    'claude-fable-5-1',
    'claude-3-haiku',
    'claude-2',
    'gpt-5.6-sol',
    'gemini-2.5-pro',
    'deepseek-chat',
  );
  const times = fc.integer({ min: Date.parse('2025-01-01'), max: Date.parse('2027-02-01') });

  it('adds up to what the library says, for any usage, model and time', () => {
    let priced = 0;
    fc.assert(
      fc.property(buckets, models, times, (tokens, model, time) => {
        const ours = pricer.price(model, tokens, time);
        const theirs = library.calcPrice(libraryUsage(tokens), model, {
          timestamp: new Date(time),
        });
        if (theirs === null) {
          expect(ours.status).toBe('unpriced');
          return;
        }
        priced += 1;
        expect(Math.abs(nano(ours) - theirs.total_price * 1e9)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3000 },
    );
    expect(priced).toBeGreaterThan(2000);
  });

  it('takes the tier by the whole request', () => {
    const at = (input: number) =>
      nano(pricer.price('claude-sonnet-4-5', usage({ input_tokens: input }), NOW));
    expect(at(200_000)).toBe(600_000_000);
    expect(at(200_001)).toBe(1_200_006_000);
    const cached = usage({ input_tokens: 300_000, cache_read_input_tokens: 299_000 });
    expect(nano(pricer.price('claude-sonnet-4-5', cached, NOW))).toBe(1000 * 6000 + 299_000 * 600);
  });

  it('prices by the day of the response', () => {
    const big = usage({ input_tokens: 300_000 });
    const on = (day: string) => nano(pricer.price('claude-opus-4-6', big, Date.parse(day)));
    expect(on('2026-03-01')).toBe(2 * on('2026-03-20'));
  });

  it('never prices fast mode as standard', () => {
    const fast = (model: string) => pricer.price(model, MILLION, NOW, { speed: 'fast' });
    expect(nano(fast('claude-opus-5-5'))).toBe(48e9);
    expect(nano(fast('claude-opus-5'))).toBe(60e9);
    expect(nano(fast('claude-opus-4-7'))).toBe(180e9);
    expect(nano(pricer.price('claude-opus-4-8-fast', MILLION, NOW))).toBe(60e9);
    expect(reason(fast('claude-sonnet-5'))).toBe(
      'no price is known for claude-sonnet-5 in fast mode',
    );
    expect(reason(pricer.price('claude-sonnet-5', MILLION, NOW, { speed: 'turbo' }))).toContain(
      'speed "turbo"',
    );
  });

  it('prices a batch at half, and does not guess other service tiers', () => {
    const tier = (serviceTier: string) =>
      pricer.price('claude-sonnet-5', MILLION, NOW, { serviceTier });
    expect(nano(tier('standard'))).toBe(12e9);
    expect(nano(tier('batch'))).toBe(6e9);
    expect(reason(tier('priority'))).toContain('service tier "priority"');
  });

  it('adds a tenth for US-only inference where the model has it', () => {
    const us = (model: string) => nano(pricer.price(model, MILLION, NOW, { inferenceGeo: 'us' }));
    expect(us('claude-opus-5')).toBe(33e9);
    expect(us('claude-haiku-4-5')).toBe(6e9);
  });

  it('adds the fee of web searches, which fast mode does not double', () => {
    const searched = (model: string) =>
      pricer.price(model, MILLION, NOW, { webSearchRequests: 3, speed: 'fast' });
    expect(nano(searched('claude-opus-5'))).toBe(60_030_000_000);
    const price = pricer.price('claude-3-haiku', MILLION, NOW, { webSearchRequests: 1 });
    expect(reason(price)).toContain('web searches');
  });

  it('says why it has no price', () => {
    expect(reason(pricer.price('claude-opus-99', MILLION, NOW))).toBe(
      'no price for claude-opus-99',
    );
    expect(reason(pricer.price('', MILLION, NOW))).toContain('names no model');
    expect(
      reason(pricer.price('claude-opus-5', usage({ cache_read_input_tokens: 1 }), NOW)),
    ).toContain('more cached tokens');
    expect(
      reason(pricer.price('claude-opus-5', usage({ input_tokens: Number.NaN }), NOW)),
    ).toContain('whole number');
    expect(reason(pricer.price('claude-opus-5', MILLION, Number.NaN))).not.toBe('');
  });

  it('takes the user’s price first', async () => {
    const own = await createPricer({
      overrides: { 'claude-opus-5': { input: 1, output: 2 }, local: { input: 0, output: 0 } },
    });
    expect(own.price('claude-opus-5[1m]', MILLION, NOW)).toEqual({
      status: 'priced',
      nanoUsd: 3e9,
    });
    expect(nano(own.price('local', MILLION, NOW))).toBe(0);
    expect(nano(own.price('claude-opus-5', MILLION, NOW, { speed: 'fast' }))).toBe(6e9);
    const cached = usage({ input_tokens: 10, cache_read_input_tokens: 5 });
    expect(reason(own.price('claude-opus-5', cached, NOW))).toContain('cache reads');
    await expect(createPricer({ overrides: { x: { input: -1, output: 1 } } })).rejects.toThrow(
      'The price of "x" needs "input"',
    );
  });

  it('knows the context window', () => {
    expect(pricer.contextWindow('claude-haiku-4-5')).toBe(200_000);
    expect(pricer.contextWindow('claude-sonnet-4-5[1m]')).toBe(1_000_000);
    expect(pricer.contextWindow('claude-opus-5-5')).toBe(1_000_000);
    expect(pricer.contextWindow('nobody-knows')).toBeUndefined();
  });

  it('is quick after the first of a day', () => {
    const tokens = usage({ input_tokens: 1000, output_tokens: 10 });
    pricer.price('claude-opus-5', tokens, NOW);
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) pricer.price('claude-opus-5', tokens, NOW);
    // The library needs 2.3 s for as many.
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
