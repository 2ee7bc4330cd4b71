import fc from 'fast-check';
import { expect, it } from 'vitest';
import { markSteps, piecesOf, unmarked } from './stepMarks.ts';

const steps = (text: string, counts: number | { a: number; b: number } = 500) =>
  piecesOf(markSteps(text, counts)).flatMap(({ text: words, step, side }) =>
    step === undefined ? [] : [`${words} → ${side}${step + 1}`],
  );

it('marks the steps that a report names, in text and in tables', () => {
  expect(steps('steps 12–40, then step 1,204', 2000)).toEqual([
    'steps 12 → a12',
    '40 → a40',
    'step 1,204 → a1204',
  ]);
  expect(steps('| Step | What |\n| ---: | --- |\n| 7 | 8 |')).toEqual(['7 → a7']);
  expect(steps('- A step 3 x\n- B step 4 y', { a: 9, b: 9 })).toEqual([
    'A step 3 → a3',
    'B step 4 → b4',
  ]);
});

it('tears no mark of Markdown apart', () => {
  expect(markSteps('**Step** 3 and **Step 4**', 9)).toBe(
    '**Step** \uE0003\uE002 and **\uE000Step 4\uE002**',
  );
});

it('lets no text of a trace make a step', () => {
  expect(steps('\uE0007\uE002 and \uE0018\uE002')).toEqual([]);
  expect(piecesOf('\uE000no end, \uE002no begin')).toEqual([
    { text: 'no end, ' },
    { text: 'no begin' },
  ]);
  expect(piecesOf('\uE000none\uE002')).toEqual([{ text: 'none' }]);
});

it('says what the report says, and leads only to steps that there are', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'step 3',
      'steps 1–9',
      'step 1,000',
      '| Step |',
      '\n',
      '| 4 |',
      '\uE000',
      '\uE002',
      '**',
    ),
  );
  fc.assert(
    fc.property(fc.array(word), fc.nat(12), (words, count) => {
      const text = words.join(' ');
      const marked = markSteps(text, count);
      const plain = text.replace(/[\uE000-\uE002]/g, '\uFFFD');
      expect(unmarked(marked)).toBe(plain);
      const pieces = piecesOf(marked);
      expect(pieces.map((piece) => piece.text).join('')).toBe(plain);
      for (const { text: said, step } of pieces) {
        if (step === undefined) continue;
        expect(step).toBeLessThan(count);
        expect(Number(said.replace(/\D/g, ''))).toBe(step + 1);
      }
    }),
  );
});
