import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { Script, SESSION } from '../../test/costSession.ts';

const OPUS = 'claude-opus-4-5';

function write(script: Script): string {
  const traceDir = temporaryFolder();
  mkdirSync(join(traceDir, SESSION));
  const lines = script.events.map((event) => `${JSON.stringify(event)}\n`);
  writeFileSync(join(traceDir, SESSION, 'events.ndjson'), lines.join(''));
  return traceDir;
}

/** One of everything that a session's money goes to, and is wasted on. */
function everything(): Script {
  const script = new Script().start(0).prompt(1, 'Find out why the webhook fails');
  const file = (path: string, kind: string) => ({ files: [{ path: `/p/${path}`, kind }] });
  script.answer(3, {
    input: 30_010,
    write: 30_000,
    output: 200,
    model: OPUS,
    calls: ['r1', 'mcp'],
  });
  script.call(4, 'r1', 'Read').result(5, 'r1', 'Read', file('src/webhook.ts', 'read'));
  script.call(4, 'mcp', 'mcp__github__get_issue').result(6, 'mcp', 'mcp__github__get_issue');
  script.answer(8, {
    input: 34_010,
    read: 30_000,
    write: 4000,
    output: 100,
    model: OPUS,
    calls: ['r2', 'go'],
  });
  script.call(9, 'r2', 'Read').result(10, 'r2', 'Read', file('src/webhook.ts', 'read'));
  script.call(9, 'go', 'Agent').subagent(10, 'one', 'Explore', 'go');
  script.answer(12, {
    input: 9000,
    output: 300,
    model: 'claude-haiku-4-5',
    lane: 'one',
    calls: ['s1'],
  });
  script.call(13, 's1', 'Grep', {}, 'one').result(14, 's1', 'Grep', {}, 'one');
  script.answer(15, { input: 9500, output: 50, model: 'nobody-knows-1', lane: 'one' });
  script.result(16, 'go', 'Agent').answer(17, {
    input: 36_010,
    read: 34_000,
    write: 2000,
    output: 400,
    model: OPUS,
  });
  // Seven minutes later.
  script.prompt(450, 'Fix it, and run the tests').answer(455, {
    input: 36_510,
    write: 36_500,
    output: 500,
    model: OPUS,
    calls: ['e1'],
  });
  script.call(456, 'e1', 'Edit').result(457, 'e1', 'Edit', file('src/webhook.ts', 'write'));
  const failing = (at: number, id: string, held: number) =>
    script
      .answer(at, {
        input: held + 510,
        read: held,
        write: 500,
        output: 80,
        model: OPUS,
        calls: [id],
      })
      .call(at + 1, id, 'Bash', { command: 'npm test' })
      .result(at + 5, id, 'Bash', { error: 'Exit code 1\nexpected 1 to be 2', exit_code: 1 });
  failing(460, 't1', 36_500);
  failing(470, 't2', 37_000);
  return script;
}

