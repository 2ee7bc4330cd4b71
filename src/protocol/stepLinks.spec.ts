import { expect, it } from 'vitest';
import { stepLinks } from './stepLinks.ts';

const found = (text: string, steps = 500): string[] =>
  stepLinks(text, steps).map(({ line, start, end, step }) => {
    const words = (text.split('\n')[line] ?? '').slice(start, end);
    expect(Number(words.replace(/\D/g, ''))).toBe(step + 1);
    return `${line}:${words}`;
  });

it('finds the steps that a report names', () => {
  expect(found('1. **prompt** step 12: Do it\n   result of step 7 (evidence)')).toEqual([
    '0:step 12',
    '1:step 7',
  ]);
  expect(found('Steps 12–40, **Step 3** and steps 1 to 2')).toEqual([
    '0:Steps 12',
    '0:40',
    '0:Step 3',
    '0:steps 1',
    '0:2',
  ]);
  expect(found('step 1,204', 2000)).toEqual(['0:step 1,204']);
});

it('finds the numbers of columns that are headed so, and no others', () => {
  const table = [
    '| Phase | Steps | Calls |',
    '| --- | ---: | ---: |',
    '| a \\| 9 | 12–40 | 7 |',
    '| b | 41 | 8 |',
    '',
    '| Tool | Calls |',
    '| --- | ---: |',
    '| Bash | 9 |',
  ].join('\n');
  expect(found(table)).toEqual(['2:12', '2:40', '3:41']);
});

it('finds steps of two sessions by their letters, and no others', () => {
  const steps = { a: 20, b: 30 };
  const sides = stepLinks('- A step 12 ls\n- B step 25 step 3\n- A step 25', steps);
  expect(sides.map(({ line, side, step }) => [line, side, step])).toEqual([
    [0, 'a', 11],
    [1, 'b', 24],
  ]);
  const table = '| A step | Step | B step |\n| ---: | ---: | ---: |\n| 2–3 | 4 | 30 |';
  expect(stepLinks(table, steps).map(({ side, step }) => [side, step])).toEqual([
    ['a', 1],
    ['a', 2],
    ['b', 29],
  ]);
});

it('leads to no step that there is not', () => {
  expect(found('step 0, step 501, step 99999999999999, footstep 3, step x')).toEqual([]);
});
