import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { encodeEvent } from '../model/codec.ts';
import type { Pricer } from '../model/usage.ts';
import { ROW_FLAGS, ROW_KINDS } from '../protocol/rows.ts';
import {
  type ControlInfo,
  type FromStreamPage,
  STREAM_PROTOCOL,
  type ToStreamPage,
} from '../protocol/stream.ts';
import type { LiveSession } from './liveSession.ts';
import { keyOf, LiveSessions } from './liveSessions.ts';
import { StreamFeed } from './streamFeed.ts';

const pricer: Pricer = {
  price: () => ({ status: 'priced', nanoUsd: 10_000_000, priceDate: '2026-01-01' }),
  contextWindow: () => 200_000,
};

let root: string;
let traceDir: string;
let live: LiveSessions;
let problems: string[];
let savedHome: string | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'live-'));
  traceDir = join(root, 'project', '.agent-traces');
  mkdirSync(join(root, 'project'));
  savedHome = process.env.AGENT_STRACE_HOME;
  process.env.AGENT_STRACE_HOME = join(root, 'state');
  problems = [];
});
afterEach(async () => {
  await live?.dispose();
  rmSync(root, { recursive: true, force: true });
  if (savedHome === undefined) delete process.env.AGENT_STRACE_HOME;
  else process.env.AGENT_STRACE_HOME = savedHome;
});

function follow(folders = [{ traceDir, workspace: 'project' }]): LiveSessions {
  live = new LiveSessions({
    folders,
    loadPricer: () => Promise.resolve(pricer),
    readTranscripts: false,
    problem: (message) => problems.push(message),
  });
  return live;
}

