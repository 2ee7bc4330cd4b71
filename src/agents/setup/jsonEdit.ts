/** Edits of JSON with comments that leave all else as it is, and can be undone to the byte. */
import {
  createScanner,
  type FormattingOptions,
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';

/** What keeps a settings file from being edited, with line and column where it is a place. */
export class SettingsError extends Error {}

/** One replacement: the text between was `removed` and is now `length` units long. */
export interface Step {
  offset: number;
  removed: string;
  length: number;
}

/** What an agent reads beyond plain JSON: comments, and a comma at the end of a list. */
export type JsonDialect = 'json' | 'comments' | 'comments and commas';

/**
 * The tree of a settings file.
 *
 * @throws SettingsError where the text is no object
 */
export function parseObject(text: string, dialect: JsonDialect = 'comments and commas'): Node {
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, {
      allowTrailingComma: dialect === 'comments and commas',
      disallowComments: dialect === 'json',
      allowEmptyContent: true,
    });
  } catch {
    // It calls itself for each level.
    throw new SettingsError('is nested too deep');
  }
  const first = errors[0];
  if (first !== undefined) {
    const before = text.slice(0, first.offset).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new SettingsError(`is not valid JSON: ${jsonProblem(first.error)} at ${place}`);
  }
  if (root === undefined || root.type !== 'object') throw new SettingsError('is not a JSON object');
  return root;
}

const JSON_PROBLEMS = new Map([
  ['InvalidSymbol', 'a word that JSON does not know'],
  ['InvalidNumberFormat', 'a number that is none'],
  ['PropertyNameExpected', 'a name in quotes is missing'],
  ['ValueExpected', 'a value is missing'],
  ['ColonExpected', 'a colon is missing'],
  ['CommaExpected', 'a comma is missing'],
  ['CloseBraceExpected', 'a closing } is missing'],
  ['CloseBracketExpected', 'a closing ] is missing'],
  ['EndOfFileExpected', 'there is something after the end'],
  ['InvalidCommentToken', 'a comment, which this agent does not read'],
  ['UnexpectedEndOfComment', 'a comment does not end'],
  ['UnexpectedEndOfString', 'a text in quotes does not end'],
  ['InvalidCharacter', 'a character that may not stand there'],
  ['InvalidEscapeCharacter', 'a \\ before a character that needs none'],
]);

function jsonProblem(code: ParseErrorCode): string {
  const name = printParseErrorCode(code);
  return JSON_PROBLEMS.get(name) ?? name;
}

/** The value of a name. @throws SettingsError where the object has the name twice */
export function uniqueProperty(object: Node, name: string): Node | undefined {
  const found = (object.children ?? []).filter(
    (property) => property.children?.[0]?.value === name,
  );
  if (found.length > 1) throw new SettingsError(`has "${name}" more than once`);
  return found[0]?.children?.[1];
}

/** Whether two values are the same, whatever the order of names. */
export function sameJson(a: unknown, b: unknown): boolean {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
      : value;
  return JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

/** How a file is indented and ends its lines. */
export function formatOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const tabs = indent.startsWith('\t');
  return {
    insertSpaces: !tabs,
    tabSize: tabs ? 1 : indent.length,
    eol: /\r\n/.test(text) ? '\r\n' : '\n',
  };
}

/** Where the comma stands between two places, comments skipped; -1: nowhere. */
function commaIn(text: string, from: number, to: number): number {
  const scanner = createScanner(text, true);
  scanner.setPosition(from);
  scanner.scan();
  const at = scanner.getTokenOffset();
  return at < to && text[at] === ',' ? at : -1;
}

/**
 * Takes out one value (with its name, in an object), its comma and the white space before it; comments and all else
 * stay. (jsonc-parser's own removal spoils the end of lists.)
 *
 * @throws SettingsError
 */
export function removeAt(text: string, place: (string | number)[]): string {
  const root = parseObject(text);
  const value = findNodeAtLocation(root, place);
  const node = value?.parent?.type === 'property' ? value.parent : value;
  const siblings = node?.parent?.children;
  if (node === undefined || siblings === undefined) return text;
  const end = node.offset + node.length;
  const at = siblings.indexOf(node);
  const before = siblings[at - 1];
  const limit = siblings[at + 1]?.offset ?? text.length;
  const start = text.slice(0, node.offset).trimEnd().length;
  const comma = commaIn(text, end, limit);
  let next: string;
  if (comma >= 0) next = text.slice(0, start) + text.slice(end, comma) + text.slice(comma + 1);
  else if (before !== undefined) {
    const between = commaIn(text, before.offset + before.length, node.offset);
    next =
      text.slice(0, between) +
      text.slice(between + 1, Math.max(start, between + 1)) +
      text.slice(end);
  } else next = text.slice(0, start) + text.slice(end).replace(/^\s+(?=[\]}])/, '');
  checkEdit(root, next, (settings) => {
    let holder = settings as Record<string | number, unknown>;
    for (const key of place.slice(0, -1)) holder = holder[key] as typeof holder;
    const last = place.at(-1)!;
    if (Array.isArray(holder)) holder.splice(last as number, 1);
    else delete holder[last];
  });
  return next;
}

/** An edit of text must come to the same as that change of the value. @throws SettingsError */
export function checkEdit(
  before: Node,
  next: string,
  change: (settings: Record<string, unknown>) => void,
): void {
  const expected = structuredClone(getNodeValue(before)) as Record<string, unknown>;
  change(expected);
  if (!sameJson(expected, getNodeValue(parseObject(next)))) {
    throw new SettingsError('cannot be edited without changing something else in it');
  }
}

/** A text that notes what was done to it. */
export class Editor {
  text: string;
  readonly steps: Step[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** Notes the smallest replacement that makes the new text of the old. */
  replace(next: string): void {
    const { text } = this;
    const most = Math.min(text.length, next.length);
    let start = 0;
    while (start < most && text[start] === next[start]) start += 1;
    let end = 0;
    while (end < most - start && text.at(-1 - end) === next.at(-1 - end)) end += 1;
    const removed = text.slice(start, text.length - end);
    this.steps.push({ offset: start, removed, length: next.length - end - start });
    this.text = next;
  }
}

/** Undoes steps: the text that they were made from. */
export function undo(text: string, steps: readonly Step[]): string {
  let left = text;
  for (const { offset, removed, length } of [...steps].reverse()) {
    left = left.slice(0, offset) + removed + left.slice(offset + length);
  }
  return left;
}
