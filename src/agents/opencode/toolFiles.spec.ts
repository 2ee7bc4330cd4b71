import { createPatch } from 'diff';
import { expect, test } from 'vitest';
import { toolFiles, unifiedHunks } from './toolFiles.ts';

const edit = (before: string, after: string) =>
  toolFiles({
    tool: 'edit',
    input: { filePath: 'a.txt' },
    metadata: { diff: createPatch('a.txt', before, after) },
    cwd: '/p',
  })[0];

test('the lines of an edit, without those around it', () => {
  const text = Array.from({ length: 20 }, (_, at) => `line ${at + 1}\n`);
  const changed = [...text];
  changed[4] = 'five\n5b\n';
  changed.splice(14, 1);
  expect(edit(text.join(''), changed.join(''))).toEqual({
    path: '/p/a.txt',
    kind: 'write',
    hunks: [
      [5, 1, 5, 2],
      [15, 1, 15, 0],
    ],
    added: 2,
    removed: 2,
    ranges: [[5, 6]],
  });
});

test('lines that look like headers, no newline at the end, new and emptied files', () => {
  expect(edit('-- a\nb\n', 'b\n++ c\n')).toMatchObject({
    hunks: [
      [1, 1, 0, 0],
      [2, 0, 2, 1],
    ],
  });
  expect(edit('a', 'b')).toMatchObject({ hunks: [[1, 1, 1, 1]], added: 1, removed: 1 });
  expect(edit('', 'a\nb\n')).toMatchObject({ kind: 'create', hunks: [[0, 0, 1, 2]] });
  expect(edit('a\nb\n', '')).toMatchObject({ kind: 'write', hunks: [[1, 2, 0, 0]] });
});

test('a torn or hostile patch gives what there is of it', () => {
  expect(unifiedHunks('@@ -1,9999999 +1,9999999 @@\n-a\n+b')).toMatchObject([
    { lines: ['-a', '+b'] },
  ]);
  expect(unifiedHunks('@@ nothing')).toEqual([]);
  expect(unifiedHunks('@@ -1,1 +1,1 @@\n'.repeat(5000)).length).toBeLessThanOrEqual(2000);
  for (const tool of ['read', 'edit', 'write', 'multiedit', 'apply_patch', 'bash']) {
    const metadata = { display: 1, files: [null, { type: 'move' }], results: [1], diff: 2 };
    expect(() => toolFiles({ tool, input: { filePath: 3 }, metadata, cwd: '' })).not.toThrow();
  }
});

test('reads: a part, the whole, nothing, a folder', () => {
  const read = (display: Record<string, string | number>) =>
    toolFiles({
      tool: 'read',
      input: {},
      metadata: { display: { type: 'file', path: '/p/a', ...display } },
      cwd: '/p',
    });
  const op = { path: '/p/a', kind: 'read', total_lines: 9 };
  expect(read({ lineStart: 2, lineEnd: 4, totalLines: 9 })).toEqual([{ ...op, ranges: [[2, 4]] }]);
  expect(read({ lineStart: 1, lineEnd: 9, totalLines: 9 })).toEqual([op]);
  expect(read({ lineStart: 10, lineEnd: 9, totalLines: 9 })).toEqual([{ ...op, ranges: [] }]);
  expect(read({ type: 'directory' })).toEqual([]);
});
