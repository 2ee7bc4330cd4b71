/**
 * Deterministic event ids: the same thing recorded twice (by a hook and from the transcript, by
 * two windows) is one event, and a result names its call without any shared state.
 *
 * Not cryptographic on purpose: loading node:crypto would cost the hook 6 to 9 ms.
 */

const encode = (text: string, h1: number, h2: number): [number, number] => {
  let a = h1;
  let b = h2;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x85ebca77);
    b = Math.imul(b ^ unit, 0xc2b2ae3d);
  }
  return [a, b];
};

/** 52-bit hash of the parts; `['ab','c']` and `['a','bc']` differ. */
export function hash52(...parts: string[]): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (const part of parts) {
    [a, b] = encode(part, a, b);
    a = Math.imul(a ^ 0x1f, 0x85ebca77);
    b = Math.imul(b ^ 0x1f, 0xc2b2ae3d);
  }
  a ^= Math.imul(a ^ (b >>> 15), 0x735a2d97);
  b ^= Math.imul(b ^ (a >>> 15), 0xcaf649a9);
  a ^= b >>> 16;
  b ^= a >>> 16;
  return 0x100000000 * (b & 0xfffff) + (a >>> 0);
}

const hex12 = (hash: number): string => (hash % 0x1000000000000).toString(16).padStart(12, '0');

/** `event_id` of what the source calls by `parts` (for instance `'call', tool_use_id`). */
export function eventId(sessionId: string, ...parts: string[]): string {
  return hex12(hash52(sessionId, ...parts));
}

/** `event_id` of something that has no id of its own. */
export function randomEventId(): string {
  let id = '';
  for (let i = 0; i < 3; i++) {
    id += Math.floor(Math.random() * 0x10000)
      .toString(16)
      .padStart(4, '0');
  }
  return id;
}

/** Short hash for `truncated` marks and input comparison. */
export function textHash(text: string): string {
  return hex12(hash52(text));
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
