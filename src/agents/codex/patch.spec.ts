import { describe, expect, it } from 'vitest';
import { absolutePath, changedFiles, patchTextFiles } from './patch.ts';

describe('the text of a patch', () => {
  it('names files, and lines where they are sure', () => {
    const patch = [
      '*** Begin Patch',
      '*** Add File: new/a.txt',
      '+one',
      '+two',
      '*** Update File: b.txt',
      '@@ somewhere',
      ' context',
      '-old',
      '+new',
      '*** Delete File: /abs/c.txt',
      '*** Update File: d.txt',
      '*** Move to: e.txt',
      '@@',
      '-x',
      '*** End Patch',
    ].join('\n');
    expect(patchTextFiles(patch, '/p')).toEqual([
      { path: '/p/new/a.txt', kind: 'create', added: 2, removed: 0, total_lines: 2 },
      { path: '/p/b.txt', kind: 'write', ranges: [], added: 1, removed: 1 },
      { path: '/abs/c.txt', kind: 'delete' },
      { path: '/p/e.txt', kind: 'write', ranges: [], added: 0, removed: 1 },
      { path: '/p/d.txt', kind: 'delete' },
    ]);
  });

  it('survives what is no patch', () => {
    for (const text of ['', '+++', '*** Add File: ', '*** Move to: x', '\0\n+\n'])
      expect(patchTextFiles(text, '')).toEqual(expect.any(Array));
    expect(patchTextFiles('*** Move to: x\n+a', '/p')).toEqual([
      // Without a file before it there is nothing to move.
      { path: '/p/x', kind: 'write', ranges: [], added: 1, removed: 0 },
    ]);
  });
});

describe('changes with diffs', () => {
  const update = (unified_diff: string, move_path: string | null = null) =>
    changedFiles({ '/p/a': { type: 'update', unified_diff, move_path } }, '/p');

  it('become hunks without lines of context', () => {
    const diff = '@@ -14,2 +14,5 @@\n   },\n+  "a": {\n+    "k": 1\n+  },\n   "p": 1\n';
    expect(update(diff)).toEqual([
      {
        path: '/p/a',
        kind: 'write',
        hunks: [[14, 0, 15, 3]],
        added: 3,
        removed: 0,
        ranges: [[15, 17]],
      },
    ]);
  });

  it('count lines where one side has none', () => {
    expect(update('@@ -0,0 +1,2 @@\n+a\n+b\n')[0]?.hunks).toEqual([[0, 0, 1, 2]]);
    expect(update('@@ -5,2 +4,0 @@\n-a\n-b\n')[0]?.hunks).toEqual([[5, 2, 4, 0]]);
    expect(update('@@ -5,0 +6,1 @@\n+a\n')[0]?.hunks).toEqual([[5, 0, 6, 1]]);
  });

  it('take lines that look like headers for lines', () => {
    const diff = '@@ -1,2 +1,2 @@\n---- a\n+@@ -9 +9 @@\n same\n@@ -9 +9 @@\n-x\n+y\n';
    expect(update(diff)[0]?.hunks).toEqual([
      [1, 1, 1, 1],
      [9, 1, 9, 1],
    ]);
  });

  it('know a moved file as a new one and a deleted one', () => {
    expect(update('', '/p/b')).toEqual([
      { path: '/p/b', kind: 'write', ranges: [] },
      { path: '/p/a', kind: 'delete' },
    ]);
  });

  it('know files that came and went', () => {
    const changes = {
      'x.txt': { type: 'add', content: 'a\nb' },
      '/p/y.txt': { type: 'delete', content: 'a\n' },
      z: 7,
    };
    expect(changedFiles(changes, 'file:///p')).toEqual([
      { path: '/p/x.txt', kind: 'create', added: 2, removed: 0, total_lines: 2 },
      { path: '/p/y.txt', kind: 'delete', added: 0, removed: 1 },
    ]);
  });
});

it('paths are absolute where the folder is known', () => {
  expect(absolutePath('a', '/p')).toBe('/p/a');
  expect(absolutePath('file:///x/y%20z', '/p')).toBe('/x/y z');
  expect(absolutePath('a', '')).toBe('a');
  expect(absolutePath('file://%', '/p')).toMatch(/%/);
});
