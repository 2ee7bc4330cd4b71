import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, seed, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { SessionNames } from '../trace/names.ts';
import { homeTraceDir } from '../trace/paths.ts';

const START = Date.parse('2026-11-20T10:00:00Z') / 1000;

/** A session with two priced responses, one of a subagent, and one of an unknown model. */
function pricedSession(traceDir: string, id = 'priced-session-1', model = 'claude-opus-4-5'): void {
  mkdirSync(join(traceDir, id), { recursive: true });
  const usage = (input: number, read: number, output: number) => ({
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_write_input_tokens: 0,
    cache_write_1h_input_tokens: 0,
    output_tokens: output,
    reasoning_output_tokens: 0,
  });
  const response = (at: number, n: number, data: Record<string, unknown>) =>
    eventLine(id, 'llm_response', START + at, n, { event_subtype: 'usage', ...data });
  writeFileSync(
    join(traceDir, id, 'events.ndjson'),
    [
      eventLine(id, 'session_start', START, 1, {
        source: 'startup',
        cwd: '/repo',
        trace_version: 1,
      }),
      eventLine(id, 'user_prompt', START + 1, 2, { prompt: 'Fix the build' }),
      eventLine(id, 'tool_call', START + 2, 3, {
        tool_name: 'Bash',
        arguments: { command: 'npm test' },
      }),
      eventLine(
        id,
        'tool_result',
        START + 4,
        4,
        {
          tool_name: 'Bash',
          exit_code: 1,
          is_error: true,
          result: 'Exit code 1\nAssertionError: 1 != 2',
        },
        { parent_id: '000000000003', duration_ms: 2000 },
      ),
      response(5, 5, { model, usage: usage(100_000, 80_000, 1000) }),
      eventLine(id, 'user_prompt', START + 6, 6, { prompt: 'Try again' }),
      response(7, 7, {
        model,
        agent_id: 'sub1',
        agent_type: 'Explore',
        usage: usage(50_000, 0, 2000),
      }),
      response(8, 8, { model: 'nobody-knows-1', usage: usage(10, 0, 10) }),
      eventLine(id, 'session_end', START + 9, 9, { reason: 'exit' }),
    ].join(''),
  );
}

