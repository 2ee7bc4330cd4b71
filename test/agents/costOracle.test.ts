/**
 * What our sums say against what ccusage says of the same files: to the cent where both know the
 * price, every bucket of tokens always.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as library from '@pydantic/genai-prices';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { importTranscript } from '../../src/agents/claude/discover.ts';
import { claudeTranscripts } from '../../src/agents/claude/source.ts';
import { usageData } from '../../src/agents/claude/usage.ts';
import { discoverPriced } from '../../src/agents/importSession.ts';
import type { PricedSession } from '../../src/agents/sessionPrices.ts';
import { pricerOver } from '../../src/analysis/price.ts';
import { addUsage, emptyUsage, uncachedInput, usageOf } from '../../src/model/usage.ts';
import { lines, response, user } from './claudeRows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const modules = join(homedir(), '.cache', 'agent-strace', 'ccusage', 'node_modules');
const oracle = join(modules, 'ccusage', 'src', 'cli.js');
const oracleIsThere = (): boolean =>
  existsSync(oracle) &&
  existsSync(join(modules, '@ccusage', `ccusage-${process.platform}-${process.arch}`));
if (!oracleIsThere()) {
  // As the other real parts: installed on demand, into the cache.
  spawnSync(process.execPath, [join(root, 'test/agents/installOracle.mjs')], { stdio: 'ignore' });
}
const hasOracle = oracleIsThere();
const beside = process.env.AGENT_STRACE_REAL ?? join(root, '..', 'shared', 'real');
const real = existsSync(join(beside, 'claude')) ? join(beside, 'claude') : undefined;
const pricer = pricerOver(library);
vi.setConfig({ testTimeout: 60_000 });

if (!hasOracle) {
  const message =
    'ccusage could not be installed: not compared. Run: node test/agents/installOracle.mjs';
  if (process.env.CI) throw new Error(message);
  console.warn(message);
}
if (real === undefined)
  console.warn('No real transcripts there (AGENT_STRACE_REAL names their folder): not compared.');

interface OracleModel {
  modelName: string;
  cost: number;
  inputTokens: number;
  outputTokens: number;
  cacheCreationTokens: number;
  cacheReadTokens: number;
  /** The oracle's list has no price. */
  missingPricing?: boolean;
}
type Tokens = Omit<OracleModel, 'modelName' | 'missingPricing'>;
interface OracleSession {
  sessionId: string;
  totalCost: number;
  modelBreakdowns: OracleModel[];
}

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'agent-strace-oracle-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A Claude config folder with these files under `projects/`. */
function config(name: string, files: Record<string, string>): string {
  const folder = join(dir, name);
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, 'projects', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return folder;
}

function askOracle(configDir: string): OracleSession[] {
  const args = [oracle, 'claude', 'session', '--json', '--offline', '--mode', 'calculate'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, CLAUDE_CONFIG_DIR: configDir, TZ: 'UTC' },
    encoding: 'utf8',
  });
  try {
    return JSON.parse(stdout).sessions;
  } catch {
    throw new Error(`ccusage said: ${stdout.slice(0, 500)} ${stderr.slice(0, 500)}`);
  }
}

async function ours(configDir: string): Promise<PricedSession[]> {
  const sessions: PricedSession[] = [];
  for await (const session of discoverPriced({
    sources: [claudeTranscripts],
    places: { dirs: [configDir] },
    pricer,
  })) {
    sessions.push(session);
  }
  return sessions;
}

/** Tokens and USD by model over all sessions, in the oracle's terms. */
function byModel(sessions: readonly PricedSession[]): Record<string, Tokens> {
  const models: Record<string, Tokens> = {};
  for (const { model, usage, nanoUsd } of sessions.flatMap((session) => session.models)) {
    const sum = models[model] ?? {
      cost: 0,
      inputTokens: 0,
      outputTokens: 0,
      cacheCreationTokens: 0,
      cacheReadTokens: 0,
    };
    models[model] = sum;
    sum.cost += nanoUsd / 1e9;
    sum.inputTokens += uncachedInput(usage);
    sum.outputTokens += usage.output_tokens;
    sum.cacheCreationTokens += usage.cache_write_input_tokens;
    sum.cacheReadTokens += usage.cache_read_input_tokens;
  }
  return models;
}

