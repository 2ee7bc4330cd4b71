import { expect, it } from 'vitest';
import { commandUri, plainLabel } from './plainText.ts';

it('shows text as it is: no icon, no half character', () => {
  expect(plainLabel('$(zap) fast\u202e')).toBe('$\u2060(zap) fast⟨U+202E⟩');
  expect(plainLabel('ab😀cd', 4)).toBe('ab…');
  expect(plainLabel('ab😀cd', 5)).toBe('ab😀…');
  expect(plainLabel('abcd', 4)).toBe('abcd');
});

it('links to a command so that no sign of its arguments ends the link', () => {
  expect(commandUri('a.b')).toBe('command:a.b');
  const uri = commandUri('a.b', "s(1)!*'~", 3);
  expect(uri).not.toMatch(/[()!*'~]/);
  expect(JSON.parse(decodeURIComponent(uri.split('?')[1]!))).toEqual(["s(1)!*'~", 3]);
});

/** As VS Code finds links in the text of a notification. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;

it('makes no link of text, which a notification would run', () => {
  for (const text of [
    '[Fix it](command:workbench.action.terminal.new)',
    '[a](https://example.org "title")',
    '[x](file:///etc/passwd)',
  ]) {
    expect(text).toMatch(LINK);
    expect(plainLabel(text)).not.toMatch(LINK);
  }
  expect(plainLabel('src/[id](x).ts')).toContain('[id]');
});
