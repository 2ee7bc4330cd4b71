/**
 * What was said of a session's calls: `~/.agent-strace/guard/verdicts/<session>.ndjson`. One line, one write; the hook that
 * decides writes it before it answers, and whoever verifies reads it.
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openAppend, openRead } from '../trace/files.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { ensureGuardFolder, guardPlace } from './guardHome.ts';
import type { Action } from './rules/rule.ts';
import { plainText } from './store.ts';

type Env = Record<string, string | undefined>;

export interface CallVerdict {
  /** Seconds since the epoch. */
  at: number;
  /** The agent's own id of the call, or `callKey` where it has none: then `event` says which. */
  call: string;
  /** `event_id` of the `tool_call` in the trace, where it is known. */
  event?: string;
  tool: string;
  /** `deny`: it was told not to run it. */
  said: 'allow' | 'deny';
  /** Of the rule that said so. */
  action?: Action;
  rule?: string;
  /** Of the {@link Trip}. */
  trip?: string;
  /** What the call was about, redacted, at most 200 characters. */
  target?: string;
}

/** Bytes of a session's verdicts that are read at once. */
const MAX_BYTES = 4 * 1_048_576;

const MAX_TARGET = 200;
const MAX_CALL = 500;

/** @throws a system error, or one with a code of ours: who cannot write it down must not rely on it */
export function appendVerdict(session: string, verdict: CallVerdict, env: Env = process.env): void {
  if (!isSafeSessionId(session)) throw Object.assign(new Error('EBADID'), { code: 'EBADID' });
  const place = ensureGuardFolder('verdicts', env);
  const line = {
    ...verdict,
    call: verdict.call.slice(0, MAX_CALL),
    tool: verdict.tool.slice(0, 200),
    ...(verdict.target !== undefined && { target: plainText(verdict.target, MAX_TARGET) }),
  };
  const fd = openAppend(join(place, `${session}.ndjson`));
  try {
    writeSync(fd, `${JSON.stringify(line)}\n`);
  } finally {
    closeSync(fd);
  }
}

export interface VerdictsRead {
  /** In the order of their lines. */
  verdicts: CallVerdict[];
  /** Bytes that are read: where to go on. */
  offset: number;
}

/**
 * What was said of a session's calls, from `offset` on; a line that is still being written is left for the next time. Never
 * throws: what cannot be read says nothing.
 *
 * @param call of these only
 */
export function readVerdicts(
  session: string,
  env: Env = process.env,
  offset = 0,
  call?: string,
): VerdictsRead {
  const nothing = { verdicts: [], offset };
  if (!isSafeSessionId(session)) return nothing;
  let fd: number;
  try {
    fd = openRead(guardPlace(env, 'verdicts', `${session}.ndjson`));
  } catch {
    return { verdicts: [], offset: 0 };
  }
  try {
    const { size } = fstatSync(fd);
    // Another file by that name: from its beginning.
    const from = size < offset ? 0 : offset;
    const bytes = Buffer.alloc(Math.min(size - from, MAX_BYTES));
    const length = readSync(fd, bytes, 0, bytes.length, from);
    const end = bytes.subarray(0, length).lastIndexOf(10) + 1;
    const part = call === undefined ? undefined : JSON.stringify(call.slice(0, MAX_CALL));
    const verdicts = bytes
      .toString('utf8', 0, end)
      .split('\n')
      .flatMap((line) => (part === undefined || line.includes(part) ? verdictOf(line) : []) ?? [])
      .filter((verdict) => call === undefined || verdict.call === call.slice(0, MAX_CALL));
    return { verdicts, offset: from + end };
  } catch {
    return nothing;
  } finally {
    closeSync(fd);
  }
}

function verdictOf(line: string): CallVerdict | undefined {
  if (line === '') return undefined;
  try {
    const value = JSON.parse(line) as Partial<CallVerdict> | null;
    const { at, call, tool, said } = value ?? {};
    if (typeof at !== 'number' || typeof call !== 'string' || typeof tool !== 'string') {
      return undefined;
    }
    if (said !== 'allow' && said !== 'deny') return undefined;
    return value as CallVerdict;
  } catch {
    return undefined;
  }
}

/** All that was said of one call, or of the calls of one key, in order. Never throws. */
export const verdictsOf = (session: string, call: string, env: Env = process.env): CallVerdict[] =>
  allVerdicts(session, env, call);

/**
 * All that was said of a session's calls, in order. Never throws.
 *
 * @param call of these only
 */
export function allVerdicts(session: string, env: Env = process.env, call?: string): CallVerdict[] {
  const all: CallVerdict[] = [];
  for (let offset = 0; ; ) {
    const read = readVerdicts(session, env, offset, call);
    all.push(...read.verdicts);
    if (read.offset <= offset) return all;
    offset = read.offset;
  }
}
