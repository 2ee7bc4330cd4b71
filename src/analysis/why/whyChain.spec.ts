import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pythonCause } from '../../../test/pythonWhy.ts';
import { calls, sessionOf } from '../../../test/randomSession.ts';
import { decodeLine } from '../../model/decode.ts';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { stepOfEvent } from '../../model/eventStep.ts';
import { SessionFold } from '../../model/fold.ts';
import { ids } from '../../model/ids.ts';
import type { AnalysedSession } from '../analysed.ts';
import { whyChain } from './whyChain.ts';

const SEED = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures', 'seed');

/** A session in memory, which counts what is read of it. */
function analysed(events: readonly TraceEvent[]): AnalysedSession & { read: number } {
  const fold = new SessionFold();
  const byRow = new Map<number, TraceEvent>();
  for (const event of events) {
    const before = fold.columns.length;
    const copy = structuredClone(event);
    fold.add(copy, byRow.size);
    if (fold.columns.length > before) byRow.set(before, copy);
  }
  return {
    id: 's',
    fold,
    read: 0,
    readEvents(rows) {
      this.read += rows.length;
      return rows.map((row) => byRow.get(row));
    },
  };
}

/** Writes a session step by step. */
class Story {
  readonly events: TraceEvent[] = [];
  private time = 1_700_000_000;
  private count = 0;
  private message = 0;

  add(event_type: string, data: JsonObject, rest: Partial<TraceEvent> = {}): TraceEvent {
    this.time += 1;
    const event: TraceEvent = {
      event_type,
      timestamp: this.time,
      event_id: ids.prompt('s', `${++this.count}`),
      session_id: 's',
      ...rest,
      data: { recorded_by: 'hook', provider: 'claude', cwd: '/p', ...data },
    };
    this.events.push(event);
    return event;
  }

  prompt(prompt: string): TraceEvent {
    return this.add('user_prompt', { prompt });
  }

  say(text: string, lane?: string): TraceEvent {
    return this.add('assistant_response', { text, ...laneOf(lane) });
  }

  /** A call and its result. */
  call(
    tool_name: string,
    args: JsonObject,
    result: string,
    more: JsonObject & { lane?: string } = {},
  ): TraceEvent {
    const { lane, ...data } = more;
    const id = `t${++this.count}`;
    const call = this.add(
      'tool_call',
      { tool_name, tool_use_id: id, arguments: args, ...laneOf(lane) },
      { event_id: ids.call('s', id) },
    );
    this.add(
      'tool_result',
      { tool_name, tool_use_id: id, result, ...laneOf(lane), ...data },
      { event_id: ids.result('s', id), parent_id: ids.call('s', id) },
    );
    return call;
  }

  read(path: string, text: string, lane?: string): TraceEvent {
    return this.call('Read', { file_path: path }, text, {
      files: [{ path, kind: 'read' }],
      ...(lane === undefined ? {} : { lane }),
    });
  }

  edit(path: string, before: string, after: string): TraceEvent {
    return this.call(
      'Edit',
      { file_path: path, old_string: before, new_string: after },
      `The file ${path} has been updated.`,
      { files: [{ path, kind: 'write', hunks: [[5, 1, 5, 1]], added: 1, removed: 1 }] },
    );
  }

  fail(tool: string, args: JsonObject, text: string): TraceEvent {
    return this.call(tool, args, text, { is_error: true, exit_code: 1 });
  }

  /** Calls that one response asks for. */
  response(asked: readonly TraceEvent[]): void {
    this.add(
      'llm_response',
      {
        recorded_by: 'transcript',
        model: 'm',
        message_id: `m${++this.message}`,
        request_id: 'r',
        usage: { input_tokens: 1, output_tokens: 1 },
        tool_use_ids: asked.map(({ data }) => data.tool_use_id!),
      },
      { event_id: ids.usage('s', `m${this.message}`, 'r') },
    );
  }

  /** The chain of an event as `reason step sure`, cause first, with the steps named by their events. */
  why(event: TraceEvent): string[] {
    const session = analysed(this.events);
    const chain = whyChain(session, stepOfEvent(session.fold, event.event_id))!;
    return chain.links.map(({ reason, sure, words, evidence }) =>
      [reason, words.slice(0, 40), evidence && `(${evidence}; ${sure})`].filter(Boolean).join(' '),
    );
  }
}

