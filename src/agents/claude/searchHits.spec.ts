import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commandHits, searchedFiles } from './searchHits.ts';
import { filesOf } from './toolResult.ts';

const hits = (text: string, path = '', context = false): Record<string, number[][]> =>
  Object.fromEntries(
    searchedFiles(text, { path, cwd: '/p', context }).map((op) => [op.path, op.ranges!]),
  );

it('names the lines of each file', () => {
  expect(hits('src/a.ts:3:x\nsrc/a.ts:4:y: 9:\n/q/b.ts:12:z\n./c.ts:1:\n')).toEqual({
    '/p/src/a.ts': [[3, 4]],
    '/q/b.ts': [[12, 12]],
    '/p/c.ts': [[1, 1]],
  });
});

it('names the lines of a single file', () => {
  expect(hits('3:x\n4:y\n9:7:8:\n', 'a.ts')).toEqual({
    '/p/a.ts': [
      [3, 4],
      [9, 9],
    ],
  });
});

it('counts lines around the hits, where they were asked for', () => {
  const text = 'a-1-b.ts-88-before\na-1-b.ts:89:hit:3:\na-1-b.ts-90-x:12:y\n--\nc.ts:2:-3-hit';
  expect(hits(text, '', true)).toEqual({ '/p/a-1-b.ts': [[88, 90]], '/p/c.ts': [[2, 2]] });
  expect(hits('62-\ta\n63:\tb\n--\n70:c\n71-d', '/f.go', true)).toEqual({
    '/f.go': [
      [62, 63],
      [70, 71],
    ],
  });
});

it('takes a file with a number for a name for no line number', () => {
  expect(hits('2024-01-02.log:5:x\n2024-01-02.log:9:y', '/logs')).toEqual({
    '/p/2024-01-02.log': [
      [5, 5],
      [9, 9],
    ],
  });
  expect(hits('2024-01-02.log:5:x', '/logs', true)).toEqual({ '/p/2024-01-02.log': [[5, 5]] });
});

it('claims nothing of texts without line numbers, nor of lines that were not shown', () => {
  expect(hits('src/a.ts:import x\nsrc/b.ts:import y')).toEqual({});
  expect(hits('a.ts:3:[Omitted long matching line]\na.ts:4:x')).toEqual({ '/p/a.ts': [[4, 4]] });
  expect(hits('')).toEqual({});
  expect(filesOf('Grep', { mode: 'files_with_matches', filenames: ['a.ts'], numFiles: 1 })).toEqual(
    [],
  );
  expect(filesOf('Grep', { mode: 'count', content: 'a.ts:3', filenames: [] })).toEqual([]);
});

it('reads Windows paths', () => {
  const [op] = searchedFiles('src\\a.ts:3:x', { path: '', cwd: 'C:\\p', context: false });
  expect(op).toEqual({ path: 'C:\\p\\src\\a.ts', kind: 'read', ranges: [[3, 3]] });
  expect(hits('C:\\q\\a.ts:3:x')).toEqual({ 'C:\\q\\a.ts': [[3, 3]] });
});

it('is quick with hostile text', () => {
  const started = performance.now();
  searchedFiles('-1'.repeat(500_000), { path: 'x', cwd: '', context: true });
  searchedFiles(':1:\n'.repeat(200_000), { path: '', cwd: '', context: true });
  searchedFiles(`${'x-1-'.repeat(1000)}\n`.repeat(60), { path: '', cwd: '', context: true });
  const spent = performance.now() - started;
  const parse = performance.now();
  for (let i = 0; i < 20; i++) JSON.parse(JSON.stringify('x-1-'.repeat(250_000)));
  expect(spent).toBeLessThan(20 * (performance.now() - parse) + 200);
});

it('agrees with a real search, line by line', () => {
  const source = readFileSync(join(import.meta.dirname, 'searchHits.ts'), 'utf8').split('\n');
  const shown = source.flatMap((line, at) => (line.includes('path') ? [`${at + 1}:${line}`] : []));
  const ranges = hits(shown.join('\n'), 'f')['/p/f']!;
  const lines = ranges.flatMap(([a, b]) => Array.from({ length: b! - a! + 1 }, (_, i) => a! + i));
  expect(lines).toEqual(shown.map((line) => Number.parseInt(line, 10)));
});

it.each([
  ["grep -rn 'a|b' src", 'src/a.ts:3:a\nsrc/b.ts:4:b\n', { '/p/src/a.ts': 3, '/p/src/b.ts': 4 }],
  ['grep -n "x y" a.ts', '12:x y', { '/p/a.ts': 12 }],
  ['rg -n --hidden needle', './a.ts:1:needle', { '/p/a.ts': 1 }],
  ['git grep -n needle | head -20', 'a.ts:9:needle', { '/p/a.ts': 9 }],
  ['grep -n foo *.ts', 'a.ts:9:foo', { '/p/a.ts': 9 }],
  ['grep --line-number foo /q/a.ts 2>/dev/null', '7:foo', { '/q/a.ts': 7 }],
  ['grep -nA0 foo a.ts', '7:foo', { '/p/a.ts': 7 }],
])('reads the hits of %s', (command, output, lines) => {
  const found = commandHits(command, output, '/p').map(({ path, ranges }) => [
    path,
    ranges?.[0]?.[0],
  ]);
  expect(Object.fromEntries(found)).toEqual(lines);
});

it.each([
  ['grep -rn foo src && make', 'src/a.ts:3:foo'],
  ['make 2>&1 | grep -n error', '12:a.ts:3: error'],
  ['cd sub && grep -n foo a.ts', '3:foo'],
  ['tsc', 'src/a.ts:3:5 error'],
  ['grep -n $(cat x) a.ts', '3:foo'],
  ['grep -n foo *.ts', '9:foo'],
  ['grep -hn foo a.ts b.ts', '9:foo'],
  ['grep -r foo src', 'src/a.ts:3:foo'],
  ['grep -c foo a.ts', '3'],
  ['grep -rln foo src', 'src/a.ts'],
  ['', '3:x'],
])('claims nothing of %s', (command, output) =>
  expect(commandHits(command, output, '/p')).toEqual([]),
);

it('tells a search at once from any other command', () => {
  const started = performance.now();
  commandHits(`grep -n ${"'a' ".repeat(50_000)}`, '', '/p');
  commandHits(`grep ${'-n '.repeat(50_000)};`, '', '/p');
  commandHits(`grep -n ${'a'.repeat(200_000)};`, '', '/p');
  const spent = performance.now() - started;
  const parse = performance.now();
  for (let i = 0; i < 20; i++) JSON.parse(JSON.stringify('x-1-'.repeat(250_000)));
  expect(spent).toBeLessThan(20 * (performance.now() - parse) + 200);
});
