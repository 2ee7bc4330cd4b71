import { PATIENCE_MS, type Received, type WhyChain, type Wire } from './wire.ts';

/** The playhead has rested this long before it is asked why, ms. */
const REST_MS = 150;

/** Why the step at the playhead was done. The last answer stays while the playhead moves. */
export class Why {
  /** Undefined: nothing is known yet; null: the step was not there. Its step may not be the playhead's. */
  chain: WhyChain | null | undefined;
  private readonly wire: Wire;
  private asked: { id: number; step: number; atMs: number } | undefined;
  private stale = true;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  moved(): void {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.ask(), REST_MS);
  }

  outdate(): void {
    this.stale = true;
  }

  receive({ requestId, chain }: Received<'why'>): void {
    if (requestId !== this.asked?.id) return;
    this.asked = undefined;
    this.chain = chain ?? null;
    this.wire.paintSoon();
  }

  private ask(): void {
    const { wire } = this;
    const { step } = wire;
    if (wire.total === 0 || (!this.stale && this.chain?.step === step)) return;
    const nowMs = performance.now();
    const { asked } = this;
    if (asked?.step === step && !this.stale && nowMs - asked.atMs < PATIENCE_MS) return;
    this.stale = false;
    const id = wire.newRequest();
    this.asked = { id, step, atMs: nowMs };
    wire.ask({ type: 'why', sessionId: wire.sessionId, requestId: id, step });
  }
}
