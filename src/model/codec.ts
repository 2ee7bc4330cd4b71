import { isObject, type Json, type JsonObject, type TraceEvent } from './event.ts';
import { textHash } from './ids.ts';

/** The longest line of `events.ndjson`, in bytes with its newline. */
export const MAX_LINE_BYTES = 1_048_576;

/** Results and errors are cut at this many UTF-16 units. */
export const MAX_RESULT_UNITS = 65_536;

/** Texts that may be as long as a file. */
export const LONG_KEYS = ['result', 'error', 'prompt', 'text', 'summary', 'title'] as const;

/**
 * Values are nested at most this deep: Python's reader gives up near 1,000 levels and with it on
 * the whole session.
 */
const MAX_DEPTH = 100;

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** The first `maxUnits` UTF-16 units of a text, one fewer where that would split a character. */
export function cutText(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  const splits =
    maxUnits > 0 &&
    isHighSurrogate(text.charCodeAt(maxUnits - 1)) &&
    isLowSurrogate(text.charCodeAt(maxUnits));
  return text.slice(0, splits ? maxUnits - 1 : maxUnits);
}

/** How far {@link cutBetween} goes back for the end of a word, in UTF-16 units. */
const MAX_WORD_UNITS = 4096;

/**
 * At most the first `maxUnits` UTF-16 units of a text that was not redacted yet, cut where a word ends: half of
 * a secret is a secret that nobody knows for one. In a text without spaces (minified JSON) a word ends at
 * a quote, a comma or a bracket; where there is none of those either, at whatever else no
 * token has, or few have.
 */
export function cutBetween(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text;
  const least = Math.max(0, maxUnits - MAX_WORD_UNITS);
  for (const between of [/\s/, /["'`,()[\]{}<>]/, /[^\w.~+/=%-]/, /[^\w-]/]) {
    let end = maxUnits;
    while (end > least && !between.test(text[end - 1]!)) end--;
    if (end > least) return cutText(text, end);
  }
  // One word of thousands of letters: no secret that a pattern knows is so long.
  return cutText(text, maxUnits);
}

/**
 * Cuts `data[key]` where it is a longer text, and says so in `data.truncated`.
 *
 * @param cut for a text with secrets: {@link cutBetween}
 */
export function cutKey(data: JsonObject, key: string, maxUnits: number, cut = cutText): void {
  const text = data[key];
  if (typeof text !== 'string' || text.length <= maxUnits) return;
  data[key] = cut(text, maxUnits);
  mark(data, key, text.length, textHash(text));
}

function mark(data: JsonObject, path: string, length: number, hash: string): void {
  const known = data.truncated;
  const marks: JsonObject = isObject(known) ? known : {};
  // The first word stands: it was said of the longest text.
  if (!Object.hasOwn(marks, path)) set(marks, path, { length, hash });
  data.truncated = marks;
}

/** A key may be `__proto__`, which plain assignment would take for something else. */
export function set(target: JsonObject, key: string, value: Json): void {
  Object.defineProperty(target, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

const escapeUnit = (unit: string): string =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * JSON in pure ASCII. Python splits lines at U+0085, U+2028 and the like, so nothing above `~`
 * may stand in the file as it is.
 */
export function asciiJson(value: Json): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, escapeUnit);
}

/** A JSON number that Python reads as a float. */
function floatJson(value: number): string {
  if (!Number.isFinite(value)) return '0.0';
  const text = JSON.stringify(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeper(item, levels - 1)) return true;
    return false;
  }
  for (const key in value) if (isDeeper(value[key] as Json, levels - 1)) return true;
  return false;
}

/** A copy in which everything below the deepest level allowed is a short text. */
function flatten(value: Json, levels: number): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return Array.isArray(value) ? '[nested too deep]' : '{nested too deep}';
  if (Array.isArray(value)) return value.map((item) => flatten(item, levels - 1));
  const copy: JsonObject = {};
  for (const [key, item] of Object.entries(value)) set(copy, key, flatten(item, levels - 1));
  return copy;
}

/** Bytes of one UTF-16 unit in the file. */
function unitBytes(unit: number): number {
  if (unit > 0x7e) return 6;
  if (unit === 0x22 || unit === 0x5c) return 2;
  if (unit > 0x1f) return 1;
  return (unit >= 0x08 && unit <= 0x0a) || unit === 0x0c || unit === 0x0d ? 2 : 6;
}

/** Bytes of a text in the file, its quotes left out. */
function encodedLength(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) bytes += unitBytes(text.charCodeAt(i));
  return bytes;
}

/** The longest prefix that takes at most `bytes` in the file. */
function cutEncoded(text: string, bytes: number): string {
  let left = bytes;
  for (let i = 0; i < text.length; i++) {
    left -= unitBytes(text.charCodeAt(i));
    if (left < 0) return cutText(text, i);
  }
  return text;
}

interface Leaf {
  path: string;
  holder: JsonObject | Json[];
  key: string | number;
  text: string;
  bytes: number;
}

/** Strings shorter than this are never cut: the mark would cost more than it saves. */
const MIN_CUT_BYTES = 512;
const MARK_BYTES = 64;

function collectLeaves(holder: JsonObject | Json[], path: string, leaves: Leaf[]): void {
  const keys = Array.isArray(holder) ? holder.keys() : Object.keys(holder);
  for (const key of keys) {
    const value = (holder as JsonObject)[key] as Json;
    const here = path === '' ? String(key) : `${path}.${key}`;
    if (typeof value === 'string') {
      if (value.length < MIN_CUT_BYTES / 6) continue;
      const bytes = encodedLength(value);
      if (bytes >= MIN_CUT_BYTES) leaves.push({ path: here, holder, key, text: value, bytes });
    } else if (typeof value === 'object' && value !== null) collectLeaves(value, here, leaves);
  }
}

