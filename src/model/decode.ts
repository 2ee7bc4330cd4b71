import { isObject, type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from './event.ts';

/** A line as read: an event, or why it is none. */
export type Decoded =
  | { ok: true; event: TraceEvent; salvagedFrom?: number }
  | { ok: false; problem: LineProblem };

export type LineProblem =
  /** Not JSON, and no event could be saved from it. */
  | 'malformed'
  /** JSON, but not an event: no `event_type`. */
  | 'notAnEvent'
  /** Longer than the cap. */
  | 'tooLong';

const EVENT_START = '{"event_type":';

/**
 * Reads one line of `events.ndjson`. Tolerant: wrong types are mended where the meaning is clear,
 * unknown keys are kept. Where two writes were glued by a torn one, the last whole event of the
 * line is saved, and `salvagedFrom` says at which character it starts.
 */
export function decodeLine(line: string): Decoded {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return salvage(line);
  }
  const event = toEvent(value);
  return event ? { ok: true, event } : { ok: false, problem: 'notAnEvent' };
}

function salvage(line: string): Decoded {
  // From the right, so that the newest event wins; a bounded number of tries, for a hostile line
  // may hold the mark a million times.
  let at = line.length;
  for (let tries = 0; tries < 8; tries++) {
    at = line.lastIndexOf(EVENT_START, at - 1);
    if (at < 0) break;
    try {
      const event = toEvent(JSON.parse(line.slice(at)));
      if (event) return { ok: true, event, salvagedFrom: at };
    } catch {
      // An earlier mark may start a whole event.
    }
    if (at === 0) break;
  }
  return { ok: false, problem: 'malformed' };
}

function toEvent(value: unknown): TraceEvent | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const raw = value as Record<string, unknown>;
  const type = raw.event_type;
  if (typeof type !== 'string' || type === '') return undefined;
  // The parsed object becomes the event: a million copies would cost more than they are worth.
  const event = raw as unknown as TraceEvent;
  if (typeof raw.timestamp !== 'number' || !(raw.timestamp >= 0 && raw.timestamp < LATEST)) {
    event.timestamp = seconds(raw.timestamp);
  }
  if (typeof raw.event_id !== 'string') event.event_id = '';
  if (typeof raw.session_id !== 'string') event.session_id = '';
  if (!isObject(raw.data)) {
    event.data = raw.data === undefined ? {} : { value: raw.data as Json };
  }
  if (raw.parent_id !== undefined && (typeof raw.parent_id !== 'string' || raw.parent_id === '')) {
    delete event.parent_id;
  }
  const { duration_ms: duration } = raw;
  if (duration !== undefined && !(typeof duration === 'number' && duration >= 0)) {
    delete event.duration_ms;
  }
  for (const key in raw) {
    if (KNOWN.has(key)) continue;
    const extra: JsonObject = {};
    for (const name of Object.keys(raw)) {
      if (KNOWN.has(name)) continue;
      // Not an assignment: a key may be called __proto__.
      Object.defineProperty(extra, name, {
        value: raw[name],
        enumerable: true,
        configurable: true,
        writable: true,
      });
      delete raw[name];
    }
    event.extra = extra;
    break;
  }
  return event;
}

/** The year 2200 in seconds: a later time is no time at which an agent ran. */
const LATEST = 7_258_118_400;

const KNOWN = new Set([
  'event_type',
  'timestamp',
  'event_id',
  'session_id',
  'parent_id',
  'duration_ms',
  'data',
]);

/** Seconds since the epoch; NaN where the line does not say when it was. */
function seconds(value: unknown): number {
  if (typeof value === 'number') return sane(value > 1e11 ? value / 1000 : value);
  if (typeof value === 'string' && value !== '') {
    const number = Number(value);
    return sane(Number.isNaN(number) ? Date.parse(value) / 1000 : number);
  }
  return Number.NaN;
}

const sane = (value: number): number => (value >= 0 && value < LATEST ? value : Number.NaN);

/**
 * Brings an event of an older writer to the present version, step by step. An event of a newer
 * version is returned as it is: the reader warns once a session.
 *
 * @param version `data.trace_version` of the session's start; 0 where there is none.
 */
export function modernise(event: TraceEvent, version: number): TraceEvent {
  for (let v = version; v < TRACE_VERSION; v++) STEPS[v]?.(event);
  return event;
}

const STEPS: readonly ((event: TraceEvent) => void)[] = [
  // 0 → 1: the aliases that other writers used.
  (event) => {
    const { data } = event;
    const alias = (name: string, ...others: string[]): void => {
      if (data[name] !== undefined) return;
      for (const other of others) {
        const value = data[other];
        if (typeof value === 'string' && value !== '') {
          data[name] = value;
          return;
        }
      }
    };
    switch (event.event_type) {
      case 'tool_result':
      case 'llm_response':
        alias('result', 'content', 'content_preview');
        break;
      case 'error':
        alias('error', 'message', 'content');
        break;
      case 'file_read':
      case 'file_write':
        alias('path', 'file_path', 'uri');
        break;
      case 'assistant_response':
        alias('text', 'content', 'response');
        break;
      case 'user_prompt':
        alias('prompt', 'content', 'text');
        break;
      default:
    }
    if (event.duration_ms === undefined && typeof data.duration_ms === 'number') {
      event.duration_ms = data.duration_ms;
    }
  },
];
