import { expect, it } from 'vitest';
import { readyNote } from './note.ts';

const KEY = `ghp_${'A1b2C3d4E5'.repeat(4).slice(0, 36)}`;

it('takes secrets out of notes and labels, and says so', () => {
  const one = readyNote('fix', `it used ${KEY} here`, 'secrets');
  expect(one.label).toBe('fix');
  expect(one.note).toMatch(/^it used \[REDACTED:[\w-]+\] here$/);
  expect(one.told).toMatch(/^A secret was taken out of the note \([\w-]+\)\.$/);
  const two = readyNote(KEY, `it used ${KEY}`, 'secrets');
  expect(two.label).not.toContain(KEY);
  expect(two.told).toMatch(/^2 secrets were taken out/);
});

it('leaves words, and what is to be left, as they are', () => {
  expect(readyNote('fix', 'see step 4', 'secrets')).toEqual({
    label: 'fix',
    note: 'see step 4',
    told: '',
  });
  expect(readyNote('', KEY, 'none')).toEqual({ label: '', note: KEY, told: '' });
});
