import { FLAG, TYPE } from '../../model/columns.ts';
import { isObject, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { hash52 } from '../../model/ids.ts';
import { shownCommand } from '../../model/scriptCommand.ts';
import { STEP_KINDS, type StepKind } from '../../model/step.ts';
import { ranFailingTests } from '../../model/testWords.ts';
import { pathArgument } from '../../model/tools.ts';
import type { AnalysedSession } from '../analysed.ts';
import { commandMeaning, normaliseCommand } from './commandWords.ts';

/** What the steps of a session were about, as numbers that mean the same in every session. */
export interface StepKeys {
  length: number;
  /** The same thing on the same target. 0: none, such as a thought: nobody thinks the same twice. */
  exact: Float64Array;
  /** The same kind of thing on the same target; 0: none. Of words: what kind they are. */
  target: Float64Array;
  /** Index into {@link STEP_CLASSES}. */
  group: Uint8Array;
  /** Steps that failed or were denied: 1. */
  failed: Uint8Array;
  /** Events whose bodies were read. */
  read: number;
}

/** Steps are set side by side with those of their own class only. */
export const STEP_CLASSES = [
  /** Says or marks something, changes nothing: two runs never part here. */
  'word',
  'call',
  'prompt',
] as const;
const WORD = 0;
const CALL = 1;
const PROMPT = 2;

/** Events read in one go: their bodies are in memory at once. */
const BATCH = 512;
/** Larger events are not read for their key: no recorder writes them. Bytes. */
const MAX_BODY = 1_500_000;
/** Of a text that is compared. */
const MAX_TEXT = 200_000;

/** Keys of steps `from` to the end, a batch at a time, so that a host can breathe in between. */
export function* stepKeys(session: AnalysedSession): Generator<number, StepKeys> {
  const { fold } = session;
  const { columns, steps } = fold;
  const { length } = steps;
  const keys: StepKeys = {
    length,
    exact: new Float64Array(length),
    target: new Float64Array(length),
    group: new Uint8Array(length),
    failed: new Uint8Array(length),
    read: 0,
  };
  /** Calls with the same tool and input as an earlier one have its key: no need to read them. */
  const known = new Map<number, number>();
  const rows: number[] = [];
  const wanted: number[] = [];
  const read = (): void => {
    const events = session.readEvents(rows);
    keys.read += rows.length;
    for (let i = 0; i < rows.length; i++) {
      const event = events[i];
      const step = wanted[i]!;
      if (event === undefined) continue;
      // The agent was given them, whatever it did.
      if (event.data.event_subtype === 'instructions') keys.group[step] = WORD;
      const [exact, target] = keysOf(event, STEP_KINDS[columns.kind[rows[i]!]!]!, fold.session.cwd);
      keys.exact[step] = exact;
      keys.target[step] = target;
    }
    rows.length = 0;
    wanted.length = 0;
  };
  const repeats: [step: number, first: number][] = [];
  for (let step = 0; step < length; step++) {
    const row = steps.row(step);
    const kind = STEP_KINDS[columns.kind[row]!]!;
    const flags = columns.flags[row]!;
    keys.group[step] = kind === 'prompt' ? PROMPT : isCall(columns.type[row]!, kind) ? CALL : WORD;
    const failed = (flags & (FLAG.error | FLAG.denied)) !== 0 || ranFailingTests(columns, row);
    keys.failed[step] = failed ? 1 : 0;
    if (keys.group[step] === WORD) {
      keys.target[step] = columns.kind[row]! + 1;
      continue;
    }
    const before = columns.type[row] === TYPE.tool_call ? columns.previousSame[row]! : -1;
    const first = before < 0 ? undefined : known.get(before);
    if (columns.type[row] === TYPE.tool_call) known.set(row, first ?? step);
    if (first !== undefined) {
      repeats.push([step, first]);
      continue;
    }
    if (columns.size[row]! > MAX_BODY) continue;
    rows.push(row);
    wanted.push(step);
    if (rows.length === BATCH) {
      read();
      yield step;
    }
  }
  read();
  for (const [step, first] of repeats) {
    keys.exact[step] = keys.exact[first]!;
    keys.target[step] = keys.target[first]!;
  }
  return keys;
}

const isCall = (type: number, kind: StepKind): boolean =>
  type === TYPE.tool_call ||
  type === TYPE.file_read ||
  type === TYPE.file_write ||
  (kind === 'error' && type === TYPE.tool_result);

type Keys = [exact: number, target: number];

/** Exported for its spec. */
export function keysOf(event: TraceEvent, kind: StepKind, cwd: string): Keys {
  const { data } = event;
  if (kind === 'prompt') {
    const key = hash52('prompt', normalisePrompt(text(data.prompt)));
    return [key, key];
  }
  if (event.event_type === 'file_read') return same('read', relative(text(data.path), cwd));
  if (event.event_type === 'file_write') return same('modify', relative(text(data.path), cwd));
  const args = isObject(data.arguments) ? data.arguments : {};
  const tool = text(data.tool_name).toLowerCase();
  switch (kind) {
    case 'read':
      return same('read', relative(pathArgument(args) ?? firstText(args), cwd));
    case 'modify':
      return modifyKeys(args, cwd);
    case 'search':
      return searchKeys(tool, args, cwd);
    case 'run':
      return runKeys(shownCommand(args) ?? '', tool, cwd);
    case 'web':
      return same('web', text(args.url) || text(args.query) || firstText(args));
    case 'agent':
      return [
        hash52('agent', typeOf(args), normalisePrompt(text(args.prompt) || firstText(args))),
        hash52('agent', typeOf(args)),
      ];
    default:
      return [hash52(kind, tool, canonical(args)), hash52(kind, tool)];
  }
}

const typeOf = (args: JsonObject): string =>
  text(args.subagent_type) || text(args.agent_type) || text(args.agentName);

function same(kind: string, target: string): Keys {
  const key = hash52(kind, target);
  return [key, key];
}

function modifyKeys(args: JsonObject, cwd: string): Keys {
  const patch = [args.command, args.input, args.patch, args.content].find(
    (each): each is string => typeof each === 'string' && each.startsWith('*** Begin Patch'),
  );
  const path =
    pathArgument(args) ??
    /^\*\*\* (?:Add|Update|Delete) File: (.+)$/m.exec(patch?.slice(0, 10_000) ?? '')?.[1]?.trim();
  const target = relative(path ?? firstText(args), cwd);
  const rest = patch ?? canonical({ ...args, file_path: '', filePath: '', path: '' });
  return [hash52('modify', target, rest.slice(0, MAX_TEXT)), hash52('modify', target)];
}

function searchKeys(tool: string, args: JsonObject, cwd: string): Keys {
  const path = relative(pathArgument(args) ?? text(args.dir_path), cwd);
  const pattern = text(args.pattern) || text(args.query) || text(args.glob);
  if (/glob|^ls$|list|file_search/.test(tool)) {
    // `src/**/*.py` is the files in `src`.
    const [head = ''] = pattern.split(/[*?[{]/, 1);
    const folder = head.slice(0, head.lastIndexOf('/') + 1);
    return filesKeys([path, relative(folder, cwd)].filter(Boolean).join('/'));
  }
  return [hash52('grep', pattern, folderOf(path)), hash52('grep', pattern)];
}

function filesKeys(path: string): Keys {
  return same('files', folderOf(path));
}

function runKeys(command: string, tool: string, cwd: string): Keys {
  const line = normaliseCommand(command, cwd);
  if (line === '') return same('run', tool);
  const meaning = commandMeaning(line);
  switch (meaning.kind) {
    case 'read':
      return same('read', relative(meaning.path, cwd));
    case 'files':
      return filesKeys(relative(meaning.path, cwd));
    case 'grep':
      return [
        hash52('grep', meaning.pattern, folderOf(relative(meaning.path, cwd))),
        hash52('grep', meaning.pattern),
      ];
    default:
      return [hash52('run', line), hash52('run', meaning.program)];
  }
}

/** A path as seen from the session's folder, with forward slashes. */
export function relative(path: string, cwd: string): string {
  let shown = path.slice(0, 4096).replaceAll('\\', '/');
  const folder = cwd.replaceAll('\\', '/');
  if (folder !== '' && (shown === folder || shown.startsWith(`${folder}/`))) {
    shown = shown.slice(folder.length + 1);
  }
  return shown.replace(/^(?:\.\/)+/, '').replace(/^\.$/, '');
}

const folderOf = (path: string): string => path.replace(/\/+$/, '');

/** A prompt without what a person does not see: kinds and amounts of white space, and case. */
export const normalisePrompt = (prompt: string): string =>
  prompt.slice(0, MAX_TEXT).replace(/\s+/g, ' ').trim().toLowerCase();

/** The arguments of a call in one order of keys; two levels are as deep as tools go. */
function canonical(args: JsonObject): string {
  try {
    return JSON.stringify(args, (_, value: unknown) =>
      isObject(value)
        ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
        : value,
    ).slice(0, MAX_TEXT);
  } catch {
    // Nested deeper than the stack.
    return '';
  }
}

function firstText(args: JsonObject): string {
  for (const key in args) {
    const value = args[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
