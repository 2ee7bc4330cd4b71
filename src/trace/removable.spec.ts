import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removableFolder } from './removable.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'removable-'));
  mkdirSync(join(root, 'traces', 'one'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('gives a real folder of ours', () => {
  const traceDir = join(root, 'traces');
  expect(removableFolder(traceDir, 'one')).toEqual({ path: join(traceDir, 'one') });
});

it('gives nothing that is reached through a link, nor what is no folder', () => {
  const traceDir = join(root, 'traces');
  mkdirSync(join(root, 'precious', 'one'), { recursive: true });
  symlinkSync(join(root, 'precious'), join(traceDir, 'linked'));
  symlinkSync(join(root, 'precious'), join(root, 'other'));
  writeFileSync(join(traceDir, 'file'), '');
  expect(removableFolder(traceDir, 'linked')).toEqual({ problem: 'ESYMLINK' });
  expect(removableFolder(join(root, 'other'), 'one')).toEqual({ problem: 'ESYMLINK' });
  expect(removableFolder(traceDir, 'file')).toEqual({ problem: 'ENOTDIR' });
  expect(removableFolder(traceDir, 'none')).toEqual({ problem: 'ENOENT' });
});

it.each(['..', '.', '', '../precious', 'one/..', '/etc', '.hidden', 'a\\..\\b'])(
  'gives nothing for the name %j',
  (id) => {
    expect(removableFolder(join(root, 'traces'), id)).toEqual({ problem: 'ENAME' });
  },
);
