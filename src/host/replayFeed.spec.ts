import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { designSession, ReplayLab } from '../../test/page/replayHost.ts';
import { REPLAY_PROTOCOL, type ToReplayPage } from '../protocol/replay.ts';
import { ROW_KINDS } from '../protocol/rows.ts';
import { keyOf } from './liveSessions.ts';

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

const last = <T extends ToReplayPage['type']>(
  type: T,
): Extract<ToReplayPage, { type: T }> | undefined =>
  messages.findLast((message) => message.type === type) as never;

async function begin(step?: number): Promise<string> {
  const key = await lab.key('design');
  const feed = lab.begin(key, (message) => messages.push(message), step);
  feed.receive({ type: 'ready', version: REPLAY_PROTOCOL });
  await until(() => last('columns'));
  return key;
}

describe('ReplayFeed', () => {
  it('says where to begin, what the session is, and what it was as of a step', async () => {
    designSession(lab);
    const sessionId = await begin(7);
    expect(messages[0]).toMatchObject({ type: 'start', sessionId, step: 7, skipIdle: true });
    expect(last('header')?.header).toMatchObject({ workspace: 'payments-api' });
    const { columns } = last('columns')!;
    const edit = columns.kind.indexOf(ROW_KINDS.indexOf('modify'));
    lab.feed!.receive({ type: 'state', sessionId, requestId: 1, step: edit });
    const state = (await until(() => last('state')))?.state;
    expect(state).toMatchObject({ step: edit, edits: 1, errors: 0 });
    lab.feed!.receive({ type: 'details', sessionId, requestId: 2, step: edit });
    expect(last('details')?.details).toMatchObject({ step: edit, editOfFile: 1, failed: false });
    expect(last('details')?.details?.diff?.lines).toHaveLength(2);
  });

  it('goes on with a session that grows, and answers of the new steps', async () => {
    const writer = designSession(lab);
    const sessionId = await begin();
    const { total } = last('columns')!.columns;
    lab.feed!.receive({ type: 'state', sessionId, requestId: 1, step: total - 1 });
    const before = (await until(() => last('state'))).state!;
    writer.nowMs = Date.now();
    const call = writer.call('Bash', { command: 'make' });
    writer.result(call, { exit_code: 2, is_error: true }).usage([call]);
    await until(() => last('columns')!.columns.total === total + 1);
    lab.feed!.receive({ type: 'state', sessionId, requestId: 2, step: total });
    const after = await until(() => last('state')!.requestId === 2 && last('state')!.state);
    expect(after.errors).toBe(before.errors + 1);
    expect(after.cost.nanoUsd).toBeGreaterThan(before.cost.nanoUsd);
  });

  it('says that a session is read to the end after its last rows, not before', async () => {
    const feed = lab.begin(keyOf(lab.traceDir, 'long'), (message) => messages.push(message));
    feed.receive({ type: 'ready', version: REPLAY_PROTOCOL });
    const writer = lab.writer('long');
    const padding = 'x'.repeat(2000);
    // Read in two goes.
    writer.write(
      ...Array.from({ length: 300 }, (_, i) =>
        writer.event('assistant_response', { text: `${i} ${padding}` }),
      ),
    );
    await lab.key('long');
    const isEnd = (message: ToReplayPage): boolean =>
      message.type === 'progress' && message.readBytes === message.totalBytes;
    await until(() => messages.some(isEnd));
    const before = messages.slice(0, messages.findIndex(isEnd));
    expect(before.some(({ type }) => type === 'progress')).toBe(true);
    const columns = before.findLast((message) => message.type === 'columns');
    expect(columns?.columns.total).toBe(300);
  });

  it('believes nothing of what a page says', async () => {
    designSession(lab);
    const sessionId = await begin();
    const told = messages.length;
    for (const value of [
      null,
      'x',
      {},
      { type: 'state', sessionId, requestId: 'x', step: 1 },
      { type: 'state', sessionId: 'other', requestId: 1, step: 1 },
      { type: 'state', sessionId, requestId: 1, step: -1 },
      { type: 'details', sessionId, requestId: 1, step: 1.5 },
      { type: 'rows', sessionId, requestId: 1, from: -5, to: 2 },
      { type: 'open', sessionId, step: 1, what: 'rm -rf' },
      { type: 'openFile', sessionId, path: '/etc/passwd' },
      { type: 'command', command: 'workbench.action.quit' },
      { type: '__proto__', sessionId },
    ]) {
      lab.feed!.receive(value);
    }
    expect(lab.opened).toEqual([]);
    expect(messages.slice(told).filter(({ type }) => type !== 'header')).toEqual([]);
    lab.feed!.receive({ type: 'details', sessionId, requestId: 9, step: 1e9 });
    expect(last('details')).toEqual({ type: 'details', sessionId, requestId: 9 });
    lab.feed!.receive({ type: 'state', sessionId, requestId: 9, step: 1e9 });
    await until(() => last('state'));
    expect(last('state')).toEqual({ type: 'state', sessionId, requestId: 9 });
  });

  it('keeps what was read when the trace is deleted', async () => {
    designSession(lab);
    const sessionId = await begin();
    rmSync(lab.traceDir, { recursive: true, force: true });
    lab.feed!.receive({ type: 'details', sessionId, requestId: 1, step: 3 });
    expect(last('details')).toEqual({ type: 'details', sessionId, requestId: 1 });
    lab.feed!.receive({ type: 'state', sessionId, requestId: 2, step: 3 });
    expect((await until(() => last('state'))).state?.step).toBe(3);
  });
});
