import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NUMBER, Recent } from './ring.ts';

const steps = fc.array(
  fc.record({
    what: fc.constantFrom('set', 'again', 'delete', 'get', 'save'),
    key: fc.integer({ min: 0, max: 12 }),
    value: fc.integer({ min: 0, max: 1e12 }),
  }),
  { maxLength: 60 },
);

it('is the same whether it was saved and read again on the way, or not', () => {
  fc.assert(
    fc.property(steps, (list) => {
      const MAX = 6;
      const gone: [number, number][][] = [[], []];
      const plain = new Recent(MAX, NUMBER, (value, key) => gone[0]!.push([key, value]));
      const made = () =>
        new Recent(MAX, NUMBER, (value, key) => {
          gone[1]!.push([key, value]);
        });
      let saved = made();
      for (const { what, key, value } of list) {
        if (what === 'save') {
          const text = saved.save();
          saved = made();
          saved.load(text);
        } else if (what === 'get') expect(saved.get(key)).toBe(plain.get(key));
        else if (what === 'delete') for (const one of [plain, saved]) one.delete(key);
        else for (const one of [plain, saved]) one[what](key, value);
        expect(saved.size).toBe(plain.size);
      }
      expect([...saved.newest()]).toEqual([...plain.entries()].reverse());
      expect([...saved.entries()]).toEqual([...plain.entries()]);
      expect(saved.save()).toBe(plain.save());
      expect(gone[1]).toEqual(gone[0]);
    }),
  );
});

it('finds the last saved row by one of its numbers, and not across rows', () => {
  const row = {
    width: 2,
    of: (value: [number, number]) => value,
    from: (numbers: number[]) => numbers as [number, number],
  };
  const first = new Recent<[number, number]>(9, row);
  first.set(1, [7, 5]);
  first.set(2, [5, 7]);
  first.set(3, [7, 9]);
  const read = new Recent<[number, number]>(9, row);
  read.load(first.save());
  expect(read.savedWith(0, 7)).toBe(3);
  expect(read.savedWith(1, 7)).toBe(2);
  expect(read.savedWith(1, 8)).toBeUndefined();
  expect(read.savedWith(1, 3)).toBeUndefined();
});
