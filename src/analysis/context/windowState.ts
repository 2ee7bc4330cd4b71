import { SOURCE, SOURCES, shareOut } from './sources.ts';

/** Bytes of a line that make a token, at the usual and at the densest; measured on sessions of Claude Code and Codex. */
export const BYTES_PER_TOKEN = 3.5;
const LEAST_BYTES_PER_TOKEN = 1.5;

/** What came in between two requests, in bytes of lines by source. */
export interface Arrivals {
  bytes: ArrayLike<number>;
  /** Texts and calls that belong to no response that told its tokens. */
  looseBytes: number;
  /** Tokens beyond what the bytes explain: images, results that were cut. */
  slack: number;
  /** Instructions were loaded, of which only the path is told. */
  instructions: boolean;
}

/** What a window holds, by source: whole tokens, never negative. */
export class WindowState {
  readonly held: number[] = new Array<number>(SOURCES).fill(0);
  /** Part of the conversation: agents drop it before anything else. */
  private thinking = 0;
  /** Tokens a byte of what came last, by source. */
  readonly rates: number[] = new Array<number>(SOURCES).fill(0);
  private readonly shares: number[] = [];

  get total(): number {
    let sum = 0;
    for (const tokens of this.held) sum += tokens;
    return sum;
  }

  /** The first request: what came before it, and the rest is the agent's own. */
  begin(prompt: number, arrivals: Arrivals): void {
    this.held.fill(0);
    this.thinking = 0;
    const rest = this.put(prompt, arrivals);
    this.held[SOURCE.system]! += rest;
  }

  /** @param growth tokens since the last response, of which what came in makes up as much as it can */
  grow(growth: number, arrivals: Arrivals): void {
    const { bytes, looseBytes, slack, instructions } = arrivals;
    let sum = 0;
    for (let at = 0; at < SOURCES; at++) sum += bytes[at]!;
    const explained =
      sum === 0 ? 0 : Math.min(growth, Math.floor(sum / LEAST_BYTES_PER_TOKEN + slack));
    this.add(explained, bytes);
    let rest = growth - explained;
    const loose = Math.min(rest, Math.ceil(looseBytes / BYTES_PER_TOKEN));
    this.held[SOURCE.conversation]! += loose;
    rest -= loose;
    this.held[instructions ? SOURCE.memory : SOURCE.system]! += rest;
  }

  /** A request smaller than what was there: something of the old was taken out. */
  shrink(prompt: number, arrivals: Arrivals): void {
    this.put(Number.POSITIVE_INFINITY, arrivals);
    let excess = this.total - prompt;
    if (excess <= 0) {
      this.held[SOURCE.system]! -= excess;
      return;
    }
    const thinking = Math.min(excess, this.thinking, this.held[SOURCE.conversation]!);
    this.held[SOURCE.conversation]! -= thinking;
    this.thinking -= thinking;
    excess -= thinking;
    const { files, output, conversation, system, memory } = SOURCE;
    const results = Math.min(excess, this.held[files]! + this.held[output]!);
    shareOut(results, [this.held[files]!, this.held[output]!], this.shares);
    // Rounding must not take more than there is.
    const fromFiles = Math.min(this.held[files]!, this.shares[0]!);
    this.held[files]! -= fromFiles;
    this.held[output]! -= results - fromFiles;
    if (this.held[output]! < 0) {
      this.held[files]! += this.held[output]!;
      this.held[output] = 0;
    }
    excess -= results;
    for (const source of [conversation, system, memory]) {
      const taken = Math.min(excess, this.held[source]!);
      this.held[source]! -= taken;
      excess -= taken;
    }
    this.thinking = Math.min(this.thinking, this.held[conversation]!);
  }

  /** After a compaction: what stands before the first prompt stays, what came since is new, the rest is a summary. */
  compact(prompt: number, arrivals: Arrivals): void {
    const system = this.held[SOURCE.system]!;
    const memory = this.held[SOURCE.memory]!;
    this.held.fill(0);
    this.thinking = 0;
    let rest = prompt;
    this.held[SOURCE.memory] = Math.min(memory, rest);
    rest -= this.held[SOURCE.memory]!;
    this.held[SOURCE.system] = Math.min(system, rest);
    rest -= this.held[SOURCE.system]!;
    rest = this.put(rest, arrivals);
    this.held[SOURCE.conversation]! += rest;
  }

  answer(output: number, thinking: number): void {
    this.held[SOURCE.conversation]! += output;
    this.thinking += Math.min(thinking, output);
  }

  /** Puts in what came, at the usual size of a token, up to `room`. @returns what is left of it */
  private put(room: number, { bytes, looseBytes }: Arrivals): number {
    const weights = Array.from(bytes);
    weights[SOURCE.conversation]! += looseBytes;
    let sum = 0;
    for (const weight of weights) sum += weight;
    const tokens = Math.min(room, Math.round(sum / BYTES_PER_TOKEN));
    this.add(tokens, weights);
    return room - tokens;
  }

  private add(tokens: number, weights: ArrayLike<number>): void {
    this.rates.fill(0);
    if (tokens <= 0) return;
    shareOut(tokens, weights, this.shares);
    for (let at = 0; at < SOURCES; at++) {
      this.held[at]! += this.shares[at]!;
      if (weights[at]! > 0) this.rates[at] = this.shares[at]! / weights[at]!;
    }
  }
}
