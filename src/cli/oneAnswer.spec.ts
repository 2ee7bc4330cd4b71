/** What several commands say of one session is one answer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { Script, SESSION } from '../../test/costSession.ts';

const OPUS = 'claude-opus-4-5';
const NOBODY = 'nobody-knows-1';

function write(...scripts: Script[]): string {
  const dir = temporaryFolder();
  for (const [at, script] of scripts.entries()) {
    const id = at === 0 ? SESSION : `${SESSION}-${at + 1}`;
    mkdirSync(join(dir, id));
    const lines = script.events.map((event) => JSON.stringify({ ...event, session_id: id }));
    writeFileSync(join(dir, id, 'events.ndjson'), `${lines.join('\n')}\n`);
  }
  return dir;
}

async function run(dir: string, args: string[], width?: number) {
  const { code, out, err } = await cli([...args, '--trace-dir', dir], {
    env: { NO_COLOR: '1' },
    // The sessions are over.
    nowMs: Date.parse('2026-12-01T00:00:00Z'),
    ...(width === undefined ? {} : { width }),
  });
  expect({ args, err }).toEqual({ args, err: '' });
  return { code, out };
}

const json = async (dir: string, ...args: string[]) =>
  JSON.parse((await run(dir, [...args, '--json'])).out);

describe('the cost of a phase', () => {
  /** Priced, without a price, without responses, and partly priced. */
  const script = () =>
    new Script()
      .start(0)
      .prompt(10, 'one')
      .answer(12, { input: 1000, model: OPUS })
      .prompt(20, 'two')
      .answer(22, { input: 1000, model: NOBODY })
      .prompt(30, 'three')
      .prompt(40, 'four')
      .answer(42, { input: 1000, model: NOBODY })
      .answer(43, { input: 2000, model: OPUS });

  it('is null where nothing has a price, and where there are no responses', async () => {
    const dir = write(script(), script());
    const costs = (phases: { cost_usd: number | null }[]) => phases.map(({ cost_usd }) => cost_usd);
    const told = [0.00525, null, null, 0.01025];
    const cost = await json(dir, 'cost', SESSION);
    // What came before the first prompt is the first.
    expect(costs(cost.by_prompt)).toEqual([null, ...told]);
    expect(costs(cost.breakdown.phases)).toEqual(told);
    expect(costs((await json(dir, 'explain', SESSION, '--all')).phases)).toEqual(told);
    expect(costs((await json(dir, 'timeline', SESSION)).phases)).toEqual(told);
    const compared = await json(dir, 'compare', SESSION, `${SESSION}-2`);
    expect(costs(compared.phases.map(({ a }: { a: { cost_usd: number } }) => a))).toEqual(told);
    expect(compared.phases[2].a).toMatchObject({ responses: 0, unpriced: 0 });
  });

  it('is null where nothing has a price: neither is what was wasted of it', async () => {
    const wasted = async (session: Script) => {
      const dir = write(session);
      const explained = await json(dir, 'explain', '--all');
      const timeline = await json(dir, 'timeline');
      const cost = await json(dir, 'cost');
      const of = (phases: { wasted_usd: number | null }[]) =>
        phases.map(({ wasted_usd }) => wasted_usd);
      expect(of(timeline.phases)).toEqual(of(explained.phases));
      expect(of(cost.breakdown.phases)).toEqual(of(explained.phases));
      const sums = [explained.waste.cost_usd, timeline.wasted_cost, cost.waste.cost_usd];
      return [...new Set(sums), of(explained.phases)];
    };
    const unpriced = new Script().start(0).prompt(10, 'one');
    unpriced.answer(12, { input: 1000, model: NOBODY });
    expect(await wasted(unpriced)).toEqual([null, [null]]);
    expect(await wasted(script())).toEqual([0, [0, null, null, 0]]);
  });

  it('is no $0 in words', async () => {
    const dir = write(script(), script());
    for (const args of [
      ['cost', SESSION, '--by', 'phase'],
      ['compare', SESSION, `${SESSION}-2`],
      ['timeline', SESSION],
      ['explain', SESSION, '--all'],
    ]) {
      expect((await run(dir, args, 120)).out).not.toContain('$0.00 ');
    }
    const { out } = await run(dir, ['cost', SESSION, '--by', 'phase'], 120);
    expect(out).toMatch(/P2 .*unpriced/);
    expect(out).toMatch(/P3 .*–/);
    expect(out).toMatch(/P4 .*≥\$0\.01/);
  });
});

