import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, eventLine, seed, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { parseOffset } from './commands/annotate.ts';

const START = Date.parse('2026-05-01T10:00:00Z') / 1000;
const NASTY = '\u001b]0;owned\u0007\u001b[2J\u202egnp\r\nnext \u009b31m';
const ACTIVE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** The fixture of the Python tool, to be written to. */
function bugfix(): string {
  const dir = temporaryFolder();
  cpSync(join(seed('v080'), 'hooksbugfix00001'), join(dir, 'hooksbugfix00001'), {
    recursive: true,
  });
  return dir;
}

function hostile(): string {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'hostile'));
  const file = `${NASTY}/auth.py`;
  writeFileSync(
    join(dir, 'hostile', 'events.ndjson'),
    eventLine('hostile', 'user_prompt', START, 1, { prompt: `needle ${NASTY}` }) +
      eventLine('hostile', 'tool_call', START + 1, 2, {
        tool_name: `Bash${NASTY}`,
        arguments: { command: `needle ${NASTY}` },
      }) +
      eventLine(
        'hostile',
        'error',
        START + 2,
        3,
        { tool_name: NASTY, error: `needle ${file} ${NASTY}` },
        { parent_id: '000000000002' },
      ) +
      eventLine('hostile', 'assistant_response', START + 3, 4, {
        text: `needle, then I edit auth.py ${NASTY}`,
      }) +
      eventLine('hostile', 'tool_call', START + 4, 5, {
        tool_name: 'Edit',
        arguments: { file_path: file, old_string: 'a', new_string: NASTY.repeat(50_000) },
      }),
  );
  writeFileSync(
    join(dir, 'hostile', 'annotations.jsonl'),
    `${JSON.stringify({ annotation_id: 'aaaaaaaaaaaa', event_id: '000000000002', label: NASTY, note: `${NASTY}\n${NASTY}`, author: NASTY, created_at: START })}\n`,
  );
  return dir;
}