/** Cuts the longest strings to one length, so that the whole is `excess` bytes shorter. */
function shrinkStrings(data: JsonObject, excess: number): void {
  const leaves: Leaf[] = [];
  for (const [key, value] of Object.entries(data)) {
    if (key === 'truncated') continue;
    if (typeof value === 'string') {
      const bytes = encodedLength(value);
      if (bytes >= MIN_CUT_BYTES) leaves.push({ path: key, holder: data, key, text: value, bytes });
    } else if (typeof value === 'object' && value !== null) collectLeaves(value, key, leaves);
  }
  leaves.sort((a, b) => b.bytes - a.bytes);
  let count = 0;
  let sum = 0;
  let cap = 0;
  let overhead = 0;
  for (const leaf of leaves) {
    count += 1;
    sum += leaf.bytes;
    overhead += MARK_BYTES + encodedLength(leaf.path);
    cap = Math.floor((sum - excess - overhead) / count);
    const next = leaves[count];
    if (next === undefined || cap >= next.bytes) break;
  }
  cap = Math.max(cap, 0);
  for (const leaf of leaves.slice(0, count)) {
    if (leaf.bytes <= cap) continue;
    const cut = cutEncoded(leaf.text, cap);
    if (Array.isArray(leaf.holder)) leaf.holder[leaf.key as number] = cut;
    else set(leaf.holder, leaf.key as string, cut);
    mark(data, leaf.path, leaf.text.length, textHash(leaf.text));
  }
}

/**
 * For what no long string explains (a million small values): keeps the keys whose values are small
 * and empties the others.
 */
function keepSmall(data: JsonObject, length: number, hash: string): JsonObject {
  const kept: JsonObject = {};
  let left = MAX_LINE_BYTES / 2;
  let keys = 0;
  for (const key in data) {
    if (++keys > 64 || left <= 0) break;
    if (key === 'truncated' || key.length > 100) continue;
    const value = data[key] as Json;
    const json = asciiJson(value);
    left -= encodedLength(key) * 2 + MARK_BYTES * 2;
    if (json.length <= 65_536 && json.length <= left) {
      set(kept, key, value);
      left -= json.length;
    } else {
      set(kept, key, Array.isArray(value) ? [] : isObject(value) ? {} : '');
      mark(kept, key, json.length, textHash(json));
    }
  }
  mark(kept, 'data', length, hash);
  return kept;
}

const copyOf = (data: JsonObject): JsonObject => JSON.parse(JSON.stringify(data)) as JsonObject;

/**
 * One line of `events.ndjson`, with its newline: pure ASCII, the keys in the order of the format,
 * at most {@link MAX_LINE_BYTES}. What does not fit is cut and named in `data.truncated`.
 * `extra` is not written: an unknown top-level key makes other readers give up.
 */
export function encodeEvent(event: TraceEvent): string {
  const data = isDeeper(event.data, MAX_DEPTH)
    ? (flatten(event.data, MAX_DEPTH) as JsonObject)
    : event.data;
  const whole = lineOf(event, data);
  if (whole.length <= MAX_LINE_BYTES) return whole;
  const cut = copyOf(data);
  shrinkStrings(cut, whole.length - MAX_LINE_BYTES);
  const line = lineOf(event, cut);
  return line.length <= MAX_LINE_BYTES
    ? line
    : lineOf(event, keepSmall(data, whole.length, textHash(whole)));
}

function lineOf(event: TraceEvent, data: JsonObject): string {
  let line = `{"event_type":${asciiJson(event.event_type)},"timestamp":${floatJson(event.timestamp)}`;
  if (event.event_id !== '') line += `,"event_id":${asciiJson(event.event_id)}`;
  if (event.session_id !== '') line += `,"session_id":${asciiJson(event.session_id)}`;
  if (event.parent_id) line += `,"parent_id":${asciiJson(event.parent_id)}`;
  if (event.duration_ms !== undefined && Number.isFinite(event.duration_ms)) {
    line += `,"duration_ms":${floatJson(event.duration_ms)}`;
  }
  return `${line},"data":${asciiJson(data)}}\n`;
}

/** meta.json: the keys that every version of the format knows. Counters are for other readers. */
export interface SessionMeta {
  session_id: string;
  /** Seconds since the epoch. */
  started_at: number;
  ended_at?: number;
  agent_name?: string;
  command?: string;
  tool_calls?: number;
  llm_requests?: number;
  errors?: number;
  total_tokens?: number;
  total_duration_ms?: number;
  parent_session_id?: string;
  parent_event_id?: string;
  depth?: number;
  attribution?: JsonObject;
}

const META_KEYS = [
  'session_id',
  'started_at',
  'ended_at',
  'agent_name',
  'command',
  'tool_calls',
  'llm_requests',
  'errors',
  'total_tokens',
  'total_duration_ms',
  'parent_session_id',
  'parent_event_id',
  'depth',
  'attribution',
] as const satisfies readonly (keyof SessionMeta)[];

/** The text of a meta.json: ordered keys, empty ones left out, no newline at the end. */
export function encodeMeta(meta: SessionMeta): string {
  const ordered: JsonObject = {};
  for (const key of META_KEYS) {
    const value = meta[key];
    if (value !== undefined && value !== '' && value !== 0) ordered[key] = value;
  }
  return JSON.stringify(ordered, null, 2).replace(/[\u007f-\uffff]/g, escapeUnit);
}