it('a phase has one shape in all reports', async () => {
  const script = new Script().start(0).prompt(10, 'one').answer(12, { input: 1000, model: OPUS });
  script.prompt(20, 'two').answer(22, { input: 1000, model: OPUS, calls: ['t'] });
  script.call(23, 't', 'Bash', { command: 'npm test' });
  script.result(24, 't', 'Bash', { error: 'Exit code 1', exit_code: 1 });
  const dir = write(script, script);
  const explained = (await json(dir, 'explain', SESSION, '--all')).phases as object[];
  const {
    breakdown: { phases },
  } = await json(dir, 'cost', SESSION);
  expect(phases).toHaveLength(2);
  const shape = phases.map(
    ({ started_at: _, ended_at: __, ...rest }: Record<string, unknown>) => rest,
  );
  expect(explained).toMatchObject(shape);
  expect((await json(dir, 'timeline', SESSION)).phases).toMatchObject(shape);
  const sides = (rows: { a: object | null }[]) => rows.map(({ a }) => a);
  expect(sides((await json(dir, 'compare', SESSION, `${SESSION}-2`)).phases)).toEqual(shape);
  expect(sides((await json(dir, 'diff', SESSION, `${SESSION}-2`)).differences)).toEqual(shape);
});

it('phases are counted from 1, and waste has the same keys, everywhere', async () => {
  const script = new Script().start(0).prompt(10, 'one').answer(12, { input: 1000, model: OPUS });
  script.prompt(20, 'two').answer(22, { input: 1000, model: OPUS, calls: ['t'] });
  script.call(23, 't', 'Bash', { command: 'npm test' });
  script.result(24, 't', 'Bash', { error: 'Exit code 1', exit_code: 1 });
  const dir = write(script);
  const index = (phases: { index: number }[]) => phases.map((one) => one.index);
  expect(index((await json(dir, 'explain', '--all')).phases)).toEqual([1, 2]);
  expect(index((await json(dir, 'timeline')).phases)).toEqual([1, 2]);
  const { breakdown, waste } = await json(dir, 'cost');
  expect(index(breakdown.phases)).toEqual([1, 2]);
  expect(waste.items).toMatchObject([{ kind: 'failed_phase', phase: 2 }]);
  const { items: _, ...sums } = waste;
  expect(sums.kinds.failed_phase).toEqual({ count: 1, cost_usd: 0.00525, duration_ms: 4000 });
  expect((await json(dir, 'explain')).waste).toEqual(sums);
});

describe('explain --phase', () => {
  const script = (commands: number, answer: string) => {
    const made = new Script().start(0).prompt(10, 'one');
    for (let at = 0; at < commands; at++) {
      const [id, files] = [`c${at}`, [{ path: `/p/src/f${at}.ts`, kind: 'read' }]];
      made.answer(20 + at * 5, { input: 1000, calls: [id, `r${at}`] });
      made.call(21 + at * 5, id, 'Bash', { command: at === 0 ? 'ls src' : `make part${at}` });
      made.result(22 + at * 5, id, 'Bash', { result: 'done' });
      made.call(23 + at * 5, `r${at}`, 'Read', { file_path: `/p/src/f${at}.ts` });
      made.result(24 + at * 5, `r${at}`, 'Read', { files });
    }
    made.events.push({
      ...made.events[1]!,
      event_type: 'assistant_response',
      event_id: 'abcdefabcdef',
      timestamp: made.events.at(-1)!.timestamp + 1,
      data: { text: answer },
    });
    return made;
  };
  const answer = Array.from({ length: 9 }, (_, at) => `${at}. said`).join('\n');

  it('tells all of it', async () => {
    const dir = write(script(9, answer));
    for (const form of [[], ['--markdown']]) {
      const { out } = await run(dir, ['explain', '--phase', '1', ...form], 100);
      const all = await run(dir, ['explain', ...form], 100);
      const plain = out.replaceAll('\\', '');
      for (let at = 0; at < 9; at++) {
        expect(plain).toContain(`src/f${at}.ts`);
        expect(plain).toContain(at === 0 ? 'ls src' : `make part${at}`);
        expect(plain).toContain(`${at}. said`);
      }
      expect(all.out.length).toBeLessThan(out.length);
    }
    expect((await json(dir, 'explain', '--phase', '1')).phases[0].answer).toBe(answer);
  });

  it('but no more than anybody reads', async () => {
    const { out } = await run(
      write(script(9, 'word\n'.repeat(900))),
      ['explain', '--phase', '1'],
      80,
    );
    expect(out.split('\n').length).toBeLessThan(230);
    expect(out).toMatch(/… and \d+ more lines \(--json has all\)/);
  });
});

