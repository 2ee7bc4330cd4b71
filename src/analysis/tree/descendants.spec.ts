import { expect, test } from 'vitest';
import { descendants, type StartedSession } from './descendants.ts';
import { MAX_DEPTH } from './sessionTree.ts';

const below = (root: string, sessions: readonly StartedSession[]): string[] =>
  descendants(root, sessions, (one) => one).map(({ session, depth }) => `${depth} ${session.id}`);

test('children follow their parent, siblings in the order given', () => {
  const sessions = [
    { id: 'b', parent: 'root' },
    { id: 'a1', parent: 'a' },
    { id: 'a', parent: 'root' },
    { id: 'other' },
    { id: 'b1', parent: 'b' },
    { id: 'root' },
  ];
  expect(below('root', sessions)).toEqual(['1 b', '2 b1', '1 a', '2 a1']);
  expect(below('a1', sessions)).toEqual([]);
});

test('sessions that name each other as parents come once', () => {
  const circle = [
    { id: 'a', parent: 'c' },
    { id: 'b', parent: 'a' },
    { id: 'c', parent: 'b' },
  ];
  expect(below('a', circle)).toEqual(['1 b', '2 c']);
});

test('a chain without end is told to the last, at the greatest depth', () => {
  const chain = Array.from({ length: 5000 }, (_, at) => ({ id: `${at + 1}`, parent: `${at}` }));
  const found = below('0', chain);
  expect(found).toHaveLength(5000);
  expect(found.at(-1)).toBe(`${MAX_DEPTH} 5000`);
});
