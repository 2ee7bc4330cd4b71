/** Holds what a trace says of calls against what was said to the agent: which denied call ran all the same. Pure. */
import type { TraceEvent } from '../model/event.ts';
import { eventIdNumber, idNumber } from '../model/ids.ts';
import { proofOfRun, tellsDenial } from './proofOfRun.ts';
import type { CallVerdict } from './verdicts.ts';

/** A denied call that ran. */
export interface Disobeyed {
  verdict: CallVerdict;
  /** `event_id` of the call in the trace, else the agent's own id or key of it: what makes it one trip, whoever finds it. */
  event: string;
  /** What shows it, for people: `exit code 0`, `it changed src/a.ts`. Of the trace: as redacted as that is. */
  proof: string;
  /** `event_id` of the end that shows it. */
  end: string;
}

/** For people: what happened, without what the call was about. */
export const detailOf = ({ verdict: { tool }, proof }: Disobeyed): string =>
  `${tool} was denied and ran all the same: ${proof}`;

/** Calls and ends of one key that are kept; older ones are counted. */
const MOST_OF_A_KEY = 1000;
/** Words on calls that are kept. */
const MOST_WORDS = 20_000;
/** A transcript's row and its hook are of one moment, give or take so many seconds. */
const NEAR_S = 15;

/** A hook's call, or a hook's end of one of the calls of its key. */
type Step =
  | { call: number; at: number }
  | { call?: undefined; id: string; proof: string | undefined };

/** A call as the transcript tells it. */
interface Row {
  at: number;
  id: string;
  proof?: string;
  /** It ran before hooks told of any call like it. */
  early?: true;
}

/** Calls that are told from others only by their tool and input. */
class Keyed {
  /** Of hooks, in the order of the trace. */
  steps: Step[] = [];
  /** Calls of forgotten steps that may still run. */
  open = 0;
  rows = new Map<number, Row>();
  /** Denials that were found to have been ignored. */
  readonly found = new Set<CallVerdict>();
}

/**
 * Takes the words that were said and the events of a trace in its order, and finds the denied calls that ran.
 *
 * Calls with an id of the agent's: the last word on that call holds, and any proof that it ran counts.
 *
 * Calls without (`call_key`): which of several that are alike an end belongs to cannot be known, in parallel above all. But a
 * denied call fires no hook when it obeys. So there are never more ends than calls that were let run: one end more, and a
 * denied call has run. While one that may run has not ended, an end is taken for its own: that is where knowledge ends, and
 * silence is better than a false alarm. Nothing is lost where it ends later: then its end is the one too many.
 */
export class DeniedRuns {
  private readonly session: string;
  private readonly words = new Map<number, CallVerdict>();
  private readonly keys = new Map<string, Keyed>();
  private readonly changed = new Set<string>();
  private readonly told = new Set<CallVerdict>();
  private readonly ends: { parent: number | undefined; call: number; id: string; proof: string }[] =
    [];
  private readonly partial: boolean;

  /** @param options.partial the trace's beginning is not seen: calls may run that are not known, and keys say nothing */
  constructor(session: string, options: { partial?: boolean } = {}) {
    this.session = session;
    this.partial = options.partial === true;
  }

  /** Whether any call was denied. */
  denied = false;

  verdict(verdict: CallVerdict): void {
    if (verdict.said === 'deny') this.denied = true;
    this.keep(eventIdNumber(this.session, 'call', verdict.call), verdict);
    if (verdict.event !== undefined) this.keep(idNumber(verdict.event), verdict);
    if (this.keys.has(verdict.call)) this.changed.add(verdict.call);
  }

  private keep(id: number, word: CallVerdict): void {
    this.words.delete(id);
    this.words.set(id, word);
    for (const oldest of this.words.keys()) {
      if (this.words.size <= MOST_WORDS) break;
      this.words.delete(oldest);
    }
  }

  /** In the order of the trace. */
  event(event: TraceEvent): void {
    const { event_type: type, data } = event;
    const isCall = type === 'tool_call';
    if (!isCall && type !== 'tool_result' && type !== 'error') return;
    const useId = typeof data.tool_use_id === 'string' ? data.tool_use_id : '';
    const key = typeof data.call_key === 'string' ? data.call_key : '';
    if (key !== '') {
      this.keyed(event, key, useId, isCall);
      return;
    }
    if (isCall) return;
    const proof = proofOfRun(event);
    if (proof === undefined) return;
    const parent = event.parent_id ? idNumber(event.parent_id) : undefined;
    const call = useId === '' ? parent : eventIdNumber(this.session, 'call', useId);
    if (call !== undefined) this.ends.push({ parent, call, id: event.event_id, proof });
  }