/** Compares bucket by bucket, and money where both lists have a price. Returns the USD compared. */
async function compare(configDir: string, money = true): Promise<number> {
  const mine = byModel(await ours(configDir));
  const theirs = askOracle(configDir).flatMap((session) => session.modelBreakdowns);
  const sums: Record<string, Tokens> = {};
  const unknown = new Set<string>();
  for (const { modelName, missingPricing, ...numbers } of theirs) {
    if (missingPricing === true) unknown.add(modelName);
    const sum = sums[modelName];
    sums[modelName] = numbers;
    if (sum === undefined) continue;
    for (const key of Object.keys(numbers) as (keyof typeof numbers)[]) numbers[key] += sum[key];
  }
  let dollars = 0;
  expect(Object.keys(mine).sort()).toEqual(Object.keys(sums).sort());
  for (const [model, { cost, ...tokens }] of Object.entries(sums)) {
    const { cost: own, ...ownTokens } = mine[model] ?? { cost: 0 };
    expect(ownTokens, model).toEqual(tokens);
    if (!money || unknown.has(model)) continue;
    expect(own, model).toBeCloseTo(cost, 6);
    dollars += own;
  }
  return dollars;
}

/** What the rows come to where nothing is counted once. */
function rawUsd(path: string): number {
  let nanoUsd = 0;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    try {
      const data = usageData(JSON.parse(line));
      const usage = data && usageOf(data);
      if (!data || !usage) continue;
      const price = pricer.price(String(data.model), usage, Date.parse('2026-06-01'));
      if (price.status !== 'unpriced') nanoUsd += price.nanoUsd;
    } catch {
      // A torn line.
    }
  }
  return nanoUsd / 1e9;
}

describe.skipIf(real === undefined)('real transcripts', () => {
  const files =
    real === undefined ? [] : readdirSync(real).filter((name) => name.endsWith('.jsonl'));
  const expected: Record<string, number> = {
    'entire-cli-5ac45bc32212-cc2.1.12-tornline.jsonl': 2.93819005,
    'entire-graph-b9713a917b91-cc2.1.218-fable5.jsonl': 18.811233,
  };

  it('come to the dollar that was billed', async () => {
    const folder = join(dir, 'real');
    cpSync(real ?? '', join(folder, 'projects', 'p'), { recursive: true });
    const sessions = await ours(folder);
    expect(sessions).toHaveLength(files.length);
    for (const session of sessions) {
      expect(session.nanoUsd / 1e9).toBe(expected[basename(session.path)]);
      expect(session.unpriced).toEqual({});
    }
    if (!hasOracle) return;
    expect(await compare(folder)).toBeCloseTo(21.7494, 4);
    for (const session of askOracle(folder)) {
      const own = sessions.find((one) => basename(one.path, '.jsonl') === session.sessionId);
      expect((own?.nanoUsd ?? 0) / 1e9).toBeCloseTo(session.totalCost, 6);
    }
  });

  it('come to the same as events of an import', () => {
    for (const name of files) {
      const { events } = importTranscript(join(real ?? '', name));
      let nanoUsd = 0;
      for (const { data, timestamp } of events) {
        const usage = data.event_subtype === 'usage' ? usageOf(data) : undefined;
        if (usage === undefined) continue;
        const price = pricer.price(String(data.model), usage, timestamp * 1000);
        if (price.status !== 'unpriced') nanoUsd += price.nanoUsd;
      }
      expect(nanoUsd / 1e9).toBe(expected[name]);
    }
  });

  it('would come to far more if each row were counted', () => {
    for (const name of files) {
      const factor = rawUsd(join(real ?? '', name)) / (expected[name] ?? 0);
      expect(factor).toBeGreaterThan(2);
      expect(factor).toBeLessThan(4);
    }
  });
});

