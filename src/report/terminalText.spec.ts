import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutStart,
  cutToWidth,
  padToWidth,
  safeJson,
  sanitizeLine,
  sanitizeTerminal,
  textWidth,
} from './terminalText.ts';

describe('sanitizeTerminal', () => {
  it('lets no control sequence through, and hides nothing that one would hide', () => {
    const cases: [string, string][] = [
      ['\u001b[31mred\u001b[0m', 'red'],
      ['\u001b]0;title\u0007after', '␛]0;title␇after'],
      [
        '\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
        '␛]8;;https://evil.example␛\\click␛]8;;␛\\',
      ],
      ['\u001b[2J\u001b[1;1Hgone', '␛[2J␛[1;1Hgone'],
      ['\u001bP+q544e\u001b\\', '␛P+q544e␛\\'],
      ['\u009b31mred', 'red'],
      ['\u009d0;title\u009c', '<U+009D>0;title<U+009C>'],
      ['a\rrm -rf ~', 'a␍rm -rf ~'],
      ['back\b\b\b\b', 'back␈␈␈␈'],
      ['one\r\ntwo\tthree', 'one\ntwo\tthree'],
    ];
    for (const [hostile, shown] of cases) expect(sanitizeTerminal(hostile)).toBe(shown);
  });

  it('shows bidi controls and invisible characters by their number', () => {
    expect(sanitizeTerminal('safe\u202egnp.exe')).toBe('safe<U+202E>gnp.exe');
    expect(sanitizeTerminal('\u2066a\u2069\u200fb\u061c')).toBe(
      '<U+2066>a<U+2069><U+200F>b<U+061C>',
    );
    expect(sanitizeTerminal('pass\u200bword\ufeff')).toBe('pass<U+200B>word<U+FEFF>');
    expect(sanitizeTerminal('\u{e0041}')).toBe('<U+E0041>');
    expect(sanitizeTerminal('\ud800x')).toBe('\ufffdx');
  });

  it('leaves ordinary text of any language alone', () => {
    for (const text of ['naïve café', '日本語', 'עברית', '👩‍👩‍👧 👍🏽 ❤️', 'हिन्दी', '−1 … –']) {
      expect(sanitizeTerminal(text)).toBe(text);
    }
  });

  it('gives nothing that a terminal acts on, whatever comes', () => {
    const nasty = fc.constantFrom(
      '\u001b',
      '\u009b',
      '[',
      ']',
      '0',
      ';',
      'm',
      'J',
      '\u0007',
      '\\',
      '\u202e',
      '\r',
      '\n',
      'a',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(nasty).map((all) => all.join('')),
          fc.string({ unit: 'binary' }),
        ),
        (text) => {
          expect(sanitizeTerminal(text)).not.toMatch(
            /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
          );
          expect(sanitizeLine(text)).not.toMatch(/[\n\t]/);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('safeJson', () => {
  it('is the same data, and harmless', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = safeJson({ text });
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      }),
      { numRuns: 1000 },
    );
    expect(safeJson('\u{e0041}\u202e')).toBe('"\\udb40\\udc41\\u202e"');
  });
});

describe('columns', () => {
  it('counts wide, joined and combining characters', () => {
    const widths: [string, number][] = [
      ['abc', 3],
      ['日本', 4],
      ['é', 1],
      ['👍🏽', 2],
      ['👩‍👩‍👧', 2],
      ['❤️', 2],
      ['🇩🇪', 2],
      ['한', 2],
      ['✗●…', 3],
      ['ｆ', 2],
    ];
    for (const [text, width] of widths) expect(textWidth(text), text).toBe(width);
  });

  it('cuts by columns and never splits a character', () => {
    expect(cutToWidth('日本語', 6)).toBe('日本語');
    expect(cutToWidth('日本語', 5)).toBe('日本…');
    expect(cutToWidth('日本語', 4)).toBe('日…');
    expect(cutToWidth('abcdef', 4)).toBe('abc…');
    expect(cutToWidth('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…');
    expect(cutStart('src/report/table.ts', 12)).toBe('…rt/table.ts');
    expect(cutStart('日本語', 4)).toBe('…語');
    expect(cutStart(`${'x'.repeat(100_000)}/a.ts`, 6)).toBe('…/a.ts');
    expect(cutStart('abc', undefined)).toBe('abc');
    expect(padToWidth('日', 4)).toBe('日  ');
    expect(padToWidth('日', 4, 'right')).toBe('  日');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 1, max: 20 }),
        (text, columns) => {
          const clean = sanitizeLine(text);
          expect(textWidth(cutToWidth(clean, columns))).toBeLessThanOrEqual(columns);
          expect(textWidth(cutStart(clean, columns))).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});
