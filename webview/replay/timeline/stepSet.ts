import { lowerBound } from '../../shared/rowStore.ts';

/** Steps in ascending order, in one typed array that grows at its end. */
export class StepSet {
  length = 0;
  private list = new Uint32Array(16);

  at(place: number): number {
    return this.list[place] ?? -1;
  }

  /** Place of the first step that is not below `step`. */
  lower(step: number): number {
    return lowerBound(this.list, step, this.length);
  }

  has(step: number): boolean {
    const place = this.lower(step);
    return place < this.length && this.list[place] === step;
  }

  /** How many are in `from … to - 1`. */
  count(from: number, to: number): number {
    return Math.max(0, this.lower(to) - this.lower(from));
  }

  /** @param step above all that are here */
  push(step: number): void {
    this.reserve();
    this.list[this.length++] = step;
  }

  /** Puts a step in, or takes it out. */
  set(step: number, here: boolean): void {
    const place = this.lower(step);
    const was = place < this.length && this.list[place] === step;
    if (was === here) return;
    if (here) {
      this.reserve();
      this.list.copyWithin(place + 1, place, this.length++);
      this.list[place] = step;
    } else {
      this.list.copyWithin(place, place + 1, this.length--);
    }
  }

  /** Forgets `step` and all above it. */
  truncate(step: number): void {
    this.length = this.lower(step);
  }

  private reserve(): void {
    if (this.length < this.list.length) return;
    const larger = new Uint32Array(this.list.length * 2);
    larger.set(this.list);
    this.list = larger;
  }
}