describe('list', () => {
  it('shows a table, the session active last first, whatever the files are called', async () => {
    const { out, code } = await cli(['list', '--trace-dir', seed('v080')]);
    expect(code).toBe(0);
    expect(out).toMatchSnapshot();
    expect(out).not.toContain('\u001b');
  });

  it('lists a session under the name that it was given', async () => {
    const env = { AGENT_STRACE_HOME: join(temporaryFolder(), 'home') };
    new SessionNames(env).set(seed('v080'), 'hooksbugfix00001', 'The webhook bug');
    const args = ['list', '--trace-dir', seed('v080')];
    expect((await cli(args, { env })).out).toContain('The webhook bug');
    const listed = JSON.parse((await cli([...args, '--json'], { env })).out);
    const names = listed.map(({ name }: { name: string | null }) => name);
    expect(new Set(names)).toEqual(new Set(['The webhook bug', null]));
  });

  it('fits a terminal and colours it', async () => {
    const { out } = await cli(['list', '--trace-dir', seed('v032')], { width: 72 });
    expect(out).toContain('\u001b[36m');
    const plain = out.replace(/\u001b\[\d+m/g, '');
    for (const line of plain.split('\n').slice(0, -3)) expect(line.length).toBeLessThanOrEqual(72);
  });

  it('has no colours under NO_COLOR or a dumb terminal, and has them when forced', async () => {
    const args = ['list', '--trace-dir', seed('v032')];
    expect((await cli(args, { width: 90, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
    expect((await cli(args, { width: 90, env: { TERM: 'dumb' } })).out).not.toContain('\u001b');
    expect((await cli(args, { env: { FORCE_COLOR: '1' } })).out).toContain('\u001b[');
    expect((await cli(args, { env: { FORCE_COLOR: '0' }, width: 90 })).out).not.toContain('\u001b');
  });

  it('answers the same from its cache, also after the cache was spoilt', async () => {
    const home = join(temporaryFolder(), 'home');
    const env = { AGENT_STRACE_HOME: home };
    const traceDir = temporaryFolder();
    cpSync(seed('v080'), traceDir, { recursive: true });
    const args = ['list', '--json', '--trace-dir', traceDir];
    const cold = await cli(args, { env });
    const [file] = readdirSync(join(home, 'cache'));
    expect((await cli(args, { env })).out).toBe(cold.out);
    const path = join(home, 'cache', file!);
    // That it is read: what it says is what is shown.
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll('optimize checkout latency', 'from the cache'));
    expect((await cli(args, { env })).out).toContain('from the cache');
    for (const spoilt of ['', '{', 'null', '{"version":1,"sessions":7}', text.slice(0, 500)]) {
      writeFileSync(path, spoilt);
      expect((await cli(args, { env })).out).toBe(cold.out);
    }
    // And a session that grew is read anew.
    const events = join(traceDir, 'llmdecision00001', 'events.ndjson');
    appendFileSync(
      events,
      eventLine('llmdecision00001', 'user_prompt', 1777640800, 77, { prompt: 'more' }),
    );
    const grown = JSON.parse((await cli(args, { env })).out) as { prompts: number }[];
    expect(grown[0]!.prompts).toBe(2);
  });

  it('keeps nothing in the trace folder', async () => {
    const traceDir = temporaryFolder();
    cpSync(seed('v080'), traceDir, { recursive: true });
    const before = readdirSync(traceDir);
    await cli(['list', '--trace-dir', traceDir]);
    expect(readdirSync(traceDir)).toEqual(before);
  });

  it('marks what runs, what it cannot price and lines it cannot read', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir);
    mkdirSync(join(traceDir, 'running'));
    writeFileSync(
      join(traceDir, 'running', 'events.ndjson'),
      `${eventLine('running', 'user_prompt', START + 100, 1, { prompt: 'go' })}not json\n`,
    );
    const { out } = await cli(['list', '--trace-dir', traceDir], { nowMs: (START + 110) * 1000 });
    const [, first, second] = out.split('\n');
    expect(first).toMatch(/^● +running .*\[1 bad lines?\] go/);
    expect(second).toMatch(/^ +priced-s.*≥\$/);
    expect(out).toMatch(/2 sessions · ≥\$[\d.]+ · 1 with responses that have no price\n$/);
  });
});

describe('naming a session', () => {
  it('takes a prefix, and the one active last where none is given', async () => {
    const traceDir = seed('v080');
    const named = await cli(['stats', 'hooksbugfix00002', '--json', '--trace-dir', traceDir]);
    expect(JSON.parse(named.out)).toMatchObject({ session_id: 'hooksbugfix00002' });
    const latest = await cli(['stats', '--json', '--trace-dir', traceDir]);
    expect(JSON.parse(latest.out)).toMatchObject({ session_id: 'llmdecision00001' });
  });

  it('is not misled by names or by times of files', async () => {
    const traceDir = temporaryFolder();
    for (const [id, at] of [
      ['zzz', 0],
      ['aaa', 50],
      ['mmm', 20],
    ] as const) {
      mkdirSync(join(traceDir, id));
      const path = join(traceDir, id, 'events.ndjson');
      writeFileSync(path, eventLine(id, 'user_prompt', START + at, 1, { prompt: id }));
      utimesSync(path, START + 1000, START + 1000);
    }
    const { out } = await cli(['stats', '--json', '--trace-dir', traceDir]);
    expect(JSON.parse(out)).toMatchObject({ session_id: 'aaa' });
  });

  it('says what fits where a prefix is not enough, or wrong', async () => {
    const two = await cli(['cost', 'hooks', '--trace-dir', seed('v080')]);
    expect(two).toMatchObject({ code: 1, out: '' });
    expect(two.err).toContain('"hooks" fits 2 sessions');
    expect(two.err).toContain('hooksbugfix00002');
    const wrong = await cli(['cost', 'llmdecsion', '--trace-dir', seed('v080')]);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('Did you mean llmdecision00001?');
  });

  it('says what to do where there is no trace folder', async () => {
    const none = await cli(['list']);
    expect(none.code).toBe(1);
    expect(none.err).toContain('There is no trace folder');
    expect(none.err).toContain('agent-strace setup');
    const named = await cli(['list', '--trace-dir', 'nowhere']);
    expect(named).toMatchObject({ code: 1 });
    expect(named.err).toContain('--trace-dir');
  });

  it('finds the folder by option before or after the command, by environment, and from a subfolder', async () => {
    const repo = temporaryFolder();
    mkdirSync(join(repo, '.git'));
    mkdirSync(join(repo, 'src', 'deep'), { recursive: true });
    cpSync(seed('v032'), join(repo, '.agent-traces'), { recursive: true });
    const wanted = (await cli(['list', '--trace-dir', seed('v032')])).out;
    expect((await cli(['--trace-dir', seed('v032'), 'list'])).out).toBe(wanted);
    expect((await cli(['list'], { env: { AGENT_TRACE_DIR: seed('v032') } })).out).toBe(wanted);
    expect((await cli(['list'], { cwd: join(repo, 'src', 'deep') })).out).toBe(wanted);
  });
});

describe('wrong use', () => {
  it.each([
    [['lst'], 'Did you mean list?'],
    [['list', '--jsno'], 'Did you mean --json?'],
    [['replay', '--speed', '0'], 'above 0'],
    [['replay', '--limit', 'x'], 'whole number'],
    [['replay', '--filter', 'eror'], 'Did you mean error'],
    [['setup', '--cli', 'emacs'], 'claude'],
    [['import'], 'Nothing to import'],
    [['import', 'no-such-file.jsonl'], 'There is no file'],
    [['cost', 'x', '--all', '--trace-dir', 'd'], '--all takes no session id'],
  ])('%j ends with 2 and says why', async (args, told) => {
    const { code, err, out } = await cli(args);
    expect(code).toBe(2);
    expect(err).toContain(told);
    expect(out).toBe('');
  });

  it('shows help and version', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, out: '0.0.0-test\n', err: '' });
    const help = await cli(['help', 'replay']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('--trace-dir');
    expect(help.out).toContain('Examples:');
  });
});

