/** What a file held at some moment, or why that is not known. */

/** Where a text comes from. `derived`: the step before it, with this step's change. */
export type ContentSource = 'transcript' | 'git' | 'blob' | 'disk' | 'derived';

/**
 * Why a text is not known:
 * - `noRecord`: neither the agent's transcript nor our own notes have this step (any more)
 * - `gone`: git or the store of contents does not have it any more
 * - `binary`, `large`, `sensitive`: it is not shown, or was not kept, for what it is
 * - `late`: it was not looked at in time
 * - `untracked`: git did not know the file when the command began
 * - `filtered`: git stores the file in another form than the folder has it
 * - `outside`: the file lies outside of the open folders, and the trace is not of this machine's recorder
 * - `unreadable`: it could not be read
 * - `untrusted`: neither git nor transcripts are asked in a folder that is not trusted
 * - `off`: the user does not want transcripts to be read
 * - `changedLater`: the session did not change it, and somebody else did since
 */
export type UnknownReason =
  | 'noRecord'
  | 'gone'
  | 'binary'
  | 'large'
  | 'sensitive'
  | 'late'
  | 'untracked'
  | 'filtered'
  | 'unreadable'
  | 'outside'
  | 'untrusted'
  | 'off'
  | 'changedLater';

export type Content =
  | { known: true; exists: true; text: string; source: ContentSource }
  /** There was no file. */
  | { known: true; exists: false }
  | { known: false; why: UnknownReason };

/** Longer files are not shown, bytes. */
export const MAX_CONTENT_BYTES = 8 * 1_048_576;

export const unknown = (why: UnknownReason): Content => ({ known: false, why });
export const noFile: Content = { known: true, exists: false };
export const textContent = (text: string, source: ContentSource): Content => ({
  known: true,
  exists: true,
  text,
  source,
});

/** A file's bytes as text, byte order mark included; unknown where they are none. */
export function contentOf(bytes: Uint8Array, source: ContentSource): Content {
  if (bytes.length > MAX_CONTENT_BYTES) return unknown('large');
  if (bytes.includes(0)) return unknown('binary');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return textContent(text, source);
  } catch {
    return unknown('binary');
  }
}

/** The text, or undefined where there is none or it is not known. */
export const textIn = (content: Content | undefined): string | undefined =>
  content?.known && content.exists ? content.text : undefined;

/** Whether two contents are known to be the same. */
export function sameContent(a: Content, b: Content): boolean {
  if (!a.known || !b.known || a.exists !== b.exists) return false;
  return textIn(a) === textIn(b);
}

export type LineEnd = '\n' | '\r\n';

/** `\r\n` where most lines end so. */
export function lineEndOf(text: string): LineEnd {
  const both = text.split('\r\n').length - 1;
  return both > 0 && both * 2 >= text.split('\n').length - 1 ? '\r\n' : '\n';
}

/** A text all of whose lines end with `\n`, with other ends. */
export const withLineEnds = (text: string, end: LineEnd): string =>
  end === '\n' ? text : text.replace(/\r?\n/g, end);
