import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { CLAUDE, CODEX, claudeRun, codexRun, RunScript } from '../../test/comparePair.ts';
import { TraceWriter } from '../../test/traceWriter.ts';
import { textWidth } from '../report/terminalText.ts';
import { SessionNames } from '../trace/names.ts';

const A_MS = Date.parse('2026-11-22T16:40:00Z');
const B_MS = Date.parse('2026-11-23T09:12:00Z');
const LATER = Date.parse('2026-11-24T00:00:00Z');

function pair(): { dir: string; home: string } {
  const dir = temporaryFolder();
  claudeRun(new TraceWriter(dir, 'claude-run', { startMs: A_MS }));
  codexRun(new TraceWriter(dir, 'codex-run', { startMs: B_MS }));
  return { dir, home: temporaryFolder() };
}

const run = (
  { dir, home }: { dir: string; home: string },
  args: string[],
  more: { width?: number } = {},
) =>
  cli(['--trace-dir', dir, ...args], {
    env: { AGENT_STRACE_HOME: home, NO_COLOR: '1' },
    nowMs: LATER,
    ...more,
  });

describe('golden: two agents on one prompt', () => {
  test.each([140, 60])('compare, %d columns', async (width) => {
    const { out, err, code } = await run(pair(), ['compare', 'claude', 'codex'], { width });
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
    for (const line of out.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width);
  });

  test('diff', async () => {
    const { out } = await run(pair(), ['diff', 'claude', 'codex'], { width: 120 });
    expect(out).toMatchSnapshot();
  });

  test('diff --semantic', async () => {
    const { out } = await run(pair(), ['diff', '--semantic', 'claude', 'codex'], { width: 120 });
    expect(out).toMatchSnapshot();
  });

  test('--markdown', async () => {
    const { out } = await run(pair(), ['compare', 'claude', 'codex', '--markdown']);
    expect(out).toMatchSnapshot();
  });

  test('diff --markdown, structural and semantic', async () => {
    const { out } = await run(pair(), ['diff', 'claude', 'codex', '--markdown']);
    expect(out).toMatchSnapshot();
    const semantic = await run(pair(), ['diff', 'claude', 'codex', '--semantic', '--markdown']);
    expect(semantic.out).toMatchSnapshot();
  });

  test('--json: keys and units', async () => {
    const { out } = await run(pair(), ['compare', 'claude', 'codex', '--json']);
    const json = JSON.parse(out) as Record<string, unknown>;
    expect(Object.keys(json)).toEqual([
      'a',
      'b',
      'same_prompt',
      'verdict',
      'measures',
      'outcomes',
      'phases',
      'steps',
      'divergences',
      'read_events',
    ]);
    expect(json.verdict).toMatchObject({ winner: 'b', sure: 'hint', refused: null });
    expect(json.measures).toMatchObject({
      cost: { unit: 'usd' },
      errors: { a: 7, b: 0, verdict: 'better' },
      cache_hits: { unit: 'share', verdict: 'none' },
      lines: { a_removed: 58, b_removed: 3 },
    });
    expect(json.outcomes).toMatchObject({
      a: { tests: 'passed', tests_passed: 31, changes_after_tests: 1 },
      b: { tests: 'passed', tests_passed: 31, changes_after_tests: 0 },
    });
  });
});

test('the fixtures of the Python tool are compared', async () => {
  const dir = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'seed', 'v080');
  const { out } = await cli(['--trace-dir', dir, 'list', '--json'], { nowMs: LATER });
  const ids = (JSON.parse(out) as { session_id: string }[]).map(({ session_id: id }) => id);
  expect(ids.length).toBeGreaterThan(1);
  const compared = await cli(['--trace-dir', dir, 'compare', ids[0]!, ids[1]!], { nowMs: LATER });
  expect(compared.code).toBe(0);
  expect(compared.out).toContain('B against A');
});

test('without A: the run before it with the same prompt', async () => {
  const lab = pair();
  new RunScript(new TraceWriter(lab.dir, 'other', { startMs: B_MS + 1e6 }), CLAUDE)
    .prompt('Something else')
    .say('x')
    .end();
  const { out } = await run(lab, ['compare', 'codex', '--json']);
  expect(JSON.parse(out)).toMatchObject({
    a: { session_id: 'claude-run' },
    b: { session_id: 'codex-run' },
  });
  const none = await run(lab, ['compare']);
  expect(none.code).toBe(1);
  expect(none.err).toMatch(/No session before other began with the same prompt/);
});

describe('for CI: --fail-on-regression', () => {
  test('B better: 0; B worse: 1; cannot be said: 2', async () => {
    const lab = pair();
    new RunScript(new TraceWriter(lab.dir, 'other', { startMs: B_MS }), CODEX)
      .prompt('Else')
      .say('x')
      .end();
    const code = async (a: string, b: string) =>
      (await run(lab, ['compare', a, b, '--fail-on-regression'])).code;
    expect(await code('claude', 'codex')).toBe(0);
    expect(await code('codex', 'claude')).toBe(1);
    expect(await code('codex', 'other')).toBe(2);
    // Without it the comparison has been made, whatever it says.
    expect((await run(lab, ['compare', 'codex', 'claude'])).code).toBe(0);
  });

  test('a hint is called one, and --sure asks for more', async () => {
    const lab = pair();
    const args = ['compare', 'codex', 'claude', '--fail-on-regression'];
    const hint = await run(lab, args);
    expect([hint.code, hint.err]).toEqual([1, expect.stringContaining('only a hint')]);
    for (const sure of ['likely', 'sure']) {
      const { code, err } = await run(lab, [...args, '--sure', sure]);
      expect(code).toBe(0);
      expect(err).toContain(`less than --sure ${sure} asks for`);
    }
    expect((await run(lab, [...args, '--sure', 'hint'])).code).toBe(1);
    expect((await run(lab, [...args.slice(0, 3), '--sure', 'likely'])).code).toBe(2);
  });

  test('B fails what A did: 1', async () => {
    const lab = pair();
    const script = new RunScript(new TraceWriter(lab.dir, 'failed', { startMs: B_MS }), CODEX);
    script.prompt().run('pytest tests/api', '1 failed', 1).say('Done.').end();
    const { code, out } = await run(lab, ['compare', 'codex', 'failed', '--fail-on-regression']);
    expect(out).toContain('the tests of B fail at the end');
    expect(code).toBe(1);
  });
});

