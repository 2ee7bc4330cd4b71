import { type ContextMark, cacheLifetimeMs } from '../../model/slices/context.ts';
import type { Usage } from '../../model/usage.ts';
import type { BreakCause } from './waste.ts';

/**
 * Less is noise. 1,024 tokens is the smallest prompt that Anthropic and OpenAI cache at all. In real sessions of Claude
 * Code each request reads exactly what the one before had read and written, so a tenth is already a loss.
 */
const LEAST_TOKENS = 1024;
const LEAST_TOLD = 0.1;
/**
 * Caches that nobody asked for (OpenAI's, Google's) are kept at the provider's will and lag behind: in real sessions
 * of Codex a request reads between 88 and 99 % of the prompt before it.
 */
const LEAST_IMPLICIT = 0.5;
/** OpenAI: 5 to 10 minutes without use. Google does not say. */
const IMPLICIT_MS = 300_000;
/** A prompt of less than this part of the one before is another conversation, not the same one cut. */
const OTHER_CONVERSATION = 0.5;

/** Tokens that were held and are paid again, and why. */
export interface Loss {
  tokens: number;
  cause: BreakCause;
  detail: Detail;
}

/** What words are made of. */
export interface Detail {
  idleMs: number;
  lifetimeMs: number;
  /** The provider tells when it drops its cache: Anthropic does. */
  told: boolean;
  models?: [from: string, to: string] | undefined;
  mark?: ContextMark | undefined;
  read: number;
  held: number;
}

/** The prompt cache of one lane, as its requests come in by time. */
export class CacheLane {
  private seen = false;
  private model = '';
  /** Of the last request, tokens: all of it, what was read, what the cache held after it. */
  private prompt = 0;
  private read = 0;
  private held = 0;
  /** The smallest prompt so far: what stands before any conversation is no more than that. */
  private head = Number.POSITIVE_INFINITY;
  /** Its cache is written at a price and for a time, both told. */
  private told = false;
  /** A cache that nobody asked for was seen to hold a prompt. */
  private proven = false;
  private lifetimeMs = 0;
  /** When the last request was sent, and answered; ms since the epoch. */
  private usedMs = 0;
  private answeredMs = 0;
  /** Since then. */
  private askedMs = 0;
  private compactedMs = Number.NaN;
  private mark: ContextMark | undefined;

  /** A prompt or a result: the next request goes out at once. */
  ask(timeMs: number): void {
    this.askedMs = timeMs;
  }

  compact(timeMs: number): void {
    this.compactedMs = timeMs;
  }

  marked(mark: ContextMark): void {
    // Settings may change at any time; a start tells more.
    if (mark !== 'settings' || this.mark === undefined) this.mark = mark;
  }

  /** The next response. @returns what its request lost; undefined: nothing worth a word */
  answer(usage: Usage, model: string, timeMs: number): Loss | undefined {
    const told = this.told || usage.cache_write_input_tokens > 0;
    if (this.isAside(usage, model)) return undefined;
    const sentMs = this.askedMs > this.answeredMs ? this.askedMs : timeMs;
    const loss = this.seen ? this.loss(usage, model, sentMs, told) : undefined;
    this.seen = true;
    this.told = told;
    this.model = model;
    this.prompt = usage.input_tokens;
    this.read = usage.cache_read_input_tokens;
    this.held = usage.cache_read_input_tokens + usage.cache_write_input_tokens;
    this.head = Math.min(this.head, usage.input_tokens);
    if (this.read >= this.prompt * LEAST_IMPLICIT && this.read > 0) this.proven = true;
    this.lifetimeMs = cacheLifetimeMs(usage, this.lifetimeMs);
    this.usedMs = sentMs;
    this.answeredMs = timeMs;
    this.compactedMs = Number.NaN;
    this.mark = undefined;
    return loss;
  }

  /** A question to a smaller model in between: the conversation's cache goes on living. */
  private isAside({ input_tokens: prompt }: Usage, model: string): boolean {
    if (!this.seen || model === this.model || this.mark !== undefined) return false;
    return Number.isNaN(this.compactedMs) && prompt < this.prompt * OTHER_CONVERSATION;
  }

  private loss(usage: Usage, model: string, sentMs: number, told: boolean): Loss | undefined {
    const { input_tokens: prompt, cache_read_input_tokens: read } = usage;
    const compacted = !Number.isNaN(this.compactedMs);
    const lifetimeMs = told ? this.lifetimeMs : IMPLICIT_MS;
    // Compacting uses the cache, too.
    const idleMs = sentMs - (compacted ? Math.max(this.usedMs, this.compactedMs) : this.usedMs);
    const switched = model !== this.model && model !== '' && this.model !== '';
    const cause = causeOf(idleMs > lifetimeMs, switched, compacted, this.mark);
    // Without a reason, an implicit cache has lost only what it is known to have held.
    const implicit = cause === 'prefix' ? this.read : this.prompt;
    let held = told ? this.held : this.proven ? implicit : 0;
    const other = compacted || this.mark === 'clear' || prompt < this.prompt * OTHER_CONVERSATION;
    if (other) {
      // The conversation is new; what stands before it is the same, unless hardly anything of it was found.
      held = Math.min(held, this.head);
      if (read >= held * OTHER_CONVERSATION) return undefined;
    }
    held = Math.min(held, prompt);
    const tokens = held - read;
    if (tokens < LEAST_TOKENS || tokens < held * (told ? LEAST_TOLD : LEAST_IMPLICIT)) {
      return undefined;
    }
    const models: [string, string] | undefined = switched ? [this.model, model] : undefined;
    const { mark } = this;
    return { tokens, cause, detail: { idleMs, lifetimeMs, told, models, mark, read, held } };
  }
}

/** The first that is enough by itself: after its time the cache is gone, whatever else happened. */
function causeOf(
  expired: boolean,
  switched: boolean,
  compacted: boolean,
  mark: ContextMark | undefined,
): BreakCause {
  if (expired) return 'time';
  if (switched) return 'model';
  if (compacted) return 'compaction';
  if (mark === undefined) return 'prefix';
  return mark === 'settings' ? 'tools' : 'restart';
}
