/** What is remembered between two rows of a rollout. */
import { isObject, type Json, type JsonObject } from '../../model/event.ts';
import { asString } from '../rows.ts';

/** Calls of one file that are remembered; more at once is not an agent but an attack. */
const MAX_CALLS = 64;
const MAX_ID = 128;
/** Turns whose responses are counted: a review is a turn inside another. */
const MAX_TURNS = 8;
/** Arguments that are kept: of so many calls, of so many characters. */
const MAX_INPUTS = 16;
const MAX_INPUT = 1000;

/** A call that was asked for. */
export interface OpenCall {
  name: string;
  /** Seconds since the epoch. */
  time: number;
  /** Its arguments as JSON, without secrets, where its hooks tell of it, if they fire. */
  input?: string;
}

export class RolloutState {
  /** The thread whose file this is. */
  thread = '';
  /** The thread that the rows at hand are of: another one's in the copied beginning of a fork. */
  rowsOf = '';
  /** The thread that this one was made from; empty where it began empty. */
  origin = '';
  /** In copied rows, as far as only their place tells. */
  copying = false;
  /** Rows before this ordinal were copied; -1 where the file does not say. */
  ownOrdinal = -1;
  turn = '';
  /** Seconds since the epoch of the last row that has a time. */
  time = 0;
  first = 0;
  cwd = '';
  model = '';
  effort = '';
  tier = '';
  /** Tokens that fit into the model's window; 0 while it was not told. */
  window = 0;
  /** The thread's sum of tokens so far: input, cached, cache writes, output, reasoning. */
  total: number[] = [];
  /** Responses are told by rows of their own: sums are no news. */
  records = false;
  agentType = '';
  /** Times that the context was compacted in this turn. */
  compactions = 0;
  readonly calls = new Map<string, OpenCall>();
  /** Calls whose end was told by a row that knows more than the output does. */
  readonly told = new Set<string>();
  /** Calls since the last response whose tokens were told. */
  readonly asked = new Set<string>();
  /** Responses by turn. */
  readonly turns = new Map<string, number>();

  /** @param asked a response asked for it, rather than a script that another call runs */
  call(id: string, name: string, asked: boolean): void {
    this.calls.set(id.slice(0, MAX_ID), { name: name.slice(0, MAX_ID), time: this.time });
    if (this.calls.size > MAX_CALLS) this.calls.delete(this.calls.keys().next().value as string);
    if (asked) add(this.asked, id);
  }

  /** Keeps the arguments of a call that may have to be told after all. */
  hold(id: string, input: string): void {
    const call = this.calls.get(id.slice(0, MAX_ID));
    const held = [...this.calls.values()].filter((other) => other.input !== undefined).length;
    if (call === undefined || held >= MAX_INPUTS) return;
    call.input = input.length <= MAX_INPUT ? input : '{}';
  }

  /**
   * The id of the response at hand: its place in the turn. Older versions give it no id, newer ones give it after
   * its texts and calls; a turn's id is in every copy of the turn, whichever rows a fork copies.
   */
  get response(): string {
    return `${this.turn || this.rowsOf} ${this.turns.get(this.turn) ?? 0}`;
  }

  /** The response at hand is over. */
  responded(): void {
    const { turn, turns } = this;
    turns.set(turn, (turns.get(turn) ?? 0) + 1);
    if (turns.size > MAX_TURNS) turns.delete(turns.keys().next().value as string);
  }

  tell(id: string): void {
    add(this.told, id);
  }

  save(): Json {
    const { calls, told, asked, turns, ...rest } = this;
    const open = [...calls].map(([id, { name, time, input }]): Json => {
      return input === undefined ? [id, name, time] : [id, name, time, input];
    });
    const sets = { told: [...told], asked: [...asked], turns: [...turns] };
    return { ...(rest as JsonObject), calls: open, ...sets };
  }

  /** What {@link save} gave; of anything else what can be used. */
  static from(saved: Json | undefined): RolloutState {
    const state = new RolloutState();
    if (!isObject(saved)) return state;
    const known = state as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(saved)) {
      if (Object.hasOwn(known, key) && typeof known[key] === typeof value && !isObject(value)) {
        if (!Array.isArray(value)) known[key] = value;
      }
    }
    const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
    state.total = list(saved.total).filter((part) => typeof part === 'number');
    for (const id of list(saved.told)) if (typeof id === 'string') add(state.told, id);
    for (const id of list(saved.asked)) if (typeof id === 'string') add(state.asked, id);
    for (const entry of list(saved.turns).slice(0, MAX_TURNS)) {
      const [turn, count] = list(entry);
      if (typeof turn === 'string' && typeof count === 'number') state.turns.set(turn, count);
    }
    for (const entry of list(saved.calls).slice(0, MAX_CALLS)) {
      const [id, name, time, input] = list(entry);
      const at = typeof time === 'number' ? time : 0;
      const held = typeof input === 'string' && { input };
      if (typeof id === 'string') state.calls.set(id, { name: asString(name), time: at, ...held });
    }
    return state;
  }
}

function add(set: Set<string>, id: string): void {
  set.delete(id.slice(0, MAX_ID));
  set.add(id.slice(0, MAX_ID));
  if (set.size > MAX_CALLS) set.delete(set.values().next().value as string);
}

/** Milliseconds since the epoch at which a UUID of version 7 was made; undefined for any other id. */
export function madeAt(id: string): number | undefined {
  const match = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-/i.exec(id);
  return match === null ? undefined : Number.parseInt(match[1]! + match[2]!, 16);
}
