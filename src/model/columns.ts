/**
 * The index of a session: one row an event, in order of arrival, as typed arrays. A million events
 * are about 80 MB; the bodies stay in the file and are read by offset.
 */
export class Columns {
  length = 0;
  capacity: number;
  /** ms since the epoch. */
  timeMs: Float64Array;
  /** The event's id as a number: see {@link idKey}. */
  key: Float64Array;
  /** Byte offset of the line in its file, and its length in bytes. */
  offset: Float64Array;
  size: Uint32Array;
  /** Index into {@link TYPE_CODES}. */
  type: Uint8Array;
  /** Index into STEP_KINDS. */
  kind: Uint8Array;
  /** Bits of {@link FLAG}. */
  flags: Uint16Array;
  /** Index into the fold's lanes; 0 is the main agent. */
  lane: Uint16Array;
  /** Index into the fold's tool names; 0 is none. */
  tool: Uint16Array;
  /** ms; NaN where unknown. On calls: of their result. */
  durationMs: Float32Array;
  /** Nano-dollars of a model response; NaN elsewhere and where unpriced. */
  nanoUsd: Float64Array;
  /** Call ↔ result; -1 while alone. */
  pair: Int32Array;
  /** Call or text → the model response that it is part of; -1. */
  response: Int32Array;
  /** On responses: how many calls share its cost. */
  sharers: Uint16Array;
  /** Of two versions of one event the higher rank stands. */
  rank: Uint32Array;
  /** Calls: the call before with the same tool and input; -1. */
  previousSame: Int32Array;
  /** Calls: the next one with the same tool and input; -1. */
  nextSame: Int32Array;
  /** Calls: hash of tool, lane and input. */
  inputKey: Float64Array;

  constructor(capacity = 256) {
    this.capacity = capacity;
    this.timeMs = new Float64Array(capacity);
    this.key = new Float64Array(capacity);
    this.offset = new Float64Array(capacity);
    this.size = new Uint32Array(capacity);
    this.type = new Uint8Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.flags = new Uint16Array(capacity);
    this.lane = new Uint16Array(capacity);
    this.tool = new Uint16Array(capacity);
    this.durationMs = new Float32Array(capacity);
    this.nanoUsd = new Float64Array(capacity);
    this.pair = new Int32Array(capacity);
    this.response = new Int32Array(capacity);
    this.sharers = new Uint16Array(capacity);
    this.rank = new Uint32Array(capacity);
    this.previousSame = new Int32Array(capacity);
    this.nextSame = new Int32Array(capacity);
    this.inputKey = new Float64Array(capacity);
  }

  /** A new row with nothing known yet. */
  push(): number {
    if (this.length === this.capacity) this.grow();
    const row = this.length++;
    this.durationMs[row] = Number.NaN;
    this.nanoUsd[row] = Number.NaN;
    this.pair[row] = -1;
    this.response[row] = -1;
    this.previousSame[row] = -1;
    this.nextSame[row] = -1;
    return row;
  }

  private grow(): void {
    const capacity = this.capacity * 2;
    // One at a time, so that only one column is held twice.
    for (const name of COLUMN_NAMES) {
      const old = this[name];
      const next = new (old.constructor as new (n: number) => typeof old)(capacity);
      next.set(old as never);
      (this as Record<string, unknown>)[name] = next;
    }
    this.capacity = capacity;
  }
}

export const COLUMN_NAMES = [
  'timeMs',
  'key',
  'offset',
  'size',
  'type',
  'kind',
  'flags',
  'lane',
  'tool',
  'durationMs',
  'nanoUsd',
  'pair',
  'response',
  'sharers',
  'rank',
  'previousSame',
  'nextSame',
  'inputKey',
] as const;

export const FLAG = {
  error: 1,
  denied: 2,
  retry: 4,
  /** The cost is an estimate. */
  estimate: 8,
  redacted: 16,
  /** Not a step of its own: part of another row. */
  hidden: 32,
  /** A subagent's life, not a tool call. */
  subagent: 64,
  /** The result says which files it touched. */
  hasFiles: 128,
  /** Changed a file. */
  edit: 256,
  /** Closed without a result of its own (denied, interrupted). */
  closed: 512,
  unpriced: 1024,
  /** Of a call that runs tests: its exit code is not theirs (`… | tail`). Of a result: 0 was told. */
  exit: 2048,
  /** A command that runs the project's tests. On a result: what it printed says that tests failed (see `ranFailingTests`). */
  test: 4096,
  /** A command that commits. */
  commit: 8192,
  /** The context window was compacted here. */
  compaction: 16384,
  /** A command that only looks: that it fails says that there is nothing to see. */
  look: 32768,
} as const;

export const TYPE_CODES = [
  'other',
  'session_start',
  'session_end',
  'tool_call',
  'tool_result',
  'llm_request',
  'llm_response',
  'file_read',
  'file_write',
  'decision',
  'error',
  'user_prompt',
  'assistant_response',
] as const;

