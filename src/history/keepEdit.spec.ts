import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BlobStore } from '../trace/blobs.ts';
import { type ContentRef, readChanges } from './changeLog.ts';
import { keepEdit } from './keepEdit.ts';

let root: string;
const state = process.env.AGENT_STRACE_HOME;
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'keep-')));
  process.env.AGENT_STRACE_HOME = join(root, 'state');
});
afterEach(() => {
  if (state === undefined) delete process.env.AGENT_STRACE_HOME;
  else process.env.AGENT_STRACE_HOME = state;
  fs.rmSync(root, { recursive: true, force: true });
});

const edit = (name: string, disk: string, originalFile = 'a\nb\n') => {
  const filePath = join(root, name);
  fs.writeFileSync(filePath, disk);
  keepEdit('session', name, { filePath, originalFile, oldString: 'a', newString: 'c' });
  const file = readChanges('session').get(name)?.files[0];
  const text = (ref: ContentRef) =>
    ref.at === 'blob' ? new BlobStore().get(ref.id)?.toString() : ref.at;
  return file && [text(file.before), text(file.after)];
};

it('keeps both texts of an edit, with the line ends of the file', () => {
  expect(edit('lf.txt', 'c\nb\n')).toEqual(['a\nb\n', 'c\nb\n']);
  expect(edit('crlf.txt', 'c\r\nb\r\n')).toEqual(['a\r\nb\r\n', 'c\r\nb\r\n']);
  // Somebody has changed it since: only what the edit says is kept.
  expect(edit('other.txt', 'x\r\ny\r\n')).toEqual(['a\nb\n', 'c\nb\n']);
});

it('keeps no secret, and nothing that does not say what it was', () => {
  expect(edit('.env', 'c\nb\n')).toBeUndefined();
  expect(edit('a.txt', '', 'no such text\n')).toBeUndefined();
  for (const response of [undefined, 'Error', {}, { filePath: '/x' }]) {
    keepEdit('session', 'call', response);
  }
  keepEdit('../session', 'call', {
    filePath: '/x',
    originalFile: 'a',
    oldString: 'a',
    newString: 'b',
  });
  expect(fs.existsSync(join(root, 'state/blobs'))).toBe(false);
});
