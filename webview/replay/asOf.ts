import type { ReplayState } from '../../src/model/replay/replayState.ts';
import type { StepDetails } from '../../src/protocol/replay.ts';
import { type ContextSources, PATIENCE_MS, type Received, type Wire } from './wire.ts';

/** A step is read in full once the playhead has rested on it this long, ms. */
const REST_MS = 100;
/** Steps in full that are kept. */
const KEEP = 30;

/** What the host says of the step at the playhead: what was true then, and the step in full. */
export class AsOf {
  /** The latest answer; its step may not be the one that is shown any more. */
  state: ReplayState | undefined;
  /** What filled the window, of the same answer. */
  sources: ContextSources | undefined;
  private readonly wire: Wire;
  private readonly known = new Map<number, StepDetails | null>();
  private stateAsked: { id: number; atMs: number } | undefined;
  private stateAnswered = 0;
  private stateStale = true;
  private detailsAsked: { id: number; step: number; atMs: number } | undefined;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** The step in full; null: it cannot be read; undefined: not known yet. */
  get details(): StepDetails | null | undefined {
    return this.known.get(this.wire.step);
  }

  /** The playhead is at another step, or knows less of it than before. */
  moved(): void {
    this.askState();
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.askDetails(), REST_MS);
  }

  /** What was said of the session up to the playhead no longer holds. */
  outdate(): void {
    this.stateStale = true;
  }

  /** Steps `from … to - 1` changed. */
  changed(from: number, to: number): void {
    for (const step of this.known.keys()) {
      if (step >= from && step < to) this.known.delete(step);
    }
  }

  clear(): void {
    this.known.clear();
  }

  receiveState({ requestId, state, sources }: Received<'state'>): void {
    if (requestId === this.stateAnswered && state?.step === this.state?.step) {
      // What was not known yet.
      this.sources = sources;
      this.wire.paintSoon();
    }
    if (requestId !== this.stateAsked?.id) return;
    this.stateAsked = undefined;
    this.stateAnswered = requestId;
    if (state) {
      this.state = state;
      this.sources = sources;
    } else this.stateStale = true;
    this.wire.paintSoon();
    if (state?.step !== this.wire.step || this.stateStale) {
      if (state) this.askState();
      else setTimeout(() => this.askState(), 250);
    }
  }

  receiveDetails({ requestId, details }: Received<'details'>): void {
    const asked = this.detailsAsked;
    if (requestId !== asked?.id) return;
    this.detailsAsked = undefined;
    this.known.set(asked.step, details ?? null);
    for (const step of this.known.keys()) {
      if (this.known.size <= KEEP) break;
      this.known.delete(step);
    }
    this.wire.paintSoon();
  }

  /** One question at a time: while it is under way the playhead may move on. */
  private askState(): void {
    const { wire } = this;
    if (wire.total === 0) return;
    const nowMs = performance.now();
    if (this.stateAsked && nowMs - this.stateAsked.atMs < PATIENCE_MS) return;
    if (!this.stateStale && this.state?.step === wire.step) return;
    this.stateStale = false;
    const id = wire.newRequest();
    this.stateAsked = { id, atMs: nowMs };
    wire.ask({ type: 'state', sessionId: wire.sessionId, requestId: id, step: wire.step });
  }

  private askDetails(): void {
    const { wire } = this;
    const { step } = wire;
    if (wire.total === 0 || this.known.has(step)) return;
    const nowMs = performance.now();
    const asked = this.detailsAsked;
    if (asked?.step === step && nowMs - asked.atMs < PATIENCE_MS) return;
    const id = wire.newRequest();
    this.detailsAsked = { id, step, atMs: nowMs };
    wire.ask({ type: 'details', sessionId: wire.sessionId, requestId: id, step });
  }
}