describe('why', () => {
  it('tells the causes of a step, cause first', async () => {
    const dir = bugfix();
    const { code, out } = await cli(['why', 'hooks', '10', '--trace-dir', dir]);
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "prompt     step  2 Fix the login bug: users with uppercase e-mail cannot sign in. Run the tests before you finish.
                        └ the prompt names tests (asked)
      error      step  6 python -m pytest tests/test_auth.py -q failed
                        └ the first change after these tests failed: FAILED tests/test_auth.py::test_login - AssertionError (likely)
      change     step  7 Edit src/auth.py
                        └ changed after step 6 failed (FAILED tests/test_auth.py::test_login - AssertionError), which is run again (evidence)
      error      step  8 python -m pytest tests/test_auth.py -q failed
                        └ the step before failed: E AttributeError: NoneType has no attribute lower (likely)
      read       step  9 Read src/auth.py
                        └ src/auth.py read, and not changed since (evidence)
      this step  step 10 Edit src/auth.py
      "
    `);
    const [, event] = /"event_id":"(7f1505\w+)"/.exec('"event_id":"7f15052434b9"')!;
    expect((await cli(['why', event!, '--trace-dir', dir])).out).toBe(out);
  });

  it('takes last-error, and says what names a step', async () => {
    const dir = bugfix();
    expect((await cli(['why', 'last-error', '--trace-dir', dir])).out).toMatch(
      /this step {2}step 8 /,
    );
    const wrong: [string, number, RegExp][] = [
      ['0', 1, /steps 1 to 18/],
      ['999', 1, /steps 1 to 18. See them: agent-strace replay hooksbugfix00001 --numbers/],
      ['ffffffffffff', 1, /No event/],
      ['soon', 2, /A step is/],
    ];
    for (const [step, code, told] of wrong) {
      const ran = await cli(['why', step, '--trace-dir', dir]);
      expect(ran.code).toBe(code);
      expect(ran.err).toMatch(told);
    }
    expect((await cli(['why', 'a', 'b', 'c', '--trace-dir', dir])).code).toBe(2);
  });

  it('prints JSON with steps from 1, and Markdown', async () => {
    const dir = bugfix();
    const json = JSON.parse((await cli(['why', '7', '--json', '--trace-dir', dir])).out);
    expect(json).toMatchObject({
      session_id: 'hooksbugfix00001',
      step: 7,
      explained: true,
      cut: 0,
    });
    expect(
      json.links.map((link: { step: number; reason: string }) => [link.step, link.reason]),
    ).toEqual([
      [2, 'prompt'],
      [6, 'error'],
      [7, 'here'],
    ]);
    const { out } = await cli(['why', '7', '--markdown', '--trace-dir', dir]);
    expect(out).toMatch(/^# Why step 7\n/);
    expect(out).toMatch(/2\. \*\*error\*\* step 6: python -m pytest/);
  });
});

describe('why, of what nothing led to', () => {
  it('says so, and wraps what it says under itself', async () => {
    const dir = bugfix();
    const { out } = await cli(['why', 'hooks', '1', '--trace-dir', dir]);
    expect(out).toMatch(/^Nothing in the trace led to it\.\nthis step {2}step 1 /);
    const narrow = await cli(['why', 'hooks', '10', '--trace-dir', dir], { width: 60 });
    const text = narrow.out.replace(/\u001b\[\d+m/g, '');
    expect(text).toMatch(/\n {18}└ \S.*\n {20}\S/);
    expect(text).not.toMatch(/└.*\n\s+└/);
    const none = await cli(['why', '--trace-dir', dir]);
    expect([none.code, none.out]).toEqual([2, '']);
    expect(none.err).toMatch(/^Which step\?\nagent-strace why \[id\] <step>/);
    const beyond = await cli(['why', 'hooks', '999', '--trace-dir', dir]);
    expect(beyond.err).toContain('agent-strace replay hooksbugfix00001 --numbers');
  });
});

describe('annotate', () => {
  it('keeps notes, lists, shows and deletes them', async () => {
    const dir = bugfix();
    const run = (...args: string[]) => cli([...args, '--trace-dir', dir]);
    expect(
      (
        await run(
          'annotate',
          '--event',
          '7',
          '--note',
          'here it is',
          '--label',
          'fix',
          '--author',
          'ann',
        )
      ).out,
    ).toMatch(/^Noted on step 7 of hooksbugfix00001 \([0-9a-f]{12}\)\n$/);
    const late = await run('annotate', 'hooks', '--at', '0:19', '--label', 'fixx', '--json');
    expect(JSON.parse(late.out)).toMatchObject({
      step: 9,
      label: 'fixx',
      offset_seconds: 19.2,
      event_id: '18f135d25f55',
    });
    const { out } = await run('annotate', '--list');
    expect(out.match(/step \d+/g)).toEqual(['step 6', 'step 7', 'step 9']);
    expect(out).toMatch(/here it is/);
    expect((await run('replay', '--numbers')).out).toMatch(
      / 7 {4}\+0:12 {2}> Edit src\/auth\.py.*\n.*✎ \[fix\] here it is \(ann\)\n/,
    );
    const { annotation_id: id } = JSON.parse(late.out);
    expect((await run('annotate', '--delete', id)).out).toBe(`Deleted ${id}\n`);
    expect(JSON.parse((await run('annotate', '--list', '--json')).out)).toHaveLength(2);
    expect((await run('annotate', '--delete', id)).code).toBe(1);
  });

  it('says how to note something on that very session', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'quiet-one'));
    writeFileSync(
      join(dir, 'quiet-one', 'events.ndjson'),
      eventLine('quiet-one', 'user_prompt', START, 1, { prompt: 'Hello' }),
    );
    const { err } = await cli(['annotate', 'quiet', '--trace-dir', dir]);
    expect(err).toContain('agent-strace annotate quiet-on 12 --note TEXT');
    const noted = await cli(['annotate', 'quiet', '1', '--note', 'x', '--trace-dir', dir]);
    expect(noted.out).toMatch(/^Noted on step 1 of quiet-one /);
  });

  it('deletes the one that is named in full, whatever others begin like it', async () => {
    const dir = bugfix();
    const line = (id: string): string =>
      `${JSON.stringify({ annotation_id: id, event_id: '', label: 'fix', note: id })}\n`;
    writeFileSync(join(dir, 'hooksbugfix00001', 'annotations.jsonl'), line('a5') + line('a55'));
    const run = (...args: string[]) => cli(['annotate', 'hooks', ...args, '--trace-dir', dir]);
    expect((await run('--delete', 'a')).code).toBe(1);
    expect((await run('--delete', 'a5')).out).toBe('Deleted a5\n');
    expect((await run('--list')).out).toContain('a55');
  });

  it('keeps no secret, and says so', async () => {
    const dir = bugfix();
    const key = `ghp_${'A1b2C3d4E5'.repeat(4).slice(0, 36)}`;
    const note = ['annotate', 'hooks', '--event', '6', '--note', `jane.doe@corp.com used ${key}`];
    const ran = await cli([...note, '--trace-dir', dir]);
    expect(ran.err).toMatch(/A secret was taken out of the note/);
    const masked = await cli([...note, '--json', '--trace-dir', dir], {
      env: { AGENT_STRACE_MASK: '1' },
    });
    expect(JSON.parse(masked.out).note).not.toMatch(/jane|ghp_/);
    const { out } = await cli(['annotate', 'hooks', '--list', '--trace-dir', dir]);
    expect(out).toMatch(/jane\.doe@corp\.com used \[REDACTED:/);
    expect(out).not.toContain(key);
  });

  it('says what is missing', async () => {
    const dir = bugfix();
    const wrong: [string[], RegExp][] = [
      [['--event', '3'], /nothing to keep/],
      [['--note', 'x', '--list'], /One thing at a time/],
      [['--note', 'x', '--event', '1', '--at', '3s'], /give one of them/],
      [['hooks', '1', '--note', 'x', '--event', '1'], /give one of them/],
      [['hooks', '1'], /nothing to keep/],
      [['--note', 'x', '--at', 'noon'], /2m14s/],
      [['--note', ' '], /needs a note or a label/],
    ];
    for (const [args, told] of wrong) {
      const ran = await cli(['annotate', ...args, '--trace-dir', dir]);
      expect(ran.code, args.join(' ')).toBe(2);
      expect(ran.err).toMatch(told);
    }
  });

  it('reads times as people write them', () => {
    const times = ['2m14s', '134s', '134', '2:14', '1:02:14', '1h2m', '+2:14', '0.5s', '2M'];
    expect(times.map(parseOffset)).toEqual([134, 134, 134, 134, 3734, 3720, 134, 0.5, 120]);
    for (const wrong of ['', 'x', '1:2', '-3', '3d', '1m1m'])
      expect(() => parseOffset(wrong)).toThrow();
  });
});

describe('search', () => {
  it('shows what is found, session by session, and ends with 1 where nothing is', async () => {
    const dir = bugfix();
    const found = await cli(['search', 'authenticate', '--trace-dir', dir]);
    expect(found.code).toBe(0);
    expect(found.out).toMatchInlineSnapshot(`
      "hooksbug  Claude Code · 2026-05-01 08:00 · Fix the login bug: users with uppercase e-mail cannot sign in. Run the tests before you finish.
         +0:02  step 3       Grep               def authenticate
         +0:04  step 4       Read result        def authenticate(email, password):     user = find_user(email)     return user and check(user, password)
         +0:06  step 5       Read result        def test_login():     assert authenticate("A@b.c", "x")
         +0:19  step 9       Read result        def authenticate(email, password):     user = find_user(email.lower())
         +0:27  step 12      answer             Fixed. \`authenticate\` now lower-cases the e-mail and tolerates \`None\`.  - **src/auth.py** changed - 3 tests pass
      "
    `);
    expect(found.err).toMatch(/hits in 1 session/);
    const none = await cli(['search', 'nowhere', '--trace-dir', dir]);
    expect([none.code, none.out]).toEqual([1, '']);
    expect(none.err).toMatch(/Nothing was found in 1 session/);
    expect(
      JSON.parse((await cli(['search', 'nowhere', '--json', '--trace-dir', dir])).out),
    ).toEqual([]);
  });

  it('says where there is no session yet', async () => {
    const { code, out, err } = await cli([
      'search',
      'x',
      '--json',
      '--trace-dir',
      temporaryFolder(),
    ]);
    expect([code, out]).toEqual([1, '[]\n']);
    expect(err).toMatch(/^No session is recorded in /);
    expect(err).toContain('import --discover');
  });

  it('takes fields, a limit, and says what is wrong', async () => {
    const dir = bugfix();
    const run = (...args: string[]) => cli(['search', ...args, '--trace-dir', dir]);
    const json = JSON.parse(
      (await run('tool:Bash', 'AND', 'file:CHANGELOG', '--json', '--limit', '2')).out,
    );
    expect(json).toHaveLength(2);
    expect(json[0]).toMatchObject({ session_id: 'hooksbugfix00001', step: 6, tool: 'Bash' });
    expect((await run('cost:>100')).code).toBe(1);
    expect((await run('kind:promt')).err).toMatch(/Did you mean prompt/);
    expect((await run('kind:promt')).code).toBe(2);
    expect((await run('tol:Bash')).err).toMatch(/Did you mean tool:/);
  });

  it('stops at Ctrl-C', async () => {
    const stop = new AbortController();
    stop.abort();
    const ran = await cli(['search', 'x', '--trace-dir', bugfix()], { signal: stop.signal });
    expect(ran.code).toBe(130);
  });
});

