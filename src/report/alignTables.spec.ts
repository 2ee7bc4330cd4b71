import { expect, it } from 'vitest';
import { alignTables } from './alignTables.ts';

it('puts the columns of tables under each other, numbers to the right', () => {
  const text = [
    '# Cost',
    '',
    '| Tool | Calls | Cost |',
    '| --- | ---: | ---: |',
    '| Bash \\| tail | 2 | $0.0699 |',
    '| 漢字 | 120 | – |',
    '',
    'that is all',
  ].join('\n');
  expect(alignTables(text)).toBe(
    [
      '# Cost',
      '',
      '| Tool         | Calls |    Cost |',
      '| ------------ | ----: | ------: |',
      '| Bash \\| tail |     2 | $0.0699 |',
      '| 漢字         |   120 |       – |',
      '',
      'that is all',
    ].join('\n'),
  );
  expect(alignTables(alignTables(text))).toBe(alignTables(text));
});

it('leaves code, odd tables and very long cells as they are', () => {
  const odd = '| a | b |\n| --- | --- |\n| only one |\n';
  expect(alignTables(odd)).toBe(odd);
  const code = '```text\n| a | b |\n| --- | --- |\n| long cell | c |\n```\n';
  expect(alignTables(code)).toBe(code);
  const long = 'x'.repeat(300);
  const rows = alignTables(`| a | b |\n| --- | --- |\n| ${long} | c |\n`).split('\n');
  expect(rows[2]).toBe(`| ${long} | c    |`);
  expect(rows[0]!.length).toBeLessThan(80);
});
