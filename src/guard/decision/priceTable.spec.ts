import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ofGuard, ofSession } from '../../../test/guardFigures.ts';
import { AGENT_IDS } from '../../agents/agent.ts';
import { importSession } from '../../agents/importSession.ts';
import { transcriptSourceOf } from '../../agents/transcripts.ts';
import { pricerOver } from '../../analysis/price.ts';
import type { TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { emptyUsage, type Pricer, type Usage } from '../../model/usage.ts';
import { GuardFold } from './guardFold.ts';
import { type KeptPrices, readPriceTable, tablePath } from './priceTable.ts';
import { writePriceTable } from './writePriceTable.ts';

let home: string;
let table: Pricer;
const list = pricerOver(library);
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'agent-strace-prices-'));
  const env = { AGENT_STRACE_HOME: join(home, 'state') };
  expect(readPriceTable(env)).toBeUndefined();
  await writePriceTable(env);
  table = readPriceTable(env)!;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const PROVIDERS =
  'anthropic openai google x-ai deepseek mistral moonshotai minimax cohere cerebras fireworks aws azure groq together cursor cloudflare zhipuai github-copilot novita zai';

/** Every model of the list by its own id, as agents write them, and with dates. */
function names(): string[] {
  const found = new Set<string>();
  for (const providerId of PROVIDERS.split(' ')) {
    const provider = library.findProvider({ providerId });
    for (const { id } of provider?.models ?? []) {
      for (const name of [id, `${id}-20260131`, `${id}-fast`, `${id}[1m]`, id.toUpperCase()])
        found.add(name);
    }
  }
  return [...found, '', 'no such model', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'];
}

const USAGES: Partial<Usage>[] = [
  { input_tokens: 1000, output_tokens: 200 },
  { input_tokens: 300_000, cache_read_input_tokens: 250_000, output_tokens: 1 },
  {
    input_tokens: 90_000,
    cache_read_input_tokens: 50_000,
    cache_write_input_tokens: 30_000,
    cache_write_1h_input_tokens: 10_000,
    output_tokens: 3,
  },
  { input_tokens: 5, cache_write_input_tokens: 9 },
];

describe('the table of prices', () => {
  it('prices every model as the list does, and those that it does not know not at all', () => {
    const times = ['2025-01-01T20:00:00Z', '2026-03-20T04:00:00Z', '2026-11-20T12:00:00Z'];
    let priced = 0;
    const wrong: unknown[] = [];
    for (const name of names()) {
      expect(table.contextWindow(name), name).toBe(list.contextWindow(name));
      for (const provider of [undefined, 'claude', 'codex', 'gemini'] as const) {
        for (const usage of USAGES) {
          for (const time of times) {
            const whole = { ...emptyUsage(), ...usage };
            const options = provider === undefined ? {} : { provider };
            const want = list.price(name, whole, Date.parse(time), options);
            const got = table.price(name, whole, Date.parse(time), options);
            if (want.status === 'priced') priced++;
            const same =
              want.status === got.status &&
              (want.status === 'unpriced' ||
                (got.status !== 'unpriced' && Math.abs(want.nanoUsd - got.nanoUsd) <= 1));
            if (!same && wrong.length < 20) wrong.push({ name, provider, usage, time, want, got });
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(priced).toBeGreaterThan(1000);
  }, 120_000);

  it('is read for models only that were not looked up before, and anew when it is another one', () => {
    const env = { AGENT_STRACE_HOME: join(home, 'state') };
    const usage = { ...emptyUsage(), input_tokens: 300_000, output_tokens: 9 };
    const asked = [
      ['claude-sonnet-4-5-20250929', 'claude'],
      ['gpt-5', 'codex'],
      ['gemini-2.5-pro', undefined],
      ['no such model', 'claude'],
    ] as const;
    const prices = (pricer: Pricer | undefined) =>
      asked.map(([name, provider]) => [
        pricer?.price(name, usage, Date.now(), provider === undefined ? {} : { provider }),
        pricer?.contextWindow(name),
      ]);
    const first: KeptPrices = { of: '', models: {} };
    const expected = prices(table);
    expect(prices(readPriceTable(env, first))).toEqual(expected);
    expect(Object.keys(first.models).length).toBeGreaterThan(2);
    // As it stands in a session's state.
    const kept = JSON.parse(JSON.stringify(first)) as KeptPrices;
    expect(prices(readPriceTable(env, kept))).toEqual(expected);
    expect(kept).toEqual(first);

    const path = tablePath(env);
    const text = readFileSync(path, 'utf8').replaceAll(
      /"(input_mtok|base|price)":[\d.]+/g,
      '"$1":777',
    );
    writeFileSync(path, text);
    const changed = prices(readPriceTable(env, kept));
    expect(changed).toEqual(prices(readPriceTable(env)));
    expect(changed[0]).not.toEqual(expected[0]);
    expect(kept.of).not.toBe(first.of);
    writeFileSync(path, 'no table');
    expect(readPriceTable(env, kept)).toBeUndefined();
  });

  it('is written once for one list', async () => {
    const env = { AGENT_STRACE_HOME: join(home, 'state') };
    const path = join(home, 'state/guard/prices.json');
    writeFileSync(path, '{"version":1,"list":"0.0.1"');
    expect(readPriceTable(env)).toBeUndefined();
    await writePriceTable(env);
    expect(readPriceTable(env)).toBeDefined();
  });
});

const fixtures = join(import.meta.dirname, '../../../test/fixtures');
// More of them, where they are there: transcripts of real work.
const REAL = process.env.REAL_TRANSCRIPTS ?? '';
const transcripts = [
  ...globSync(`${fixtures}/*/**/*.jsonl`),
  ...(REAL === '' ? [] : globSync(`${REAL}/**/*.jsonl`)),
];

/** In the order of their time, or by chance; some twice. */
function mixed(events: readonly TraceEvent[], seed: number): TraceEvent[] {
  let state = seed;
  const random = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state;
  };
  return events
    .flatMap((event) => (random() % 4 === 0 ? [event, event] : [event]))
    .map((event) => ({ event, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

describe('recorded sessions', () => {
  it('come to the same sums as in the views', () => {
    let sessions = 0;
    let responses = 0;
    for (const path of transcripts) {
      const agent = AGENT_IDS.find((id) => transcriptSourceOf(id)?.recognise(path) !== undefined);
      const source = agent && transcriptSourceOf(agent);
      const transcript = source?.recognise(path);
      if (source === undefined || transcript === undefined) continue;
      const { events } = importSession(source, transcript, {});
      const session = new SessionFold({ pricer: list });
      for (const event of structuredClone(events)) session.add(event);
      const { total } = session.cost;
      const want = { ...ofSession(session), unpriced: total.unpriced > 0 };
      for (const order of [events, mixed(events, 1), mixed(events, 2)]) {
        const guard = new GuardFold({ pricer: table, memory: order === events ? 1 : 1000 });
        for (const event of structuredClone(order)) guard.add(event);
        const got = { ...ofGuard(guard, Date.now()), unpriced: guard.unpriced.length > 0 };
        expect(got, path).toEqual(want);
      }
      sessions++;
      responses += total.responses;
      if (REAL !== '') console.log(path.split('/').at(-1), want);
    }
    expect(sessions).toBeGreaterThan(10);
    expect(responses).toBeGreaterThan(20);
  }, 120_000);
});
