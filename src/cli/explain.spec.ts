import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, seed, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { textWidth } from '../report/terminalText.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'test', 'fixtures');
/** Whole transcripts of real sessions: not part of the project, so read only where they lie beside it. */
const REAL = join(import.meta.dirname, '..', '..', '..', 'shared', 'real');

const RECORDED: [name: string, file: string][] = [
  ['claude', 'claude/transcripts/main'],
  ['claude-subagent', 'claude/transcripts/fg'],
  ['codex', 'codex/main/transcript'],
  ['codex-failing', 'codex/failing/transcript'],
  ['gemini', 'gemini/main.session.jsonl'],
];

async function imported(file: string): Promise<string> {
  const traceDir = join(temporaryFolder(), 'traces');
  const path = join(FIXTURES, file);
  const [first] = file.endsWith('.jsonl')
    ? ['']
    : readdirSync(path).filter((name) => name.endsWith('.jsonl'));
  const { code, err } = await cli(['--trace-dir', traceDir, 'import', join(path, first ?? '')]);
  expect(code, err).toBe(0);
  return traceDir;
}

describe.each(RECORDED)('%s', (name, file) => {
  it.each([
    ['explain', ['explain'], 'txt'],
    ['explain', ['explain', '--markdown'], 'md'],
    ['timeline', ['timeline'], 'txt'],
  ])('%s %j', async (command, args, ending) => {
    const traceDir = await imported(file);
    const { out, code } = await cli(['--trace-dir', traceDir, ...args], { width: 100 });
    expect(code).toBe(0);
    await expect(plain(out)).toMatchFileSnapshot(`__snapshots__/${command}-${name}.${ending}`);
  });
});

