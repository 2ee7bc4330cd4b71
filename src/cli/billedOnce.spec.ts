import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lines, response, user } from '../../test/agents/claudeRows.ts';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { formatUsd } from '../model/format.ts';

const fixtures = join(import.meta.dirname, '../../test/fixtures/claude/transcripts');
const FORK = '00000000-1111-4222-8333-444444444444';

/** A Claude folder with all captured transcripts, and a fork of each main one: only its id is another. */
function captured(): { claudeDir: string; files: string[] } {
  const claudeDir = join(temporaryFolder(), 'claude');
  const folder = join(claudeDir, 'projects', 'p');
  for (const name of readdirSync(fixtures)) {
    cpSync(join(fixtures, name), folder, { recursive: true });
  }
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  const forks = files.map((name, at) => {
    const id = name.replace('.jsonl', '');
    const fork = `${FORK.slice(0, -2)}${10 + at}`;
    const text = readFileSync(join(folder, name), 'utf8').replaceAll(id, fork);
    // The fork of the resumed session goes on.
    const more = lines([
      response({ id: 'msg_fork', request: 'req_fork', session: fork, at: 900_000 }),
    ]);
    writeFileSync(join(folder, `${fork}.jsonl`), id.startsWith('b73e') ? text + more : text);
    return `${fork}.jsonl`;
  });
  return { claudeDir, files: [...files, ...forks].map((name) => join(folder, name)) };
}

interface Sum {
  cost_usd: number;
  priced: number;
  deduplicated: number;
  unpriced: number;
}

const sum = (all: readonly Sum[]): Sum =>
  all.reduce((a, b) => ({
    cost_usd: a.cost_usd + b.cost_usd,
    priced: a.priced + b.priced,
    deduplicated: a.deduplicated + b.deduplicated,
    unpriced: a.unpriced + b.unpriced,
  }));

const json = async <T>(...args: string[]): Promise<T> =>
  JSON.parse((await cli([...args, '--json'])).out) as T;

/** What each door says of a trace folder must be what `--discover` said of the transcripts. */
async function expectSame(traceDir: string, discovered: Sum): Promise<void> {
  const all = await json<Sum & { sessions: (Sum & { session_id: string })[] }>(
    'cost',
    '--all',
    '--trace-dir',
    traceDir,
  );
  const listed = await json<{ session_id: string; cost: Sum }[]>('list', '--trace-dir', traceDir);
  const costs = listed.map(({ cost }) => ({ ...cost, cost_usd: cost.cost_usd ?? 0 }));
  for (const told of [all, sum(costs)]) {
    expect(told.cost_usd).toBeCloseTo(discovered.cost_usd, 9);
    expect(told).toMatchObject({ priced: discovered.priced, unpriced: discovered.unpriced });
    expect(told.deduplicated).toBe(discovered.deduplicated);
  }
  for (const { session_id, cost } of listed) {
    const one = await json<Sum>('cost', session_id, '--trace-dir', traceDir);
    expect(one.cost_usd, session_id).toBe(cost.cost_usd);
    const { cost: again } = await json<{ cost: Sum }>('stats', session_id, '--trace-dir', traceDir);
    expect(again, session_id).toEqual(cost);
    if (cost.cost_usd === 0) {
      const tree = await json<{ own: Sum }>('tree', session_id, '--trace-dir', traceDir);
      expect(tree.own.cost_usd, session_id).toBe(0);
    }
    const told = (await cli(['replay', session_id, '--trace-dir', traceDir])).out.trim();
    expect(told.split(' · ').at(-1), session_id).toBe(formatUsd(cost.cost_usd * 1e9));
  }
  const { out } = await cli(['list', '--trace-dir', traceDir]);
  expect(out.trim().split('\n').at(-1)).toContain(formatUsd(discovered.cost_usd * 1e9));
}

async function discover(claudeDir: string): Promise<(Sum & { copied: number })[]> {
  const found = await json<(Sum & { copied: number })[]>(
    'import',
    '--discover',
    '--claude-dir',
    claudeDir,
  );
  return found.map((one) => ({ ...one, cost_usd: one.cost_usd ?? 0 }));
}