describe('Markdown of a session', () => {
  it('timeline has a table a phase, with its steps; stats and token-budget have theirs', async () => {
    const dir = bugfix();
    const { out } = await cli(['timeline', '--markdown', '--trace-dir', dir]);
    expect(out).toMatch(/^# Timeline: /);
    expect(out).toContain('\n| --- | ---: | ---: | --- | ---: | ---: |\n');
    expect(out).toMatch(/\n\| ✕ \| 6 \| \d+:\d\d \| python -m pytest/);
    const stats = await cli(['stats', '--markdown', '--trace-dir', dir]);
    expect(stats.out).toMatch(/\n\| Bash \| \d+ \| \d+ \|/);
    expect(stats.out).toContain('## What went wrong');
    const budget = await cli(['token-budget', '--markdown', '--trace-dir', dir]);
    expect(budget.out).toMatch(/^# Token budget: /);
  });

  it('inspect shows one step, its long texts below the event', async () => {
    const { out } = await cli(['inspect', '--step', '6', '--markdown', '--trace-dir', bugfix()]);
    expect(out).toMatch(/^# Step 6: python -m pytest/);
    expect(out).toContain('✕ it failed');
    expect(out).toContain('\n## Result\n\n```json\n{');
    const whole = await cli(['inspect', '--markdown', '--trace-dir', bugfix()]);
    expect([whole.code, whole.err]).toEqual([2, expect.stringContaining('--markdown shows one')]);
  });
});

describe('hostile text', () => {
  it.each([
    ['why', '4'],
    ['why', '4', '--markdown'],
    ['why', '4', '--json'],
    ['inspect', '--step', '4', '--markdown'],
    ['timeline', '--markdown'],
    ['stats', '--markdown'],
    ['token-budget', '--markdown'],
    ['why', 'last-error'],
    ['annotate', '--list'],
    ['annotate', '--list', '--json'],
    ['search', 'needle'],
    ['search', 'needle', '--json'],
    ['replay', '--numbers'],
    ['search', NASTY],
    ['why', NASTY],
    ['annotate', '--delete', NASTY],
    ['annotate', '--event', NASTY, '--note', 'x'],
    ['annotate', '--label', NASTY],
  ])('%s %s %s gets no control sequence through, and no line too wide', async (...args) => {
    const dir = hostile();
    const ran = await cli([...args, '--trace-dir', dir], { width: 80, env: { NO_COLOR: '1' } });
    expect(ran.out + ran.err).not.toMatch(ACTIVE);
    expect(ran.code).not.toBe(70);
    expect((ran.out + ran.err).length).toBeLessThan(200_000);
    if (args.includes('--json') || args.includes('--markdown')) return;
    for (const line of ran.out.split('\n')) expect(Array.from(line).length).toBeLessThanOrEqual(80);
  });

  it('gives Markdown no links, images or HTML', async () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 's'));
    const evil = '<img src=x> [a](javascript:1) ![b](http://x) `code` | # h';
    writeFileSync(
      join(dir, 's', 'events.ndjson'),
      eventLine('s', 'user_prompt', START, 1, { prompt: evil }) +
        eventLine('s', 'tool_call', START + 1, 2, {
          tool_name: 'Bash',
          arguments: { command: evil },
        }),
    );
    for (const args of [['why', '2'], ['timeline'], ['stats'], ['inspect', '--step', '2']]) {
      const { out, code } = await cli([...args, '--markdown', '--trace-dir', dir]);
      expect(code).toBe(0);
      // What stands in blocks of code is text.
      const told = out.replace(/^(`{3,})(json|text)\n[\s\S]*?\n\1$/gm, '');
      expect(told, args[0]).not.toMatch(/(?<!\\)<img|(?<!\\)\[a|(?<!\\)!\\?\[|(?<!\\)`/);
    }
  });
});
