import { SOURCE, SOURCES, shareOut } from './sources.ts';

/** Bytes of a line that make a token, at the usual and at the densest; measured on sessions of Claude Code and Codex. */
export const BYTES_PER_TOKEN = 3.5;
const LEAST_BYTES_PER_TOKEN = 1.5;

/**
 * What came in between two requests, as numbers in a row of a table: bytes of lines by source, then these.
 */
export const ARRIVED = {
  /** Bytes of texts and calls that belong to no response that told its tokens. */
  loose: SOURCES,
  /** Tokens beyond what the bytes explain: images, results that were cut. */
  slack: SOURCES + 1,
  /** 1: instructions were loaded, of which only the path is told. */
  instructions: SOURCES + 2,
  /** 1: a person's prompt, with which files, images and selections come that no event tells of. */
  prompt: SOURCES + 3,
} as const;

/** What a window holds, by source: whole tokens, never negative. */
export class WindowState {
  readonly held = new Float64Array(SOURCES);
  /** Part of the conversation: agents drop it before anything else. */
  private thinking = 0;
  /** Tokens a byte of what came last, by source. */
  readonly rates = new Float64Array(SOURCES);
  private readonly shares = new Float64Array(SOURCES);
  private readonly weights = new Float64Array(SOURCES);
  private readonly arrivals: Float64Array;

  /** @param arrivals the table; calls name the place in it where a row begins */
  constructor(arrivals: Float64Array) {
    this.arrivals = arrivals;
  }

  get total(): number {
    const { held } = this;
    let sum = 0;
    for (let at = 0; at < SOURCES; at++) sum += held[at]!;
    return sum;
  }

  /** The first request: what came before it, and the rest is the agent's own. */
  begin(prompt: number, from: number): void {
    this.held.fill(0);
    this.thinking = 0;
    const rest = this.put(prompt, from);
    this.held[SOURCE.system]! += rest;
  }

  /** @param growth tokens since the last response, of which what came in makes up as much as it can */
  grow(growth: number, from: number): void {
    const { arrivals, weights } = this;
    let sum = 0;
    for (let at = 0; at < SOURCES; at++) {
      weights[at] = arrivals[from + at]!;
      sum += weights[at]!;
    }
    const most = Math.floor(sum / LEAST_BYTES_PER_TOKEN + arrivals[from + ARRIVED.slack]!);
    const explained = sum === 0 ? 0 : Math.min(growth, most);
    this.add(explained);
    let rest = growth - explained;
    const loose = Math.min(rest, Math.ceil(arrivals[from + ARRIVED.loose]! / BYTES_PER_TOKEN));
    this.held[SOURCE.conversation]! += loose;
    rest -= loose;
    this.held[this.untold(from)]! += rest;
  }

  /** What the growth is that no event explains. */
  private untold(from: number): number {
    if (this.arrivals[from + ARRIVED.instructions] === 1) return SOURCE.memory;
    return this.arrivals[from + ARRIVED.prompt] === 1 ? SOURCE.conversation : SOURCE.system;
  }

  /** A request smaller than what was there: something of the old was taken out. */
  shrink(prompt: number, from: number): void {
    this.put(Number.POSITIVE_INFINITY, from);
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
    const all = this.held[files]! + this.held[output]!;
    // Each its share, and no more than there is of it.
    const share = all === 0 ? 0 : Math.round(results * (this.held[files]! / all));
    const fromFiles = Math.max(results - this.held[output]!, Math.min(this.held[files]!, share));
    this.held[files]! -= fromFiles;
    this.held[output]! -= results - fromFiles;
    excess -= results;
    for (const source of [conversation, system, memory]) {
      const taken = Math.min(excess, this.held[source]!);
      this.held[source]! -= taken;
      excess -= taken;
    }
    this.thinking = Math.min(this.thinking, this.held[conversation]!);
  }

  /** After a compaction: what stands before the first prompt stays, what came since is new, the rest is a summary. */
  compact(prompt: number, from: number): void {
    const system = this.held[SOURCE.system]!;
    const memory = this.held[SOURCE.memory]!;
    this.held.fill(0);
    this.thinking = 0;
    let rest = prompt;
    this.held[SOURCE.memory] = Math.min(memory, rest);
    rest -= this.held[SOURCE.memory]!;
    this.held[SOURCE.system] = Math.min(system, rest);
    rest -= this.held[SOURCE.system]!;
    rest = this.put(rest, from);
    this.held[SOURCE.conversation]! += rest;
  }

  answer(output: number, thinking: number): void {
    this.held[SOURCE.conversation]! += output;
    this.thinking += Math.min(thinking, output);
  }

  /** Puts in what came, at the usual size of a token, up to `room`. @returns what is left of it */
  private put(room: number, from: number): number {
    const { arrivals, weights } = this;
    for (let at = 0; at < SOURCES; at++) weights[at] = arrivals[from + at]!;
    weights[SOURCE.conversation]! += arrivals[from + ARRIVED.loose]!;
    let sum = 0;
    for (let at = 0; at < SOURCES; at++) sum += weights[at]!;
    const tokens = Math.min(room, Math.round(sum / BYTES_PER_TOKEN));
    this.add(tokens);
    return room - tokens;
  }

  /** By `weights`. */
  private add(tokens: number): void {
    const { weights } = this;
    // Not `fill`: for five numbers it costs several times as much.
    for (let at = 0; at < SOURCES; at++) this.rates[at] = 0;
    if (tokens <= 0) return;
    shareOut(tokens, weights, this.shares);
    for (let at = 0; at < SOURCES; at++) {
      this.held[at]! += this.shares[at]!;
      if (weights[at]! > 0) this.rates[at] = this.shares[at]! / weights[at]!;
    }
  }
}
