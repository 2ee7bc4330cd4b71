/** What the guard knows of a session: a fold over its events that stays small, whatever the session. */
import { callKey } from '../../model/callKey.ts';
import { CallMatcher } from '../../model/callMatcher.ts';
import { TYPE, typeCode } from '../../model/columns.ts';
import { modernise } from '../../model/decode.ts';
import { isObject, type Json, type JsonObject, type TraceEvent } from '../../model/event.ts';
import { intendedFileOps, recordedFileOps } from '../../model/fileOps.ts';
import { eventIdNumber, hash52, idNumber } from '../../model/ids.ts';
import { asksPerson, doing, isOver } from '../../model/moments.ts';
import { isFailure, rankOf } from '../../model/rank.ts';
import { repeatsOf } from '../../model/responsePrice.ts';
import { testRun } from '../../model/testCommand.ts';
import { commandArgument, toolKind } from '../../model/tools.ts';
import { type Pricer, usageOf } from '../../model/usage.ts';
import type { Metric } from '../rules/rule.ts';
import type { Facts } from './facts.ts';
import { LastCalls } from './lastCalls.ts';
import { Money } from './money.ts';
import { Outcomes } from './outcomes.ts';
import { Distinct, KEYS, KeyList, NUMBER, Recent } from './ring.ts';

export interface GuardFoldOptions {
  /** A function is called when a price is first asked for. */
  pricer?: Pricer | (() => Pricer | undefined) | undefined;
  /** Times of what is remembered; for tests. Default 1. */
  memory?: number;
}

/** Without a sign of life for so long, a session that goes on begins anew. */
const SILENCE_MS = 15 * 60_000;
const LANES = 50;

/**
 * Fed with a session's events, in any order, any event any number of times, as long as they are not further apart than what is
 * remembered (some thousand calls, results and responses). Its sums are then those of `SessionFold`. O(1) an event; saved, it
 * takes 64 KB at most.
 */
export class GuardFold implements Facts {
  /** What the project's other sessions cost in the last seven days, USD; asked when a rule asks. */
  others: ((nowMs: number) => number | undefined) | undefined;
  /**
   * When the session was first seen, by a word that is not the trace's, ms; asked when a rule asks. An end and a beginning that
   * somebody wrote into the trace start nothing anew then: only a silence does.
   */
  firstSeen: (() => number | undefined) | undefined;
  /** Beginnings after this are nobody's, ms. */
  nowMs = Number.POSITIVE_INFINITY;

  private calls = 0;
  private errors = 0;
  private lines = 0;
  private firstMs = 0;
  private lastMs = 0;
  /** When the session was last begun or taken up again. */
  private runMs = 0;
  /** … after a silence. */
  private silentMs = 0;
  private startMs = 0;
  private endMs = 0;
  private promptMs = 0;
  private turnEndMs = 0;
  private workMs = 0;
  private lastTimeMs = 0;
  /** Events before this are not looked at: see {@link replayed}. */
  private ignoreBeforeMs = 0;
  private readonly asked: Recent<number>;
  private readonly worked: Recent<number>;
  /** By lane: how deep it is. */
  private readonly depths: Recent<number>;
  private maxDepth = 0;
  /** By the call that starts a subagent: how deep the caller is. */
  private readonly starters: Recent<number>;
  private readonly lanes: Distinct;
  private readonly files: Distinct;
  /** Keys of calls that were counted. */
  private readonly seen: KeyList;
  private readonly matcher: CallMatcher;
  private readonly money: Money;
  private readonly outcomes: Outcomes;
  private readonly last: LastCalls;
  private current: { key: string; id: number } | undefined;

  constructor({ pricer, memory = 1 }: GuardFoldOptions = {}) {
    this.asked = new Recent(LANES, NUMBER);
    this.worked = new Recent(LANES, NUMBER);
    this.depths = new Recent(LANES, NUMBER);
    this.starters = new Recent(LANES, NUMBER);
    this.lanes = new Distinct(150 * memory);
    this.files = new Distinct(500 * memory);
    this.seen = new KeyList(1000 * memory);
    this.matcher = new CallMatcher(110 * memory);
    this.money = new Money(pricer, memory);
    this.outcomes = new Outcomes(memory);
    this.last = new LastCalls();
  }

  get unpriced(): readonly string[] {
    return this.money.unpriced;
  }

