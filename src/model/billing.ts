/**
 * A response is billed once, however many sessions hold a copy of it: forks and resumed sessions bring
 * their parent's along. This is the one rule of who was billed, for transcripts and for traces.
 */
import { NumberTable } from './columns.ts';
import type { JsonObject } from './event.ts';
import { hash52 } from './ids.ts';

/** Characters for 48 bits of a message id and 24 of a request id. */
const MESSAGE = 8;
const REQUEST = 4;
/** Length of a {@link responseRef}: so many of them are kept as one text. */
export const REF_LENGTH = MESSAGE + REQUEST;

const str = (value: unknown): string => (typeof value === 'string' ? value : '');

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BITS24 = 0x1000000;
let pairs: string[] | undefined;

/** 24 bits in four characters. (`toString(36)` of large numbers takes ten times as long.) */
function four(bits: number): string {
  pairs ??= Array.from({ length: 4096 }, (_, at) => DIGITS[at >> 6]! + DIGITS[at & 63]!);
  return pairs[bits >> 12]! + pairs[bits & 4095]!;
}

/**
 * What makes one response one response in any session that has it: its message id and request id.
 * Empty where it has no message id: then no copy of it can be told.
 */
export function responseRef(data: JsonObject): string {
  const message = str(data.message_id);
  if (message === '') return '';
  const hash = hash52(message);
  return (
    four(Math.floor(hash / BITS24) % BITS24) +
    four(hash % BITS24) +
    four(hash52(str(data.request_id)) % BITS24)
  );
}

/** A sidechain replays messages under requests of its own. */
export const isSidechain = (data: JsonObject): boolean => data.is_sidechain === true;

/** The refs in a text of them. */
export function refsIn(text: string): string[] {
  return Array.from({ length: Math.floor(text.length / REF_LENGTH) }, (_, at) =>
    text.slice(at * REF_LENGTH, (at + 1) * REF_LENGTH),
  );
}

/**
 * Which session was billed for each response, of the sessions so far: the first that has it. Tables of
 * numbers, for a folder of thousands of sessions holds half a million responses.
 */
export class Billing {
  private readonly sessions: string[] = [];
  private readonly byResponse = new NumberTable();
  private readonly byMessage = new NumberTable();

  /** The session that was billed for a response; undefined: none of those so far. */
  billedIn(ref: string, sidechain: boolean): string | undefined {
    if (ref === '') return undefined;
    const at =
      this.byResponse.get(hash52(ref)) ??
      (sidechain ? this.byMessage.get(hash52(ref.slice(0, MESSAGE))) : undefined);
    return at === undefined ? undefined : this.sessions[at];
  }

  /** Counts a response for a session, unless another was billed for it. */
  bill(ref: string, session: string): void {
    if (ref === '') return;
    if (this.sessions.at(-1) !== session) this.sessions.push(session);
    const at = this.sessions.length - 1;
    const response = hash52(ref);
    if (this.byResponse.get(response) !== undefined) return;
    this.byResponse.set(response, at);
    const message = hash52(ref.slice(0, MESSAGE));
    if (this.byMessage.get(message) === undefined) this.byMessage.set(message, at);
  }
}

/** Responses of one session that other sessions were billed for: by their refs, the session's id. */
export type BilledElsewhere = ReadonlyMap<string, string>;
