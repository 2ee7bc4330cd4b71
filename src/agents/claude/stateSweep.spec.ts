import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sweepState } from './stateSweep.ts';

const DAY_MS = 86_400_000;
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-strace-sweep-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A session's state, its folder and its file as old as said. */
function state(name: string, folderDays: number, fileDays = folderDays): string {
  const folder = join(root, 'state', name);
  const file = join(folder, 'transcripts.json');
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, '{}');
  const now = Date.now() / 1000;
  utimesSync(file, now - fileDays * 86_400, now - fileDays * 86_400);
  utimesSync(folder, now - folderDays * 86_400, now - folderDays * 86_400);
  return folder;
}

it('takes away what was not touched for 60 days, once a day, and follows no link', () => {
  const old = state('old', 61);
  const kept = [state('new', 59), state('written', 70, 2), state('.hidden', 99), state('a..b', 99)];
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), '');
  symlinkSync(outside, join(root, 'state', 'linked'));
  symlinkSync(outside, join(old, 'inside'));
  utimesSync(outside, 0, 0);
  // Looking does not touch: the link in it is new, the folder's own time counts as well.
  const later = Date.now() + 2 * DAY_MS;
  expect(sweepState(join(root, 'state'))).toBe(0);
  expect(sweepState(join(root, 'state'), Date.now() + DAY_MS / 2)).toBe(0);
  expect(sweepState(join(root, 'state'), later)).toBe(1);
  expect(existsSync(join(root, 'state', 'new'))).toBe(false);
  expect(kept.slice(1).every((folder) => existsSync(folder))).toBe(true);
  rmSync(join(root, 'state', '.swept'));
  expect(sweepState(join(root, 'state'), Date.now() + 62 * DAY_MS)).toBe(2);
  expect(existsSync(old)).toBe(false);
  expect(existsSync(join(outside, 'precious'))).toBe(true);
  expect(existsSync(join(root, 'state', 'linked'))).toBe(true);
});

it('minds no folder that is not there', () => {
  expect(sweepState(join(root, 'none'))).toBe(0);
  expect(existsSync(join(root, 'none'))).toBe(false);
});
