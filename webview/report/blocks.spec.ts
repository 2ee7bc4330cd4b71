import { expect, it } from 'vitest';
import { blocksOf } from './blocks.ts';

const sections = (count: number): string =>
  Array.from(
    { length: count },
    (_, at) => `## Part ${at} of **it**\n\nWords of step ${at + 1}.\n`,
  ).join('\n');

it('leaves out what the page says above: the title, and who A and B are', () => {
  const types = (
    report: 'why' | 'inspect' | 'diff',
    text: string,
    steps: number | { a: 1; b: 1 },
  ) => blocksOf(report, text, steps, 'Do it').tokens.map(({ type }) => type);
  expect(types('why', '# Why step 2\n\nDo it\n\n1. **prompt** step 1: x', 2)).toEqual(['list']);
  expect(types('why', '# Why step 2\n\nAnother\n\n1. x', 2)).toEqual(['paragraph', 'list']);
  expect(types('inspect', '# Step 2: ls\n\nfacts', 2)).toEqual(['heading', 'paragraph']);
  expect(types('diff', '# Diff\n\n- **A**: x\n- **B**: y\n\nSame.', { a: 1, b: 1 })).toEqual([
    'paragraph',
  ]);
});

it('has an outline of a long report, in plain words', () => {
  expect(blocksOf('explain', sections(2), 9, '').headings).toEqual([]);
  const { headings, tokens } = blocksOf('explain', `# Title\n\n${sections(6)}`, 9, '');
  expect(headings.map(({ text }) => text)).toEqual(
    Array.from({ length: 6 }, (_, at) => `Part ${at} of it`),
  );
  for (const { at } of headings) expect(tokens[at]!.type).toBe('heading');
});
