/**
 * Text of a trace, safe to read: what would reorder, hide or break the words around it is shown as a
 * sign instead. (That it is shown as text and never as HTML is the renderer's part.)
 *
 * - control characters become their pictures (ESC is ␛), line breaks and tabs a space
 * - bidi controls and invisible characters become `⟨U+202E⟩`; joiners inside emoji and scripts stay
 * - lone surrogates become U+FFFD
 */
export function visibleText(text: string): string {
  return SUSPECT.test(text) ? text.replace(EVERY_SUSPECT, sign) : text;
}

// C0, DEL and C1; soft hyphen, Arabic letter mark, Hangul and Mongolian fillers, zero width space and
// marks, separators, embeddings, overrides, isolates, word joiner, BOM, tags; lone surrogates.
const SUSPECT =
  /[\0-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\u{e0000}-\u{e007f}]|\p{Cs}/u;
const EVERY_SUSPECT = new RegExp(SUSPECT.source, 'gu');

function sign(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 9 || code === 10 || code === 13 || code === 0x2028 || code === 0x2029) return ' ';
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
