/** Codex's tokens as we count them against ccusage's count of the same rollouts: every bucket, by model. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as library from '@pydantic/genai-prices';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { codexTranscripts } from '../../src/agents/codex/transcripts.ts';
import { discoverPriced } from '../../src/agents/importSession.ts';
import type { PricedSession } from '../../src/agents/sessionPrices.ts';
import { pricerOver } from '../../src/analysis/price.ts';
import { uncachedInput } from '../../src/model/usage.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const oracle = join(homedir(), '.cache/agent-strace/ccusage/node_modules/ccusage/src/cli.js');
if (!existsSync(oracle)) {
  // As the other real parts: installed on demand, into the cache.
  spawnSync(process.execPath, [join(root, 'test/agents/installOracle.mjs')], { stdio: 'ignore' });
}
const hasOracle = existsSync(oracle);
if (!hasOracle) {
  const message =
    'ccusage could not be installed: not compared. Run: node test/agents/installOracle.mjs';
  if (process.env.CI) throw new Error(message);
  console.warn(message);
}
const real = join(process.env.AGENT_STRACE_REAL ?? join(root, '..', 'shared', 'real'), 'codex');
const hasReal = existsSync(real);
if (!hasReal) console.warn('No real rollouts there (AGENT_STRACE_REAL): not compared.');
const pricer = pricerOver(library);
vi.setConfig({ testTimeout: 60_000 });

interface OracleTokens {
  inputTokens: number;
  cacheReadTokens: number;
  outputTokens: number;
  reasoningOutputTokens: number;
}

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'agent-strace-oracle-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A Codex home with these rollouts: texts, or paths of files. */
function homeWith(name: string, rollouts: Record<string, string>): string {
  const day = join(dir, name, 'sessions/2026/11/23');
  mkdirSync(day, { recursive: true });
  for (const [file, content] of Object.entries(rollouts)) {
    if (existsSync(content)) copyFileSync(content, join(day, file));
    else writeFileSync(join(day, file), content);
  }
  return join(dir, name);
}

function askOracle(home: string): Record<string, OracleTokens> {
  const args = [oracle, 'codex', 'session', '--json', '--offline'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: home, CODEX_HOME: home, TZ: 'UTC' },
    encoding: 'utf8',
  });
  if (!stdout.trim().startsWith('{')) throw new Error(`ccusage said: ${stdout} ${stderr}`);
  const { sessions } = JSON.parse(stdout) as {
    sessions: { models: Record<string, OracleTokens> }[];
  };
  return byModel(sessions.flatMap(({ models }) => Object.entries(models)));
}

async function ours(home: string): Promise<Record<string, OracleTokens>> {
  const sessions: PricedSession[] = [];
  const places = { dirs: [home] };
  for await (const session of discoverPriced({ sources: [codexTranscripts], places, pricer })) {
    sessions.push(session);
  }
  return byModel(
    sessions.flatMap(({ models }) =>
      models.map(({ model, usage }): [string, OracleTokens] => [
        model,
        {
          inputTokens: uncachedInput(usage),
          cacheReadTokens: usage.cache_read_input_tokens,
          outputTokens: usage.output_tokens,
          reasoningOutputTokens: usage.reasoning_output_tokens,
        },
      ]),
    ),
  );
}

function byModel(entries: [string, OracleTokens][]): Record<string, OracleTokens> {
  const models: Record<string, OracleTokens> = {};
  for (const [model, tokens] of entries) {
    models[model] ??= {
      inputTokens: 0,
      cacheReadTokens: 0,
      outputTokens: 0,
      reasoningOutputTokens: 0,
    };
    for (const key of Object.keys(models[model]) as (keyof OracleTokens)[]) {
      models[model][key] += tokens[key];
    }
  }
  return models;
}

const captured = join(root, 'test/fixtures/codex');
const fixture = (name: string): Record<string, string> => {
  const folder = join(captured, name, 'transcript');
  return Object.fromEntries(
    readdirSync(folder).map((file) => [basename(file), join(folder, file)]),
  );
};

