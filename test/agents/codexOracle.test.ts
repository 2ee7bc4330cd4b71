/** What our sums of Codex rollouts say against what ccusage says of the same files. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codexTranscripts } from '../../src/agents/codex/transcripts.ts';
import { importSession } from '../../src/agents/importSession.ts';
import { pricerOver } from '../../src/analysis/price.ts';
import { addUsage, emptyUsage, type Usage, uncachedInput, usageOf } from '../../src/model/usage.ts';
import { layOut } from './codexRows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(homedir(), '.cache', 'agent-strace', 'ccusage', 'node_modules');
const oracle = join(modules, 'ccusage', 'src', 'cli.js');
const oracleIsThere = (): boolean =>
  existsSync(oracle) &&
  existsSync(join(modules, '@ccusage', `ccusage-${process.platform}-${process.arch}`));
if (!oracleIsThere()) {
  spawnSync(process.execPath, [join(root, 'test/agents/installOracle.mjs')], { stdio: 'ignore' });
}
const hasOracle = oracleIsThere();
if (!hasOracle) {
  const message =
    'ccusage could not be installed: not compared. Run: node test/agents/installOracle.mjs';
  if (process.env.CI) throw new Error(message);
  console.warn(message);
}
const real = join(process.env.AGENT_STRACE_REAL ?? join(root, '..', 'shared', 'real'), 'codex');
const reals = existsSync(real) ? readdirSync(real).filter((name) => name.endsWith('.jsonl')) : [];
if (reals.length === 0) {
  console.warn('No real rollouts there (AGENT_STRACE_REAL names their folder): not compared.');
}
const pricer = pricerOver(library);

interface OracleModel {
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  reasoningOutputTokens: number;
}
interface OracleAnswer {
  sessions: { models: Record<string, OracleModel> }[];
  totals: { costUSD: number };
}

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'agent-strace-oracle-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function askOracle(): OracleAnswer {
  const args = [oracle, 'codex', 'session', '--json', '--offline'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, CODEX_HOME: home, TZ: 'UTC' },
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`ccusage said: ${stdout.slice(0, 500)} ${stderr.slice(0, 500)}`);
  }
}

/** Tokens by model, and USD at the price of the standard tier. */
function ours(): { models: Record<string, Usage>; usd: number } {
  const models: Record<string, Usage> = {};
  let nanoUsd = 0;
  for (const transcript of codexTranscripts.find({ dirs: [home] })) {
    for (const { data, timestamp } of importSession(codexTranscripts, transcript, {}).events) {
      const usage = usageOf(data);
      if (usage === undefined) continue;
      const model = String(data.model);
      models[model] ??= emptyUsage();
      addUsage(models[model], usage);
      const price = pricer.price(model, usage, timestamp * 1000, { provider: 'codex' });
      if (price.status === 'unpriced') throw new Error(price.reason);
      nanoUsd += price.nanoUsd;
    }
  }
  return { models, usd: nanoUsd / 1e9 };
}

/** Compares every bucket of tokens. @returns USD: ours, the oracle's */
function compare(): [usd: number, oracleUsd: number] {
  const { models, usd } = ours();
  const { sessions, totals } = askOracle();
  const theirs: Record<string, OracleModel> = {};
  for (const [name, numbers] of sessions.flatMap(({ models }) => Object.entries(models))) {
    const known = theirs[name];
    theirs[name] = { ...numbers };
    if (known === undefined) continue;
    for (const key of Object.keys(known) as (keyof OracleModel)[]) theirs[name][key] += known[key];
  }
  expect(Object.keys(models).sort()).toEqual(Object.keys(theirs).sort());
  for (const [model, usage] of Object.entries(models)) {
    expect(theirs[model], model).toMatchObject({
      inputTokens: uncachedInput(usage),
      cacheReadTokens: usage.cache_read_input_tokens,
      outputTokens: usage.output_tokens,
      reasoningOutputTokens: usage.reasoning_output_tokens,
    });
  }
  return [usd, totals.costUSD];
}

function layOutReal(change: (text: string) => string): void {
  const day = join(home, 'sessions', '2026', '07', '24');
  mkdirSync(day, { recursive: true });
  for (const [index, name] of reals.entries()) {
    const id = `019f9261-846e-7fc0-b843-${String(index).padStart(12, '0')}`;
    const path = join(day, `rollout-2026-07-24T04-28-12-${id}.jsonl`);
    writeFileSync(path, change(readFileSync(join(real, name), 'utf8')));
  }
}

describe.skipIf(!hasOracle)('ccusage agrees', () => {
  it.skipIf(reals.length === 0)('on the tokens of real sessions, model by model', () => {
    layOutReal((text) => text);
    compare();
  });

  it.skipIf(reals.length === 0)('on their cost, at prices that both lists have', () => {
    // Of the 5.6 models and of the priority tier the two lists say different things.
    layOutReal((text) =>
      text
        .replaceAll(/gpt-5\.6-\w+/g, 'gpt-5.5')
        .replaceAll('"service_tier":"priority"', '"service_tier":null'),
    );
    const [usd, oracleUsd] = compare();
    expect(usd).toBeGreaterThan(0);
    expect(usd).toBeCloseTo(oracleUsd, 6);
  });

  it('on what Codex 0.169 writes', () => {
    layOut(home, 'main', 'pre-deny');
    const [usd, oracleUsd] = compare();
    expect(usd).toBeGreaterThan(0);
    expect(usd).toBeCloseTo(oracleUsd, 6);
  });
});

it.skipIf(!hasOracle)(
  'forks and subagents used tokens of their own, which ccusage leaves out',
  () => {
    layOut(home, 'forked');
    const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);
    const theirs = askOracle().sessions.flatMap(({ models }) => Object.values(models));
    const own = Object.values(ours().models);
    // 16 responses of 50 tokens each, of which the session's main thread has ten.
    expect(sum(theirs.map(({ outputTokens }) => outputTokens))).toBe(500);
    expect(sum(own.map(({ output_tokens: tokens }) => tokens))).toBe(800);
  },
);