it('two ways to print it are refused', async () => {
  const dir = write(new Script().start(0).prompt(10, 'one').answer(12, { input: 1000 }));
  for (const args of [
    ['why', SESSION, '1', '--json', '--markdown'],
    ['context', '--json', '--markdown'],
    ['explain', '--json', '--markdown'],
    ['compare', '--json', '--markdown'],
    ['cost', '--by', 'tool', '--json', '--csv'],
  ]) {
    const { code, out, err } = await cli([...args, '--trace-dir', dir]);
    expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
    expect(err).toContain('say two things');
  }
});

it('likenesses have one spelling', async () => {
  const script = () => new Script().start(0).prompt(10, 'one').answer(12, { input: 1000 });
  const dir = write(script().prompt(20, 'two').prompt(30, 'three'), script());
  const { phases, differences } = await json(dir, 'diff', SESSION, `${SESSION}-2`);
  const only = (all: { like: string; b: unknown }[]) =>
    all.filter(({ b }) => b === null).map(({ like }) => like);
  expect(only(phases)).toEqual(['only_a', 'only_a']);
  expect(only(differences)).toEqual(['only_a', 'only_a']);
});

describe('how it came out', () => {
  const command = (script: Script, at: number, id: string, text: string, data: object) =>
    script
      .answer(at, { input: 1000, model: OPUS, calls: [id] })
      .call(at + 1, id, 'Bash', { command: text })
      .result(at + 2, id, 'Bash', { ...data });
  const failed = (text: string) => ({ error: text, exit_code: 1 });

  const outcomes = async (script: Script) => {
    const dir = write(script, new Script().start(0).prompt(1, 'other'));
    const explained = await json(dir, 'explain', SESSION, '--all');
    const { semantic } = await json(dir, 'diff', '--semantic', SESSION, `${SESSION}-2`);
    const phases: { failed_step: number | null; failures: { mended: boolean }[] }[] =
      explained.phases;
    const left = phases.flatMap(({ failures }) => failures.filter(({ mended }) => !mended));
    expect(semantic.a.errors_left).toBe(left.length);
    expect(phases.some(({ failed_step }) => failed_step !== null)).toBe(left.length > 0);
    return { left: left.length, tests: [explained.tests.last, semantic.a.tests] };
  };

  it('is the same in explain and in comparisons: what was made good is not left', async () => {
    const script = new Script().start(0).prompt(1, 'go');
    command(script, 10, 'c1', 'grep nothing src', failed('Exit code 1'));
    command(script, 20, 'c2', 'make all', failed('Exit code 2'));
    command(script, 30, 'c3', 'make most', { result: 'done' });
    expect(await outcomes(script)).toMatchObject({ left: 0 });
    command(script, 40, 'c4', 'make rest', failed('Exit code 2'));
    expect(await outcomes(script)).toMatchObject({ left: 1 });
  });

  it('of tests too, where only their words tell it', async () => {
    const tests = (text: string) =>
      outcomes(
        command(new Script().start(0).prompt(1, 'go'), 10, 't', 'npx vitest run | tail -3', {
          result: text,
        }),
      ).then(({ tests: both }) => both);
    expect(await tests('Tests  1 failed | 3 passed (4)')).toEqual(['failed', 'failed']);
    expect(await tests('Tests  4 passed (4)')).toEqual(['passed', 'passed']);
    expect(await tests('done')).toEqual(['hidden', 'unknown']);
    expect(await tests('No tests found, exiting with code 0')).toEqual(['empty', 'unknown']);
    expect(await tests('0 passed, 9 skipped')).toEqual(['empty', 'unknown']);
    expect(await tests('ok  pkg/a 0.1s\n?   pkg/b [no test files]')).toEqual(['hidden', 'unknown']);
  });
});
