import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mayTell } from '../../guard/told.ts';
import { GuardFolders } from './guardFolders.ts';

let home: string;
let env: Record<string, string>;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'guard-folders-'));
  env = { AGENT_STRACE_HOME: home };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('folders that come later, and go and come again, are told of', async () => {
  let told = 0;
  const folders = new GuardFolders(() => told++, env);
  const write = async (name: string): Promise<void> => {
    const before = told;
    writeFileSync(join(home, 'guard', 'trips', name), '{}');
    await vi.waitFor(() => expect(told).toBeGreaterThan(before), 5000);
  };
  mkdirSync(join(home, 'guard', 'trips'), { recursive: true });
  await vi.waitFor(() => expect(told).toBeGreaterThan(0), 5000);
  await write('a.json');
  rmSync(join(home, 'guard', 'trips'), { recursive: true });
  await vi.waitFor(() => expect(told).toBeGreaterThan(1), 5000);
  mkdirSync(join(home, 'guard', 'trips'));
  await write('b.json');
  folders.dispose();
});

test('of several windows one tells, and again when it trips again', () => {
  expect(mayTell('aaaaaaaaaaaa', 100.5, env)).toBe(true);
  expect(mayTell('aaaaaaaaaaaa', 100.5, env)).toBe(false);
  expect(mayTell('bbbbbbbbbbbb', 100.5, env)).toBe(true);
  expect(mayTell('aaaaaaaaaaaa', 200, env)).toBe(true);
  // Whatever a file's name would be made of.
  expect(mayTell('../../x', 1, env)).toBe(true);
  expect(mayTell('../../x', 1, env)).toBe(false);
});