async function until<T>(probe: () => T | undefined | false, ms = 5000): Promise<T> {
  for (const end = Date.now() + ms; ; ) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`nothing came of it: ${probe}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const loaded = (id: string): Promise<LiveSession> =>
  until(() => live.sessions.find((session) => session.id === id && !session.loading));

describe('LiveSessions', () => {
  it('says when its sessions are open: a command may come before', async () => {
    new TraceWriter(traceDir, 'one').start().prompt('Fix the bug');
    follow();
    expect(live.sessions).toEqual([]);
    await live.opened();
    expect(live.sessions.map(({ id }) => id)).toEqual(['one']);
    await live.dispose();
    rmSync(traceDir, { recursive: true });
    // Where nothing is recorded, nothing is waited for.
    await follow().opened();
    expect(live.sessions).toEqual([]);
  });

  it('reads what is there and what comes, soon after it is written', async () => {
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Fix the bug');
    follow();
    const session = await loaded('one');
    expect(session.summary(Date.now()).title).toBe('Fix the bug');
    // The watcher needs a moment to be set up; the heartbeat makes good for it.
    const first = writer.call('Bash', { command: 'ls' });
    await until(() => session.trace.fold.counts.calls === 1);
    writer.result(first);
    await until(() => session.summary(Date.now()).current === undefined);
    // Two changes at once: the watcher tells only of the first.
    const late: number[] = [];
    for (let i = 0; i < 12; i++) {
      const before = performance.now();
      writer.call('Bash', { command: `a ${i}` });
      setTimeout(() => writer.call('Bash', { command: `b ${i}` }), 15);
      await until(() => session.trace.fold.counts.calls === 3 + 2 * i);
      late.push(performance.now() - before);
    }
    late.sort((a, b) => a - b);
    expect(late[10]).toBeLessThan(500);
  });

  it('picks up a trace folder, a session and a file that come later', async () => {
    follow();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(live.sessions).toEqual([]);
    const before = performance.now();
    const writer = new TraceWriter(traceDir, 'late').start().prompt('Hello');
    const session = await loaded('late');
    expect(performance.now() - before).toBeLessThan(1000);
    writer.call('Bash', { command: 'ls' });
    await until(() => session.trace.fold.counts.calls === 1);
    mkdirSync(join(traceDir, 'empty'));
    await until(() => live.all.find(({ entry }) => entry.id === 'empty'));
    new TraceWriter(traceDir, 'empty').start();
    await until(
      () => (live.sessions.find(({ id }) => id === 'empty')?.trace.fold.counts.events ?? 0) > 0,
    );
  });

  it('opens at once what was put there, also in a folder that was not there', async () => {
    follow();
    await live.look(traceDir);
    new TraceWriter(traceDir, 'put').start().prompt('Put');
    new TraceWriter(traceDir, 'old', { startMs: 1_700_000_000_000 }).start().prompt('Old');
    utimesSync(join(traceDir, 'old', 'events.ndjson'), 1_700_000_000, 1_700_000_000);
    await live.look(traceDir);
    const key = keyOf(traceDir, 'old');
    expect(live.get(key)).toBeUndefined();
    live.hold(key);
    expect(live.get(key)?.id).toBe('old');
    // Who waits is let go with the window.
    await live.dispose();
    await live.look(traceDir);
  });

  it('reads a big trace in slices, and a small one does not wait for it', async () => {
    const big = new TraceWriter(traceDir, 'big').start();
    const line = encodeEvent(
      big.event('tool_call', { tool_name: 'Read', arguments: { text: 'x'.repeat(2000) } }),
    );
    let text = '';
    for (let i = 0; i < 6000; i++) text += line.replace(/"event_id":"\w+"/, `"event_id":"e${i}"`);
    appendFileSync(big.file, text);
    follow();
    let turns = 0;
    let smallAt = 0;
    const tick = setInterval(() => {}, 1);
    const watch = (): void => {
      turns++;
      if (!smallAt && live.sessions.some(({ id, loading }) => id === 'small' && !loading)) {
        smallAt = live.sessions.find(({ id }) => id === 'big')!.trace.bytesRead;
      }
      if (live.sessions.some(({ id, loading }) => id === 'big' && !loading)) clearInterval(tick);
      else setImmediate(watch);
    };
    new TraceWriter(traceDir, 'small').start().prompt('Small');
    await until(() => live.sessions.length > 0);
    watch();
    const session = await loaded('big');
    expect(session.trace.fold.counts.events).toBe(6001);
    await loaded('small');
    expect(smallAt).toBeLessThan(text.length);
    // The editor had its turn between the slices.
    expect(turns).toBeGreaterThan(10);
  });

  it('keeps sessions of the same id in two folders apart', async () => {
    const other = join(root, 'other', '.agent-traces');
    new TraceWriter(traceDir, 'same').start().prompt('Here');
    new TraceWriter(other, 'same').start().prompt('There');
    follow([
      { traceDir, workspace: 'project' },
      { traceDir: other, workspace: 'other' },
    ]);
    await until(() => live.sessions.length === 2 && live.sessions.every(({ loading }) => !loading));
    const titles = live.sessions.map((s) => `${s.workspace}: ${s.summary(Date.now()).title}`);
    expect(titles.sort()).toEqual(['other: There', 'project: Here']);
  });

  it('says once how many lines were bad', async () => {
    const writer = new TraceWriter(traceDir, 'bad').start();
    appendFileSync(writer.file, 'nonsense\n{"half":\n');
    follow();
    await loaded('bad');
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('2 lines could not be read');
  });
});

class Page {
  messages: ToStreamPage[] = [];
  opened: number[] = [];
  files: number[] = [];
  commands: string[] = [];
  chosen: string[] = [];
  control: ControlInfo = { kind: 'none', reason: 'No process', paused: false };
  budget: number | undefined;
  feed: StreamFeed;
  kinds: string[] = [];
  rows: { kind: string; flags: number; nanoUsd: number }[] = [];

  constructor() {
    this.feed = new StreamFeed(live, {
      post: (message) => this.take(message),
      open: (_session, row) => this.opened.push(row),
      openFile: (_session, row) => this.files.push(row),
      command: (command, session) =>
        this.commands.push(session ? `${command} ${session.id}` : command),
      selected: (session) => this.chosen.push(session.id),
      controlOf: () => this.control,
      budgetNanoUsd: () => this.budget,
      emptyReason: () => 'noSession',
    });
  }

  take(message: ToStreamPage): void {
    this.messages.push(message);
    if (message.type !== 'columns') return;
    const { columns } = message;
    if (columns.total < this.rows.length) this.rows = [];
    for (let i = 0; i < columns.count; i++) {
      this.rows[columns.from + i] = {
        kind: ROW_KINDS[columns.kind[i]!]!,
        flags: columns.flags[i]!,
        nanoUsd: columns.nanoUsd[i]!,
      };
    }
  }

  send(message: FromStreamPage): void {
    this.feed.receive(message);
  }

  last<T extends ToStreamPage['type']>(type: T): Extract<ToStreamPage, { type: T }> | undefined {
    return this.messages.findLast((message) => message.type === type) as never;
  }
}

describe('StreamFeed', () => {
  const ready: FromStreamPage = { type: 'ready', version: STREAM_PROTOCOL };
  let page: Page | undefined;
  afterEach(() => {
    page?.feed.dispose();
    page = undefined;
  });

  it('sends nothing before the page is ready, then all there is', async () => {
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Fix it');
    const call = writer.call('Bash', { command: 'pytest' });
    writer.result(call, { exit_code: 1 }).usage([call]);
    writer.call('Read', { file_path: '/project/a.ts' });
    follow();
    const session = await loaded('one');
    page = new Page();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(page.messages).toEqual([]);
    page.send(ready);
    expect(page.last('sessions')?.sessions.map(({ id }) => id)).toEqual([session.key]);
    const header = page.last('header')!.header;
    expect(header.cost.nanoUsd).toBe(10_000_000);
    expect(header.current?.target).toBe('a.ts');
    expect(page.rows.map(({ kind }) => kind)).toEqual(['session', 'prompt', 'run', 'read']);
    expect(page.rows[2]!.flags).toBe(ROW_FLAGS.error | ROW_FLAGS.test);
    expect(page.rows[3]!.flags).toBe(ROW_FLAGS.running);
    // A prompt shows the total of its turn.
    expect(page.rows[1]!.nanoUsd).toBe(10_000_000);
  });

  it('sends again what changed far up: the total of the turn, a call that no longer runs', async () => {
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Fix it');
    const first = writer.call('Bash', { command: 'first' });
    follow();
    const session = await loaded('one');
    page = new Page();
    page.send(ready);
    const calls = Array.from({ length: 30 }, (_, i) => writer.call('Read', { file_path: `/${i}` }));
    for (const call of calls) writer.result(call);
    writer.usage([calls[29]!]).turnEnd();
    await until(() => page!.rows.length === 33 && page!.rows[1]!.nanoUsd === 10_000_000);
    // The turn is over: nothing runs, although the first call never got its result.
    await until(() => page!.rows[2]!.flags === 0);
    expect(session.trace.fold.toolUse.running(() => 0).length).toBe(1);
    expect(first).not.toBe('');
    const columns = page.messages.flatMap((m) => (m.type === 'columns' ? [m.columns] : []));
    for (const { from, count, total } of columns) expect(from + count).toBeLessThanOrEqual(total);
  });

  it('starts the list anew when the file was replaced', async () => {
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Before');
    for (let i = 0; i < 5; i++) writer.call('Bash', { command: `${i}` });
    follow();
    await loaded('one');
    page = new Page();
    page.send(ready);
    expect(page.rows).toHaveLength(7);
    writeFileSync(writer.file, '');
    for (let i = 0; i < 9; i++) writer.prompt(`After ${i}`);
    await until(() => page!.rows.length === 9 && page!.rows[0]!.kind === 'prompt');
    expect(page.rows.every(({ kind }) => kind === 'prompt')).toBe(true);
  });

  it('sends many rows in chunks, the end first', async () => {
    const writer = new TraceWriter(traceDir, 'one').start();
    const line = encodeEvent(writer.event('user_prompt', { prompt: 'p' }));
    let text = '';
    for (let i = 0; i < 20_000; i++) {
      text += line.replace(/"event_id":"\w+"/, `"event_id":"e${i}"`);
    }
    appendFileSync(writer.file, text);
    follow();
    await loaded('one');
    page = new Page();
    page.send(ready);
    const first = page.messages.find((message) => message.type === 'columns');
    expect(first?.type === 'columns' && first.columns.from).toBe(20_001 - 1024);
    await until(() => page!.rows.length === 20_001 && !page!.rows.includes(undefined as never));
    for (const message of page.messages) {
      if (message.type === 'columns') expect(message.columns.count).toBeLessThanOrEqual(8192);
    }
  });

  it('answers for words and searches, and ends a search for a later one', async () => {
    const writer = new TraceWriter(traceDir, 'one').start();
    for (let i = 0; i < 1000; i++)
      writer.call('Bash', { command: `echo ${i % 10 === 3 ? 'NEEDLE' : 'hay'}` });
    follow();
    const { key } = await loaded('one');
    page = new Page();
    page.send(ready);
    page.send({ type: 'rows', sessionId: key, requestId: 1, from: 2, to: 4 });
    expect(page.last('rows')?.rows.map(({ target }) => target)).toEqual(['echo hay', 'echo hay']);
    page.send({ type: 'find', sessionId: key, requestId: 2, text: 'hay', from: 0 });
    page.send({ type: 'find', sessionId: key, requestId: 3, text: 'needle', from: 0 });
    await until(() => page!.last('found')?.done);
    const found = page.messages.flatMap((m) => (m.type === 'found' ? [m] : []));
    const rows = found.filter(({ requestId }) => requestId === 3).flatMap(({ rows }) => [...rows]);
    expect(rows).toHaveLength(100);
    expect(rows.every((row) => row % 10 === 4)).toBe(true);
    expect(found.some(({ requestId, done }) => requestId === 2 && done)).toBe(false);
  });

  it('leads from a search to its first hit', async () => {
    const writer = new TraceWriter(traceDir, 'one').start();
    const call = writer.call('Grep', { pattern: 'charge' });
    writer.result(call, {
      files: [
        {
          path: '/project/a.py',
          kind: 'read',
          ranges: [
            [7, 9],
            [20, 20],
          ],
        },
        { path: '/project/b.py', kind: 'read', ranges: [[1, 1]] },
      ],
    });
    follow();
    const session = await loaded('one');
    await until(() => session.trace.describe(1, 2)[0]!.detail !== '');
    expect(session.trace.describe(1, 2)[0]).toMatchObject({
      target: 'charge',
      detail: '3 in 2 files',
      file: { path: '/project/a.py', line: 7 },
    });
  });

  it('holds to the allowlist, and believes nothing that a page says', async () => {
    new TraceWriter(traceDir, 'one').start();
    follow();
    const { key } = await loaded('one');
    page = new Page();
    page.send(ready);
    const sent = page.messages.length;
    for (const message of [
      null,
      'ready',
      { type: 'command', command: 'workbench.action.terminal.new' },
      { type: 'rows', sessionId: key, requestId: 1, from: -1, to: 1e9 },
      { type: 'rows', sessionId: 'other', requestId: 1, from: 0, to: 1 },
      { type: 'open', sessionId: key, row: '0' },
      { type: 'openFile', sessionId: key, row: -1 },
      { type: 'openFile', sessionId: 'other', row: 0 },
      { type: 'command', command: 'stop', sessionId: key },
      { type: 'select', sessionId: '../../x' },
      { type: 'find', sessionId: key, requestId: 1, text: {}, from: 0 },
    ]) {
      page.feed.receive(message);
    }
    expect(page.commands).toEqual([]);
    expect(page.opened).toEqual([]);
    expect(page.messages).toHaveLength(sent);
    page.send({ type: 'command', command: 'showLog' });
    page.send({ type: 'open', sessionId: key, row: 0 });
    page.send({ type: 'openFile', sessionId: key, row: 0 });
    expect(page.commands).toEqual(['showLog']);
    expect(page.opened).toEqual([0]);
    expect(page.files).toEqual([0]);
  });

  it('pauses and stops the agent that the page means, and none that cannot be', async () => {
    new TraceWriter(traceDir, 'one').start().prompt('Work');
    follow();
    const { key } = await loaded('one');
    page = new Page();
    page.send(ready);
    expect(page.last('header')?.header.control).toEqual(page.control);
    page.send({ type: 'command', command: 'pause', sessionId: key });
    expect(page.commands).toEqual([]);
    page.control = { kind: 'cooperative', paused: false };
    // The session that was shown a moment ago, or none: not the one that is shown now.
    page.send({ type: 'command', command: 'pause', sessionId: 'other' });
    page.send({ type: 'command', command: 'stop' });
    expect(page.commands).toEqual([]);
    page.send({ type: 'command', command: 'pause', sessionId: key });
    expect(page.commands).toEqual(['pause one']);
    page.control = { kind: 'cooperative', paused: true };
    page.budget = 5e9;
    page.feed.refreshNumbers();
    await until(() => page!.last('header')?.header.control.paused === true);
    expect(page.last('header')?.header.budgetNanoUsd).toBe(5e9);
  });

  it('opens an old session that is named, and says that it was chosen', async () => {
    const old = new TraceWriter(traceDir, 'old').start().prompt('Old').end();
    new TraceWriter(traceDir, 'new').start().prompt('New');
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(old.file, yesterday, yesterday);
    follow();
    await loaded('new');
    page = new Page();
    page.send(ready);
    expect(page.last('sessions')?.chosen).toBeUndefined();
    const { key } = live.all.find(({ entry }) => entry.id === 'old')!;
    expect(live.get(key)).toBeUndefined();
    page.feed.select(key);
    await until(() => page!.last('sessions')?.selected === key);
    expect(page.last('sessions')?.chosen).toBe(true);
    expect(page.chosen).toEqual([]);
    page.send({ type: 'select', sessionId: live.sessions.find(({ id }) => id === 'new')!.key });
    expect(page.chosen).toEqual(['new']);
  });

  it('shows the session that needs an answer, until the person chooses', async () => {
    const a = new TraceWriter(traceDir, 'a').start().prompt('A');
    new TraceWriter(traceDir, 'b').start().prompt('B').ask('May I?');
    follow();
    const first = await loaded('a');
    const waiting = await loaded('b');
    page = new Page();
    page.send(ready);
    expect(page.last('sessions')?.sessions.map(({ id }) => id)).toEqual([waiting.key, first.key]);
    expect(page.last('sessions')?.selected).toBe(waiting.key);
    page.send({ type: 'select', sessionId: first.key });
    a.call('Bash', { command: 'ls' });
    await until(() => page!.last('header')?.header.sessionId === first.key);
    expect(page.last('sessions')?.selected).toBe(first.key);
  });

  it('shows what the person chose again after it was hidden, however old', async () => {
    const old = new TraceWriter(traceDir, 'old').start().prompt('Old');
    new TraceWriter(traceDir, 'new').start().prompt('New').ask('May I?');
    follow();
    const { key } = await loaded('old');
    const waiting = await loaded('new');
    page = new Page();
    page.send(ready);
    page.send({ type: 'select', sessionId: key });
    // Of yesterday: nobody but the page keeps it open.
    const yesterday = Date.now() / 1000 - 86_400;
    utimesSync(old.file, yesterday, yesterday);
    await until(() => live.all.some(({ entry }) => entry.modifiedMs <= yesterday * 1000 + 1));
    page.feed.pause();
    expect(page.feed.selected).toBe(key);
    expect(live.get(key)).toBeUndefined();
    page.messages = [];
    page.send(ready);
    expect(page.last('sessions')?.selected).toBe(key);
    expect(page.messages.filter(({ type }) => type === 'sessions')).toHaveLength(1);
    await until(() => page!.last('columns')?.sessionId === key);
    // Gone while hidden: the most urgent one instead.
    page.feed.pause();
    rmSync(join(old.file, '..'), { recursive: true });
    await until(() => live.all.length === 1);
    page.send(ready);
    expect(page.last('sessions')?.selected).toBe(waiting.key);
    expect(page.feed.selected).toBeUndefined();
  });

  it('takes the choice of an earlier feed once its session is there', async () => {
    new TraceWriter(traceDir, 'a').start().prompt('A');
    new TraceWriter(traceDir, 'b').start().prompt('B').ask('May I?');
    follow();
    const { key } = await loaded('a');
    await live.dispose();
    follow();
    page = new Page();
    page.feed.choose(key);
    page.send(ready);
    expect(page.last('sessions')).toBeUndefined();
    await until(() => page!.last('sessions')?.selected === key);
    expect(page.feed.selected).toBe(key);
  });

  it('says when the trace is gone, and shows what it read', async () => {
    const writer = new TraceWriter(traceDir, 'one').start().prompt('Hello');
    follow();
    await loaded('one');
    page = new Page();
    page.send(ready);
    rmSync(join(writer.file, '..'), { recursive: true });
    await until(() => page!.last('error')?.message.includes('moved or deleted'));
    expect(page.rows).toHaveLength(2);
  });
});
