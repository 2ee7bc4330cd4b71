import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appendChanges, type ChangedFile, readChanges } from './changeLog.ts';

let home: string;
const env = () => ({ AGENT_STRACE_HOME: home });
beforeEach(() => {
  home = fs.mkdtempSync(join(tmpdir(), 'changes-'));
  fs.mkdirSync(join(home, 'state', 'session'), { recursive: true });
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

const file = (id: string): ChangedFile => ({
  path: '/r/a',
  kind: 'write',
  before: { at: 'none' },
  after: { at: 'blob', id },
});
const add = (call: string, id: string) =>
  appendChanges('session', { call, root: '/r', files: [file(id)] }, env());

it('has the changes of each call', () => {
  add('one', 'x');
  add('two', 'y');
  // Two hooks of one call.
  add('two', 'y');
  const found = readChanges('session', env());
  expect([...found.keys()]).toEqual(['one', 'two']);
  expect(found.get('two')?.files).toEqual([file('y')]);
});

it('gives nothing where one name stands for two commands', () => {
  add('key', 'x');
  add('key', 'y');
  add('other', 'z');
  expect([...readChanges('session', env()).keys()]).toEqual(['other']);
});