describe('replay', () => {
  it('tells a session step by step', async () => {
    const { out } = await cli(['replay', 'hooksbugfix00001', '--trace-dir', seed('v080')]);
    expect(out).toMatchSnapshot();
  });

  it('fits a narrow terminal', async () => {
    const { out } = await cli(['replay', 'unicode', '--trace-dir', seed('v032')], {
      width: 60,
      env: { NO_COLOR: '1' },
    });
    expect(out).toMatchSnapshot();
  });

  it('filters by kinds, event types and outcomes, and stops at a limit', async () => {
    const steps = async (...more: string[]): Promise<string[]> => {
      const { out } = await cli([
        'replay',
        'hooksbugfix00001',
        '--trace-dir',
        seed('v080'),
        ...more,
      ]);
      return out.split('\n').filter((line) => /^ *\+\d/.test(line));
    };
    const all = await steps();
    expect((await steps('--filter', 'prompt')).length).toBe(2);
    expect((await steps('--filter', 'error')).every((line) => line.includes('✗'))).toBe(true);
    expect(await steps('--limit', '3')).toEqual(all.slice(0, 3));
    expect((await steps('--filter', 'tool_call,user_prompt', '--limit', '4')).length).toBe(4);
  });

  it('prints one event a line as JSON, in time order', async () => {
    const { out } = await cli([
      'replay',
      'hooksbugfix00001',
      '--json',
      '--trace-dir',
      seed('v080'),
    ]);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { timestamp: number });
    const raw = readFileSync(join(seed('v080'), 'hooksbugfix00001', 'events.ndjson'), 'utf8');
    expect(events.length).toBe(raw.trim().split('\n').length);
    const times = events.map(({ timestamp }) => timestamp);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('waits between steps as asked', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir);
    const started = performance.now();
    await cli(['replay', '--speed', '20', '--trace-dir', traceDir]);
    const took = performance.now() - started;
    // Nine seconds of session.
    expect(took).toBeGreaterThan(400);
    expect(took).toBeLessThan(2500);
  });

  it('shows hostile text harmless', async () => {
    const traceDir = temporaryFolder();
    const id = 'hostile';
    mkdirSync(join(traceDir, id));
    const nasty = '\u001b]0;owned\u0007\u001b[2J\u202egnp\r\nnext \u009b31m';
    writeFileSync(
      join(traceDir, id, 'events.ndjson'),
      eventLine(id, 'user_prompt', START, 1, { prompt: nasty, cwd: nasty, agent_name: nasty }) +
        eventLine(id, 'tool_call', START + 1, 2, {
          tool_name: nasty,
          arguments: { command: nasty, file_path: nasty },
        }) +
        eventLine(
          id,
          'error',
          START + 2,
          3,
          { tool_name: nasty, error: nasty },
          { parent_id: '000000000002' },
        ) +
        eventLine(id, 'tool_call', START + 3, 4, {
          tool_name: 'Read',
          arguments: { file_path: nasty },
        }) +
        eventLine(
          id,
          'tool_result',
          START + 3,
          5,
          { tool_name: 'Read', result: nasty, files: [{ path: nasty, kind: 'read' }] },
          { parent_id: '000000000004' },
        ) +
        eventLine(id, 'tool_call', START + 4, 6, {
          tool_name: 'Task',
          event_subtype: 'subagent',
          agent_id: nasty,
          agent_type: nasty,
          description: nasty,
        }) +
        eventLine(id, 'llm_response', START + 5, 7, {
          model: nasty,
          agent_id: nasty,
          usage: { input_tokens: 5, output_tokens: 5 },
        }),
    );
    for (const args of [
      ['replay'],
      ['replay', '--json'],
      ['stats'],
      ['stats', '--json'],
      ['cost'],
      ['cost', '--json'],
      ['cost', '--all'],
      ['list'],
      ['list', '--json'],
      ['inspect'],
    ]) {
      const { out, err, code } = await cli([...args, '--trace-dir', traceDir]);
      expect(code, args.join(' ')).toBe(0);
      expect(out.length, args.join(' ')).toBeGreaterThan(0);
      expect(out + err, args.join(' ')).not.toMatch(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
      );
    }
  });
});

