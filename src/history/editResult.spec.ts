import { describe, expect, it } from 'vitest';
import { editResult } from './editResult.ts';

const edit = (originalFile: unknown, oldString: string, newString: string, more: object = {}) =>
  editResult({ filePath: '/p/a', originalFile, oldString, newString, replaceAll: false, ...more });

describe('an edit', () => {
  it('gives both sides', () => {
    expect(edit('a b a\n', 'a', 'c')).toMatchObject({
      path: '/p/a',
      before: { text: 'a b a\n', plainEnds: true },
      after: { text: 'c b a\n', plainEnds: true },
    });
    expect(edit('a b a\n', 'a', 'c', { replaceAll: true })?.after?.text).toBe('c b c\n');
  });

  it('takes nothing in the new text for a pattern', () => {
    expect(edit('x.y', 'x.', "$& $$ $' \\1")?.after?.text).toBe("$& $$ $' \\1y");
  });

  it('deletes a line with its end, as Claude does', () => {
    expect(edit('a\nb\nc\n', 'b', '')?.after?.text).toBe('a\nc\n');
    expect(edit('a b', ' b', '')?.after?.text).toBe('a');
  });

  it('says nothing where the text does not fit', () => {
    expect(edit('a\n', 'gone', 'x')?.after).toBeUndefined();
    const patch = { structuredPatch: [{ oldLines: 1, newLines: 5, lines: [] }] };
    expect(edit('a\n', 'a', 'b', patch)?.after).toBeUndefined();
  });

  it('of nothing makes a file', () => {
    expect(edit('', '', 'new')).toMatchObject({
      before: { text: undefined },
      after: { text: 'new' },
    });
  });

  it('without the whole text gives its change', () => {
    const found = edit(null, 'a', 'b')!;
    expect(found.before).toBeUndefined();
    expect(found.after).toBeUndefined();
    expect(found.change!('xa\n')).toBe('xb\n');
    expect(found.change!('none')).toBeUndefined();
  });
});

it('a write gives both sides, and its own line ends', () => {
  const write = { type: 'update', filePath: '/p/a', content: 'b\r\n', structuredPatch: [] };
  expect(editResult({ ...write, originalFile: 'a\n' })).toMatchObject({
    before: { text: 'a\n', plainEnds: true },
    after: { text: 'b\r\n', plainEnds: false },
  });
  expect(editResult({ ...write, type: 'create', originalFile: null })?.before).toEqual({
    text: undefined,
    plainEnds: true,
  });
});

it('several edits of one call follow each other', () => {
  const edits = [
    { old_string: 'a', new_string: 'b' },
    { old_string: 'b', new_string: 'c', replace_all: true },
  ];
  expect(editResult({ filePath: '/p/a', originalFileContents: 'ab\n', edits })?.after?.text).toBe(
    'cc\n',
  );
});

it('of a notebook', () => {
  expect(
    editResult({ notebook_path: '/p/n.ipynb', original_file: '{1}', updated_file: '{2}' }),
  ).toMatchObject({ path: '/p/n.ipynb', before: { text: '{1}' }, after: { text: '{2}' } });
});

it.each([null, 1, 'Error: no', [], {}, { filePath: 3 }, { filePath: '/a', content: 3 }])(
  'anything may come: %j',
  (value) => expect(editResult(value)).toBeUndefined(),
);
