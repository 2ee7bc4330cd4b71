/** What the recorder knows of the events before this one: the end of the trace, read when first asked. */
import type { HookContext } from '../agents/agent.ts';
import { isObject, type TraceEvent } from '../model/event.ts';
import { readTail } from '../trace/append.ts';

const TAIL_BYTES = 1_048_576;
/** Events that one question is answered with: the latest. */
const MAX_EVENTS = 200;
const MOST_EVENTS = 1000;

export function endOfTrace(
  traceDir: string,
  sessionId: string,
): Required<Pick<HookContext, 'recorded' | 'recent'>> {
  let tail: ReturnType<typeof readTail> | undefined;
  const read = () => {
    tail ??= readTail(traceDir, sessionId, TAIL_BYTES);
    return tail;
  };
  return {
    recorded: (id) => {
      const { bytes, whole } = read();
      if (bytes.includes(`"event_id":"${id}"`)) return 'yes';
      return whole ? 'no' : 'unknown';
    },
    recent: (text) => linesWith(read().bytes, text),
  };
}

/** All events that hold a text, in order, as far back as they are read. @returns whether that is all of the trace */
export function eventsWith(
  traceDir: string,
  sessionId: string,
  text: string,
  maxBytes: number,
): { events: TraceEvent[]; whole: boolean } {
  const { bytes, whole } = readTail(traceDir, sessionId, maxBytes);
  const events = linesWith(bytes, text, MOST_EVENTS);
  return { events, whole: whole && events.length < MOST_EVENTS };
}

function linesWith(bytes: Buffer, text: string, most = MAX_EVENTS): TraceEvent[] {
  // As it stands in a line: JSON in ASCII.
  const written = JSON.stringify(text)
    .slice(1, -1)
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const found: TraceEvent[] = [];
  let end = bytes.length;
  while (written !== '' && end > 0 && found.length < most) {
    const at = bytes.lastIndexOf(written, end - 1);
    if (at < 0) break;
    const start = bytes.lastIndexOf(10, at) + 1;
    const stop = bytes.indexOf(10, at);
    const line = bytes.toString('latin1', start, stop < 0 ? bytes.length : stop);
    const event = eventIn(line);
    if (event !== undefined) found.push(event);
    end = start;
  }
  return found.reverse();
}

/** Only lines as we write them: this asks of what we have just written ourselves. */
function eventIn(line: string): TraceEvent | undefined {
  try {
    const event: unknown = JSON.parse(line);
    const isEvent =
      isObject(event) &&
      typeof event.event_type === 'string' &&
      typeof event.event_id === 'string' &&
      isObject(event.data);
    return isEvent ? (event as unknown as TraceEvent) : undefined;
  } catch {
    return undefined;
  }
}
