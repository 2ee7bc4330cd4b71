import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SessionEntry } from './store.ts';
import { TraceWatcher } from './watch.ts';

let root: string;
let traceDir: string;
let watcher: TraceWatcher | undefined;
let lists: SessionEntry[][];
let touched: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'watch-'));
  traceDir = join(root, '.agent-traces');
  mkdirSync(traceDir);
  lists = [];
  touched = [];
});
afterEach(async () => {
  await watcher?.close();
  watcher = undefined;
  rmSync(root, { recursive: true, force: true });
});

const LONG_AGO = 1_700_000_000;
const file = (id: string): string => join(traceDir, id, 'events.ndjson');
/** @param age s */
function session(id: string, age: number): void {
  mkdirSync(join(traceDir, id));
  writeFileSync(file(id), '{}\n');
  utimesSync(file(id), LONG_AGO - age, LONG_AGO - age);
}
const settle = (): void => utimesSync(traceDir, LONG_AGO, LONG_AGO);
const ids = (): string[] => lists.at(-1)!.map(({ id }) => id);
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The watcher's own look after its set-up is over: what follows are the test's. */
async function watch(): Promise<TraceWatcher> {
  settle();
  watcher = new TraceWatcher(traceDir, {
    sessions: (entries) => lists.push(entries),
    touched: (id) => touched.push(id),
  });
  await later(200);
  return watcher;
}

it('lists the folder only when its own time says that something came or went', async () => {
  session('a', 0);
  const it = await watch();
  expect(ids()).toEqual(['a']);
  session('b', 1);
  settle();
  it.scan();
  // By its time the folder is the same: it was not listed.
  expect(ids()).toEqual(['a']);
  utimesSync(traceDir, LONG_AGO + 1, LONG_AGO + 1);
  it.scan();
  expect(ids()).toEqual(['a', 'b']);
  rmSync(join(traceDir, 'a'), { recursive: true });
  it.scan();
  expect(ids()).toEqual(['b']);
});

it('lists a folder again that changed just before it was listed', async () => {
  session('a', 0);
  const it = await watch();
  const now = Date.now() / 1000;
  utimesSync(traceDir, now, now);
  it.scan();
  session('b', 1);
  utimesSync(traceDir, now, now);
  it.scan();
  expect(ids()).toEqual(['a', 'b']);
});

it('finds an old session that goes on, in its turn, and brings entries up to date in place', async () => {
  for (let i = 0; i < 130; i++) session(`s${String(i).padStart(3, '0')}`, i);
  const it = await watch();
  const first = lists.at(-1)!;
  const told = lists.length;
  appendFileSync(file('s129'), '{}\n');
  // 110 that are not watched, 50 at a time.
  let scans = 0;
  while (lists.length === told && scans < 10) {
    it.scan();
    scans++;
  }
  expect(scans).toBeLessThanOrEqual(3);
  expect(ids()[0]).toBe('s129');
  expect(first.find(({ id }) => id === 's129')!.size).toBe(6);
  expect(touched).not.toContain('s129');
  // Now it is among the newest: its changes are told one by one.
  appendFileSync(file('s129'), '{}\n');
  it.scan();
  expect(touched).toContain('s129');
});

it('looks at one session without looking at others', async () => {
  session('a', 0);
  for (let i = 0; i < 30; i++) session(`b${i}`, i + 1);
  const it = await watch();
  const told = lists.length;
  appendFileSync(file('b29'), '{}\n');
  it.look('a');
  expect(lists).toHaveLength(told);
  it.look('b29');
  expect(ids()[0]).toBe('b29');
  it.look('nobody');
});
