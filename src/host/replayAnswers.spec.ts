import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { designSession, ReplayLab } from '../../test/page/replayHost.ts';
import { calls, foldOf, sessionOf } from '../../test/randomSession.ts';
import { FLAG } from '../model/columns.ts';
import { ReplayIndex } from '../model/replay/replayIndex.ts';
import { STEP_KINDS } from '../model/step.ts';
import {
  type FromReplayPage,
  type Outline,
  REPLAY_PROTOCOL,
  type ToReplayPage,
} from '../protocol/replay.ts';
import { rangeSums } from './rangeSums.ts';

let lab: ReplayLab;
let messages: ToReplayPage[];
beforeEach(() => {
  lab = new ReplayLab();
  messages = [];
});
afterEach(async () => await lab.close());

async function until<T>(probe: () => T | undefined | false): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nothing came of it: ${probe}`);
}

type Told<T extends ToReplayPage['type']> = Extract<ToReplayPage, { type: T }>;

const all = <T extends ToReplayPage['type']>(type: T): Told<T>[] =>
  messages.filter((message): message is Told<T> => message.type === type);
const last = <T extends ToReplayPage['type']>(type: T): Told<T> | undefined => all(type).at(-1);

async function begin(id = 'design'): Promise<string> {
  const key = await lab.key(id);
  const feed = lab.begin(key, (message) => messages.push(message));
  feed.receive({ type: 'ready', version: REPLAY_PROTOCOL });
  await until(() => last('outline'));
  return key;
}

type Question = FromReplayPage extends infer M
  ? M extends { sessionId: string }
    ? Omit<M, 'sessionId'>
    : never
  : never;
const ask = (sessionId: string, question: Question): void =>
  lab.feed!.receive({ ...question, sessionId });

const outline = (): Outline => last('outline')!.outline;
const steps = (): Told<'columns'>['columns'] => last('columns')!.columns;

describe('the outline of a session', () => {
  it('has a lane for the agent, each subagent and each MCP server', async () => {
    const writer = designSession(lab);
    for (const tool of ['mcp__github__get_issue', 'mcp__github__list_files']) {
      const call = writer.call(tool, {});
      writer.nowMs += 2000;
      writer.result(call);
    }
    await begin();
    const [main, explore, github, ...more] = outline().lanes;
    expect(more).toEqual([]);
    expect(main).toMatchObject({ kind: 'main', lane: 0, spawnStep: -1 });
    expect(explore).toMatchObject({ kind: 'subagent', lane: 1, name: 'Explore', parentLane: 0 });
    expect(explore!.endMs! - explore!.startMs).toBeGreaterThan(20_000);
    expect(main!.nanoUsd! + explore!.nanoUsd!).toBe(last('header')!.header.cost.nanoUsd);
    const { total, kind } = steps();
    expect(github).toMatchObject({ kind: 'mcp', name: 'github' });
    expect([...github!.steps!]).toEqual([total - 2, total - 1]);
    expect(kind[total - 1]).toBe(STEP_KINDS.indexOf('mcp'));
    expect(github!.endMs! - github!.startMs).toBeGreaterThan(4000);
  });

  it('knows the step and the lane that started a subagent', async () => {
    const writer = lab
      .writer('nested', Date.now() - 60_000)
      .start()
      .prompt('Look');
    const outer = writer.call('Task', { prompt: 'a' });
    const a = { agent_id: 'a1', agent_type: 'Explore', tool_use_id: outer };
    writer.write(writer.event('tool_call', { event_subtype: 'subagent', ...a }));
    const inner = writer.call('Task', { prompt: 'b' }, { agent_id: 'a1' });
    const b = { agent_id: 'b1', agent_type: 'Plan', tool_use_id: inner };
    writer.write(writer.event('tool_call', { event_subtype: 'subagent', ...b }));
    writer.call('Read', { file_path: '/x' }, { agent_id: 'b1' });
    await begin('nested');
    const [, first, second] = outline().lanes;
    expect(first).toMatchObject({ name: 'Explore', spawnStep: 2, parentLane: 0 });
    expect(second).toMatchObject({ name: 'Plan', spawnStep: 3, parentLane: first!.lane });
    expect(second).not.toHaveProperty('endMs');
  });

  it('is told again when the session has grown, and only when it says something else', async () => {
    const writer = designSession(lab);
    await begin();
    const before = outline();
    lab.feed!.refresh();
    writer.nowMs = Date.now();
    writer.usage([writer.call('Read', { file_path: '/x' })]);
    const after = await until(() => outline() !== before && outline());
    expect(after.lanes[0]!.nanoUsd).toBeGreaterThan(before.lanes[0]!.nanoUsd!);
    const told = all('outline').length;
    lab.budgetNanoUsd = 5e9;
    lab.feed!.refresh();
    await until(() => outline().budgetNanoUsd === 5e9);
    expect(all('outline')).toHaveLength(told + 1);
    // Hidden and shown again: once, as it is.
    lab.feed!.receive({ type: 'ready', version: REPLAY_PROTOCOL });
    await until(() => all('outline').length === told + 2);
    expect(all('outline')).toHaveLength(told + 2);
  });
});

describe('what a range of steps comes to', () => {
  it('adds up to what the steps say', () => {
    fc.assert(
      fc.property(calls, fc.nat(), fc.nat(), (list, one, other) => {
        const fold = foldOf(sessionOf(list));
        const index = new ReplayIndex(fold);
        index.work();
        const count = fold.steps.length;
        const [from, to] = [one % count, other % count].sort((x, y) => x - y) as [number, number];
        const sums = rangeSums(index, from, to)!;
        const each = Array.from(
          { length: to - from + 1 },
          (_, i) => rangeSums(index, from + i, from + i)!,
        );
        for (const name of [
          'nanoUsd',
          'calls',
          'errors',
          'outputTokens',
          'reads',
          'runs',
        ] as const) {
          expect(sums[name], name).toBe(each.reduce((sum, part) => sum + part[name], 0));
        }
        const touched = Math.max(0, ...each.map((part) => part.filesRead));
        expect(sums.filesRead).toBeGreaterThanOrEqual(touched);
        const { columns } = fold;
        const tests = Array.from({ length: to - from + 1 }, (_, i) => fold.steps.row(from + i));
        expect(sums.tests).toBe(
          tests.filter((row) => (columns.flags[row]! & FLAG.test) !== 0).length,
        );
      }),
      { numRuns: 100 },
    );
  });

  it('agrees with the inspector, and is told once it is known', async () => {
    designSession(lab);
    const sessionId = await begin();
    const end = steps().total - 1;
    ask(sessionId, { type: 'range', requestId: 1, from: 0, to: end });
    ask(sessionId, { type: 'state', requestId: 2, step: end });
    const { sums } = await until(() => last('range'));
    const { state } = await until(() => last('state'));
    expect(sums).toMatchObject({
      nanoUsd: state!.cost.nanoUsd,
      calls: state!.calls,
      errors: state!.errors,
      filesRead: state!.files.read,
      filesChanged: state!.files.modified,
      tests: 3,
    });
    ask(sessionId, { type: 'range', requestId: 3, from: 5, to: 1e9 });
    expect((await until(() => last('range')?.requestId === 3 && last('range')))?.sums).toBe(
      undefined,
    );
  });
});

describe('annotations', () => {
  const file = (): string => join(lab.traceDir, 'design', 'annotations.jsonl');

  it('are kept beside the trace, changed, removed, and seen when others write them', async () => {
    designSession(lab);
    const sessionId = await begin();
    expect(all('annotations')).toEqual([]);
    ask(sessionId, { type: 'annotate', step: 5, label: 'decision', note: 'here it turned' });
    const [made] = last('annotations')!.annotations;
    expect(made).toMatchObject({ step: 5, label: 'decision', note: 'here it turned' });
    expect(made!.author).toBe('Dana');
    ask(sessionId, { type: 'annotate', id: made!.id, step: 5, label: 'fix', note: 'or here' });
    expect(last('annotations')!.annotations).toMatchObject([{ id: made!.id, label: 'fix' }]);
    const [line = ''] = readFileSync(file(), 'utf8').split('\n');
    const copy = { ...JSON.parse(line), annotation_id: 'abcdefabcdef', event_id: 'gone' };
    appendFileSync(file(), `${JSON.stringify(copy)}\n`);
    await until(() => last('annotations')!.annotations.length === 2);
    expect(last('annotations')!.annotations[1]).toMatchObject({ step: -1 });
    ask(sessionId, { type: 'removeAnnotation', id: made!.id });
    expect(last('annotations')!.annotations).toMatchObject([{ id: 'abcdefabcdef' }]);
    // A page that comes anew is told of all.
    const told = all('annotations').length;
    lab.feed!.receive({ type: 'ready', version: REPLAY_PROTOCOL });
    expect(all('annotations')).toHaveLength(told + 1);
  });

  it('that cannot be kept are told of', async () => {
    designSession(lab);
    const sessionId = await begin();
    ask(sessionId, { type: 'annotate', id: 'abcdefabcdef', step: 5, label: 'fix', note: 'x' });
    expect(last('error')!.message).toContain('no longer there');
    ask(sessionId, { type: 'annotate', step: 1e6, label: 'fix', note: 'x' });
    expect(last('error')!.message).toContain('no longer in the trace');
    ask(sessionId, { type: 'annotate', step: 3, label: '', note: '' });
    expect(all('error')).toHaveLength(3);
    expect(all('annotations')).toEqual([]);
  });

  it('keeps no secret, and says so', async () => {
    designSession(lab);
    const sessionId = await begin();
    const key = `ghp_${'A1b2C3d4E5'.repeat(4).slice(0, 36)}`;
    ask(sessionId, { type: 'annotate', step: 3, label: 'fix', note: `it used ${key}` });
    expect(last('annotations')!.annotations[0]!.note).toMatch(/^it used \[REDACTED:/);
    expect(last('error')!.message).toMatch(/^A secret was taken out of the note/);
    expect(readFileSync(file(), 'utf8')).not.toContain(key);
  });
});

describe('other questions of a page', () => {
  it('copies steps as Markdown, and a link to one', async () => {
    designSession(lab);
    const sessionId = await begin();
    const edit = steps().kind.lastIndexOf(STEP_KINDS.indexOf('modify'));
    ask(sessionId, { type: 'copy', what: 'markdown', from: edit, to: edit });
    await until(() => last('copied'));
    expect(lab.clipboard).toContain(`**Step ${edit + 1}** Edit`);
    expect(lab.clipboard).toContain('+assert charges("evt_1") == 1');
    ask(sessionId, { type: 'copy', what: 'link', from: 4, to: 4 });
    await until(() => all('copied').length === 2);
    expect(lab.clipboard).toBe('vscode://test/replay?session=design&step=5');
  });

  it('renames, opens files as they were and what a range changed', async () => {
    designSession(lab);
    const sessionId = await begin();
    ask(sessionId, { type: 'rename', title: 'Webhook' });
    await until(() => last('header')!.header.title === 'Webhook');
    const path = '/home/dev/payments-api/src/payments/webhook.py';
    ask(sessionId, { type: 'openFile', path, asOf: 7 });
    ask(sessionId, { type: 'openChanges', from: 3, to: 9 });
    lab.feed!.receive({ type: 'command', command: 'explain' });
    expect(lab.opened).toEqual([`file ${path} as of 7`, 'changes 3-9', 'explain']);
    ask(sessionId, { type: 'why', requestId: 4, step: 2 });
    await until(() => all('why').length === 1);
    expect(last('why')).toMatchObject({ requestId: 4, step: 2, chain: { step: 2 } });
    ask(sessionId, { type: 'why', requestId: 5, step: 1e6 });
    await until(() => all('why').length === 2);
    expect(last('why')).toEqual({ type: 'why', sessionId, requestId: 5, step: 1e6 });
  });

  it('believes nothing of what a page says', async () => {
    designSession(lab);
    const sessionId = await begin();
    const told = messages.length;
    for (const question of [
      { type: 'why', requestId: 1, step: -1 },
      { type: 'why', requestId: '1', step: 1 },
      { type: 'range', requestId: 1, from: 0.5, to: 3 },
      { type: 'range', requestId: 1, from: '0', to: 3 },
      { type: 'copy', what: 'password', from: 1, to: 2 },
      { type: 'copy', what: 'markdown', from: 9, to: 2 },
      { type: 'copy', what: 'markdown', from: 1e9, to: 2e9 },
      { type: 'annotate', step: 1, label: 5, note: 'x' },
      { type: 'annotate', step: -1, label: 'fix', note: 'x' },
      { type: 'annotate', id: {}, step: 1, label: 'fix', note: 'x' },
      { type: 'removeAnnotation', id: 7 },
      { type: 'removeAnnotation', id: '../../etc' },
      { type: 'rename', title: { toString: 1 } },
      { type: 'rename', title: 'x'.repeat(1e6) },
      { type: 'openChanges', from: 5, to: 1 },
      { type: 'openFile', path: '/etc/passwd', asOf: 1 },
      { type: 'openFile', path: {}, asOf: 1 },
    ]) {
      lab.feed!.receive({ ...question, sessionId });
    }
    expect(lab.opened).toEqual([]);
    expect(lab.clipboard).toBe('');
    const answers = messages.slice(told).filter(({ type }) => type !== 'header');
    expect(answers).toEqual([]);
  });
});
