/** What `npm start` shows beside the live session: two finished ones, written by the demo and imported. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';

const demo = join(import.meta.dirname, '..', '..', 'demo');
const NOW = Date.parse('2026-06-01T10:00:00Z');

test("the demo's sessions of the day before import, and have something to say", async () => {
  const scratch = temporaryFolder();
  const project = join(scratch, 'payments-api');
  cpSync(join(demo, 'workspace'), project, { recursive: true });
  const run = async (...args: string[]) => {
    const dir = join(project, '.agent-traces');
    const ran = await cli(['--trace-dir', dir, ...args, '--json'], { nowMs: NOW });
    expect(ran.err).toBe('');
    return JSON.parse(ran.out);
  };

  const paths = execFileSync(
    process.execPath,
    [
      join(demo, 'yesterday', 'write.mjs'),
      project,
      ...['--claude', join(scratch, 'claude'), '--codex', join(scratch, 'codex')],
      ...['--now', String(NOW)],
    ],
    { encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } },
  );
  for (const path of paths.trim().split('\n')) {
    expect(await run('import', path)).toMatchObject({ unreadable: 0 });
  }
  const listed = await run('list');
  expect(listed).toMatchObject([{ agent: 'Codex' }, { agent: 'Claude Code' }]);
  for (const { started_at } of listed) {
    expect(new Date(started_at * 1000).toISOString()).toMatch(/^2026-05-31T16:/);
  }

  const [codex, claude] = listed.map(({ session_id }: { session_id: string }) => session_id);
  const compared = await run('compare', claude, codex);
  expect(compared).toMatchObject({
    same_prompt: true,
    verdict: { winner: 'b', refused: null },
    outcomes: { a: { tests: 'passed', commits: 1 }, b: { tests: 'passed', commits: 1 } },
  });
  expect(compared.divergences[0].a.text).toContain('linear');

  // A test run that outlives the prompt cache, one more try without a change, a file that was known.
  expect((await run('cost', claude)).waste).toMatchObject({
    kinds: { cache_break: { count: 1 }, retry: { count: 1 }, redundant_read: { count: 1 } },
  });
  // The winner's work is what the project holds.
  expect(readFileSync(join(project, 'src/api/charges.py'), 'utf8')).toContain('from limits import');
});