describe('--tag', () => {
  function tagged(n: number): { dir: string; home: string } {
    const lab = { dir: temporaryFolder(), home: temporaryFolder() };
    const names = new SessionNames({ AGENT_STRACE_HOME: lab.home });
    for (const [tag, weight, who] of [
      ['before', 8, CLAUDE],
      ['after', 2, CODEX],
    ] as const) {
      for (let at = 0; at < n; at++) {
        const id = `${tag}-${at}`;
        const writer = new TraceWriter(lab.dir, id, { startMs: A_MS + at * 1e7 });
        new RunScript(writer, { ...who, weight: weight + at })
          .prompt()
          .run('pytest', '3 passed')
          .say('Done.')
          .end();
        names.set(lab.dir, id, `Nightly #${tag} #all`);
      }
    }
    return lab;
  }

  test('two tags are two groups, tested', async () => {
    const { out } = await run(tagged(5), ['compare', '--tag', 'before', '--tag', '#after'], {
      width: 100,
    });
    expect(out).toMatchSnapshot();
  });

  test('one tag: the latest two, or two groups by agent', async () => {
    const lab = tagged(2);
    const latest = await run(lab, ['compare', '--tag', 'before', '--json']);
    expect(JSON.parse(latest.out)).toMatchObject({
      a: { session_id: 'before-0' },
      b: { session_id: 'before-1' },
    });
    const groups = await run(lab, ['compare', '--tag', 'all', '--by', 'agent', '--json']);
    expect(JSON.parse(groups.out)).toMatchObject({
      a: { name: 'Claude Code', sessions: expect.arrayContaining(['before-0', 'before-1']) },
      b: { name: 'Codex', runs: 2, passed: 2 },
      verdict: { winner: 'b', sure: 'hint' },
    });
  });

  test('meta.json of a session may name tags and a team', async () => {
    const lab = pair();
    for (const [id, meta] of [
      ['claude-run', { tags: ['old'] }],
      ['codex-run', { team: 'New' }],
    ] as const) {
      mkdirSync(join(lab.dir, id), { recursive: true });
      writeFileSync(join(lab.dir, id, 'meta.json'), JSON.stringify(meta));
    }
    const { out } = await run(lab, ['compare', '--tag', 'old', '--tag', 'new', '--json']);
    expect(JSON.parse(out)).toMatchObject({ a: { session_id: 'claude-run' } });
  });

  test('what is wrong is said', async () => {
    const lab = pair();
    const err = async (...args: string[]) => (await run(lab, ['compare', ...args])).err;
    expect(await err('--tag', 'nobody')).toMatch(/No session has the tag nobody/);
    expect(await err('--by', 'agent')).toMatch(/need a --tag/);
    expect(await err('claude', 'claude')).toMatch(/Both are the same session/);
    expect(await err('claude', 'codex', '--tag', 'x')).toMatch(/not both/);
    expect(await err('claude', 'codex', '--json', '--markdown')).toMatch(/say two things/);
  });
});

test('hostile text is harmless in the terminal, in Markdown and in JSON', async () => {
  const lab = { dir: temporaryFolder(), home: temporaryFolder() };
  const bad = '\u001b]0;x\u0007\u202e<script>alert(1)</script>|[a](http://b)\u0000`x`';
  for (const id of ['bad-1', 'bad-2']) {
    const writer = new TraceWriter(lab.dir, id, { startMs: A_MS });
    const script = new RunScript(writer, { ...CLAUDE, model: bad, cwd: `/h/${bad}` });
    script.prompt(bad).read(bad).grep(bad).edit(bad.repeat(300), 2).run(`${bad} ${id}`, bad, 1);
    script.say(bad).end();
  }
  for (const args of [
    ['compare', 'bad-1', 'bad-2'],
    ['compare', 'bad-1', 'bad-2', '--json'],
    ['compare', 'bad-1', 'bad-2', '--markdown'],
    ['diff', 'bad-1', 'bad-2'],
    ['diff', 'bad-1', 'bad-2', '--semantic'],
    ['diff', 'bad-1', 'bad-2', '--json'],
    ['diff', 'bad-1', 'bad-2', '--markdown'],
    ['diff', 'bad-1', 'bad-2', '--semantic', '--markdown'],
  ]) {
    const { out, code } = await run(lab, args, args.length === 3 ? { width: 80 } : {});
    expect(code).toBe(0);
    expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    if (args.includes('--markdown')) expect(out).not.toMatch(/(?<!\\)(?:<script|\]\(|`x)/);
  }
});

test('its own trace is not written to', async () => {
  const lab = pair();
  const file = join(lab.dir, 'claude-run', 'events.ndjson');
  const before = readFileSync(file, 'utf8');
  await run(lab, ['compare', 'claude', 'codex']);
  expect(readFileSync(file, 'utf8')).toBe(before);
});
