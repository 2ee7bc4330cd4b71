/**
 * Runs something at most so often: at once while the allowance lasts, else as soon as it is there
 * again. A single event is never kept waiting.
 */
export class Pace {
  private readonly runs: number[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;
  private readonly work: () => void;
  private readonly perSecond: number;
  private readonly now: () => number;

  /** @param perSecond runs in any second, at most */
  constructor(work: () => void, perSecond: number, now: () => number = () => performance.now()) {
    this.work = work;
    this.perSecond = perSecond;
    this.now = now;
  }

  /** Something changed. */
  ask(): void {
    if (this.timer !== undefined || this.closed) return;
    const wait = this.waitMs();
    if (wait <= 0) this.run();
    else this.timer = setTimeout(() => this.run(), wait);
  }

  /** Runs at once, whatever the allowance: for what a person did and waits to see. */
  askNow(): void {
    clearTimeout(this.timer);
    this.run();
  }

  /** ms until the next run is allowed. */
  private waitMs(): number {
    const now = this.now();
    while (this.runs.length > 0 && now - this.runs[0]! >= 1000) this.runs.shift();
    return this.runs.length < this.perSecond ? 0 : this.runs[0]! + 1000 - now;
  }

  private run(): void {
    this.timer = undefined;
    if (this.closed) return;
    this.runs.push(this.now());
    this.work();
  }

  dispose(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
