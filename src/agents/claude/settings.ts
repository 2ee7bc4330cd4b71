/** Our entries in Claude Code's settings: what they are, and edits that leave all else as it is. */
import {
  applyEdits,
  createScanner,
  type FormattingOptions,
  findNodeAtLocation,
  getNodeValue,
  modify,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { hookCommand, isHookCommand } from '../launcher.ts';

type Env = Record<string, string | undefined>;

/** `matcher: "*"` for events about one tool; the others take none. */
interface HookEvent {
  name: string;
  /** First Claude Code that knows it. */
  since: string;
  tool?: boolean;
  /** Seconds. */
  timeout?: number;
}

/** An unknown event name made Claude before this version drop the whole settings file. */
const TOLERANT = '2.1.101';

/**
 * The events we record. Not WorktreeCreate (a hook there replaces git's own work) and not MessageDisplay
 * (called for every piece of text). Where no changelog names an event's first version, it is taken to be the
 * first that tolerates unknown names.
 */
const EVENTS: readonly HookEvent[] = [
  { name: 'PreToolUse', since: '1.0.38', tool: true },
  { name: 'PostToolUse', since: '1.0.38', tool: true },
  { name: 'PostToolUseFailure', since: TOLERANT, tool: true },
  { name: 'PostToolBatch', since: TOLERANT },
  { name: 'PermissionRequest', since: '2.0.45', tool: true },
  { name: 'PermissionDenied', since: '2.1.89', tool: true },
  { name: 'UserPromptSubmit', since: '1.0.54' },
  { name: 'Stop', since: '1.0.41' },
  { name: 'StopFailure', since: '2.1.78' },
  { name: 'SubagentStart', since: '2.0.43' },
  { name: 'SubagentStop', since: '1.0.41' },
  { name: 'SessionStart', since: '1.0.62' },
  // Without a timeout of its own this one is cut off after 1.5 s.
  { name: 'SessionEnd', since: '1.0.85', timeout: 5 },
  { name: 'Notification', since: '1.0.38' },
  { name: 'PreCompact', since: '1.0.48' },
  { name: 'PostCompact', since: '2.1.76' },
  { name: 'PreModelSwitch', since: TOLERANT },
  { name: 'PostModelSwitch', since: TOLERANT },
  { name: 'ConfigChange', since: '2.1.49' },
  { name: 'InstructionsLoaded', since: '2.1.69' },
  { name: 'CwdChanged', since: '2.1.83' },
  { name: 'TaskCreated', since: '2.1.84' },
  { name: 'TaskCompleted', since: '2.1.33' },
  { name: 'TeammateIdle', since: '2.1.33' },
  { name: 'Elicitation', since: '2.1.76' },
  { name: 'ElicitationResult', since: '2.1.76' },
];

/** What every Claude Code since August 2025 knows: for when the version is unknown. */
const SAFE_VERSION = '1.0.85';

const TIMEOUT_S = 10;

/** `2.1.330 (Claude Code)` → `2.1.330`. */
export function versionIn(text: string | undefined): string | undefined {
  return /\b(\d+\.\d+\.\d+)\b/.exec(text ?? '')?.[1];
}

/** Whether version `a` is `b` or newer. */
export function isAtLeast(a: string, b: string): boolean {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

export const toleratesUnknownEvents = (version: string | undefined): boolean =>
  version !== undefined && isAtLeast(version, TOLERANT);

interface Group {
  matcher?: string;
  hooks: { type: 'command'; command: string; timeout: number }[];
}

/** What to write, by event. @param version of the installed Claude Code; undefined: the oldest set */
export function wantedGroups(
  version: string | undefined,
  env: Env = process.env,
): Map<string, Group> {
  const known = EVENTS.filter(({ since }) => isAtLeast(version ?? SAFE_VERSION, since));
  return new Map(
    known.map(({ name, tool, timeout }) => [
      name,
      {
        ...(tool === true && { matcher: '*' }),
        hooks: [
          {
            type: 'command',
            command: hookCommand('claude', name, env),
            timeout: timeout ?? TIMEOUT_S,
          },
        ],
      },
    ]),
  );
}

/** One replacement: the text between was `removed` and is now `length` units long. */
export interface Step {
  offset: number;
  removed: string;
  length: number;
}

/** What keeps a settings file from being edited, with line and column where it is a place. */
export class SettingsError extends Error {}

const PARSE = { allowTrailingComma: true, allowEmptyContent: true };

/** @throws SettingsError where the text is no settings object that we dare to edit */
function parseSettings(text: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, PARSE);
  const first = errors[0];
  if (first !== undefined) {
    const before = text.slice(0, first.offset).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new SettingsError(`is not valid JSON: ${jsonProblem(first.error)} at ${place}`);
  }
  if (root === undefined || root.type !== 'object') throw new SettingsError('is not a JSON object');
  const hooks = uniqueProperty(root, 'hooks');
  // `null` is as good as not there.
  if (hooks === undefined || hooks.type === 'null') return root;
  if (hooks.type !== 'object') throw new SettingsError('has "hooks" that are not an object');
  for (const { name } of EVENTS) {
    const groups = uniqueProperty(hooks, name);
    if (groups !== undefined && groups.type !== 'array' && groups.type !== 'null') {
      throw new SettingsError(`has "hooks.${name}" that is not a list`);
    }
  }
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
  ['UnexpectedEndOfComment', 'a comment does not end'],
  ['UnexpectedEndOfString', 'a text in quotes does not end'],
  ['InvalidCharacter', 'a character that may not stand there'],
  ['InvalidEscapeCharacter', 'a \\ before a character that needs none'],
]);

