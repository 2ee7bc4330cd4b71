import { expect, test } from 'vitest';
import { type Content, noFile, textContent, unknown } from './content.ts';
import { compareContents, type EndedSession } from './endContents.ts';

/** @param files what they held at the end, by the name that the trace has for them */
const ended = (cwd: string, files: Record<string, Content>): EndedSession => ({
  cwd,
  history: {
    course: async (path) => {
      const after = files[path];
      return (
        after && {
          path,
          versions: [{ row: 0, timeMs: 0, kind: 'write', before: noFile, after }],
          disk: noFile,
        }
      );
    },
  },
});
const text = (words: string): Content => textContent(words, 'transcript');

test('files are the same, different, or not told', async () => {
  const a = ended('/a', {
    '/a/same.ts': text('one'),
    '/a/other.ts': text('one'),
    '/a/gone.ts': noFile,
    '/a/lost.ts': unknown('noRecord'),
    'plain.ts': text('one'),
  });
  const b = ended('/b', {
    '/b/same.ts': text('one'),
    '/b/other.ts': text('two'),
    '/b/gone.ts': noFile,
    '/b/lost.ts': text('one'),
    '/b/plain.ts': text('one'),
  });
  const paths = ['same.ts', 'other.ts', 'gone.ts', 'lost.ts', 'plain.ts', 'nowhere.ts'];
  let breaths = 0;
  const found = await compareContents(a, b, paths, async () => {
    breaths++;
  });
  expect([...found]).toEqual([
    ['same.ts', 'same'],
    ['other.ts', 'different'],
    ['gone.ts', 'same'],
    ['plain.ts', 'same'],
  ]);
  expect(breaths).toBe(paths.length);
});

test('of very many files the first are looked up', async () => {
  const paths = Array.from({ length: 500 }, (_, at) => `${at}.ts`);
  const all = ended('', Object.fromEntries(paths.map((path) => [path, text(path)])));
  expect((await compareContents(all, all, paths, async () => {})).size).toBe(200);
});