  /**
   * @param size bytes of the event's line: of two versions that are alike otherwise, the longer stands
   */
  add(event: TraceEvent, size = 0): void {
    if (event.data.recorded_by === undefined) modernise(event, 0);
    const type = typeCode(event.event_type);
    const timeMs = this.timeOf(event);
    if (timeMs < this.ignoreBeforeMs) return;
    const lane = typeof event.data.agent_id === 'string' ? event.data.agent_id : '';
    this.moment(event, type, timeMs, lane);
    switch (type) {
      case TYPE.tool_call:
        this.call(event, timeMs, lane);
        break;
      case TYPE.tool_result:
      case TYPE.error:
        this.result(event, type, timeMs, size);
        break;
      case TYPE.llm_response: {
        const usage = usageOf(event.data);
        if (usage === undefined) return;
        this.money.add({
          key: keyOf(idNumber(event.event_id), 3),
          data: event.data,
          usage,
          rank: rankOf(event, type, usage),
          rows: repeatsOf(event.data),
          timeMs,
          size,
          main: lane === '',
        });
        break;
      }
      case TYPE.file_write:
        if (typeof event.data.path === 'string') this.file(event.data.path);
        break;
      default:
    }
  }

  /**
   * The call that is being decided on, as it is (or will be) recorded: it is the last, and counted once, whether it is
   * among the events or not.
   */
  deciding(call: TraceEvent | undefined): void {
    this.current = undefined;
    if (call === undefined) return;
    this.add(call);
    this.current = { key: recordedKey(call), id: this.idsOf(call).own };
  }

  /**
   * The file was replaced or cut, and is read again from its start: what is older than what is remembered was counted before.
   * Numbers never go down.
   */
  replayed(on: boolean): void {
    const forgottenMs = Math.max(this.seen.forgottenMs, this.money.forgottenMs);
    // That very moment is forgotten, too.
    this.ignoreBeforeMs = on && forgottenMs > 0 ? forgottenMs + 1 : 0;
  }

  private timeOf(event: TraceEvent): number {
    const timeMs = Math.round(event.timestamp * 1000);
    if (Number.isNaN(timeMs)) return this.lastTimeMs;
    this.lastTimeMs = timeMs;
    return timeMs;
  }

  private idsOf(event: TraceEvent): { own: number; call: number | undefined } {
    const type = typeCode(event.event_type);
    const matched = this.matcher.idOf(event, type !== TYPE.tool_call);
    const own =
      matched?.own ??
      idNumber(event.event_id || `${event.event_type}:${event.timestamp}:${lineOf(event)}`);
    const call = matched?.call ?? (event.parent_id ? idNumber(event.parent_id) : undefined);
    return { own, call };
  }

  private call(event: TraceEvent, timeMs: number, lane: string): void {
    const { data } = event;
    if (data.event_subtype === 'subagent') return;
    const { own } = this.idsOf(event);
    const key = keyOf(own, 1);
    if (this.seen.has(key)) return;
    this.seen.add(key, timeMs);
    this.calls++;
    const tool = typeof data.tool_name === 'string' ? data.tool_name : '';
    const kind = toolKind(tool);
    const args = isObject(data.arguments) ? data.arguments : {};
    const command = kind === 'run' ? commandArgument(args) : undefined;
    const recorded = recordedKey(event);
    const files =
      data.recorded_by === undefined && kind === 'modify' ? intendedFileOps(kind, args) : undefined;
    this.last.add(idNumber(recorded) % KEYS, key);
    const called = this.outcomes.call(key, {
      chain: hash52(lane, recorded) % KEYS,
      timeMs,
      test: command === undefined ? 'no' : testRun(command),
      file: files?.[0]?.path,
    });
    if (called?.file !== undefined) this.file(called.file);
    if (kind === 'agent') this.starters.set(own % KEYS, this.depthOf(lane));
  }

  private result(event: TraceEvent, type: number, timeMs: number, size: number): void {
    const { data } = event;
    const { own, call } = this.idsOf(event);
    const life = data.event_subtype === 'subagent';
    const denied = type === TYPE.error && data.event_subtype === 'denied';
    const failed = type === TYPE.error ? !denied : isFailure(data);
    let lines = 0;
    const ops = recordedFileOps(data);
    for (const op of ops ?? []) {
      lines += (op.added ?? 0) + (op.removed ?? 0);
      if (op.kind !== 'read') this.file(op.path);
    }
    const told = this.outcomes.result({
      key: keyOf(own, 2),
      call: call === undefined ? undefined : keyOf(call, 1),
      rank: rankOf(event, type, undefined),
      timeMs,
      size,
      outcome: denied ? 'denied' : failed ? 'failed' : 'ok',
      lines,
      // Errors of a whole session are no call's, and a subagent's end is none either.
      ofCall: !life && (call !== undefined || typeof data.tool_name === 'string'),
      silent: ops === undefined && !failed && !denied && data.closed_by === undefined,
    });
    this.errors += told.errors;
    this.lines += told.lines;
    if (told.file !== undefined) this.file(told.file);
    if (typeof data.subagent_id === 'string' && call !== undefined) {
      const parent = this.starters.get(call % KEYS);
      if (parent !== undefined) this.deepen(data.subagent_id, parent + 1);
    }
  }