describe('stats', () => {
  it('counts tools, files, failures', async () => {
    const { out } = await cli(['stats', 'hooksbugfix00001', '--trace-dir', seed('v080')]);
    expect(out).toMatchSnapshot();
  });

  it('adds the sessions that one started when asked', async () => {
    const args = ['stats', 'subagentroot0001', '--json', '--trace-dir', seed('v080')];
    expect(JSON.parse((await cli(args)).out).children).toEqual([]);
    const { children } = JSON.parse((await cli([...args, '--include-subagents'])).out);
    expect(
      children.map((child: { session_id: string; depth: number }) => [
        child.session_id,
        child.depth,
      ]),
    ).toEqual([
      ['subagentchild001', 1],
      ['subagentgrand001', 2],
      ['subagentchild002', 1],
    ]);
  });
});

describe('cost', () => {
  it('adds up: models, phases, own and subagents, all sessions', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir);
    const report = JSON.parse((await cli(['cost', '--json', '--trace-dir', traceDir])).out);
    // Opus 4.5: $5 in, $0.50 cached, $25 out, per million tokens.
    const first = (20_000 * 5 + 80_000 * 0.5 + 1000 * 25) / 1e6;
    const second = (50_000 * 5 + 2000 * 25) / 1e6;
    expect(report.cost_usd).toBeCloseTo(first + second, 9);
    expect(report.own_usd).toBeCloseTo(first, 9);
    expect(report.subagent_usd).toBeCloseTo(second, 9);
    expect(
      report.by_prompt.map(({ cost_usd }: { cost_usd: number }) => cost_usd).filter(Boolean),
    ).toEqual([first, second]);
    expect(report).toMatchObject({ priced: 2, unpriced: 1, estimated: 0, estimated_usd: null });
    expect(report.models[1]).toMatchObject({
      model: 'nobody-knows-1',
      cost_usd: null,
      unpriced: 1,
    });
    expect(report.cache_hit_rate).toBeCloseTo(80_000 / 150_010, 9);
    pricedSession(traceDir, 'priced-session-2');
    const all = JSON.parse((await cli(['cost', '--all', '--json', '--trace-dir', traceDir])).out);
    expect(all.cost_usd).toBeCloseTo(2 * report.cost_usd, 9);
    expect(all.models[0].tokens.output_tokens).toBe(6000);
    const listed = JSON.parse((await cli(['list', '--json', '--trace-dir', traceDir])).out);
    expect(listed.map((one: { cost: { cost_usd: number } }) => one.cost.cost_usd)).toEqual([
      report.cost_usd,
      report.cost_usd,
    ]);
  });

  it('shows it in words', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir);
    const { out } = await cli(['cost', '--trace-dir', traceDir]);
    expect(out).toMatchSnapshot();
  });

  it('never shows $0 for what it cannot price', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir, 'unknown-model', 'nobody-knows-2');
    const { out } = await cli(['cost', '--trace-dir', traceDir]);
    expect(out.split('\n')[0]).toBe('unpriced  Fix the build');
    expect(out).not.toContain('$0');
    const report = JSON.parse((await cli(['cost', '--json', '--trace-dir', traceDir])).out);
    expect(report).toMatchObject({ cost_usd: null, own_usd: null, unpriced: 3 });
  });

  it('marks an estimate', async () => {
    const { out } = await cli(['cost', 'hooksbugfix00001', '--trace-dir', seed('v080')]);
    expect(out).toMatch(/^~\$0\.\d{4} /);
    expect(out).toContain('no usage records');
  });
});