describe('forked and resumed sessions', () => {
  it('cost after their import what they cost before', async () => {
    const { claudeDir, files } = captured();
    const found = await discover(claudeDir);
    const discovered = sum(found);
    expect(discovered.cost_usd).toBeGreaterThan(0);
    // The scripted model that made some of them gave the same ids again.
    expect(found.filter(({ copied }) => copied > 0).length).toBeGreaterThanOrEqual(
      files.length / 2,
    );
    const traceDir = join(temporaryFolder(), 'traces');
    await cli([
      'import',
      '--discover',
      '--all',
      '--claude-dir',
      claudeDir,
      '--trace-dir',
      traceDir,
    ]);
    await expectSame(traceDir, discovered);
  });

  it('cost the same whichever was imported first, one by one', async () => {
    const { claudeDir, files } = captured();
    const discovered = sum(await discover(claudeDir));
    for (const order of [files, files.toReversed()]) {
      const traceDir = join(temporaryFolder(), 'traces');
      for (const file of order) {
        expect((await cli(['import', file, '--trace-dir', traceDir])).code).toBe(0);
      }
      await expectSame(traceDir, discovered);
    }
  });

  it('are counted anew when the session that was billed is gone, and kept in the cache', async () => {
    const { files } = captured();
    const fork = files.find((file) => readFileSync(file, 'utf8').includes('msg_fork'))!;
    const parent = files.find((file) => file.includes('b73e0797'))!;
    const traceDir = join(temporaryFolder(), 'traces');
    const env = { AGENT_STRACE_HOME: join(temporaryFolder(), 'home') };
    for (const file of [fork, parent]) await cli(['import', file, '--trace-dir', traceDir]);
    const cost = async (): Promise<number> =>
      JSON.parse(
        (await cli(['cost', FORK.slice(0, 8), '--json', '--trace-dir', traceDir], { env })).out,
      ).cost_usd;
    const own = 10 * 3e-6 + 20 * 15e-6;
    expect(await cost()).toBeCloseTo(own, 9);
    const kept = join(env.AGENT_STRACE_HOME, 'cache');
    const cache = join(kept, readdirSync(kept)[0]!);
    expect(readFileSync(cache, 'utf8')).toContain('"once"');
    expect(await cost()).toBeCloseTo(own, 9);
    rmSync(join(traceDir, 'b73e0797-9ec6-41d4-847d-886a59c3adda'), { recursive: true });
    expect(await cost()).toBeGreaterThan(10 * own);
  });

  it('show where they were billed', async () => {
    const claudeDir = join(temporaryFolder(), 'claude');
    const folder = join(claudeDir, 'projects', 'p');
    mkdirSync(folder, { recursive: true });
    const parent = FORK.replace('0000', '86cc');
    for (const id of [parent, FORK]) {
      const rows = [
        user('go', 0, { sessionId: id }),
        response({ id: 'm', request: 'r', session: id, at: 1 }),
      ];
      writeFileSync(join(folder, `${id}.jsonl`), lines(rows));
    }
    const at = ['--claude-dir', claudeDir];
    const { out } = await cli(['import', '--discover', ...at]);
    const billed = out.split('\n').find((line) => line.includes('(all in'))!;
    expect(billed).toMatch(/\(all in (86cc0000|00000000)\) +0 +\$0\.00$/);
    const traceDir = join(temporaryFolder(), 'traces');
    for (const id of [parent, FORK]) {
      await cli(['import', join(folder, `${id}.jsonl`), '--trace-dir', traceDir]);
    }
    const copy = (await cli(['cost', FORK, '--trace-dir', traceDir])).out;
    const other = (await cli(['cost', parent, '--trace-dir', traceDir])).out;
    // Nothing tells them apart but their names: the one is billed, the other says so.
    expect([copy, other].filter((text) => /^\$0\.00 /.test(text))).toHaveLength(1);
    expect(copy + other).toMatch(/1 response billed in (86cc0000|00000000)/);
  });
});