/** Of many commands, what they print. */
async function printed(traceDir: string, args: string[], width = 100): Promise<string> {
  const { code, out, err } = await cli(['cost', ...args, '--trace-dir', traceDir], {
    width,
    env: { NO_COLOR: '1' },
  });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

describe('cost', () => {
  it('tells where the money went, what was wasted, why, and what would help', async () => {
    expect(await printed(write(everything()), [])).toMatchSnapshot();
  });

  it.each(['phase', 'model', 'tool', 'file', 'mcp', 'subagent', 'waste'])('by %s', async (by) => {
    expect(await printed(write(everything()), ['--by', by])).toMatchSnapshot();
  });

  it('says of a prompt without a recorded response, and of unpriced waste, that nothing is known', async () => {
    const script = new Script().start(0).prompt(1, 'Look around');
    script.answer(3, { input: 30_010, write: 30_000, output: 200, model: 'nobody-knows-1' });
    script.prompt(10, '/review').prompt(20, 'Go on');
    script.answer(23, { input: 34_010, write: 34_000, output: 100, model: 'nobody-knows-2' });
    script.answer(25, { input: 1010, output: 100, model: OPUS });
    const traceDir = write(script);
    expect(await printed(traceDir, ['--by', 'phase'])).toMatch(/\/review +0 +0 .* –\n/);
    const report = JSON.parse(await printed(traceDir, ['--json']));
    expect(report.breakdown.phases[1]).toMatchObject({ index: 2, responses: 0, cost_usd: null });
    expect(
      report.by_prompt.map((one: { cost_usd: number | null }) => one.cost_usd === null),
    ).toEqual([
      // Before the first prompt, and three prompts.
      true,
      true,
      true,
      false,
    ]);
    expect(report.waste.items).toHaveLength(1);
    expect([report.waste.cost_usd, report.waste.kinds.cache_break.cost_usd]).toEqual([null, null]);
    expect(report.waste.kinds.retry.cost_usd).toBe(0);
  });

  it('as JSON: parts that add up, with stable keys', async () => {
    const traceDir = write(everything());
    const report = JSON.parse((await cli(['cost', '--json', '--trace-dir', traceDir])).out);
    expect({ breakdown: report.breakdown, waste: report.waste }).toMatchSnapshot();
    const nano = (usd: number | null): number => Math.round((usd ?? 0) * 1e9);
    const sum = (parts: { cost_usd: number | null }[]): number =>
      parts.reduce((all, { cost_usd }) => all + nano(cost_usd), 0);
    const { breakdown, waste } = report;
    const total = nano(report.cost_usd);
    expect(sum([...breakdown.tools, breakdown.answers, breakdown.calls_not_recorded])).toBe(total);
    expect(sum([...breakdown.files, breakdown.no_file])).toBe(total);
    expect(sum([...breakdown.mcp_servers, breakdown.no_mcp_server])).toBe(total);
    expect(sum(breakdown.phases)).toBe(total);
    expect(sum(waste.items)).toBe(nano(waste.cost_usd));
    expect(nano(breakdown.agents[0].total_usd)).toBe(total);
    // What was there before stays.
    expect(report.by_prompt.map(({ prompt }: { prompt: string }) => prompt)).toEqual([
      '',
      'Find out why the webhook fails',
      'Fix it, and run the tests',
    ]);
  });

  it('as CSV, whose cells add up and are no formulas', async () => {
    const script = new Script().start(0).prompt(1);
    script.answer(2, { input: 1000, output: 0, model: OPUS, calls: ['a', 'b', 'c'] });
    script
      .call(3, 'a', '=HYPERLINK("https://evil.example")')
      .call(3, 'b', '-2+3')
      .call(3, 'c', 'a,b');
    const { out } = await cli(['cost', '--by', 'tool', '--csv', '--trace-dir', write(script)]);
    const lines = out.split('\r\n').filter(Boolean);
    expect(lines[0]).toBe('tool,calls,cost_usd,priced');
    expect(lines.slice(1).sort()).toEqual([
      '"\'=HYPERLINK(""https://evil.example"")",1,0.001666667,all',
      '"a,b",1,0.001666666,all',
      "'-2+3,1,0.001666667,all",
    ]);
    const wrong = await cli(['cost', '--csv', '--trace-dir', write(script)]);
    expect(wrong.code).toBe(2);
    expect(wrong.err).toContain('--by');
  });

  it('says what there is not, and shares out nothing that has no price', async () => {
    const none = new Script().start(0).prompt(1).call(2, 'a', 'Read').result(3, 'a', 'Read');
    const quiet = write(none);
    expect(await printed(quiet, ['--by', 'tool'])).toContain('No usage is recorded');
    const free = new Script().start(0).prompt(1);
    free.answer(2, { input: 1000, model: 'nobody-knows-1', calls: ['a'] }).call(3, 'a', 'Read');
    const unpriced = write(free);
    expect(await printed(unpriced, ['--by', 'tool'])).toContain('No response has a known price');
    expect(await printed(unpriced, [])).not.toContain('$0');
    const { out } = await cli(['cost', '--json', '--trace-dir', unpriced]);
    const { breakdown, waste } = JSON.parse(out);
    expect(breakdown.tools[0]).toMatchObject({ cost_usd: null, unpriced: 1 });
    expect(waste.cost_usd).toBeNull();
  });

  it('keeps to the width, and lets no text of the trace act on the terminal', async () => {
    const evil = '\u001b[31m\u202eexe\u0007\n=1 | <b> ';
    const script = new Script().start(0).prompt(1, evil.repeat(3));
    script.answer(2, { input: 90_000, write: 80_000, model: OPUS, calls: ['a', 'b', 'go'] });
    for (const id of ['a', 'b']) {
      script.call(3, id, 'Read').result(4, id, 'Read', {
        files: [{ path: evil, kind: 'read' }],
      });
    }
    script.call(5, 'go', `mcp__${evil}__${evil}`).subagent(6, evil, evil.repeat(20), 'go');
    script.answer(900, { input: 90_000, write: 80_000, model: evil, lane: evil });
    script.answer(901, { input: 91_000, write: 91_000, model: `claude ${evil}` });
    const traceDir = write(script);
    for (const width of [24, 40, 80]) {
      for (const by of [
        [],
        ...['phase', 'tool', 'file', 'mcp', 'subagent', 'waste'].map((x) => ['--by', x]),
      ]) {
        const out = await printed(traceDir, by, width);
        expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
        for (const line of out.split('\n')) {
          if (width > 24 || by.length === 0) expect([...line].length).toBeLessThanOrEqual(width);
        }
      }
    }
  });
});

const real =
  process.env.AGENT_STRACE_REAL ?? join(import.meta.dirname, '..', '..', '..', 'shared', 'real');
const transcripts = ['claude', 'codex'].flatMap((agent) =>
  existsSync(join(real, agent))
    ? readdirSync(join(real, agent)).map((name) => join(real, agent, name))
    : [],
);
if (transcripts.length === 0) {
  console.warn('No real transcripts there (AGENT_STRACE_REAL names their folder): not priced.');
}

describe.skipIf(transcripts.length === 0)('real sessions', () => {
  interface Report {
    cost_usd: number;
    breakdown: Record<string, unknown>;
    waste: { cost_usd: number; items: { kind: string; cause: string | null; tokens: number }[] };
  }

  async function reportOf(path: string): Promise<Report> {
    const traceDir = temporaryFolder();
    await cli(['import', path, '--trace-dir', traceDir]);
    return JSON.parse((await cli(['cost', '--json', '--trace-dir', traceDir])).out);
  }

  it('are shared out to the nano-dollar, and waste less than they cost', async () => {
    for (const path of transcripts) {
      const report = await reportOf(path);
      const nano = (value: unknown): number => Math.round(((value as number | null) ?? 0) * 1e9);
      const parts = (...keys: string[]): number =>
        keys
          .flatMap((key) => report.breakdown[key] as { cost_usd?: number; own_usd?: number })
          .reduce((all, part) => all + nano(part.cost_usd ?? part.own_usd), 0);
      const total = nano(report.cost_usd);
      expect(parts('tools', 'answers', 'calls_not_recorded')).toBe(total);
      expect(parts('files', 'no_file')).toBe(total);
      expect(parts('mcp_servers', 'no_mcp_server')).toBe(total);
      expect(parts('phases')).toBe(total);
      expect(parts('agents')).toBe(total);
      expect(nano(report.waste.cost_usd)).toBeLessThanOrEqual(total);
    }
  });

  /** Looked at row by row: each of them read nothing, after a pause or with another model. */
  const BREAKS: [string, (string | number)[][]][] = [
    [
      'entire-cli-5ac45bc32212',
      [
        ['time', 57_414],
        ['time', 66_379],
        ['time', 60_166],
        ['time', 52_256],
      ],
    ],
    ['entire-graph-b9713a917b91', []],
    ['entire-graph-bbef1c2a76a9', [['model', 60_901]]],
  ];

  it('lost their caches where they did', async () => {
    for (const [name, expected] of BREAKS) {
      const path = transcripts.find((each) => each.includes(name));
      if (path === undefined) continue;
      const { waste } = await reportOf(path);
      const breaks = waste.items.filter(({ kind }) => kind === 'cache_break');
      expect(breaks.map(({ cause, tokens }) => [cause, tokens])).toEqual(expected);
    }
  });
});
