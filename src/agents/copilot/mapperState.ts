/** What is remembered between two rows of a Copilot session: small, for it goes to a file. */
import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { readyEvent } from '../../redact/event.ts';
import { type RedactPolicy, redactText } from '../../redact/redact.ts';
import { asObject, asString, pruned } from '../rows.ts';
import type { CallFiles } from './toolFiles.ts';

/** Bounds on what is remembered of one file, so that {@link savedState} stays small. */
export const MAX_CALLS = 40;
export const MAX_LANES = 10;
export const MAX_PROMPTS = 20;
export const MAX_PERMISSIONS = 20;
export const MAX_SAID = 200;
export const MAX_RESPONSES = 4;
/** UTF-16 units of a subagent's last words, of an id, and of any other text in there. */
export const MAX_WORDS = 500;
export const MAX_NAME = 300;
export const MAX_TEXT = 500;
/** What {@link savedState} gives at most, UTF-16 units of JSON. */
const MAX_STATE = 60_000;

export interface Call {
  tool: string;
  key: string;
  time: number;
  files: CallFiles;
  /** The subagent that it started. */
  started?: string;
}

export interface Lane {
  first: number;
  /** What it said last. */
  words: string;
}

/** A session's beginning, until it is known whether a hook has told of it. */
export interface Start {
  time: number;
  id: string;
  data: JsonObject;
}

export interface State {
  time: number;
  cwd: string;
  first: number;
  start?: Start | undefined;
  /** The end of a turn, until it is known whether a hook has told of it. */
  turnEnd?: { time: number; id: string } | undefined;
  /** When the hook of the session's end was fired, ms as text. */
  ended?: string | undefined;
  /** A hook has told of this turn's error. */
  failed?: boolean | undefined;
  open: boolean;
  calls: Record<string, Call>;
  lanes: Record<string, Lane>;
  /** Prompts that hooks were told of: hash of the text, and when. */
  prompts: [hash: string, ms: string][];
  /** How often each prompt was said, by its hash. */
  said: Record<string, number>;
  /** How permission was decided, by call. */
  permissions: Record<string, string>;
  /** Responses whose calls are not known yet. */
  responses: TraceEvent[];
  /** The last of them is not told yet: its calls stand in the next row, most times. */
  held?: boolean | undefined;
}

/** The state as it goes to a file: as an event does, without secrets. At most 64 KB, whatever the session. */
export function savedState(state: State, redact: RedactPolicy): Json {
  const hidden = (text: string): string => redactText(text, {}, redact);
  const lanes = Object.entries(state.lanes).map(([agent, lane]) => [
    agent,
    { ...lane, words: hidden(lane.words) },
  ]);
  const calls = Object.entries(state.calls).map(([id, call]) => {
    const { path } = call.files;
    const files = path === undefined ? call.files : { ...call.files, path: hidden(path) };
    return [id, { ...call, files }];
  });
  const saved = JSON.stringify({
    ...state,
    start: state.start && { ...state.start, data: readyData(state.start, redact) },
    cwd: hidden(state.cwd),
    lanes: Object.fromEntries(lanes),
    calls: Object.fromEntries(calls),
    responses: state.responses.map((event) => readyEvent(event, redact)),
  });
  if (saved.length <= MAX_STATE) return JSON.parse(saved) as Json;
  // Names of nothing but control characters: such a session loses the ends of its open calls.
  return { time: state.time, first: state.first, open: state.open };
}

const isText = (value: unknown): boolean => typeof value === 'string';

const isMoment = (value: unknown): value is { time: number; id: string } =>
  isObject(value) && typeof value.time === 'number' && typeof value.id === 'string';

const isCallFiles = (value: unknown): boolean =>
  isObject(value) &&
  /^(undefined|string)$/.test(typeof value.path) &&
  (value.shown === undefined || Array.isArray(value.shown));

const isEvent = (value: unknown): boolean =>
  isObject(value) &&
  isObject(value.data) &&
  typeof value.timestamp === 'number' &&
  ['event_type', 'event_id', 'session_id'].every((key) => typeof value[key] === 'string');

/** What {@link savedState} gave: our own file, but a file. */
export function stateOf(saved: Json | undefined): State {
  const from = asObject(saved) as Partial<State> | undefined;
  const kept = <T>(value: Record<string, T> | undefined, is: (item: unknown) => boolean) => {
    const entries = Object.entries(asObject(value) ?? {}).filter(([, item]) => is(item));
    return Object.assign(Object.create(null), Object.fromEntries(entries)) as Record<string, T>;
  };
  const list = <T>(value: T[] | undefined, is: (item: unknown) => boolean): T[] =>
    Array.isArray(value) ? value.filter(is) : [];
  return {
    time: typeof from?.time === 'number' ? from.time : 0,
    first: typeof from?.first === 'number' ? from.first : 0,
    cwd: asString(from?.cwd),
    start: isMoment(from?.start) && isObject(from.start.data) ? from.start : undefined,
    turnEnd: isMoment(from?.turnEnd) ? from.turnEnd : undefined,
    ended: typeof from?.ended === 'string' ? from.ended : undefined,
    failed: from?.failed === true,
    open: from?.open === true,
    calls: kept(from?.calls, (item) => isObject(item) && isCallFiles(item.files)),
    lanes: kept(from?.lanes, (item) => isObject(item) && isText(item.words)),
    prompts: list(from?.prompts, (pair) => Array.isArray(pair) && pair.every(isText)),
    said: kept(from?.said, (item) => typeof item === 'number'),
    permissions: kept(from?.permissions, isText),
    held: from?.held === true,
    responses: list(from?.responses, isEvent),
  };
}

/** Puts an entry last, and forgets the first beyond `max`. */
export function remember<T>(into: Record<string, T>, key: string, value: T, max: number): void {
  delete into[key];
  into[key] = value;
  const [oldest, ...rest] = Object.keys(into);
  if (oldest !== undefined && rest.length >= max) delete into[oldest];
}

/** No text in there is longer than a usual path. */
export const shortened = (data: JsonObject): JsonObject =>
  pruned(
    Object.fromEntries(
      Object.entries(data).map(([key, value]) => [
        key,
        typeof value === 'string' ? value.slice(0, MAX_TEXT) : value,
      ]),
    ),
  );

const readyData = (start: Start, redact: RedactPolicy): JsonObject =>
  readyEvent(
    { event_type: '', timestamp: 0, event_id: '', session_id: '', data: start.data },
    redact,
  ).data;
