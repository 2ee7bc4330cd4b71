/** JSON that is written piece by piece: a report may be larger than the longest string. */
import { escapeUnseen } from './terminalText.ts';

/** UTF-16 units of a piece, about. */
const PIECE = 65_536;
/** What nests deeper is not moved further to the right: each level would make every line below it longer. */
const MOST_INDENT = 64;

type Open = { close: string; next: number } & (
  | { list: readonly unknown[]; keys?: undefined }
  | { keys: readonly string[]; of: Readonly<Record<string, unknown>>; list?: undefined }
);

/**
 * The same text as `JSON.stringify(value, undefined, 2)` of plain data, with what a terminal acts on as `\uXXXX`, in pieces.
 * However deep it nests, the stack does not grow.
 */
export function* jsonPieces(value: unknown): Generator<string> {
  const open: Open[] = [];
  let text = '';
  const put = (one: unknown): void => {
    if (typeof one !== 'object' || one === null) {
      text += JSON.stringify(one) ?? 'null';
    } else if (Array.isArray(one)) {
      if (one.length === 0) text += '[]';
      else {
        text += '[';
        open.push({ close: ']', next: 0, list: one });
      }
    } else {
      const of = one as Record<string, unknown>;
      const keys = Object.keys(of).filter((key) => isWritten(of[key]));
      if (keys.length === 0) text += '{}';
      else {
        text += '{';
        open.push({ close: '}', next: 0, keys, of });
      }
    }
  };
  put(value);
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const length = top.list === undefined ? top.keys.length : top.list.length;
    if (top.next === length) {
      open.pop();
      text += `${lineAt(open.length)}${top.close}`;
    } else {
      const nth = top.next++;
      text += `${nth === 0 ? '' : ','}${lineAt(open.length)}`;
      if (top.list === undefined) {
        const key = top.keys[nth]!;
        text += `${JSON.stringify(key)}: `;
        put(top.of[key]);
      } else put(top.list[nth]);
    }
    if (text.length < PIECE) continue;
    yield escapeUnseen(text);
    text = '';
  }
  if (text !== '') yield escapeUnseen(text);
}

const isWritten = (value: unknown): boolean =>
  value !== undefined && typeof value !== 'function' && typeof value !== 'symbol';

const LINES = Array.from({ length: MOST_INDENT + 1 }, (_, depth) => `\n${'  '.repeat(depth)}`);

const lineAt = (depth: number): string => LINES[Math.min(depth, MOST_INDENT)]!;
