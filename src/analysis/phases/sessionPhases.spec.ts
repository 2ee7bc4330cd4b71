import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, SESSION, sessionOf } from '../../../test/randomSession.ts';
import { decodeLine } from '../../model/decode.ts';
import type { TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { ids } from '../../model/ids.ts';
import { ReplayIndex } from '../../model/replay/replayIndex.ts';
import { outcomesOf } from './outcome.ts';
import type { PhaseSums, SessionPhase } from './phase.ts';
import { phaseName, sessionPhases } from './sessionPhases.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', '..', 'test', 'fixtures');

const total = (phases: readonly SessionPhase[], key: keyof PhaseSums): number =>
  phases.reduce((sum, phase) => sum + phase[key], 0);

/** All that must hold of the phases of any session. */
function expectWhole(fold: SessionFold, phases: readonly SessionPhase[]): void {
  let next = 0;
  for (const [at, phase] of phases.entries()) {
    expect(phase.index).toBe(at);
    expect(phase.firstStep).toBe(next);
    expect(phase.lastStep).toBeGreaterThanOrEqual(phase.firstStep);
    expect(phase.endMs).toBeGreaterThanOrEqual(phase.startMs);
    next = phase.lastStep + 1;
  }
  expect(next).toBe(fold.steps.length);
  const { cost, counts } = fold;
  const { usage } = cost.total;
  expect({
    nanoUsd: total(phases, 'nanoUsd'),
    ownNanoUsd: total(phases, 'ownNanoUsd'),
    unpriced: total(phases, 'unpriced'),
    responses: total(phases, 'responses'),
    input: total(phases, 'inputTokens'),
    cacheRead: total(phases, 'cacheReadTokens'),
    cacheWrite: total(phases, 'cacheWriteTokens'),
    output: total(phases, 'outputTokens'),
    calls: total(phases, 'calls'),
    edits: total(phases, 'edits'),
    errors: total(phases, 'errors'),
    denied: total(phases, 'denied'),
    retries: total(phases, 'retries'),
  }).toEqual({
    nanoUsd: cost.total.nanoUsd,
    ownNanoUsd: cost.ofLane(0).nanoUsd,
    unpriced: cost.total.unpriced,
    responses: cost.total.responses,
    input: usage.input_tokens,
    cacheRead: usage.cache_read_input_tokens,
    cacheWrite: usage.cache_write_input_tokens,
    output: usage.output_tokens,
    calls: counts.calls,
    edits: counts.edits,
    errors: counts.errors,
    denied: counts.denied,
    retries: fold.retries.retries,
  });
}

const KEYS = ['nanoUsd', 'calls', 'errors', 'denied'] as const;

/** The phases of each prompt against what the stream says of it. */
function expectPrompts(fold: SessionFold, phases: readonly SessionPhase[]): void {
  for (const slice of fold.phases.all()) {
    const own = phases.filter(({ promptRow }) => promptRow === slice.row);
    // Before the first prompt nothing but a start: the first phase has it.
    if (slice.row < 0 && own.length === 0)
      expect(KEYS.map((key) => slice[key])).toEqual([0, 0, 0, 0]);
    else for (const key of KEYS) expect(total(own, key), key).toBe(slice[key]);
  }
}

/** What does not depend on the order of arrival: rows and codes do. */
const told = (fold: SessionFold, phases: readonly SessionPhase[]): unknown =>
  phases.map(({ promptRow, files, ...rest }) => ({
    ...rest,
    prompt: promptRow < 0 ? 0 : fold.columns.key[promptRow],
    files: files.map((file) => fold.files.paths.name(file)),
    name: phaseName(fold, { ...rest, promptRow, files }, ''),
  }));

