import type { Received, Wire } from './wire.ts';

/** Typing is over after this long, ms. */
const REST_MS = 150;

/** The search over all steps; the host reads, the page keeps which rows matched. */
export class Search {
  /** What is looked for; undefined: no search field. */
  text: string | undefined;
  found: number[] = [];
  done = true;
  private readonly wire: Wire;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request = 0;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** @param text what to look for; undefined closes the field */
  set(text: string | undefined): void {
    const { wire } = this;
    this.text = text;
    this.found = [];
    this.request = wire.newRequest();
    this.done = true;
    clearTimeout(this.timer);
    if (text) {
      this.done = false;
      const requestId = this.request;
      this.timer = setTimeout(() => {
        wire.ask({ type: 'find', sessionId: wire.sessionId, requestId, text, from: 0 });
      }, REST_MS);
    }
    wire.paintNow();
  }

  /** @returns whether it was the answer that is waited for */
  receive({ requestId, rows, done }: Received<'found'>): boolean {
    if (requestId !== this.request) return false;
    for (const row of rows) this.found.push(row);
    this.done = done;
    return true;
  }

  /** The next or the previous match, round the ends; undefined: there is none. */
  next(by: 1 | -1): number | undefined {
    const { found } = this;
    const { step } = this.wire;
    return by > 0
      ? (found.find((row) => row > step) ?? found[0])
      : (found.findLast((row) => row < step) ?? found.at(-1));
  }
}