  private keyed(event: TraceEvent, key: string, useId: string, isCall: boolean): void {
    let of = this.keys.get(key);
    if (of === undefined) {
      of = new Keyed();
      this.keys.set(key, of);
    }
    const { event_id: id, timestamp: at } = event;
    if (useId !== '') {
      const name = eventIdNumber(this.session, 'call', useId);
      const row = of.rows.get(name) ?? { at, id };
      const proof = isCall ? undefined : proofOfRun(event);
      of.rows.set(name, { ...row, ...(proof !== undefined && { proof, id }) });
    } else if (isCall) {
      if (of.steps.length === 0) {
        for (const row of of.rows.values()) if (row.proof !== undefined) row.early = true;
      }
      of.steps.push({ call: idNumber(id), at });
    } else {
      const proof = proofOfRun(event);
      // Our own word that closes a call, and agents' that it was not run, are no ends of any that ran.
      if (proof === undefined && (tellsDenial(event) || event.data.closed_by === 'guard')) return;
      of.steps.push({ id, proof });
    }
    if (of.steps.length > MOST_OF_A_KEY) this.forget(of);
    this.changed.add(key);
  }

  private forget(of: Keyed): void {
    const step = of.steps.shift();
    if (step === undefined) return;
    if (step.call === undefined) of.open = Math.max(0, of.open - 1);
    else if (this.denialOf(step.call) === undefined) of.open++;
  }

  private denialOf(call: number): CallVerdict | undefined {
    const verdict = this.words.get(call);
    return verdict?.said === 'deny' ? verdict : undefined;
  }

  /** What is new; each call once. */
  take(): Disobeyed[] {
    const found: Disobeyed[] = [];
    for (const { parent, call, id, proof } of this.ends.splice(0)) {
      const verdict = this.wordOn(parent, call);
      if (verdict?.said !== 'deny' || this.told.has(verdict)) continue;
      this.told.add(verdict);
      found.push(disobeyed(verdict, id, proof));
    }
    if (!this.partial) {
      for (const key of this.changed) {
        const of = this.keys.get(key);
        if (of !== undefined) found.push(...this.surplus(of));
      }
    }
    this.changed.clear();
    return found;
  }

  /** The last word on a call; none where the id was given twice, and the word is on the other call. */
  private wordOn(parent: number | undefined, call: number): CallVerdict | undefined {
    const word = this.words.get(call);
    const { event } = word ?? {};
    const others = event !== undefined && parent !== undefined && idNumber(event) !== parent;
    if (word !== undefined && !others) return word;
    return parent === undefined ? undefined : this.words.get(parent);
  }

  /** Ends of a key for which there is no call that was let run. */
  private surplus(of: Keyed): Disobeyed[] {
    const all: Disobeyed[] = [];
    const denials: CallVerdict[] = [];
    const blamed = new Set<CallVerdict>();
    const blame = (end: string, proof: string): void => {
      const verdict = denials.findLast((each) => !blamed.has(each));
      if (verdict === undefined) return;
      blamed.add(verdict);
      all.push(disobeyed(verdict, end, proof));
    };
    let { open } = of;
    let allowed = open;
    let firstAt = Number.POSITIVE_INFINITY;
    for (const step of of.steps) {
      if (step.call === undefined) {
        if (open > 0) open--;
        else if (step.proof !== undefined) blame(step.id, step.proof);
        continue;
      }
      firstAt = Math.min(firstAt, step.at);
      const denial = this.denialOf(step.call);
      if (denial !== undefined) {
        denials.push(denial);
        continue;
      }
      open++;
      allowed++;
    }
    if (denials.length === 0) return [];
    this.countRows(of, { firstAt, allowed, denied: denials.length }, all.length, blame);
    // A call that was being decided upon when it was counted may be another's end now: as many as there are more.
    const fresh = all.filter(({ verdict }) => !of.found.has(verdict));
    const more = fresh.slice(0, Math.max(0, all.length - of.found.size));
    for (const { verdict } of more) of.found.add(verdict);
    return more;
  }

  /**
   * The transcript tells of calls that no hook told the end of. It has calls from before hooks were there, and may have the
   * denied one later than others: more must have run than were let run, and fewer must not have run than were denied. Of
   * calls that hooks missed in between nobody knows; they are taken for runs only as long as the denied one has no row.
   */
  private countRows(
    { rows, open }: Keyed,
    { firstAt, allowed, denied }: { firstAt: number; allowed: number; denied: number },
    known: number,
    blame: (end: string, proof: string) => void,
  ): void {
    // Of what is forgotten nothing can be counted.
    if (open > 0) return;
    const those = [...rows.values()].filter(
      ({ at, early }) => at >= firstAt - NEAR_S && early !== true,
    );
    const ran = those.filter(({ proof }) => proof !== undefined);
    const surplus = Math.min(ran.length - allowed, denied - (those.length - ran.length));
    if (surplus <= known) return;
    for (const { id, proof = '' } of ran.slice(known - surplus)) blame(id, proof);
  }
}

const disobeyed = (verdict: CallVerdict, end: string, proof: string): Disobeyed => ({
  verdict,
  event: verdict.event ?? verdict.call,
  proof,
  end,
});