  private file(path: string): void {
    this.files.add(hash52(path) % KEYS);
  }

  private moment(event: TraceEvent, type: number, timeMs: number, lane: string): void {
    const { data } = event;
    if (this.firstMs === 0 || timeMs < this.firstMs) this.firstMs = timeMs;
    if (type === TYPE.session_start) this.begins(timeMs);
    if (timeMs > this.lastMs) this.lastMs = timeMs;
    const main = lane === '';
    if (!main) this.subagent(event, type, lane);
    switch (type) {
      case TYPE.session_start:
        this.startMs = Math.max(this.startMs, timeMs);
        break;
      case TYPE.session_end:
        this.endMs = Math.max(this.endMs, timeMs);
        break;
      case TYPE.user_prompt:
        if (main) this.promptMs = Math.max(this.promptMs, timeMs);
        break;
      case TYPE.decision:
        if (data.event_subtype === 'turn_end' && main)
          this.turnEndMs = Math.max(this.turnEndMs, timeMs);
        else if (asksPerson(data)) later(this.asked, lane, timeMs);
        break;
      case TYPE.tool_call:
      case TYPE.tool_result:
      case TYPE.error:
        if (main) this.workMs = Math.max(this.workMs, timeMs);
        later(this.worked, lane, timeMs);
        break;
      default:
    }
  }

  /** A session that is taken up again after its end, or after a silence, is a new run of it. */
  private begins(timeMs: number): void {
    const over = this.endMs > 0 && this.endMs >= Math.max(this.startMs, this.promptMs);
    if (timeMs <= this.runMs || timeMs > this.nowMs) return;
    const silent = this.lastMs > 0 && timeMs - this.lastMs > SILENCE_MS;
    if (silent) this.silentMs = timeMs;
    if (this.runMs === 0 || over || silent) this.runMs = timeMs;
  }

  private subagent(event: TraceEvent, type: number, lane: string): void {
    this.lanes.add(hash52(lane) % KEYS);
    if (this.depths.get(hash52(lane) % KEYS) === undefined) this.deepen(lane, 1);
    const { data } = event;
    if (type !== TYPE.tool_call || data.event_subtype !== 'subagent') return;
    if (typeof data.tool_use_id !== 'string') return;
    const call = eventIdNumber(event.session_id, 'call', data.tool_use_id);
    const parent = this.starters.get(this.matcher.resolve(call) % KEYS);
    if (parent !== undefined) this.deepen(lane, parent + 1);
  }

  private deepen(lane: string, depth: number): void {
    const key = hash52(lane) % KEYS;
    if ((this.depths.get(key) ?? 0) >= depth) return;
    this.depths.again(key, depth);
    this.maxDepth = Math.max(this.maxDepth, depth);
  }

  private depthOf(lane: string): number {
    return lane === '' ? 0 : (this.depths.get(hash52(lane) % KEYS) ?? 1);
  }

  private get askedMs(): number {
    let since = 0;
    for (const [lane, asked] of this.asked.entries()) {
      if (asked > (this.worked.get(lane) ?? 0) && asked > since) since = asked;
    }
    return since;
  }