const laneOf = (lane: string | undefined): JsonObject =>
  lane === undefined ? {} : { agent_id: lane, agent_type: 'Explore' };

describe('whyChain', () => {
  it('goes from a changed file over its read and the search that named it to the prompt', () => {
    const story = new Story();
    story.prompt('Users with uppercase e-mail cannot sign in');
    story.call('Grep', { pattern: 'authenticate' }, 'src/auth.py:12:def authenticate(email):');
    story.read('/p/src/auth.py', 'def authenticate(email):\n    return find_user(email)');
    const edit = story.edit('/p/src/auth.py', 'find_user(email)', 'find_user(email.lower())');
    expect(story.why(edit)).toEqual([
      'prompt Users with uppercase e-mail cannot sign  (the first that was done for it; asked)',
      'named Grep authenticate (line 1 of the result names src/auth.py; evidence)',
      'read Read src/auth.py (src/auth.py read, and not changed since; evidence)',
      'here Edit src/auth.py +1 −1',
    ]);
  });

  it('takes a path by its parts, never within another one', () => {
    const story = new Story();
    story.prompt('go');
    story.call(
      'Bash',
      { command: 'ls' },
      'src/my-auth.py\nsrc/auth.pyc\nother/src/auth.py.bak\nlib/auth.py2',
    );
    const read = story.read('/p/src/auth.py', 'x');
    expect(story.why(read)[0]).toMatch(/^prompt/);
    expect(story.why(read)).toHaveLength(2);
  });

  it('a read of another file of the same name is no read of this one', () => {
    const story = new Story();
    story.prompt('go');
    story.read('/p/b/index.ts', 'import { thing } from "x"');
    const edit = story.edit('/p/a/index.ts', 'a', 'b');
    expect(story.why(edit).map((link) => link.split(' ')[0])).toEqual(['prompt', 'here']);
  });

  it('answers the failure whose output names the file; a read after it comes in between', () => {
    const story = new Story();
    story.prompt('go');
    story.read('/p/src/auth.py', 'x');
    story.fail('Bash', { command: 'pytest -q' }, 'FAILED\n  src/auth.py:3: AttributeError');
    const first = story.edit('/p/src/auth.py', 'a', 'b');
    expect(story.why(first).at(-2)).toBe(
      'error pytest -q exit 1 (line 2 of what failed names src/auth.py; evidence)',
    );
    story.fail('Bash', { command: 'pytest -q' }, 'FAILED\n  src/auth.py:9: KeyError');
    story.read('/p/src/auth.py', 'x');
    const second = story.edit('/p/src/auth.py', 'b', 'c');
    expect(story.why(second).map((link) => link.split(' ')[0])).toEqual([
      'prompt', // step 1
      'error',
      'change',
      'error',
      'read',
      'here',
    ]);
  });

  it('the first change after failed tests is likely for them, the tests run again for the change', () => {
    const story = new Story();
    story.prompt('go');
    story.fail('Bash', { command: 'npm test' }, '1 failing');
    const edit = story.edit('/p/a.ts', 'a', 'b');
    const again = story.call('Bash', { command: 'npm test' }, 'ok');
    expect(story.why(edit).at(-2)).toBe(
      'error npm test exit 1 (the first change after these tests failed: exit 1, 1 failing; likely)',
    );
    expect(story.why(again).at(-2)).toBe(
      'change Edit a.ts +1 −1 (changed after step 2 failed (exit 1, 1 failing), which is run again; evidence)',
    );
  });

  it('names the same call that failed, and how often; 600 times do no harm', () => {
    const story = new Story();
    story.prompt('go');
    let last = story.fail('Bash', { command: 'curl x' }, 'connection refused');
    for (let n = 0; n < 600; n++)
      last = story.fail('Bash', { command: 'curl x' }, 'connection refused');
    const session = analysed(story.events);
    const chain = whyChain(session, session.fold.steps.length - 1)!;
    expect(story.why(last)).toEqual([
      'prompt go (the first that was done for it; asked)',
      'retry curl x exit 1 (the same call failed before 600 times: exit 1, connection refused; evidence)',
      'here curl x exit 1',
    ]);
    expect(chain.complete).toBe(true);
    expect(session.read).toBeLessThan(50);
  });

  it('shows what the agent said where it names the step, and no cause among calls of one response', () => {
    const story = new Story();
    story.prompt('go');
    story.say('First I look around. Then I will open handlers.ts to see `parseRequest`.');
    const a = story.call('Grep', { pattern: 'parseRequest' }, 'src/handlers.ts:1:parseRequest');
    const b = story.read('/p/src/handlers.ts', 'parseRequest');
    story.response([a, b]);
    expect(story.why(b)).toEqual([
      'prompt go (the first that was done for it; asked)',
      'said First I look around. Then I will open ha (“Then I will open handlers.ts to see `parseRequest`.”; asked)',
      'here Read src/handlers.ts',
    ]);
  });

  it('a step of a subagent goes to the call that started it, and to its task', () => {
    const story = new Story();
    story.prompt('Where are cookies set?');
    const id = 'toolu_agent';
    const call = story.add(
      'tool_call',
      {
        tool_name: 'Agent',
        tool_use_id: id,
        arguments: { subagent_type: 'Explore', prompt: 'Read src/cookies.ts and report' },
      },
      { event_id: ids.call('s', id) },
    );
    const inner = story.read('/p/src/cookies.ts', 'setCookie', 'sub1');
    story.add(
      'tool_result',
      {
        tool_name: 'Agent',
        tool_use_id: id,
        result: 'src/session.ts sets them',
        subagent_id: 'sub1',
      },
      { event_id: ids.result('s', id), parent_id: call.event_id },
    );
    const after = story.read('/p/src/session.ts', 'x');
    expect(story.why(inner)).toEqual([
      'prompt Where are cookies set? (the first that was done for it; asked)',
      'subagent Explore Read src/cookies.ts and report (its task names src/cookies.ts; asked)',
      'here Read src/cookies.ts',
    ]);
    expect(story.why(after).at(-2)).toBe(
      'subagent Explore Read src/cookies.ts and report (line 1 of the subagent’s answer names src/session.ts; evidence)',
    );
  });

  it('shows a compaction between a cause and a step', () => {
    const story = new Story();
    story.prompt('go');
    story.read('/p/a.ts', 'x');
    story.add('decision', { event_subtype: 'compaction', trigger: 'auto', phase: 'end' });
    const edit = story.edit('/p/a.ts', 'a', 'b');
    expect(story.why(edit).map((link) => link.split(' ')[0])).toEqual([
      'prompt',
      'read',
      'compaction',
      'here',
    ]);
  });

  const brief = (story: Story, event: TraceEvent): string[] =>
    story
      .why(event)
      .map((link) => `${link.split(' ')[0]} ${/\((.*)\)$/.exec(link)?.[1] ?? ''}`.trim());
  const patch = (story: Story, ...paths: string[]): TraceEvent =>
    story.call(
      'apply_patch',
      { input: paths.map((path) => `*** Update File: ${path}`).join('\n') },
      'Done',
      {
        files: paths.map((path) => ({
          path,
          kind: 'write',
          hunks: [[1, 1, 1, 1]],
          added: 1,
          removed: 1,
        })),
      },
    );
  const run = (story: Story, command: string, result = '', more: JsonObject = {}): TraceEvent =>
    story.call('exec_command', { cmd: command }, result, more);

  it('a commit goes to the changes in it, whoever asked for them, and to the tests that tried them', () => {
    const story = new Story();
    story.prompt('Fix the price of a basket');
    patch(story, '/p/src/price.ts', '/p/src/basket.ts');
    patch(story, '/p/notes.md');
    run(story, 'npm test', '12 passed');
    story.prompt('Can we submit a PR?');
    run(story, 'git add src/price.ts src/basket.ts');
    const commit = run(story, 'git commit -m "Fix the price"', '1 file changed');
    const push = run(story, 'git push -u origin HEAD', 'ok');
    const pull = run(story, 'gh pr create --fill', 'https://example.com/1');
    const links = [
      'prompt the first that was done for it; asked',
      'change the last change in it: src/price.ts, src/basket.ts; evidence',
      'test these tests passed before it: 12 tests; evidence',
      'prompt the prompt names PR; asked',
    ];
    expect(brief(story, commit)).toEqual([...links, 'here']);
    expect(brief(story, push)).toEqual([
      ...links,
      'change the commit that it sends; evidence',
      'here',
    ]);
    expect(brief(story, pull).at(-2)).toBe(
      'change what it asks to merge was pushed here; evidence',
    );
  });

  it('a commit says what came after the tests, that they failed, and that what is in it is not known', () => {
    const story = new Story();
    story.prompt('Fix it and commit');
    story.edit('/p/a.ts', 'a', 'b');
    story.fail('Bash', { command: 'npm test' }, '1 failing');
    story.edit('/p/README.md', 'a', 'b');
    const all = run(story, 'git commit -am "Fix it"', 'ok');
    expect(brief(story, all)).toEqual([
      'prompt the first that was done for it; asked',
      'change the last change that these tests tried: a.ts; evidence',
      'test these tests failed before it: exit 1, 1 failing; 1 change came after: README.md; evidence',
      'change the last change in it: README.md, a.ts; evidence',
      'here',
    ]);
    // What was committed before is in no other; nothing says what was staged.
    story.edit('/p/b.ts', 'a', 'b');
    const staged = run(story, 'git commit -m "More"', 'ok');
    expect(brief(story, staged).at(-2)).toBe('change the last change before it: b.ts; likely');
    // Nothing was changed since.
    const empty = run(story, 'git commit --allow-empty -m "Start the build"', 'ok');
    expect(brief(story, empty).at(-2)).toMatch(/^prompt the prompt names commit/);
  });

  it('what is said while the agent works is a remark: the work goes on for the prompt before', () => {
    const story = new Story();
    story.prompt('Find out why the search is slow');
    run(story, 'ls', 'src');
    story.add('user_prompt', { prompt: 'It is in ~/projects', source: 'queue' });
    run(story, 'ls ~/projects', 'search');
    story.say('Now the profile.');
    const late = run(story, 'node --prof run.mjs', 'ok');
    expect(brief(story, late)[0]).toBe(
      'prompt done for it; what was said at step 3 came in between; likely',
    );
    // An answer ends the work.
    story.say('It is the regular expression.');
    story.prompt('Now the other one');
    expect(brief(story, run(story, 'make x', 'ok'))[0]).toBe(
      'prompt the first that was done for it; asked',
    );
  });

  it('a prompt right after a result is a remark only where the trace has what the agent says', () => {
    const links = (says: boolean): string => {
      const story = new Story();
      story.prompt('Find out why the search is slow');
      if (says) story.say('I look around.');
      run(story, 'ls', 'src');
      story.prompt('It is in ~/projects');
      run(story, 'ls ~/projects', 'search');
      return brief(story, run(story, 'node --prof run.mjs', 'ok'))[0]!;
    };
    expect(links(true)).toContain('what was said at step 4 came in between');
    expect(links(false)).not.toContain('came in between');
  });

  it('goes back in every link, whatever was changed, tried, committed and pushed', () => {
    const moves = fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(moves, (list) => {
        const story = new Story();
        const events = list.map((move, at) => {
          const path = `/p/f${at % 3}.ts`;
          if (move === 0) return story.prompt(at % 2 === 0 ? 'go on' : 'commit and push it');
          if (move === 1) return story.say('Committing and pushing f1.ts');
          if (move === 2) return story.fail('Bash', { command: 'npm test' }, '1 failed');
          if (move === 3) return run(story, 'npm test | tail', '3 passed');
          if (move === 4) return run(story, `git commit -am "${at}"`, 'ok');
          if (move === 5) return run(story, `git add f1.ts && git commit -m x`, 'ok');
          if (move === 6) return run(story, 'git push; gh pr create', 'ok');
          if (move === 7) return patch(story, path, '/p/g.ts');
          return story.read(path, 'x', 'agent1');
        });
        const session = analysed(story.events);
        for (const event of events) {
          const step = stepOfEvent(session.fold, event.event_id);
          session.read = 0;
          const steps = whyChain(session, step)!.links.map((link) => link.step);
          expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
          expect(steps.at(-1)).toBe(step);
          expect(session.read).toBeLessThanOrEqual(400);
        }
      }),
    );
  });

  it('ends where the trace does not tell, and at 12 links', () => {
    const story = new Story();
    const alone = story.read('/p/a.ts', 'x');
    expect(story.why(alone)).toEqual(['here Read a.ts']);
    expect(whyChain(analysed(story.events), 0)).toMatchObject({
      complete: true,
      unexplained: true,
    });
    story.prompt('go');
    expect(whyChain(analysed(story.events), 1)).not.toHaveProperty('unexplained');
    for (let n = 0; n < 40; n++) story.read(`/p/f${n}.ts`, `see f${n + 1}.ts`);
    const session = analysed(story.events);
    const chain = whyChain(session, session.fold.steps.length - 1)!;
    expect(chain.links).toHaveLength(12);
    expect(chain.cut).toBe(29);
    expect(chain.links[0]!.reason).toBe('prompt');
    expect(chain.links.at(-1)!.step).toBe(chain.step);
  });

  it('knows no step that is none', () => {
    const session = analysed(new Story().events);
    for (const step of [-1, 0, 1.5, Number.NaN]) expect(whyChain(session, step)).toBeUndefined();
  });

  it('reads a few hundred events at most, goes back in every link, and says the same twice', () => {
    fc.assert(
      fc.property(calls, fc.nat(), (list, seed) => {
        const session = analysed(sessionOf(list));
        const step = seed % session.fold.steps.length;
        const chain = whyChain(session, step)!;
        const steps = chain.links.map((link) => link.step);
        expect(steps).toEqual([...steps].sort((a, b) => a - b));
        expect(new Set(steps).size).toBe(steps.length);
        expect(chain.links.at(-1)).toMatchObject({ step, reason: 'here', evidence: '' });
        expect(chain.links.filter(({ reason }) => reason === 'here')).toHaveLength(1);
        expect(session.read).toBeLessThanOrEqual(400);
        expect(whyChain(session, step)).toEqual(chain);
      }),
    );
  });
});