export const TYPE: Record<(typeof TYPE_CODES)[number], number> = Object.fromEntries(
  TYPE_CODES.map((name, index) => [name, index]),
) as Record<(typeof TYPE_CODES)[number], number>;

const TYPE_BY_NAME = new Map<string, number>(TYPE_CODES.map((name, code) => [name, code]));

/** Code of an event type; TYPE.other for what this version does not know. */
export const typeCode = (name: string): number => TYPE_BY_NAME.get(name) ?? TYPE.other;

/** Hash table from an id key to its row; a row is 4 bytes at a load of at most one half. */
export class KeyTable {
  private slots = new Int32Array(512).fill(-1);
  private count = 0;
  private found = 0;
  private readonly columns: () => Float64Array;

  /** @param keys where the keys of the rows stand. */
  constructor(keys: () => Float64Array) {
    this.columns = keys;
  }

  /** The row of a key, or -1. */
  get(key: number): number {
    return this.find(key);
  }

  /** As `get`, and remembers the place for an `insert` of the same key that follows at once. */
  find(key: number): number {
    const keys = this.columns();
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = spread(key) & mask;
    let row = slots[slot]!;
    while (row >= 0 && keys[row] !== key) {
      slot = (slot + 1) & mask;
      row = slots[slot]!;
    }
    this.found = slot;
    return row;
  }

  /** Puts in a key that `find` has just not found. */
  insert(key: number, row: number): void {
    if (++this.count * 2 > this.slots.length) {
      this.rehash();
      this.put(key, row);
    } else this.slots[this.found] = row;
  }

  set(key: number, row: number): void {
    if (this.find(key) < 0) this.insert(key, row);
    else this.slots[this.found] = row;
  }

  private put(key: number, row: number): void {
    const mask = this.slots.length - 1;
    let slot = spread(key) & mask;
    while (this.slots[slot]! >= 0) slot = (slot + 1) & mask;
    this.slots[slot] = row;
  }

  private rehash(): void {
    const keys = this.columns();
    const old = this.slots;
    this.slots = new Int32Array(old.length * 2).fill(-1);
    for (const row of old) if (row >= 0) this.put(keys[row]!, row);
  }
}

/**
 * Numbers by number keys: what a `Map` does, in typed arrays. A map of half a million doubles costs
 * several times as much, in time and in memory.
 */
export class NumberTable {
  size = 0;
  private used = 0;
  private keys = new Float64Array(64).fill(EMPTY);
  private values = new Int32Array(64);

  get(key: number): number | undefined {
    if (this.size === 0) return undefined;
    const slot = this.slotOf(key);
    return this.keys[slot] === key ? this.values[slot]! : undefined;
  }

  set(key: number, value: number): void {
    let slot = this.slotOf(key);
    if (this.keys[slot] !== key) {
      if (this.used * 2 >= this.keys.length) {
        this.rebuild();
        slot = this.slotOf(key);
      }
      this.keys[slot] = key;
      this.used++;
      this.size++;
    }
    this.values[slot] = value;
  }

  delete(key: number): void {
    const slot = this.slotOf(key);
    if (this.keys[slot] !== key) return;
    // The slot stays used, so that searches go on past it; a rebuild clears it.
    this.keys[slot] = GONE;
    this.size--;
  }

  *[Symbol.iterator](): IterableIterator<[number, number]> {
    for (let slot = 0; slot < this.keys.length; slot++) {
      if (this.keys[slot]! >= 0) yield [this.keys[slot]!, this.values[slot]!];
    }
  }

  private slotOf(key: number): number {
    const mask = this.keys.length - 1;
    let slot = spread(key) & mask;
    for (let at = this.keys[slot]!; at !== key && at !== EMPTY; at = this.keys[slot]!) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private rebuild(): void {
    const { keys, values } = this;
    const size = Math.max(64, 2 ** Math.ceil(Math.log2((this.size + 1) * 4)));
    this.keys = new Float64Array(size).fill(EMPTY);
    this.values = new Int32Array(size);
    this.used = 0;
    for (let slot = 0; slot < keys.length; slot++) {
      const key = keys[slot]!;
      if (key < 0) continue;
      const to = this.slotOf(key);
      this.keys[to] = key;
      this.values[to] = values[slot]!;
      this.used++;
    }
  }
}

const EMPTY = -1;
const GONE = -2;

/** A seed of this process: nobody can craft a trace whose ids all fall into one slot. */
const SEED_LOW = (Math.random() * 0x100000000) | 0;
const SEED_HIGH = (Math.random() * 0x100000000) | 0;

function spread(key: number): number {
  const low = (key % 0x100000000) | 0;
  const high = (key / 0x100000000) | 0;
  const mixed = Math.imul(low ^ SEED_LOW, 0x85ebca6b) ^ Math.imul(high ^ SEED_HIGH, 0xc2b2ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2d) >>> 1;
}
