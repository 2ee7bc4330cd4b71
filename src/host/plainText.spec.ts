import { describe, expect, it } from 'vitest';
import { plainLine, plainText } from './plainText.ts';

/** As VS Code finds links in the text of a notification. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;

describe('text of a trace in what VS Code shows', () => {
  it('is no link that runs a command, and no icon', () => {
    for (const text of [
      '[Fix it](command:workbench.action.terminal.new)',
      '[a](https://example.org "title")',
      '[x](file:///etc/passwd)',
    ]) {
      expect(text).toMatch(LINK);
      expect(plainText(text)).not.toMatch(LINK);
      expect(plainLine(text)).not.toMatch(LINK);
    }
    expect(plainText('$(error) all is lost')).not.toContain('$(');
    expect(plainText('a\u202eb\nc')).toBe('a⟨U+202E⟩b c');
    expect(plainText('src/[id](x).ts')).toContain('[id]');
  });

  it('is cut where a line is wanted', () => {
    expect(plainLine('x'.repeat(200), 40)).toHaveLength(40);
  });
});
