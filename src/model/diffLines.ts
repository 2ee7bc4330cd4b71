/** What a step changed in a file, line by line: plain text, hostile as it comes from a trace. */

export interface DiffLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
  /** 1-based line numbers before and after, where the trace tells them. */
  old?: number;
  new?: number;
}

export interface FileDiff {
  path: string;
  lines: DiffLine[];
  /** Lines left out at the end. */
  more: number;
}
