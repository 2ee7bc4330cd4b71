/** Trace text for a terminal: made harmless, measured in columns, cut and padded. */
import { eastAsianWidth } from 'get-east-asian-width';

/** SGR: colours and weights. Harmless in itself and common in results, so it goes without a trace. */
const SGR = /(?:\u001b\[|\u009b)[0-9;:]*m/g;

/**
 * What a terminal acts on or does not show: controls, the bidi controls, zero-width characters that
 * hide or split words, and tag characters. Joiners and variation selectors stay: emoji need them.
 */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

/**
 * Makes text from a trace harmless for a terminal. No control sequence gets through: its introducer is
 * shown as a picture (`␛`), and what it would have hidden stays readable. Bidi controls and invisible
 * characters are shown by their number (`<U+202E>`). Line feeds and tabs stay.
 */
export function sanitizeTerminal(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(SGR, '').replace(UNSAFE, shown);
}

function shown(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (code === 0x2028 || code === 0x2029) return ' ';
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}

/** Sanitised, and on one line. */
export function sanitizeLine(text: string): string {
  return sanitizeTerminal(text.replace(/[\r\n\t]+/g, ' '));
}

/**
 * JSON whose strings hold nothing that a terminal acts on: such characters are `\uXXXX`, which is the
 * same data.
 */
export function safeJson(value: unknown, indent?: number): string {
  return escapeUnseen(stringify(value, indent));
}

/** JSON, or a part of it that splits no character, with what a terminal acts on as `\uXXXX`. */
export function escapeUnseen(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu,
    (character) =>
      [...Array(character.length).keys()]
        .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join(''),
  );
}

function stringify(value: unknown, indent: number | undefined): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch {
    // Nested deeper than the stack: nobody reads that, but the rest must be printed.
    return JSON.stringify({ unprintable: 'nested too deeply' }, undefined, indent);
  }
}

let segmenter: Intl.Segmenter | undefined;
const segments = (text: string): Intl.Segments => {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
};

const ASCII = /^[ -~]*$/;
const ZERO_WIDTH = /^[\p{M}\p{Cf}\p{Cc}]$/u;
/** Not a literal: its flag needs a newer language target than the rest (Node 20 knows it). */
const UNICODE_SETS = 'v';
const EMOJI = new RegExp('^\\p{RGI_Emoji}$', UNICODE_SETS);

/** Columns of one grapheme. */
function graphemeWidth(grapheme: string): number {
  if (EMOJI.test(grapheme)) return 2;
  let width = 0;
  for (const character of grapheme) {
    if (ZERO_WIDTH.test(character)) continue;
    const own = eastAsianWidth(character.codePointAt(0)!);
    // A syllable of several letters (Hangul jamo) is as wide as its widest.
    if (own > width) width = own;
  }
  return width;
}

/** Columns that plain text (no control sequences) takes on a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments(text)) width += graphemeWidth(segment);
  return width;
}

/** The text, or its beginning with `…`, in at most so many columns (undefined: all of it); never half a character. */
export function cutToWidth(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  if (columns <= 0) return '';
  if (ASCII.test(text)) {
    return text.length <= columns ? text : `${text.slice(0, columns - 1)}…`;
  }
  let width = 0;
  let fits = 0;
  for (const { segment, index } of segments(text)) {
    width += graphemeWidth(segment);
    if (width > columns) return `${text.slice(0, fits)}…`;
    if (width <= columns - 1) fits = index + segment.length;
  }
  return text;
}

/** Characters of a text that {@link cutStart} looks at. */
const MOST_END = 8192;

/** The text, or its end with `…` before it, in at most so many columns (undefined: all of it): of a path the end tells most. */
export function cutStart(text: string, columns: number | undefined): string {
  if (columns === undefined || textWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  // A hostile path may be megabytes long; its end is enough.
  const end = text.slice(-MOST_END);
  const parts = [...segments(end)];
  let from = end.length;
  let width = 1;
  for (let nth = parts.length - 1; nth >= 0; nth--) {
    const { segment, index } = parts[nth]!;
    width += graphemeWidth(segment);
    if (width > columns) break;
    from = index;
  }
  return `…${end.slice(from)}`;
}

/**
 * Facts in lines of at most so many columns: broken between facts (` · `), else between words. Undefined: one line.
 *
 * @param long a word that is longer is cut; or kept whole, where it is to be copied
 */
export function wrapFacts(
  text: string,
  columns: number | undefined,
  long: 'cut' | 'keep' = 'cut',
): string[] {
  if (columns === undefined || textWidth(text) <= columns) return [text];
  const lines: string[] = [];
  const fill = (parts: readonly string[], gap: string): void => {
    let line = '';
    for (const part of parts) {
      const longer = line === '' ? part : line + gap + part;
      if (textWidth(longer) <= columns) {
        line = longer;
        continue;
      }
      if (line !== '') lines.push(line);
      line = '';
      if (textWidth(part) <= columns) line = part;
      else if (gap === ' ') lines.push(long === 'keep' ? part : cutToWidth(part, columns));
      else fill(part.split(' '), ' ');
    }
    if (line !== '') lines.push(line);
  };
  fill(text.split(' · '), ' · ');
  return lines;
}

/** Padded with spaces to so many columns. */
export function padToWidth(
  text: string,
  columns: number,
  align: 'left' | 'right' = 'left',
): string {
  const space = ' '.repeat(Math.max(0, columns - textWidth(text)));
  return align === 'right' ? space + text : text + space;
}