function shuffled(events: readonly TraceEvent[], random: fc.Stream<number>): TraceEvent[] {
  return events
    .flatMap((event) => (random.next().value % 3 === 0 ? [event, event] : [event]))
    .map((event) => ({ event, at: random.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

/** Traces of the Python tool. */
function fixtureTraces(): [name: string, events: TraceEvent[]][] {
  const traces: [string, TraceEvent[]][] = [];
  for (const version of ['v032', 'v080']) {
    for (const id of readdirSync(join(FIXTURES, 'seed', version))) {
      const file = join(FIXTURES, 'seed', version, id, 'events.ndjson');
      if (existsSync(file)) traces.push([`${version}/${id}`, eventsOf(file)]);
    }
  }
  return traces;
}

function eventsOf(file: string): TraceEvent[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map(decodeLine)
    .flatMap((decoded) => (decoded.ok ? [decoded.event] : []));
}

describe('the phases of any session', () => {
  const long = fc.array(calls, { minLength: 1, maxLength: 6 }).map((lists) => lists.flat());

  it('cover all steps, and add up to the session and to its prompts', () => {
    fc.assert(
      fc.property(long, (list) => {
        const fold = foldOf(sessionOf(list));
        const phases = sessionPhases(fold);
        expectWhole(fold, phases);
        expectPrompts(fold, phases);
      }),
      { numRuns: 200 },
    );
  });

  it('are the same in whichever order the events came', () => {
    fc.assert(
      fc.property(long, fc.infiniteStream(fc.nat()), (list, random) => {
        const events = sessionOf(list);
        const inOrder = foldOf(events);
        const anyOrder = foldOf(shuffled(events, random));
        const phases = sessionPhases(anyOrder);
        expectWhole(anyOrder, phases);
        expect(told(anyOrder, phases)).toEqual(told(inOrder, sessionPhases(inOrder)));
      }),
      { numRuns: 100 },
    );
  });

  it.each(fixtureTraces())('%s', (_name, events) => {
    const fold = foldOf(events);
    const phases = sessionPhases(fold);
    expectWhole(fold, phases);
    expectPrompts(fold, phases);
  });

  it('differ from the state of replay by what came after the next phase began', () => {
    fc.assert(
      fc.property(long, (list) => {
        const fold = foldOf(sessionOf(list));
        const index = new ReplayIndex(fold);
        index.work();
        for (const phase of sessionPhases(fold)) {
          const before = phase.firstStep === 0 ? undefined : index.stateAt(phase.firstStep - 1);
          const after = index.stateAt(phase.lastStep)!;
          // Calls stand where they began, in either. Money, results and errors do, too, unless they came later.
          expect(phase.calls).toBe(after.calls - (before?.calls ?? 0));
          expect(phase.edits).toBe(after.edits - (before?.edits ?? 0));
          expect(phase.retries).toBe(after.retries - (before?.retries ?? 0));
        }
      }),
      { numRuns: 50 },
    );
  });
});

type Move =
  | 'read'
  | 'edit'
  | 'spec'
  | 'run'
  | 'build'
  | 'look'
  | 'test'
  | 'tests'
  | 'agent'
  | 'think'
  | 'todo'
  | 'command'
  | 'prompt';
type How = 'ok' | 'fail' | 'denied' | 'open';
const TOOLS: Partial<Record<Move, [tool: string, args: (at: number) => object]>> = {
  read: ['Read', (at) => ({ file_path: `/p/src/pay/f${at}.ts` })],
  edit: ['Edit', () => ({ file_path: '/p/src/webhook.py' })],
  spec: ['Edit', () => ({ file_path: '/p/tests/test_webhook.py' })],
  run: ['Bash', (at) => ({ command: `make x${at}` })],
  build: ['Bash', () => ({ command: 'make' })],
  look: ['Bash', (at) => ({ command: `rg x${at} src` })],
  test: ['Bash', () => ({ command: 'pytest -q' })],
  tests: ['Bash', (at) => ({ command: `npm test -- t${at}` })],
  agent: ['Agent', (at) => ({ description: `task ${at}` })],
  todo: ['TodoWrite', () => ({ todos: [] })],
};

/** A session from words such as `read`, `test!` (failed), `edit-` (denied), `run…` (still open). */
function session(moves: string, options: { prompt?: boolean; says?: string } = {}): SessionFold {
  const fold = new SessionFold({ pricer });
  let time = 1_700_000_000;
  const put = (type: string, id: string, data: object, more: object = {}): void => {
    time += 1;
    fold.add({
      event_type: type,
      timestamp: time,
      event_id: id,
      session_id: SESSION,
      data: { recorded_by: 'hook', ...data },
      ...more,
    } as TraceEvent);
  };
  put('session_start', 'aaaaaaaaaaaa', { provider: 'claude', cwd: '/p', trace_version: 1 });
  const all = moves.trim().split(/\s+/);
  if (options.prompt !== false) all.unshift('prompt');
  all.forEach((word, at) => {
    const [, move = '', mark = ''] = /^([a-z]+)(.?)$/u.exec(word) ?? [];
    const how = ({ '!': 'fail', '-': 'denied', '…': 'open' } as Record<string, How>)[mark] ?? 'ok';
    if (move === 'prompt' || move === 'command') {
      const prompt = move === 'prompt' ? (options.says ?? 'do it') : '/model opus';
      put('user_prompt', ids.prompt(SESSION, `p${at}`), { prompt, prompt_id: `p${at}` });
      return;
    }
    if (move === 'think') {
      put('assistant_response', ids.text(SESSION, 'text', '', `p${at}`, `t${at}`), {
        text: `t${at}`,
      });
      return;
    }
    const [tool, args] = TOOLS[move as Move]!;
    const call = ids.call(SESSION, `t${at}`);
    put('llm_response', ids.usage(SESSION, `m${at}`, ''), {
      model: 'big',
      usage: { input_tokens: 100, output_tokens: 10 },
      message_id: `m${at}`,
      tool_use_ids: [`t${at}`],
    });
    put('tool_call', call, { tool_name: tool, tool_use_id: `t${at}`, arguments: args(at) });
    const more = { parent_id: call, duration_ms: 10 };
    const { file_path: path } = args(at) as { file_path?: string };
    const files = path && [{ path, kind: tool === 'Edit' ? 'write' : 'read' }];
    if (how === 'ok')
      put(
        'tool_result',
        ids.result(SESSION, `t${at}`),
        { tool_name: tool, result: 'ok', ...(files ? { files } : {}) },
        more,
      );
    else if (how !== 'open')
      put(
        'error',
        ids.result(SESSION, `t${at}`),
        { tool_name: tool, error: 'no', ...(how === 'denied' ? { event_subtype: 'denied' } : {}) },
        more,
      );
  });
  return fold;
}

const times = (n: number, words: string): string => `${words} `.repeat(n);
const shape = (fold: SessionFold, live = false): string[] =>
  sessionPhases(fold, { live }).map(({ activity, outcome }) => `${activity} ${outcome}`);

describe('where a prompt is cut', () => {
  it('is one phase where it is short', () => {
    expect(shape(session('read read edit test think'))).toEqual(['edit ok']);
    expect(shape(session('think'))).toEqual(['answer ok']);
    expect(shape(session('read look read think'))).toEqual(['explore ok']);
  });

  it('is cut where the activity changes for good', () => {
    const fold = session(`${times(14, 'read')} ${times(9, 'edit')} ${times(9, 'run')} think`);
    expect(shape(fold)).toEqual(['explore ok', 'edit ok', 'run ok']);
    const phases = sessionPhases(fold);
    expect(phases.map(({ calls }) => calls)).toEqual([14, 9, 9]);
    // What each call cost is in the phase of the call.
    expect(phases.map(({ nanoUsd }) => nanoUsd)).toEqual([14, 9, 9].map((n) => n * 150_000));
  });

  it('is not cut at flickers', () => {
    expect(shape(session(times(10, 'edit edit read edit test edit')))).toEqual(['edit ok']);
    expect(shape(session(`${times(20, 'read')} run ${times(20, 'read')} todo look read`))).toEqual([
      'explore ok',
    ]);
  });

  it('has no more than 12 phases at 200 steps, whatever the rhythm', () => {
    for (const rhythm of [
      `${times(8, 'read')} ${times(6, 'edit')} ${times(4, 'run')}`,
      `${times(5, 'read')} ${times(5, 'edit')} ${times(5, 'test')} ${times(5, 'run')}`,
      `${times(20, 'read')} ${times(20, 'edit')}`,
    ]) {
      const moves = times(20, rhythm).trim().split(/\s+/).slice(0, 200);
      const { length } = sessionPhases(session(moves.join(' ')));
      expect(length).toBeGreaterThanOrEqual(2);
      expect(length).toBeLessThanOrEqual(12);
    }
  });

  it('cuts only long prompts where there are very many', () => {
    const prompt = `${times(14, 'read')} ${times(14, 'edit')} prompt `;
    expect(sessionPhases(session(times(20, prompt)))).toHaveLength(41);
    expect(sessionPhases(session(times(300, prompt)))).toHaveLength(301);
  });

  it('calls editing after failed tests a fix', () => {
    const fold = session(
      `${times(10, 'read')} ${times(8, 'edit')} test! ${times(3, 'read edit edit test!')} edit test think`,
    );
    expect(shape(fold)).toEqual(['explore ok', 'edit mixed', 'fix mixed']);
    expect(sessionPhases(fold).map((phase) => phaseName(fold, phase, 'do it'))).toEqual([
      'Explore src/pay',
      'Edit webhook.py',
      'Fix webhook.py',
    ]);
  });

  it('keeps the calls of one response together', () => {
    const fold = session(`${times(14, 'read')} ${times(9, 'edit')}`);
    const { columns, steps } = fold;
    const edit = sessionPhases(fold)[1]!.firstStep;
    // The last read and the first two edits, as if one response had asked for them.
    for (const step of [edit, edit + 1]) {
      columns.response[steps.row(step)] = columns.response[steps.row(edit - 1)]!;
    }
    const cut = sessionPhases(fold)[1]!.firstStep;
    expect([edit - 1, edit + 2]).toContain(cut);
  });

  it('takes what came before the first prompt as the first phase only where something was done', () => {
    const quiet = sessionPhases(session('read think'));
    expect(quiet.map(({ promptNumber, firstStep }) => [promptNumber, firstStep])).toEqual([[1, 0]]);
    const busy = sessionPhases(session('read prompt read', { prompt: false }));
    expect(busy.map(({ promptNumber }) => promptNumber)).toEqual([0, 1]);
    expect(sessionPhases(new SessionFold())).toEqual([]);
  });

  it('is not begun, nor made longer, by a command of the agent itself', () => {
    const fold = session('read think command prompt command edit');
    const [first, second] = sessionPhases(fold);
    expect(sessionPhases(fold).map(({ promptNumber }) => promptNumber)).toEqual([1, 2]);
    expect(fold.counts.prompts).toBe(2);
    expect(first!.endMs).toBe(sessionPhases(session('read think'))[0]!.endMs);
    expect(second!.edits).toBe(1);
  });

  it('ends when the work ended, not when the session did', () => {
    const fold = session('read think');
    const { endMs } = sessionPhases(fold)[0]!;
    fold.add({
      event_type: 'session_end',
      timestamp: 1_700_090_000,
      event_id: 'ffffffffffff',
      session_id: SESSION,
      data: { recorded_by: 'hook' },
    } as TraceEvent);
    expect(sessionPhases(fold)[0]!.endMs).toBe(endMs);
  });
});

describe('how a phase came out', () => {
  it.each([
    // Nothing failed, or nothing that matters.
    ['read edit test think', 'ok'],
    ['look! look read think', 'ok'],
    ['look! think', 'ok'],
    ['look! look! look! think', 'ok'],
    ['read! think', 'ok'],
    ['edit- run- think', 'ok'],
    ['run… think', 'ok'],
    // Something failed and came right.
    ['test! edit test think', 'mixed'],
    ['edit! edit think', 'mixed'],
    ['run! run think', 'mixed'],
    ['run! edit think', 'mixed'],
    ['agent! agent think', 'mixed'],
    ['build! build! edit build think', 'mixed'],
    ['build! build! run think', 'mixed'],
    ['todo! think', 'mixed'],
    // Nothing came right.
    ['edit test! think', 'failed'],
    ['test! edit think', 'failed'],
    ['test test! think', 'failed'],
    ['edit run! look think', 'failed'],
    ['edit! think', 'failed'],
    ['build! build! edit think', 'failed'],
    ['todo!', 'failed'],
    ['agent! think', 'failed'],
    ['read! look! read! think', 'failed'],
    ['look! look! look!', 'failed'],
  ])('%s: %s', (moves, outcome) => {
    expect(sessionPhases(session(moves)).map((phase) => phase.outcome)).toEqual([outcome]);
  });

  it.each([
    ['test! edit tests think', 'right'],
    ['test! edit test think', 'right'],
    ['test! look test think', 'right'],
    // Other tests say nothing of those that failed.
    ['test! look tests think', 'went on'],
  ])('tests that failed, and what came of them: %s: %s', (moves, mended) => {
    const fold = session(moves);
    const [found] = outcomesOf(fold, fold.steps.copy(), sessionPhases(fold));
    expect(found!.failures.map((each) => each.mended)).toEqual([mended]);
  });

  it.each([
    // Red, then green.
    ['spec test! edit test think', 'ok'],
    ['read spec test! edit test! edit test think', 'mixed'],
    ['spec test! edit test spec test! edit test think', 'ok'],
    // The test itself was wrong, or the code was changed before: they failed on the way.
    ['spec test! spec test think', 'mixed'],
    ['edit spec test! edit test think', 'mixed'],
    ['test! edit test think', 'mixed'],
    // Nobody asked for a test that fails, and nothing came of it.
    ['spec test! think', 'failed'],
    ['spec test! edit test! think', 'failed'],
    // The next prompt asks for the code.
    ['spec test! think prompt edit test think', 'ok ok'],
    ['spec test! think prompt test think', 'ok ok'],
    ['spec test! think prompt edit test! think', 'failed failed'],
    ['spec test! think prompt read think', 'failed ok'],
  ])('tests that come before the code: %s: %s', (moves, outcomes) => {
    const phases = sessionPhases(session(moves));
    expect(phases.map((phase) => phase.outcome).join(' ')).toBe(outcomes);
  });

  it('takes tests that fail as asked for no failure, only where nothing but tests was changed', () => {
    const says = { says: 'Write a failing test for the webhook. Do not touch the code.' };
    const outcome = (moves: string): string[] =>
      sessionPhases(session(moves, says)).map((phase) => phase.outcome);
    expect(outcome('read spec test! think')).toEqual(['ok']);
    expect(outcome('spec edit test! think')).toEqual(['failed']);
    expect(outcome('test! think')).toEqual(['failed']);
    const fold = session('read spec test! think', says);
    const [found] = outcomesOf(fold, fold.steps.copy(), sessionPhases(fold));
    expect(found!.failures.map(({ mended }) => mended)).toEqual(['meant']);
    const loaded = SessionFold.load(fold.save(), { pricer });
    expect(sessionPhases(loaded).map((phase) => phase.outcome)).toEqual(['ok']);
  });

  it('names the step that nothing mended', () => {
    const [phase] = sessionPhases(session('read test! edit test! think'));
    expect(phase!.failedStep).toBe(5);
  });

  it('does not ask the next prompt: who must ask again was not served', () => {
    expect(shape(session('edit test! think prompt edit test think'))).toEqual([
      'edit failed',
      'fix ok',
    ]);
  });

  it('takes what failed and came right later in the same prompt as mixed', () => {
    expect(
      shape(session(`${times(12, 'read')} test! ${times(9, 'edit')} ${times(5, 'test')}`)),
    ).not.toContain('explore failed');
  });

  it('is running at the head of a live session', () => {
    expect(shape(session('edit test! think prompt edit test!'), true)).toEqual([
      'edit failed',
      'fix running',
    ]);
  });
});