describe.skipIf(!hasOracle)('made-up transcripts', () => {
  const A = 'aaaaaaaa-2222-4333-8444-555555555555';
  const B = 'bbbbbbbb-2222-4333-8444-555555555555';
  const C = 'cccccccc-2222-4333-8444-555555555555';
  const a = (id: string, more: object = {}) =>
    response({ id, request: `req-${id}`, session: A, ...more });

  const rowsOfA = [
    user('go', 0, { sessionId: A }),
    // one response in three rows, its output growing
    a('m1', { at: 1, write5m: 4000, write1h: 9000, read: 20_000, output: 5 }),
    a('m1', { at: 1, write5m: 4000, write1h: 9000, read: 20_000, output: 50 }),
    a('m1', { at: 2, write5m: 4000, write1h: 9000, read: 20_000, output: 700 }),
    a('m2', { at: 3, read: 33_000, write1h: 800, output: 90 }),
    // a replay on a sidechain
    a('m2', { at: 3, read: 33_000, write1h: 800, output: 90, sidechain: true }),
    a('m3', { at: 5, model: 'claude-opus-4-1-20250805', input: 3000, write5m: 100, output: 10 }),
    // the same message id for two requests is two responses
    response({ id: 'm4', request: 'x1', session: A, at: 6 }),
    response({ id: 'm4', request: 'x2', session: A, at: 7, output: 30 }),
    // rows with no request id
    response({ id: 'm5', session: A, at: 8 }),
    response({ id: 'm5', session: A, at: 8, output: 44 }),
    a('m6', { at: 9, model: 'claude-haiku-4-5-20251001', output: 1234 }),
  ];
  const fork = rowsOfA
    .slice(0, 5)
    .map((row) => ({ ...row, sessionId: B, forkedFrom: { sessionId: A, messageUuid: row.uuid } }));
  // What the oracle counts again in another file: sidechain rows, rows with no request id.
  const again = rowsOfA.filter((row) => row.isSidechain === true || !('requestId' in row));
  const resumed = rowsOfA
    .slice(4)
    .filter((row) => !again.includes(row))
    .map((row) => ({ ...row, sessionId: C }));
  const files = {
    [`p/${A}.jsonl`]: `${lines(rowsOfA)}{"type":"assistant","message":{"usage":{"inp\n{"type":"assistant","mess`,
    [`p/${A}/subagents/agent-x1.jsonl`]: lines([
      a('s1', { at: 4, sidechain: true, agentId: 'x1', write5m: 500, output: 321 }),
    ]),
    [`p/${B}.jsonl`]: lines([...fork, response({ id: 'b1', request: 'b1', session: B, at: 60 })]),
    [`q/${C}.jsonl`]: lines([
      ...resumed,
      response({ id: 'c1', request: 'c1', session: C, at: 70, output: 11 }),
    ]).replaceAll('\n', '\r\n'),
  };

  it('agree on duplicates, sidechains, cache lifetimes, forks and subagents', async () => {
    const folder = config('made-up', files);
    expect(await compare(folder)).toBeGreaterThan(0.1);
    const sessions = await ours(folder);
    const fork = sessions.find((session) => session.sessionId === B);
    expect(fork).toMatchObject({ priced: 1, inOtherSessions: 2 });
    const cost = (id: string) => askOracle(folder).find((one) => one.sessionId === id)?.totalCost;
    for (const id of [A, B, C]) {
      const own = sessions.find((session) => session.sessionId === id);
      expect((own?.nanoUsd ?? 0) / 1e9, id).toBeCloseTo(cost(id) ?? -1, 6);
    }
    expect(sessions.find((session) => session.sessionId === A)?.unreadable).toBe(1);
  });

  it('agree on a sidechain that replays a response under a request of its own', async () => {
    const same = { id: 'm2', session: A, read: 33_000, write1h: 800 };
    const replay = { ...same, request: 'replay', output: 900, sidechain: true, at: 3 };
    const rows = [...rowsOfA.filter((row) => row.isSidechain !== true), response(replay)];
    for (const [index, order] of [rows, rows.toReversed()].entries()) {
      await compare(config(`replay-${index}`, { [`p/${A}.jsonl`]: lines(order) }));
    }
  });

  it('do not agree when rows are not counted once', () => {
    const folder = config('mutation', { [`p/${A}.jsonl`]: lines(rowsOfA) });
    const [session] = askOracle(folder);
    const raw = rawUsd(join(folder, 'projects', 'p', `${A}.jsonl`));
    expect(raw).toBeGreaterThan(1.3 * (session?.totalCost ?? 0));
  });

  it('agree on the prices of the models that both know', async () => {
    const models = [
      'claude-opus-4-1-20250805',
      'claude-haiku-4-5-20251001',
      'claude-opus-4-5-20251101',
      'claude-opus-4-6',
      'claude-opus-4-7',
      'claude-opus-4-8',
      'claude-opus-5',
      'claude-sonnet-4-20250514',
      'claude-sonnet-4-6',
      'claude-fable-5',
      'claude-opus-5-5',
      'claude-fable-5-1',
      'claude-sonnet-5',
    ];
    const rows = models.map((model, at) =>
      response({
        id: `m${at}`,
        request: `r${at}`,
        session: A,
        model,
        at,
        read: 1000,
        write5m: 1000,
        write1h: 1000,
        output: 1000,
      }),
    );
    const folder = config('models', { [`p/${A}.jsonl`]: lines(rows) });
    const theirs = Object.fromEntries(
      askOracle(folder).flatMap((session) =>
        session.modelBreakdowns.map((model) => [model.modelName, model.cost]),
      ),
    );
    const mine = byModel(await ours(folder));
    // Opus 5.5 is newer than the oracle's list.
    const known = models.filter((model) => model !== 'claude-opus-5-5');
    expect(known).toHaveLength(12);
    for (const model of known) expect(mine[model]?.cost, model).toBeCloseTo(theirs[model] ?? -1, 6);
  });

  it('count a copy once in any file, where the oracle would not', async () => {
    const replay = response({ id: 'm2', request: 'replay', output: 900, sidechain: true, at: 4 });
    const copies = [...again, replay].map((row) => ({ ...row, sessionId: C }));
    const one = await ours(config('one', { [`p/${A}.jsonl`]: lines(rowsOfA) }));
    const both = config('both', {
      [`p/${A}.jsonl`]: lines(rowsOfA),
      [`q/${C}.jsonl`]: lines(copies),
    });
    expect(byModel(await ours(both))).toEqual(byModel(one));
  });

  it('differ above 200,000 tokens on tiered models only, and in money only', async () => {
    const model = 'claude-sonnet-4-5-20250929';
    const row = response({ id: 'm1', request: 'r1', session: A, model, read: 300_000, output: 55 });
    const folder = config('tier', { [`p/${A}.jsonl`]: lines([row]) });
    await compare(folder, false);
    const [session] = await ours(folder);
    // The whole request at the higher rates: 10 · $6 + 300,000 · $0.60 + 55 · $22.50 a million
    expect(session?.nanoUsd).toBe(181_297_500);
    // The oracle splits each bucket at 200,000 tokens.
    expect(askOracle(folder)[0]?.totalCost).toBeCloseTo(0.120855, 6);
  });
});

describe.skipIf(!hasOracle)('captured transcripts', () => {
  it('agree bucket by bucket', async () => {
    const fixtures = join(root, 'test', 'fixtures', 'claude', 'transcripts');
    const total = emptyUsage();
    for (const name of readdirSync(fixtures)) {
      const folder = join(dir, `captured-${name}`);
      cpSync(join(fixtures, name), join(folder, 'projects', 'p'), { recursive: true });
      await compare(folder);
      for (const session of await ours(folder)) addUsage(total, session.usage);
    }
    expect(total.input_tokens).toBeGreaterThan(500_000);
  });
});
