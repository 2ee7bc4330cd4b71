import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeTranscripts } from '../../test/fakeTranscripts.ts';
import { importPlace } from '../trace/paths.ts';
import { TranscriptPart } from './transcriptPart.ts';
import { TranscriptSessions } from './transcriptSessions.ts';

const agents = vi.hoisted(() => ({ sources: [] as unknown[] }));
vi.mock('../agents/transcripts.ts', () => ({ TRANSCRIPTS: agents.sources }));

let root: string;
let shop: string;
let problems: string[];
let changes: number;
let loads: number;
let saved: Record<string, string | undefined>;
let sessions: TranscriptSessions | undefined;
const codex = new FakeTranscripts('codex');
agents.sources.push(codex);
// The part asks for this user's home.
const find = codex.find.bind(codex);
codex.find = () => find({ home: root });

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'transcripts-'));
  shop = join(root, 'shop');
  mkdirSync(join(shop, '.git'), { recursive: true });
  saved = { AGENT_STRACE_HOME: process.env.AGENT_STRACE_HOME };
  process.env.AGENT_STRACE_HOME = join(root, 'state');
  [problems, changes, loads] = [[], 0, 0];
});
afterEach(() => {
  sessions?.dispose();
  rmSync(root, { recursive: true, force: true });
  const { AGENT_STRACE_HOME: home } = saved;
  if (home === undefined) delete process.env.AGENT_STRACE_HOME;
  else process.env.AGENT_STRACE_HOME = home;
});

function open(enabled = true): TranscriptSessions {
  sessions = new TranscriptSessions(
    {
      enabled,
      folders: () => [{ name: 'shop', paths: [shop] }],
      load: async () => {
        loads++;
        return new TranscriptPart({
          loadPricer: async () => undefined,
          stamp: 'test',
          problem: (message) => problems.push(message),
        });
      },
      problem: (message) => problems.push(message),
    },
    () => changes++,
  );
  return sessions;
}

it('looks for nothing before somebody looks, and for nothing at all where that is off', async () => {
  codex.write(root, 'one', shop, 'One');
  const off = open(false);
  await off.look();
  expect([off.all, loads]).toEqual([[], 0]);
  const on = open();
  expect(loads).toBe(0);
  await on.look();
  expect(on.all).toMatchObject([{ key: 'codex/one', agent: 'Codex', title: 'One' }]);
  expect(changes).toBe(1);
  // A moment later nothing is looked through again.
  codex.write(root, 'two', shop, 'Two');
  await on.look();
  expect(on.all).toHaveLength(1);
});

it('reads what is asked for, and the next window has it without reading', async () => {
  codex.write(root, 'one', shop, 'One');
  codex.write(root, 'two', shop, 'Two', { parent: 'one' });
  const first = open();
  await first.look();
  await first.want(['codex/one', 'codex/none', '3f2a/one']);
  expect(first.get('codex/one')?.summary).toMatchObject({ title: 'One', durationMs: 61_000 });
  expect(first.get('codex/one')?.lastMs).toBe(1_795_000_061_000);
  expect(first.get('codex/two')).toMatchObject({ parent: 'one', badLines: 0 });
  expect(first.get('codex/two')?.summary).toBeUndefined();
  codex.rows = 0;
  const second = open();
  await second.look();
  expect(second.get('codex/one')?.summary?.title).toBe('One');
  expect(codex.rows).toBe(0);
});

it('knows that one went on after a moment', async () => {
  const path = codex.write(root, 'one', shop, 'One');
  utimesSync(path, 1_795_000_100, 1_795_000_100);
  const here = open();
  await here.look();
  expect(here.grown('one', 1_795_000_099_000)?.key).toBe('codex/one');
  expect(here.grown('one', 1_795_000_100_000)).toBeUndefined();
  expect(here.grown('two', 0)).toBeUndefined();
});

it('reads the others where one cannot be read, and ends with the window', async () => {
  const path = codex.write(root, 'gone', shop, 'Gone');
  codex.write(root, 'fine', shop, 'Fine');
  const here = open();
  await here.look();
  rmSync(path);
  await here.want(['codex/gone', 'codex/fine']);
  expect(here.get('codex/fine')?.summary).toBeDefined();
  expect(problems).toEqual([expect.stringContaining('gone.jsonl')]);
  const next = open();
  const looking = next.look();
  next.dispose();
  await looking;
  expect(next.all).toEqual([]);
  expect(problems).toHaveLength(1);
});

it('imports into the trace folder that is there, and makes none in a project without', async () => {
  codex.write(root, 'one', shop, 'One');
  const here = open();
  await here.look();
  const aside = importPlace(shop);
  expect(aside).toContain(join(root, 'state', 'traces', 'shop-'));
  const never = new AbortController().signal;
  expect(await here.import('codex/one', aside, never)).toEqual({ added: 3, events: 3 });
  expect(existsSync(join(aside, 'one', 'events.ndjson'))).toBe(true);
  expect(existsSync(join(shop, '.agent-traces'))).toBe(false);
  mkdirSync(join(shop, '.agent-traces'));
  expect(importPlace(join(shop, 'packages', 'a'))).toBe(join(shop, '.agent-traces'));
  await expect(here.import('codex/none', aside, never)).rejects.toThrow('no longer there');
});
