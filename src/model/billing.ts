/**
 * A response is billed once, however many sessions hold a copy of it: forks and resumed sessions bring
 * their parent's along. This is the one rule of who was billed, for transcripts and for traces.
 */
import type { JsonObject } from './event.ts';
import { hash52 } from './ids.ts';

const MESSAGE = 10;
const REQUEST = 5;
/** Length of a {@link responseRef}: so many of them are kept as one text. */
export const REF_LENGTH = MESSAGE + REQUEST;

const str = (value: unknown): string => (typeof value === 'string' ? value : '');

const digits = (text: string, length: number): string =>
  (hash52(text) % 36 ** length).toString(36).padStart(length, '0');

/**
 * What makes one response one response in any session that has it: its message id and request id.
 * Empty where it has no message id: then no copy of it can be told.
 */
export function responseRef(data: JsonObject): string {
  const message = str(data.message_id);
  if (message === '') return '';
  return digits(message, MESSAGE) + digits(str(data.request_id), REQUEST);
}

/** A sidechain replays messages under requests of its own. */
export const isSidechain = (data: JsonObject): boolean => data.is_sidechain === true;

/** The refs in a text of them. */
export function refsIn(text: string): string[] {
  return Array.from({ length: Math.floor(text.length / REF_LENGTH) }, (_, at) =>
    text.slice(at * REF_LENGTH, (at + 1) * REF_LENGTH),
  );
}

/** Which session was billed for each response, of the sessions so far: the first that has it. */
export class Billing {
  private readonly byResponse = new Map<string, string>();
  private readonly byMessage = new Map<string, string>();

  /** The session that was billed for a response; undefined: none of those so far. */
  billedIn(ref: string, sidechain: boolean): string | undefined {
    if (ref === '') return undefined;
    return (
      this.byResponse.get(ref) ??
      (sidechain ? this.byMessage.get(ref.slice(0, MESSAGE)) : undefined)
    );
  }

  /** Counts a response for a session, unless another was billed for it. */
  bill(ref: string, session: string): void {
    if (ref === '' || this.byResponse.has(ref)) return;
    this.byResponse.set(ref, session);
    const message = ref.slice(0, MESSAGE);
    if (!this.byMessage.has(message)) this.byMessage.set(message, session);
  }
}

/** Responses of one session that other sessions were billed for: by their refs, the session's id. */
export type BilledElsewhere = ReadonlyMap<string, string>;