it.skipIf(!hasOracle)('rows of 0.169', async () => {
  const home = homeWith('new', fixture('main'));
  const want = askOracle(home);
  expect(Object.keys(want)).toEqual(['gpt-5.5']);
  expect(await ours(home)).toEqual(want);
});

it.skipIf(!hasOracle)('a subagent, which ccusage leaves out where it is quick', async () => {
  const rollouts = Object.entries(fixture('spawn'));
  const [main] = rollouts;
  const alone = homeWith('alone', Object.fromEntries([main!]));
  const want = askOracle(alone);
  expect(await ours(alone)).toEqual(want);
  // What the two threads say of themselves in their last rows: three responses and two.
  const counted = await ours(homeWith('spawn', Object.fromEntries(rollouts)));
  expect(counted['gpt-5.5']).toEqual({
    inputTokens: 3080 + 2070 - 2400 - 1600,
    cacheReadTokens: 2400 + 1600,
    outputTokens: 150 + 100,
    reasoningOutputTokens: 15 + 10,
  });
});

it.skipIf(!hasOracle || !hasReal)('a real rollout of 0.144, which changes models', async () => {
  const home = homeWith(
    'real',
    Object.fromEntries(
      readdirSync(real).map((file, i) => [
        `rollout-2026-07-24T04-28-12-019f9261-846e-7fc0-b843-e0464227f29${i}.jsonl`,
        join(real, file),
      ]),
    ),
  );
  const want = askOracle(home);
  expect(Object.keys(want).length).toBeGreaterThan(1);
  expect(await ours(home)).toEqual(want);
});

it.skipIf(!hasOracle)('a fork that copied its parent is counted once', async () => {
  const PARENT = '01a20000-0000-7000-8000-000000000001';
  const CHILD = '01a20009-0000-7000-8000-000000000002';
  const row = (second: number, type: string, payload: object) =>
    JSON.stringify({
      timestamp: new Date(Date.UTC(2026, 10, 23, 1, 0, second)).toISOString(),
      type,
      payload,
    });
  const tokens = (input_tokens: number, output_tokens: number) => ({
    input_tokens,
    cached_input_tokens: 0,
    output_tokens,
    reasoning_output_tokens: 0,
    total_tokens: input_tokens + output_tokens,
  });
  const count = (second: number, total: [number, number], last: [number, number]) =>
    row(second, 'event_msg', {
      type: 'token_count',
      info: { total_token_usage: tokens(...total), last_token_usage: tokens(...last) },
    });
  const meta = { cwd: '/p', originator: 'codex', cli_version: '0.130.0', source: 'cli' };
  const history = (second: (row: number) => number) => [
    row(second(0), 'session_meta', { ...meta, id: PARENT, timestamp: '2026-11-23T01:00:00Z' }),
    row(second(1), 'turn_context', {
      turn_id: '01a20001-0000-7000-8000-00000000000a',
      model: 'gpt-5',
    }),
    count(second(2), [1000, 100], [1000, 100]),
    count(second(3), [2500, 250], [1500, 150]),
  ];
  const own = { ...meta, id: CHILD, forked_from_id: PARENT, timestamp: '2026-11-23T01:00:30Z' };
  const fork = [
    row(30, 'session_meta', own),
    ...history(() => 30),
    row(40, 'turn_context', { turn_id: '01a2000a-0000-7000-8000-00000000000b', model: 'gpt-5' }),
    count(41, [4500, 450], [2000, 200]),
  ];
  const home = homeWith('fork', {
    [`rollout-2026-11-23T01-00-00-${PARENT}.jsonl`]: `${history((at) => at).join('\n')}\n`,
    [`rollout-2026-11-23T01-00-30-${CHILD}.jsonl`]: `${fork.join('\n')}\n`,
  });
  const counted = await ours(home);
  expect(counted).toEqual({
    'gpt-5': {
      inputTokens: 4500,
      cacheReadTokens: 0,
      outputTokens: 450,
      reasoningOutputTokens: 0,
    },
  });
  expect(askOracle(home)).toEqual(counted);
});