  metric(metric: Metric, nowMs: number): number | undefined {
    switch (metric) {
      case 'cost_usd':
        return this.money.usd;
      case 'cost_per_hour':
        return this.firstMs === 0 ? undefined : this.money.perHour(nowMs, nowMs - this.firstMs);
      case 'project_cost_7d': {
        const others = this.others?.(nowMs);
        const own = this.money.sinceUsd(nowMs - 7 * 86_400_000);
        return own === undefined && others === undefined ? undefined : (own ?? 0) + (others ?? 0);
      }
      case 'tokens':
        return this.money.tokens;
      case 'context_pct':
        return this.money.contextPercent;
      case 'files_modified':
        return this.files.count;
      case 'lines_changed':
        return this.lines;
      case 'duration_minutes': {
        const told = this.runMs || this.firstMs;
        if (told === 0) return undefined;
        const seen = this.firstSeen?.();
        const from = seen === undefined ? told : Math.min(told, Math.max(seen, this.silentMs));
        return Math.max(0, nowMs - from) / 60_000;
      }
      case 'idle_minutes': {
        const { startMs, endMs, promptMs, turnEndMs, askedMs, workMs } = this;
        const moments = { startMs, endMs, promptMs, turnEndMs, askedMs, workMs };
        if (isOver(moments) || doing(moments) !== 'live') return undefined;
        return Math.max(0, nowMs - this.lastMs) / 60_000;
      }
      case 'tool_calls':
        return this.calls;
      case 'errors':
        return this.errors;
      case 'consecutive_errors':
        return this.outcomes.failedInARow;
      case 'consecutive_test_failures':
        return this.outcomes.failedTests;
      case 'retries':
        return this.outcomes.retries;
      case 'subagents':
        return this.lanes.count;
      default:
        return this.maxDepth;
    }
  }

  /** @param key as {@link callKey}; empty: the last call's */
  repeats(key: string, window: number): number {
    const { current } = this;
    if (current !== undefined)
      return this.last.repeats(idNumber(current.key) % KEYS, window, keyOf(current.id, 1));
    return key === ''
      ? this.last.repeatsOfLast(window)
      : this.last.repeats(idNumber(key) % KEYS, window, undefined);
  }

  sequence(key: string | undefined, length: number): number {
    const { current } = this;
    if (current !== undefined)
      return this.last.sequence(idNumber(current.key) % KEYS, length, keyOf(current.id, 1));
    return this.last.sequence(
      key === undefined ? undefined : idNumber(key) % KEYS,
      length,
      undefined,
    );
  }

  /** Nano-dollars by the hour (hours since the epoch), of the last seven days. */
  get hours(): ReadonlyMap<number, number> {
    return this.money.hours;
  }

  /** JSON, at most 64 KB. */
  save(): Json {
    const numbers: JsonObject = {};
    for (const name of NUMBERS) numbers[name] = this[name];
    return {
      v: VERSION,
      numbers,
      ...Object.fromEntries(MAPS.map((name) => [name, this[name].save()])),
      lanes: this.lanes.save(),
      files: this.files.save(),
      seen: this.seen.save(),
      matcher: this.matcher.save(),
      money: this.money.save(),
      outcomes: this.outcomes.save(),
      last: this.last.save(),
    };
  }

  /** @throws where it is not what {@link save} gave */
  static load(saved: Json, options: GuardFoldOptions = {}): GuardFold {
    const fold = new GuardFold(options);
    if (!isObject(saved) || saved.v !== VERSION) throw new Error('Not the state of this version.');
    const numbers = saved.numbers as Record<string, number>;
    for (const name of NUMBERS) {
      if (typeof numbers[name] !== 'number') throw new Error(`${name} is missing`);
      (fold as unknown as Record<string, number>)[name] = numbers[name];
    }
    for (const name of MAPS) fold[name].load(saved[name] as string);
    fold.lanes.load(saved.lanes as string);
    fold.files.load(saved.files as string);
    fold.seen.load(saved.seen as ReturnType<KeyList['save']>);
    fold.matcher.load(saved.matcher);
    fold.money.load(saved.money!);
    fold.outcomes.load(saved.outcomes!);
    fold.last.load(saved.last as string);
    return fold;
  }
}

const VERSION = 3;
const MAPS = ['asked', 'worked', 'depths', 'starters'] as const;
const NUMBERS = [
  'calls',
  'errors',
  'lines',
  'firstMs',
  'lastMs',
  'runMs',
  'silentMs',
  'startMs',
  'endMs',
  'promptMs',
  'turnEndMs',
  'workMs',
  'lastTimeMs',
  'maxDepth',
] as const;

/** Ids of different kinds of things never meet, even where a foreign writer reuses them. */
const keyOf = (id: number, kind: 1 | 2 | 3): number => (id * 4 + kind) % KEYS;

/** The key of a recorded call: as `callKey` of what was recorded, so redacted and cut. */
function recordedKey({ data }: TraceEvent): string {
  const tool = typeof data.tool_name === 'string' ? data.tool_name : '';
  return callKey(tool, data.arguments ?? {});
}

const lineOf = ({ data }: TraceEvent): string => String(data.tool_name ?? '');

function later(moments: Recent<number>, lane: string, timeMs: number): void {
  const key = lane === '' ? 0 : hash52(lane) % KEYS;
  if (timeMs > (moments.get(key) ?? 0)) moments.again(key, timeMs);
}