describe('inspect', () => {
  it('prints the session and its events as they are in the file', async () => {
    const { out } = await cli(['inspect', 'hooksbugfix00001', '--trace-dir', seed('v080')]);
    const { session, events } = JSON.parse(out);
    const folder = join(seed('v080'), 'hooksbugfix00001');
    const lines = readFileSync(join(folder, 'events.ndjson'), 'utf8').trim().split('\n');
    const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'));
    expect(events.map((event: { event_id: string }) => event.event_id)).toEqual(
      lines.map((line) => JSON.parse(line).event_id),
    );
    expect(events[1].prev_hash).toBe(JSON.parse(lines[1]!).prev_hash);
    expect(session).toMatchObject({
      session_id: meta.session_id,
      started_at: meta.started_at,
      agent_name: meta.agent_name,
      tool_calls: meta.tool_calls,
      attribution: meta.attribution,
    });
  });
});

describe('damaged and newer traces', () => {
  it('skips bad lines and says so on standard error', async () => {
    const traceDir = temporaryFolder();
    pricedSession(traceDir);
    const path = join(traceDir, 'priced-session-1', 'events.ndjson');
    writeFileSync(path, `garbage\n{"no":"event"}\n${readFileSync(path, 'utf8')}`);
    const { out, err, code } = await cli(['stats', '--json', '--trace-dir', traceDir]);
    expect(code).toBe(0);
    expect(JSON.parse(out).tool_calls).toBe(1);
    expect(err).toBe(
      'priced-session-1: 2 lines could not be read and were skipped (the first at byte 0).\n',
    );
  });

  it('does not guess at a trace of a newer version', async () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'newer'));
    writeFileSync(
      join(traceDir, 'newer', 'events.ndjson'),
      eventLine('newer', 'session_start', START, 1, { trace_version: 99 }),
    );
    const told = 'This trace was written by a newer version. Update agent-strace to open it.';
    for (const command of ['replay', 'stats', 'cost', 'inspect']) {
      const { code, err, out } = await cli([command, '--trace-dir', traceDir]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(told);
    }
    expect((await cli(['list', '--trace-dir', traceDir])).out).toContain('[newer format]');
  });
});

describe('the trace folder', () => {
  it('is also the fallback of every folder up to the root of the repository', async () => {
    const repo = temporaryFolder();
    const sub = join(repo, 'packages', 'a');
    mkdirSync(join(repo, '.git'));
    mkdirSync(sub, { recursive: true });
    const env = { AGENT_STRACE_HOME: join(temporaryFolder(), 'home') };
    // The recorder was told of the subfolder, and could not write there.
    const aside = homeTraceDir(sub, env);
    mkdirSync(aside, { recursive: true });
    pricedSession(aside, 'session-aside');
    expect((await cli(['list'], { env, cwd: sub })).out).toContain('session-');
    mkdirSync(join(repo, '.agent-traces'));
    pricedSession(join(repo, '.agent-traces'), 'at-the-root');
    const { out } = await cli(['list'], { env, cwd: sub });
    expect(out).toContain('at-the-root'.slice(0, 8));
    expect(out).toContain('2 sessions');
  });
});
