import { isObject, type Json, type JsonObject, type TraceEvent } from './event.ts';
import { eventIdNumber, idNumber } from './ids.ts';

/** Sources number the calls of one key apart: the first that a hook saw is the transcript's first. */
const HOOK_CALL = 0;
const HOOK_END = 1;
const TRANSCRIPT = 2;
type Counts = [hookCalls: number, hookEnds: number, transcriptCalls: number];

/** Ids as numbers of 48 bits. */
export interface MatchedCall {
  /** Of the call. */
  call: number;
  /** Of the event: the call, or its end. */
  own: number;
  /** What other events call the call, where they know it by the agent's own id. */
  alias: number | undefined;
}

/**
 * Calls of agents whose hooks give them no id (`data.call_key`, see `callKey`): a hook's call, a hook's
 * result and the transcript's call and result are one where they have the same key, oldest first. The n-th of
 * each source is given one id, so that the fold joins them as it joins those that come with one.
 *
 * Which of several calls that are alike a result belongs to is thus a convention, not knowledge; sums do not
 * depend on it.
 */
export class CallMatcher {
  /** By call key. */
  private readonly counts = new Map<string, Counts>();
  /** Which of its key an event is: by its own id (hooks) or its tool_use_id (transcripts). */
  private readonly places = new Map<number, number>();
  /** Ids of calls as other events name them → as they are joined here. */
  private readonly aliases = new Map<number, number>();
  private readonly max: number;

  /** @param max calls that are remembered; of more the oldest are forgotten */
  constructor(max = Number.POSITIVE_INFINITY) {
    this.max = max;
  }

  /**
   * The ids under which a call or its end is joined. Undefined for events that have ids of their own.
   *
   * @param end it is a result or an error
   */
  idOf(event: TraceEvent, end: boolean): MatchedCall | undefined {
    const { data, session_id: session } = event;
    const key = data.call_key;
    if (typeof key !== 'string' || key === '') return undefined;
    const useId = typeof data.tool_use_id === 'string' ? data.tool_use_id : '';
    const source = useId === '' ? (end ? HOOK_END : HOOK_CALL) : TRANSCRIPT;
    // A hook's call and a result of the same random id are two things.
    const named =
      useId === '' ? idNumber(`${source}${event.event_id}`) : eventIdNumber(session, 'call', useId);
    let place = this.places.get(named);
    if (place === undefined) {
      let counts = this.counts.get(key);
      if (counts === undefined) {
        counts = [0, 0, 0];
        this.counts.set(key, counts);
      }
      place = counts[source]!++;
      this.places.set(named, place);
      if (this.places.size > this.max) this.forget(key, counts);
    }
    const call = eventIdNumber(session, 'keyed', key, String(place));
    if (useId !== '') this.aliases.set(named, call);
    const own = end ? eventIdNumber(session, 'keyed', key, String(place), 'result') : call;
    return { call, own, alias: useId === '' ? undefined : named };
  }

  private forget(key: string, counts: Counts): void {
    this.counts.delete(key);
    this.counts.set(key, counts);
    for (const map of [this.places, this.aliases, this.counts]) {
      for (const first of map.keys()) {
        if (map.size <= this.max) break;
        (map as Map<unknown, unknown>).delete(first);
      }
    }
  }

  /** The id under which the call is joined that other events call `id`. */
  resolve(id: number): number {
    return this.aliases.get(id) ?? id;
  }

  save(): Json {
    return {
      counts: [...this.counts].map(([key, counts]) => [key, ...counts]),
      places: [...this.places].flat(),
      aliases: [...this.aliases].flat(),
    };
  }

  load(saved: Json | undefined): void {
    if (!isObject(saved)) return;
    for (const [key, ...counts] of saved.counts as [string, ...Counts][])
      this.counts.set(key, counts);
    pairs(saved, 'places', (id, place) => this.places.set(id, place));
    pairs(saved, 'aliases', (id, call) => this.aliases.set(id, call));
  }
}

function pairs(saved: JsonObject, name: string, take: (a: number, b: number) => void): void {
  const list = saved[name] as number[];
  for (let i = 0; i + 1 < list.length; i += 2) take(list[i]!, list[i + 1]!);
}
