/** What the reader of a rollout remembers from row to row: small, and JSON, for it waits in a file. */
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { textHash } from '../../model/ids.ts';
import { asCount, asObject, asString } from '../claude/usage.ts';

/** Calls of one thread that are remembered. */
const MAX_CALLS = 64;
/** Turns whose responses are counted. */
const MAX_TURNS = 8;
/** Calls that a response asked for. */
const MAX_ASKED = 64;

export interface Call {
  name: string;
  /** Seconds since the epoch. */
  time: number;
  /** What came of it was told, and who told it: the tool's own event, or what the model saw. */
  told?: 'item' | 'output';
  /** The thread that it started. */
  subagent?: string;
  /** Not told yet, for the hooks may do so. */
  event?: TraceEvent;
}

/** Ids, names and paths of a hostile file may be of any length. */
export const short = (value: unknown, max = 200): string => {
  const text = asString(value);
  return text.length <= max ? text : textHash(text);
};

/** Milliseconds since the epoch in a UUID of version 7; 0 in all other ids. */
export function uuidTime(id: string): number {
  const hex = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id);
  return hex === null ? 0 : Number.parseInt(hex[1]! + hex[2]!, 16);
}

export class MapperState {
  /** This file's thread. */
  thread = '';
  /** The thread that it was forked from, or that started it. */
  origin = '';
  /** Rows before this ordinal were copied from it. */
  ownFrom = 0;
  turn = '';
  model = '';
  effort = '';
  tier = '';
  cwd = '';
  /** Seconds since the epoch of the last row. */
  time = 0;
  /** The burst in which a fork is written ended: what comes is its own. */
  own = false;
  /** Key of the last cumulative totals, and of the last usage that has a record of its own. */
  total = '';
  recorded = '';
  /** Hash of the turn's first prompt. */
  prompt = '';
  /** A subagent's task was told. */
  tasked = false;
  asked: string[] = [];
  readonly calls = new Map<string, Call>();
  readonly #turns = new Map<string, number>();

  constructor(saved?: Json) {
    const state = asObject(saved);
    if (state === undefined) return;
    for (const key of TEXTS) this[key] = asString(state[key]);
    this.time = Number(state.time) || 0;
    this.ownFrom = asCount(state.ownFrom);
    this.own = state.own === true;
    this.tasked = state.tasked === true;
    if (Array.isArray(state.asked)) this.asked = state.asked.map(asString);
    for (const [id, call] of entriesOf(state.calls)) this.calls.set(id, call as unknown as Call);
    for (const [turn, count] of entriesOf(state.turns)) this.#turns.set(turn, asCount(count));
  }

  save(): JsonObject {
    const { time, ownFrom, own, tasked, asked } = this;
    const saved: JsonObject = { time, ownFrom, own, tasked, asked };
    for (const key of TEXTS) saved[key] = this[key];
    saved.calls = [...this.calls] as unknown as Json;
    saved.turns = [...this.#turns];
    return saved;
  }

  remember(id: string, call: Call): void {
    this.calls.set(id, call);
    for (const oldest of this.calls.keys()) {
      if (this.calls.size <= MAX_CALLS) break;
      this.calls.delete(oldest);
    }
  }

  ask(id: string): void {
    if (this.asked.length < MAX_ASKED) this.asked.push(id);
  }

  /**
   * The id of a turn's next response. Codex names responses since 0.15x only, and after the texts that they
   * hold; a turn's name is unique and stays in every copy of it.
   */
  response(turn: string): string {
    return `${turn || this.thread} ${this.#turns.get(turn) ?? 0}`;
  }

  /** @returns {@link response}, for the last time */
  responded(turn: string): string {
    const id = this.response(turn);
    this.#turns.set(turn, (this.#turns.get(turn) ?? 0) + 1);
    for (const oldest of this.#turns.keys()) {
      if (this.#turns.size <= MAX_TURNS) break;
      this.#turns.delete(oldest);
    }
    return id;
  }
}

const TEXTS = [
  'thread',
  'origin',
  'turn',
  'model',
  'effort',
  'tier',
  'cwd',
  'total',
  'recorded',
  'prompt',
] as const;

function entriesOf(value: Json | undefined): [string, Json][] {
  if (!Array.isArray(value)) return [];
  return value.filter(
    (entry): entry is [string, Json] => Array.isArray(entry) && typeof entry[0] === 'string',
  );
}