/** Without colours. */
const plain = (text: string): string => text.replace(/\u001b\[\d+m/g, '');
const widths = (text: string): number[] => plain(text).split('\n').map(textWidth);

describe('explain', () => {
  it('has the same sums in text, JSON, cost and stats', async () => {
    const traceDir = await imported('claude/transcripts/main');
    const json = async (...args: string[]) =>
      JSON.parse((await cli(['--trace-dir', traceDir, ...args, '--json'])).out);
    const [explained, timeline, cost, stats] = [
      await json('explain'),
      await json('timeline'),
      await json('cost'),
      await json('stats'),
    ];
    const sum = (of: { [key: string]: number }[], key: string): number =>
      Math.round(of.reduce((all, each) => all + each[key]! * 1e9, 0)) / 1e9;
    expect(explained.cost.cost_usd).toBe(cost.cost_usd);
    expect(sum(explained.phases, 'cost_usd')).toBe(cost.cost_usd);
    expect(sum(timeline.phases, 'total_cost')).toBe(cost.cost_usd);
    for (const key of ['tool_calls', 'errors', 'denied', 'retries', 'edits']) {
      expect(sum(explained.phases, key), key).toBe(stats[key]);
    }
  });

  it('shows one phase, and says which there are', async () => {
    const one = await cli([
      '--trace-dir',
      seed('v080'),
      'explain',
      'hooksbugfix00001',
      '--phase',
      '2',
    ]);
    expect(one.out).toContain('Also add a changelog entry');
    expect(one.out).not.toContain('pytest');
    const none = await cli([
      '--trace-dir',
      seed('v080'),
      'explain',
      'hooksbugfix00001',
      '--phase',
      '9',
    ]);
    expect([none.code, none.err]).toEqual([
      1,
      'There is no phase 9\nThe session has the phases 1 to 2.\n',
    ]);
    const both = await cli(['--trace-dir', seed('v080'), 'explain', '--json', '--markdown']);
    expect(both.code).toBe(2);
    const limits = await cli(['--trace-dir', seed('v080'), 'timeline', '--all', '--limit', '3']);
    expect(limits.code).toBe(2);
  });

  it('says what to do where there is nothing yet', async () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'empty-session'));
    writeFileSync(join(traceDir, 'empty-session', 'events.ndjson'), '');
    for (const command of ['explain', 'timeline']) {
      const { code, out } = await cli(['--trace-dir', traceDir, command, 'empty']);
      expect(code).toBe(0);
      expect(out).toContain('Nothing is recorded of it yet.');
    }
  });

  describe('of what is not known yet', () => {
    const AT = Date.parse('2026-05-01T10:00:00Z') / 1000;
    const bash = (id: number, at: number, command: string) =>
      eventLine('open', 'tool_call', at, id, { tool_name: 'Bash', arguments: { command } });
    const prompt = eventLine('open', 'user_prompt', AT, 1, { prompt: 'Make the tests pass' });
    const told = async (command: string, lines: string[], now: number) => {
      const traceDir = temporaryFolder();
      mkdirSync(join(traceDir, 'open'));
      writeFileSync(join(traceDir, 'open', 'events.ndjson'), [prompt, ...lines].join(''));
      const options = { width: 120, nowMs: now * 1000 };
      return plain((await cli(['--trace-dir', traceDir, command], options)).out);
    };

    it('a failure of what still runs is not called harmless', async () => {
      const failed = eventLine(
        'open',
        'error',
        AT + 2,
        3,
        { tool_name: 'Bash', error: '1 failed' },
        { parent_id: '000000000002' },
      );
      const out = await told('explain', [bash(2, AT + 1, 'npm test'), failed], AT + 3);
      expect(out).toContain('It goes on. Something failed, and nothing has mended it yet.');
      expect(out).toContain('not mended yet: 1 failed');
      expect(out).not.toContain('Nothing failed that mattered');
    });

    it('a last call without a result is named', async () => {
      const end = eventLine('open', 'session_end', AT + 3, 3, {});
      const out = await told('explain', [bash(2, AT + 1, 'git commit -m x'), end], AT + 4);
      expect(out).toContain('It ends in the middle of step 2: what came of that is not known.');
    });

    it('tests that run are no tests without a result', async () => {
      const once = [bash(2, AT + 1, 'npm test')];
      const live = await told('explain', once, AT + 3);
      expect(live).toContain('It goes on. Nothing failed. Tests are running (step 2).');
      const again = await told('explain', [...once, bash(3, AT + 2, 'npm test')], AT + 3);
      expect(again).toContain('Tests ran 1 time before, and are running (step 3).');
      const over = [...once, eventLine('open', 'session_end', AT + 3, 3, {})];
      expect(await told('explain', over, AT + 4)).toContain('Tests ran once: it has no result');
      expect(await told('cost', once, AT + 3)).toContain('or let a turn end.');
    });

    it('that the last prompt got no answer is said where the agent said something before', async () => {
      const said = eventLine('open', 'assistant_response', AT + 1, 2, { text: 'Done.' });
      const more = (text: string) => eventLine('open', 'user_prompt', AT + 2, 3, { prompt: text });
      const ran = eventLine(
        'open',
        'tool_result',
        AT + 4,
        5,
        { tool_name: 'Bash', result: 'ok' },
        { parent_id: '000000000004' },
      );
      const end = eventLine('open', 'session_end', AT + 5, 6, {});
      const again = [more('Go on'), bash(4, AT + 3, 'ls'), ran];
      const broken = 'It broke off before an answer.';
      const over = AT + 4000;
      expect(await told('explain', [said, ...again, end], over)).toContain(broken);
      expect(await told('explain', [said, ...again], AT + 5)).not.toContain(broken);
      expect(await told('explain', [...again, end], over)).not.toContain(broken);
      expect(await told('explain', [said, more('/exit'), end], over)).not.toContain(broken);
    });

    it('tests that hide their exit code say so in the timeline, too', async () => {
      const passed = eventLine(
        'open',
        'tool_result',
        AT + 2,
        3,
        { tool_name: 'Bash', result: 'ok' },
        { parent_id: '000000000002' },
      );
      const hidden = [bash(2, AT + 1, 'npm test | tail -3'), passed];
      expect(await told('timeline', hidden, AT + 90)).toContain(
        'npm test | tail -3  exit code hidden',
      );
      const plainRun = [bash(2, AT + 1, 'npm test'), passed];
      expect(await told('timeline', plainRun, AT + 90)).not.toContain('exit code hidden');
    });
  });

  it('folds what is many, and keeps what failed', async () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'many'));
    const lines: string[] = [eventLine('many', 'user_prompt', 1, 1, { prompt: 'Do it all' })];
    for (let at = 0; at < 300; at++) {
      const id = 10 + at * 2;
      const tool = at % 3 === 0 ? 'Edit' : 'Bash';
      const args = at % 3 === 0 ? { file_path: `/p/f${at}` } : { command: `make ${at}` };
      lines.push(
        eventLine('many', 'tool_call', 2 + at, id, { tool_name: tool, arguments: args }),
        eventLine(
          'many',
          at === 150 ? 'error' : 'tool_result',
          2.5 + at,
          id + 1,
          at === 150 ? { tool_name: tool, error: 'boom' } : { tool_name: tool, result: 'ok' },
          { parent_id: id.toString(16).padStart(12, '0') },
        ),
      );
    }
    writeFileSync(join(traceDir, 'many', 'events.ndjson'), lines.join(''));
    const { out } = await cli(['--trace-dir', traceDir, 'timeline', 'many'], { width: 100 });
    const phases = JSON.parse(
      (await cli(['--trace-dir', traceDir, 'timeline', '--json'])).out,
    ).phases;
    expect(out.split('\n').length).toBeLessThan(6 + phases.length * 25);
    expect(out).toContain('boom');
    const all = await cli(['--trace-dir', traceDir, 'timeline', '--all'], { width: 100 });
    expect(all.out.split('\n').length).toBeGreaterThan(300);
    const limited = JSON.parse(
      (await cli(['--trace-dir', traceDir, 'timeline', '--json', '--limit', '2'])).out,
    );
    expect(limited.phases[0].entries).toHaveLength(2);
    expect(limited.phases[0].entries_left_out).toBe(limited.phases[0].entry_count - 2);
  });

  it('is not fooled by hostile text', async () => {
    const traceDir = temporaryFolder();
    mkdirSync(join(traceDir, 'evil'));
    const evil =
      '<script>alert(1)</script> [x](command:evil) ![i](http://e) \u001b[2J\u001b]8;;http://e\u0007 \u202egnp.exe `a` | step 9';
    let deep: unknown = 'x';
    for (let at = 0; at < 3000; at++) deep = [deep];
    const call = (at: number, name: string, args: object): string =>
      eventLine('evil', 'tool_call', at, at * 10, { tool_name: name, arguments: args }) +
      eventLine(
        'evil',
        'error',
        at + 0.5,
        at * 10 + 1,
        { tool_name: name, error: evil },
        {
          parent_id: (at * 10).toString(16).padStart(12, '0'),
        },
      );
    writeFileSync(
      join(traceDir, 'evil', 'events.ndjson'),
      [
        eventLine('evil', 'session_start', 1, 1, { cwd: '/p', trace_version: 1, model: evil }),
        eventLine('evil', 'user_prompt', 2, 2, { prompt: `${evil}\n${'x'.repeat(5_000_000)}` }),
        call(3, 'Bash', { command: `echo ${evil} ${'y'.repeat(1_000_000)}` }),
        call(4, evil, { deep } as object),
        call(5, 'Edit', { file_path: `/p/${evil}` }),
        call(6, 'mcp__evil__do', { q: evil }),
        eventLine('evil', 'assistant_response', 9, 9, { text: evil }),
      ].join(''),
    );
    for (const command of ['explain', 'timeline']) {
      for (const width of [40, 80]) {
        const { out, code } = await cli(['--trace-dir', traceDir, command, 'evil'], {
          width,
          env: { NO_COLOR: '1' },
        });
        expect(code).toBe(0);
        expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
        expect(Math.max(...widths(out)), `${command} at ${width}`).toBeLessThanOrEqual(width);
      }
      const json = await cli(['--trace-dir', traceDir, command, 'evil', '--json']);
      expect(json.out).not.toMatch(/[\u001b\u202e]/);
      expect(JSON.parse(json.out).phases).toHaveLength(1);
    }
    const { out } = await cli(['--trace-dir', traceDir, 'explain', 'evil', '--markdown']);
    expect(out).not.toMatch(/(^|[^\\])<script|(^|[^\\])\]\(|(^|[^\\])`/);
    // Tables keep their columns.
    for (const line of out.split('\n').filter((each) => each.startsWith('|'))) {
      expect(line.replaceAll('\\|', '').split('|')).toHaveLength(7);
    }
  });
});

const transcripts = existsSync(REAL)
  ? ['claude', 'codex'].flatMap((agent) =>
      readdirSync(join(REAL, agent))
        .filter((name) => name.endsWith('.jsonl'))
        .map((name): [string, string] => [name.slice(0, 28), join(REAL, agent, name)]),
    )
  : [];
if (transcripts.length === 0) console.warn(`Skipped: no real transcripts lie in ${REAL}`);

describe.runIf(transcripts.length > 0)('real sessions', () => {
  it.each(transcripts)('%s', async (_name, file) => {
    const traceDir = join(temporaryFolder(), 'traces');
    await cli(['--trace-dir', traceDir, 'import', file]);
    const explained = JSON.parse((await cli(['--trace-dir', traceDir, 'explain', '--json'])).out);
    const prompts = new Set(
      explained.phases.map((phase: { prompt_number: number }) => phase.prompt_number),
    );
    expect(prompts.size).toBe(explained.prompts);
    // A prompt is cut into a handful, if at all.
    expect(explained.phase_count).toBeLessThan(explained.prompts * 6);
    for (const phase of explained.phases) expect(phase.name).not.toBe('');
    for (const command of ['explain', 'timeline']) {
      for (const width of [80, 120]) {
        const { out, code } = await cli(['--trace-dir', traceDir, command], { width });
        expect(code).toBe(0);
        expect(Math.max(...widths(out))).toBeLessThanOrEqual(width);
      }
    }
  });
});
