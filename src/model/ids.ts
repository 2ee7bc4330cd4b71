/**
 * Deterministic event ids: the same thing recorded twice (by a hook and from the transcript, by
 * two windows) is one event, and a result names its call without any shared state.
 *
 * Not cryptographic on purpose: loading node:crypto would cost the hook 6 to 9 ms.
 */

const SEED_A = 0xdeadbeef | 0;
const SEED_B = 0x41c6ce57 | 0;

// The two lanes of the hash under way; module state, so that hashing allocates nothing.
let a = SEED_A;
let b = SEED_B;

function mix(text: string): void {
  let x = a;
  let y = b;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    x = Math.imul(x ^ unit, 0x85ebca77);
    y = Math.imul(y ^ unit, 0xc2b2ae3d);
  }
  // The end of a part: `['ab','c']` and `['a','bc']` differ.
  a = Math.imul(x ^ 0x1f, 0x85ebca77);
  b = Math.imul(y ^ 0x1f, 0xc2b2ae3d);
}

/** The lanes as one number of 52 bits. */
function finish(): number {
  let x = a;
  let y = b;
  x = Math.imul(x ^ (y >>> 15), 0x735a2d97);
  y = Math.imul(y ^ (x >>> 15), 0xcaf649a9);
  x ^= y >>> 16;
  y ^= x >>> 16;
  return 0x100000000 * (y & 0xfffff) + (x >>> 0);
}

/** 52-bit hash of the parts. */
export function hash52(...parts: string[]): number {
  a = SEED_A;
  b = SEED_B;
  for (const part of parts) mix(part);
  return finish();
}

const BITS48 = 0x1000000000000;
const hex12 = (hash: number): string => hash.toString(16).padStart(12, '0');

// Nearly every id of a trace begins with the same session.
let knownSession = '';
let sessionA = 0;
let sessionB = 0;

/** {@link eventId} as a number of 48 bits: what its 12 hex digits stand for. */
export function eventIdNumber(sessionId: string, ...parts: string[]): number {
  if (sessionId === knownSession && sessionA !== 0) {
    a = sessionA;
    b = sessionB;
  } else {
    a = SEED_A;
    b = SEED_B;
    mix(sessionId);
    knownSession = sessionId;
    sessionA = a;
    sessionB = b;
  }
  for (const part of parts) mix(part);
  return finish() % BITS48;
}

/** `event_id` of what the source calls by `parts` (for instance `'call', tool_use_id`). */
export function eventId(sessionId: string, ...parts: string[]): string {
  return hex12(eventIdNumber(sessionId, ...parts));
}

/** The number of a 12-digit hex id; of any other id, its hash. */
export function idNumber(id: string): number {
  if (id.length === 12) {
    let high = 0;
    let low = 0;
    for (let i = 0; i < 12; i++) {
      const unit = id.charCodeAt(i);
      const digit =
        unit >= 0x30 && unit <= 0x39
          ? unit - 0x30
          : unit >= 0x61 && unit <= 0x66
            ? unit - 0x57
            : -1;
      if (digit < 0) return hash52(id) % BITS48;
      if (i < 6) high = high * 16 + digit;
      else low = low * 16 + digit;
    }
    return high * 0x1000000 + low;
  }
  return hash52(id) % BITS48;
}

/** `event_id` of something that has no id of its own. */
export function randomEventId(): string {
  return hex12(Math.floor(Math.random() * BITS48));
}

/** Short hash for `truncated` marks and input comparison. */
export function textHash(text: string): string {
  return hex12(hash52(text) % BITS48);
}

/** The ids every reader and writer agrees on. */
export const ids = {
  call: (session: string, toolUseId: string) => eventId(session, 'call', toolUseId),
  result: (session: string, toolUseId: string) => eventId(session, 'call', toolUseId, 'result'),
  usage: (session: string, messageId: string, requestId: string) =>
    eventId(session, 'usage', messageId, requestId),
  prompt: (session: string, promptId: string) => eventId(session, 'prompt', promptId),
  /** Text and reasoning have no id in hooks, so what they say is their id within the prompt. */
  text: (session: string, kind: string, agentId: string, promptId: string, text: string) =>
    eventId(session, kind, agentId, promptId, text.trim()),
  subagent: (session: string, agentId: string) => eventId(session, 'subagent', agentId),
  subagentEnd: (session: string, agentId: string) =>
    eventId(session, 'subagent', agentId, 'result'),
};
