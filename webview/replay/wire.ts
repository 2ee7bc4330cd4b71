import type { FromReplayPage, ToReplayPage } from '../../src/protocol/replay.ts';

/** A message of the host. */
export type Received<T extends ToReplayPage['type']> = Extract<ToReplayPage, { type: T }>;

/** What filled the window, tokens. */
export type ContextSources = NonNullable<Received<'state'>['sources']>;
/** What led to a step. */
export type WhyChain = NonNullable<Received<'why'>['chain']>;
export type WhyLink = WhyChain['links'][number];

/** A question that was not answered is asked again after this long, ms. */
export const PATIENCE_MS = 10_000;

/** What the parts of the page need of each other: the way to the host, and the paint. */
export interface Wire {
  readonly sessionId: string;
  /** Where the playhead is, and how many steps there are. */
  readonly step: number;
  readonly total: number;
  /** A number for a question, each once. */
  newRequest(): number;
  ask(message: FromReplayPage): void;
  /** What the person waits for: painted with the next frame. */
  paintSoon(): void;
  /** What the person did: painted at once. */
  paintNow(): void;
}