describe('next to the Python tool', () => {
  // Ours differ, step: our cause ≠ theirs, because
  // - a command that is run again after a change was run for the change, which answers the failure (theirs names the
  //   failure, or the read of a file whose name stands in the command's output);
  // - a commit follows from the last change, not from the result that named no file of it;
  // - the same call that failed again and again goes back to the first of these failures;
  // - any error before a call is no reason for it: `undefined` is none where there is no prompt either.
  it('agrees where its rules are sound', () => {
    const differences: string[] = [];
    let agreed = 0;
    for (const version of ['v032', 'v080']) {
      for (const name of readdirSync(join(SEED, version)).sort()) {
        const lines = readFileSync(join(SEED, version, name, 'events.ndjson'), 'utf8').split('\n');
        const events = lines.flatMap((line) => {
          const decoded = decodeLine(line);
          return decoded.ok ? [decoded.event] : [];
        });
        const session = analysed(events);
        for (const [index, event] of events.entries()) {
          if (event.event_type !== 'tool_call') continue;
          const step = stepOfEvent(session.fold, event.event_id);
          const ours = whyChain(session, step)!.links.at(-2);
          const theirs = pythonCause(events, index);
          const their = theirs < 0 ? -1 : stepOfEvent(session.fold, events[theirs]!.event_id);
          const own = ours?.step ?? 0;
          if (own === their) agreed++;
          else differences.push(`${name} ${step + 1}: ${ours?.reason} ${own + 1} ≠ ${their + 1}`);
        }
      }
    }
    expect({ agreed, differences }).toMatchInlineSnapshot(`
      {
        "agreed": 53,
        "differences": [
          "hooksbugfix00001 8: change 7 ≠ 6",
          "hooksbugfix00001 11: change 10 ≠ 8",
          "hooksbugfix00001 16: change 15 ≠ 13",
          "mcpstdioproxy001 6: undefined 1 ≠ 4",
          "mcpstdioproxy001 7: undefined 1 ≠ 4",
          "mcpstdioproxy001 9: undefined 1 ≠ 4",
          "hooksbugfix00001 8: change 7 ≠ 6",
          "hooksbugfix00001 11: change 10 ≠ 8",
          "hooksbugfix00001 16: change 15 ≠ 13",
          "hooksbugfix00002 11: change 10 ≠ 9",
          "runawaysecret001 8: retry 6 ≠ 7",
          "runawaysecret001 9: retry 6 ≠ 8",
          "runawaysecret001 10: retry 6 ≠ 9",
          "runawaysecret001 11: retry 6 ≠ 10",
          "runawaysecret001 12: retry 6 ≠ 11",
          "runawaysecret001 14: change 13 ≠ 12",
        ],
      }
    `);
  });
});