function jsonProblem(code: ParseErrorCode): string {
  const name = printParseErrorCode(code);
  return JSON_PROBLEMS.get(name) ?? name;
}

function uniqueProperty(object: Node, name: string): Node | undefined {
  const found = (object.children ?? []).filter(
    (property) => property.children?.[0]?.value === name,
  );
  if (found.length > 1) throw new SettingsError(`has "${name}" more than once`);
  return found[0]?.children?.[1];
}

interface Found {
  event: string;
  group: number;
  handler: number;
  value: unknown;
}

/** Our entries, in the order of the file. */
function findOurs(root: Node): Found[] {
  const found: Found[] = [];
  for (const property of findNodeAtLocation(root, ['hooks'])?.children ?? []) {
    const [key, groups] = property.children ?? [];
    if (groups?.type !== 'array') continue;
    for (const [group, node] of (groups.children ?? []).entries()) {
      const handlers = node.type === 'object' ? findNodeAtLocation(node, ['hooks']) : undefined;
      if (handlers?.type !== 'array') continue;
      for (const [handler, item] of (handlers.children ?? []).entries()) {
        const command = item.type === 'object' ? findNodeAtLocation(item, ['command']) : undefined;
        if (typeof command?.value !== 'string' || !isHookCommand(command.value, 'claude')) continue;
        found.push({
          event: String(key?.value),
          group,
          handler,
          value: getNodeValue(node),
        });
      }
    }
  }
  return found;
}

/** Whether the settings hold just what is wanted. @throws SettingsError */
export function isUpToDate(text: string, wanted: ReadonlyMap<string, Group>): boolean {
  const ours = findOurs(parseSettings(text));
  if (ours.length !== wanted.size) return false;
  return ours.every(({ event, value }) => sameJson(value, wanted.get(event)));
}

/** Whether there is any entry of ours. @throws SettingsError */
export const hasOurs = (text: string): boolean => findOurs(parseSettings(text)).length > 0;

/** Other things in the settings that the user should know of. @throws SettingsError */
export function settingsWarnings(text: string): string[] {
  const warnings: string[] = [];
  const settings = getNodeValue(parseSettings(text)) as Record<string, unknown>;
  if (settings.disableAllHooks === true) {
    warnings.push('"disableAllHooks" is on: Claude Code runs no hook, so nothing will be recorded');
  }
  if (/agent-strace"?\s+hook\s/.test(JSON.stringify(settings.hooks ?? {}))) {
    warnings.push(
      'the hooks of the Python agent-strace are installed too: every session will be recorded twice',
    );
  }
  return warnings;
}

function sameJson(a: unknown, b: unknown): boolean {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
      : value;
  return JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

function formatOf(text: string): FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
  const tabs = indent.startsWith('\t');
  return {
    insertSpaces: !tabs,
    tabSize: tabs ? 1 : indent.length,
    eol: /\r\n/.test(text) ? '\r\n' : '\n',
  };
}

/** The settings with our entries added after all others. @throws SettingsError */
export function addGroups(
  text: string,
  wanted: ReadonlyMap<string, Group>,
): { text: string; steps: Step[] } {
  const edit = new Editor(text);
  if (text.trim() === '') edit.replace('{}\n');
  const formattingOptions = formatOf(text);
  if (findNodeAtLocation(parseSettings(edit.text), ['hooks'])?.type === 'null') {
    // A name cannot be put into null.
    edit.replace(applyEdits(edit.text, modify(edit.text, ['hooks'], {}, { formattingOptions })));
  }
  for (const [event, group] of wanted) {
    const before = parseSettings(edit.text);
    const groups = findNodeAtLocation(before, ['hooks', event]);
    const isList = groups?.type === 'array';
    const place = isList ? ['hooks', event, groups.children?.length ?? 0] : ['hooks', event];
    const edits = modify(edit.text, place, isList ? group : [group], {
      formattingOptions,
      isArrayInsertion: isList,
    });
    const next = applyEdits(edit.text, edits);
    checkEdit(before, next, (settings) => {
      const hooks = (settings.hooks ?? {}) as Record<string, unknown>;
      const known = (hooks[event] ?? []) as unknown[];
      settings.hooks = { ...hooks, [event]: [...known, group] };
    });
    edit.replace(next);
  }
  return edit;
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
 */
function removeAt(text: string, place: (string | number)[]): string {
  const root = parseSettings(text);
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
function checkEdit(
  before: Node,
  next: string,
  change: (settings: Record<string, unknown>) => void,
): void {
  const expected = structuredClone(getNodeValue(before)) as Record<string, unknown>;
  change(expected);
  if (!sameJson(expected, getNodeValue(parseSettings(next)))) {
    throw new SettingsError('cannot be edited without changing something else in it');
  }
}

/** The settings without our entries, and without what was left empty by that. @throws SettingsError */
export function removeGroups(text: string): string {
  let left = text;
  for (const { event, group, handler } of findOurs(parseSettings(text)).reverse()) {
    const place = ['hooks', event, group, 'hooks', handler];
    left = removeAt(left, place);
    // What was made empty goes too: its list, its group, its event, and "hooks" itself.
    for (const length of [4, 2, 1]) {
      const emptied = findNodeAtLocation(parseSettings(left), place.slice(0, length));
      if (emptied === undefined || (emptied.children?.length ?? 0) > 0) break;
      const path = place.slice(0, length === 4 ? 3 : length);
      left = removeAt(left, path);
    }
  }
  return left;
}

class Editor {
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
