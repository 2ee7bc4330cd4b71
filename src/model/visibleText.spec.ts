import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { visibleText } from './visibleText.ts';

describe('text of a trace', () => {
  it('stays as it is where nothing hides', () => {
    for (const text of ['pytest -q', 'שלום עולם', '**/*.ts', '<script>', '👩‍💻 café', 'क्‍ष']) {
      expect(visibleText(text)).toBe(text);
    }
  });

  it.each([
    ['safe\u202etxt.exe', 'safe⟨U+202E⟩txt.exe'],
    ['\u2066a\u2069', '⟨U+2066⟩a⟨U+2069⟩'],
    ['a\u200bb\ufeff', 'a⟨U+200B⟩b⟨U+FEFF⟩'],
    ['\x1b[31mred\x1b[0m', '␛[31mred␛[0m'],
    ['one\ntwo\tthree\r\n', 'one two three  '],
    ['\0\x7f\x9b', '␀␡⟨U+009B⟩'],
    ['\ud800x', '\ufffdx'],
    ['\u{e0041}', '⟨U+E0041⟩'],
  ])('%j is shown as %s', (text, shown) => expect(visibleText(text)).toBe(shown));

  it('holds nothing hidden, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(visibleText(text)).not.toMatch(
          /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069\u200b\ufeff]/u,
        );
        expect(visibleText(visibleText(text))).toBe(visibleText(text));
      }),
    );
  });
});
