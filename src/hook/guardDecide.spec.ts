import { expect, it } from 'vitest';
import { ignoresCase } from './guardDecide.ts';

it.each([
  ['darwin', true],
  ['win32', true],
  ['linux', false],
])('on %s the case of a name makes no other file: %s', (platform, ignores) => {
  expect(ignoresCase(platform)).toBe(ignores);
});
