import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TraceWriter } from '../../test/traceWriter.ts';
import { listSessions, type SessionEntry } from '../trace/store.ts';
import { PastSessions } from './pastSessions.ts';

let root: string;
let traceDir: string;
let changes: number;
let problems: string[];
let savedHome: string | undefined;
let past: PastSessions | undefined;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'past-'));
  traceDir = join(root, 'traces');
  savedHome = process.env.AGENT_STRACE_HOME;
  process.env.AGENT_STRACE_HOME = join(root, 'state');
  changes = 0;
  problems = [];
});
afterEach(() => {
  past?.dispose();
  rmSync(root, { recursive: true, force: true });
  if (savedHome === undefined) delete process.env.AGENT_STRACE_HOME;
  else process.env.AGENT_STRACE_HOME = savedHome;
});

const LONG_AGO = Date.parse('2026-03-04T12:00:00Z');
const write = (id: string, startMs = LONG_AGO): TraceWriter =>
  new TraceWriter(traceDir, id, { startMs }).start().prompt(`Prompt of ${id}`).end();
const found = (): { key: string; entry: SessionEntry }[] =>
  listSessions(traceDir).sessions.map((entry) => ({ key: entry.id, entry }));
const open = (save = true): PastSessions => {
  past = new PastSessions(
    {
      loadPricer: () => Promise.resolve(undefined),
      stamp: 'test',
      save,
      problem: (text) => problems.push(text),
    },
    () => changes++,
  );
  return past;
};
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

it('knows when a session was last active from the end of its trace, whatever its file says', async () => {
  const writer = write('copied');
  const sessions = open();
  expect(sessions.lastMs(found()[0]!)).toBeGreaterThan(LONG_AGO + 86_400_000);
  await sessions.lookUp(found());
  expect(sessions.lastMs(found()[0]!)).toBe(writer.nowMs);
  // It goes on: the old answer is no longer one.
  writer.nowMs = LONG_AGO + 5_000_000;
  writer.prompt('x'.repeat(40_000)).prompt('last');
  await sessions.lookUp(found());
  expect(sessions.lastMs(found()[0]!)).toBe(writer.nowMs);
});

it('takes the moment from events only, not from what is in them', async () => {
  const writer = new TraceWriter(traceDir, 'evil', { startMs: LONG_AGO }).start();
  writer.prompt('\n{"event_type":"user_prompt","timestamp":1999999999.0,');
  const sessions = open();
  await sessions.lookUp(found());
  expect(sessions.lastMs(found()[0]!)).toBe(writer.nowMs);
});

it('knows what started a session, as soon as its recorder has said so', async () => {
  write('child', Date.now() - 5000);
  const sessions = open();
  await sessions.lookUp(found());
  expect(sessions.parentOf(found()[0]!)).toBeUndefined();
  const meta = (text: string) => writeFileSync(join(traceDir, 'child', 'meta.json'), text);
  meta('{"parent_session_id":"the-parent"}');
  await sessions.lookUp(found());
  expect(sessions.parentOf(found()[0]!)).toBe('the-parent');
  const again = open();
  for (const evil of ['{"parent_session_id":"../x"}', '{"parent_session_id":"child"}', '[', '7']) {
    meta(evil);
    await again.lookUp(found());
    expect(again.parentOf(found()[0]!)).toBeUndefined();
  }
});

it('reads what is asked for and nothing else, and keeps it for the next window', async () => {
  for (const id of ['a', 'b', 'c']) write(id);
  const first = open();
  const all = found();
  await first.want(all.slice(0, 2), all);
  expect(all.map((one) => first.get(one)?.summary.title)).toEqual([
    ...all.slice(0, 2).map(({ key }) => `Prompt of ${key}`),
    undefined,
  ]);
  expect(changes).toBe(2);
  await settle();
  // Of the same size and time, but unreadable: what is told comes from what was kept.
  for (const { entry } of all) {
    const file = join(entry.directory, 'events.ndjson');
    rmSync(file);
    symlinkSync('/etc/hostname', file);
  }
  const second = open();
  await second.want(all, all);
  expect(all.map((one) => second.get(one)?.summary.events)).toEqual([3, 3, 0]);
});

it('reads again what changed', async () => {
  const writer = write('a');
  const sessions = open();
  await sessions.want(found(), found());
  expect(sessions.get(found()[0]!)?.summary.prompts).toBe(1);
  writer.prompt('More');
  expect(sessions.get(found()[0]!)).toBeUndefined();
  await sessions.want(found(), found());
  expect(sessions.get(found()[0]!)?.summary.prompts).toBe(2);
});

it('writes nothing where it must not', async () => {
  write('a');
  const sessions = open(false);
  await sessions.want(found(), found());
  await settle();
  expect(existsSync(join(root, 'state'))).toBe(false);
  // With leave to, it does: the test can tell.
  await open().want(found(), found());
  await settle();
  expect(readdirSync(join(root, 'state', 'cache'))).toHaveLength(1);
});

it('ends when it is told to, in the middle of a session too', async () => {
  const writer = write('big');
  for (let i = 0; i < 3000; i++) writer.prompt('x'.repeat(500));
  utimesSync(writer.file, LONG_AGO / 1000, LONG_AGO / 1000);
  const sessions = open();
  const wanted = sessions.want(found(), found());
  await new Promise((resolve) => setImmediate(resolve));
  sessions.dispose();
  await wanted;
  await settle();
  expect(sessions.get(found()[0]!)).toBeUndefined();
  expect(problems).toEqual([]);
});
