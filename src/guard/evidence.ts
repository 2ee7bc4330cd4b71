/**
 * The third line: a call that was denied has no result. What a trace says of each call is held against what was said to
 * the agent, and a call that ran all the same is found.
 */
import { join } from 'node:path';
import { CallMatcher } from '../model/callMatcher.ts';
import { decodeLine } from '../model/decode.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { eventIdNumber, idNumber } from '../model/ids.ts';
import { oneLine } from '../model/text.ts';
import { EVENTS_FILE } from '../trace/append.ts';
import { Tailer } from '../trace/tailer.ts';
import { type CallVerdict, readVerdicts } from './verdicts.ts';

type Env = Record<string, string | undefined>;

/** A denied call that ran. */
export interface Disobeyed {
  verdict: CallVerdict;
  /** `event_id` of the call in the trace, else the agent's own id or key of it. */
  event: string;
  /** What shows it, for people: `exit code 0`, `it changed src/a.ts`. */
  proof: string;
}

/** Beginnings of what agents tell their model of a call that nobody ran. */
const NOT_RUN =
  /^(?:Error: )?(?:\w+:[\w-]+ hook (?:error|blocked|denied)|(?:Command|Tool(?: call)?|Tool execution|Execution) (?:was )?(?:blocked|denied|rejected|cancell?ed)|Agent execution stopped by hook|\[Operation Cancelled\]|(?:Permission )?Denied\b|User (?:rejected|denied|did not allow)|The user (?:rejected|doesn't want|has specified a rule)|agent-strace\b|Blocked by )/i;

/** Endings of a result that no hook of ours could have been told by a tool that did not run. */
const CHANGES = new Set(['write', 'create', 'delete']);

/**
 * What in the end of a call shows that it ran; undefined where nothing does. Only what a call that did not run cannot have
 * counts: an error without an exit code may be the denial, in whichever words.
 */
export function proofOfRun(event: TraceEvent): string | undefined {
  const { data } = event;
  const changed = changedFile(data);
  if (changed !== undefined) return `it changed ${oneLine(changed, 120)}`;
  if (data.event_subtype === 'denied' || typeof data.denied_by === 'string') return undefined;
  // Closed by the end of the turn, or interrupted: nobody says what it did.
  if (data.closed_by !== undefined || data.is_interrupt === true) return undefined;
  const said = text(data.result) || text(data.error) || text(data.content_preview);
  const { exit_code: exit } = data;
  if (typeof exit === 'number' && (exit === 0 || !NOT_RUN.test(said))) return `exit code ${exit}`;
  if (event.event_type !== 'tool_result' || data.is_error === true) return undefined;
  if (NOT_RUN.test(said)) return undefined;
  return said === '' ? 'it has a result' : `its result is "${oneLine(said, 80)}"`;
}

function changedFile({ files }: JsonObject): string | undefined {
  if (!Array.isArray(files)) return undefined;
  for (const file of files) {
    if (typeof file !== 'object' || file === null || Array.isArray(file)) continue;
    const { path, kind } = file;
    if (typeof path === 'string' && CHANGES.has(text(kind))) return path;
  }
  return undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** As `callKey` gives it. */
const KEY = /^[0-9a-f]{12}$/;
/** A call and its verdict are written by one hook: so near they are, seconds. */
const NEAR_S = 15;
/** Calls of one key that are remembered. */
const MOST_OF_A_KEY = 64;
/** Denied calls of a session that are looked for. */
const MOST_DENIED = 10_000;

interface Keyed {
  at: number;
  call: number;
}

/** A call that ran to its end. */
interface End {
  call: number;
  /** As its result names the call; empty where it does not. */
  parent: string;
  proof: string;
  /** Its key, where there is no call left that it could be the end of. */
  spare?: string;
}

/**
 * Follows what a session's verdicts and its trace say. Reads nothing of the trace before the first denial, and then all of
 * it once: agents without ids are matched by order.
 */
export class EvidenceReader {
  private readonly session: string;
  private readonly env: Env;
  private readonly tailer: Tailer;
  private matcher = new CallMatcher();
  /** Calls without an id of the agent's: by key, and by the event's own id. */
  private keyed = new Map<string, Keyed[]>();
  private byEvent = new Map<number, number>();
  private calls = new Set<number>();
  /** Denied calls by number. */
  private readonly denied = new Map<number, CallVerdict>();
  /** Denials whose call has not been found by its key. */
  private unplaced: CallVerdict[] = [];
  private offset = 0;
  private ended: End[] = [];

  /** @param traceDir absolute */
  constructor(session: string, traceDir: string, env: Env = process.env) {
    this.session = session;
    this.env = env;
    this.tailer = new Tailer(join(traceDir, session, EVENTS_FILE), {
      line: (line) => this.line(line),
      skipped: () => {},
      reset: () => {
        this.matcher = new CallMatcher();
        this.keyed = new Map();
        this.byEvent = new Map();
        this.calls = new Set();
        this.ended = [];
      },
    });
  }

  /**
   * What is new.
   *
   * @returns each call once for each way in which its end is told
   * @throws a system error where the trace is there and cannot be read
   */
  read(maxBytes: number): { found: Disobeyed[]; more: boolean } {
    if (this.offset === 0) this.readVerdicts();
    if (this.denied.size === 0) return { found: [], more: false };
    const more = this.tailer.read(maxBytes);
    // After the trace: a verdict is written before its call can run.
    this.readVerdicts();
    this.place();
    const found: Disobeyed[] = [];
    for (const { call, parent, proof, spare } of this.ended) {
      const verdict = this.denied.get(call) ?? (spare && this.lastDenied(spare));
      if (!verdict) continue;
      found.push({ verdict, event: parent || verdict.call, proof });
    }
    this.ended = [];
    return { found, more };
  }

  private readVerdicts(): void {
    const read = readVerdicts(this.session, this.env, this.offset);
    this.offset = read.offset;
    for (const verdict of read.verdicts) {
      const byId = eventIdNumber(this.session, 'call', verdict.call);
      // Asked again and allowed: the last word holds.
      if (verdict.said !== 'deny') {
        this.denied.delete(byId);
        continue;
      }
      this.denied.set(byId, verdict);
      if (verdict.event !== undefined) this.denied.set(idNumber(verdict.event), verdict);
      if (KEY.test(verdict.call)) this.unplaced.push(verdict);
    }
    this.unplaced = this.unplaced.slice(-MOST_DENIED);
    for (const call of this.denied.keys()) {
      if (this.denied.size <= MOST_DENIED) break;
      this.denied.delete(call);
    }
  }

  /** Finds the calls of denials that name them by their key. */
  private place(): void {
    this.unplaced = this.unplaced.filter((verdict) => {
      const event = verdict.event === undefined ? undefined : idNumber(verdict.event);
      const named = event === undefined ? undefined : this.byEvent.get(event);
      const alike = (this.keyed.get(verdict.call) ?? []).filter(
        ({ call }) => !this.denied.has(call),
      );
      const call = named ?? nearest(alike, verdict.at);
      if (call !== undefined) this.denied.set(call, verdict);
      return call === undefined;
    });
  }

  private lastDenied(key: string): CallVerdict | undefined {
    return [...this.denied.values()].findLast(({ call }) => call === key);
  }

  private line(line: string): void {
    const decoded = decodeLine(line);
    if (!decoded.ok) return;
    const { event } = decoded;
    const isCall = event.event_type === 'tool_call';
    if (!isCall && event.event_type !== 'tool_result' && event.event_type !== 'error') return;
    const matched = this.matcher.idOf(event, !isCall);
    if (isCall) {
      if (matched !== undefined) this.remember(event, matched.call);
      return;
    }
    const proof = proofOfRun(event);
    if (proof === undefined) return;
    const useId = text(event.data.tool_use_id);
    const call =
      matched?.call ??
      (event.parent_id
        ? idNumber(event.parent_id)
        : useId === ''
          ? undefined
          : eventIdNumber(this.session, 'call', useId));
    if (call === undefined) return;
    const { parent_id: parent = '' } = event;
    // The hook that denies closes the call: when it ends all the same, there is one end too many.
    const isSpare = matched !== undefined && useId === '' && !this.calls.has(call);
    const spare = isSpare ? { spare: text(event.data.call_key) } : {};
    this.ended.push({ call, parent, proof, ...spare });
  }

  private remember(event: TraceEvent, call: number): void {
    this.byEvent.set(idNumber(event.event_id), call);
    this.calls.add(call);
    const key = text(event.data.call_key);
    // The transcript tells of the same call again.
    if (text(event.data.tool_use_id) !== '') return;
    let calls = this.keyed.get(key);
    if (calls === undefined) {
      calls = [];
      this.keyed.set(key, calls);
    }
    calls.push({ at: event.timestamp, call });
    if (calls.length > MOST_OF_A_KEY) calls.shift();
  }
}

function nearest(calls: readonly Keyed[], at: number): number | undefined {
  let best: Keyed | undefined;
  for (const call of calls) {
    const distance = Math.abs(call.at - at);
    if (distance <= NEAR_S && (best === undefined || distance < Math.abs(best.at - at))) {
      best = call;
    }
  }
  return best?.call;
}
