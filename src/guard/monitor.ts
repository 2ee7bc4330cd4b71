/**
 * The second and the third line for one session: what no tool call bounds (money while the model thinks, duration, a hung agent) is
 * interrupted, and a denied call that ran all the same is found. For processes that live longer than a hook; any number may
 * run at once: who opens a trip acts upon it, and nobody else.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { acquireLease, type Lease } from '../agents/lease.ts';
import { ownRecord, processState, type SessionRecord } from '../agents/process.ts';
import type { ProcessState } from '../model/summary.ts';
import { EVENTS_FILE } from '../trace/append.ts';
import { stateHome } from '../trace/paths.ts';
import { pendingApprovals } from './approvals.ts';
import { decide, type Situation } from './decision/decide.ts';
import type { Facts } from './decision/facts.ts';
import { readFacts, type SessionFacts } from './decision/sessionFacts.ts';
import type { Disobeyed } from './deniedRuns.ts';
import { EvidenceReader } from './evidence.ts';
import { interruptTrip, type TripMoment, unpricedTrip, verifyTrip } from './monitorTrips.ts';
import { readRaised } from './raised.ts';
import { unitOf } from './rules/amounts.ts';
import { asks, type Condition, type RuleSet } from './rules/rule.ts';
import { settleOver } from './settleOver.ts';
import { enforceTrip, settleByHand, type TripActOptions } from './tripActs.ts';
import { openTrip, readTrip, type Trip } from './trips.ts';
import { WakeClock } from './wakeClock.ts';

type Env = Record<string, string | undefined>;

export interface MonitorOptions {
  session: string;
  /** Absolute path of the folder that it is traced into. */
  traceDir: string;
  /** The rules in force; asked at every tick, so it must be cheap. */
  rules: () => RuleSet;
  /** What a repository's rules may do here. */
  where: 'trusted' | 'untrusted';
  env?: Env;
  /** It reads whoever else does: for a `watch` whose rules are its own. */
  always?: boolean;
  /** Whatever trips, kills. */
  kill?: boolean;
  /** Told at once when a trip was opened, and again when something was done about it. */
  tripped?: (trip: Trip) => void;
  /** For what cannot be done; each said once. */
  problem?: (message: string) => void;
  acts?: Omit<TripActOptions, 'env'>;
  /** Of a linear-time regular expression: see `decide`. */
  regex?: Situation['regex'];
  /** Bytes of the trace that are read in one go. Default 256 KB. */
  maxBytes?: number;
  /** For tests. */
  parts?: Partial<MonitorParts>;
}

export interface MonitorParts {
  readFacts: (options: { session: string; traceDir: string; env: Env; maxBytes: number }) => {
    facts: Facts;
    more: SessionFacts['more'];
  };
  decide: typeof decide;
  /** Monotonic, ms. */
  monotonicMs: () => number;
}

/** Some 20 ms of reading. */
const SLICE_BYTES = 256 * 1024;
/** A tick reads for so long at most, ms, and as long again for what was denied. */
const TICK_MS = 200;
/** What other sessions of the project cost is looked at again after so long, ms. */
const FRESH_MS = 10_000;

interface Read {
  facts: Facts;
  more: boolean;
  /** Of the trace's file, before it was read. */
  stamp: string;
  /** Monotonic, ms. */
  atMs: number;
}

function stampOf(path: string): string {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

/** What could not be done is tried again after so long, ms. */
const RETRY_MS = 30_000;
/** What a person let go on by other means is seen after so long, ms. */
const SETTLED_MS = 2000;
/** Who looked before a session was ended has acted by then, ms. */
const JUST_MS = 3000;

export class GuardMonitor {
  readonly session: string;
  private readonly options: MonitorOptions;
  private readonly env: Env;
  private readonly parts: MonitorParts;
  private readonly clock = new WakeClock();
  private readonly evidence: EvidenceReader;
  private lease: Lease | undefined;
  /** Trips that wait until a question is answered. */
  private waiting: Trip[] = [];
  /** When a trip that failed may be tried again, ms since the epoch. */
  private readonly notBefore = new Map<string, number>();
  private readonly told = new Set<string>();
  private wasFrozen = false;
  private wasGone = false;
  private busy = false;
  private last: Read | undefined;
  /** As of the last tick that read them. */
  facts: Facts | undefined;

  constructor(options: MonitorOptions) {
    const { session, traceDir, env = process.env } = options;
    this.session = session;
    this.options = options;
    this.env = env;
    this.parts = { readFacts, decide, monotonicMs: () => performance.now(), ...options.parts };
    this.evidence = new EvidenceReader(session, traceDir, env);
  }

  /**
   * Looks at the session, and does what its rules say. One at a time: while one is under way, others do nothing.
   *
   * @returns the trips that this monitor opened or acted upon
   */
  async tick(nowMs: number = Date.now()): Promise<Trip[]> {
    if (this.busy) return [];
    this.busy = true;
    try {
      return await this.look(nowMs);
    } catch (error) {
      this.say(`${this.session}: ${(error as Error).message}`);
      return [];
    } finally {
      this.busy = false;
    }
  }

  close(): void {
    this.lease?.release();
    this.lease = undefined;
  }

  private async look(nowMs: number): Promise<Trip[]> {
    const { session, env } = this;
    const { traceDir, where } = this.options;
    // A trace that no hook of ours wrote is never acted upon, whatever it says.
    const record = ownRecord(traceDir, session, env);
    if (record === undefined) return [];
    const state = processState(record);
    const frozen = state === 'stopped';
    this.clock.look(nowMs, this.parts.monotonicMs(), frozen && this.wasFrozen);
    this.wasFrozen = frozen;
    const over = this.settleOver(state);
    if (!this.mayRead()) return over;
    const done: Trip[] = [...over, ...(await this.actOnWaiting())];
    const rules = this.options.rules();
    const { facts, more } = await this.read();
    this.facts = this.clock.awake(facts);
    done.push(...(await this.verify(record, rules, nowMs)));
    // Half of what happened would be taken for all of it.
    if (more || state === 'gone' || frozen) return done;
    const raised = readRaised(session, env);
    const verdict = this.parts.decide({
      rules,
      facts: this.facts,
      nowMs,
      where,
      raised,
      ...(this.options.regex !== undefined && { regex: this.options.regex }),
    });
    done.push(...this.unpriced(record, rules, nowMs));
    let acted = false;
    for (const fired of verdict.fired) {
      const action = this.options.kill === true ? 'kill' : fired.action;
      // The next call is the hook's to deny.
      if (action === 'deny' || action === 'ask') continue;
      if (acted && action !== 'alert') continue;
      const trip = interruptTrip(this.at(record, rules, nowMs), fired, action);
      const opened = await this.open(trip, state, nowMs);
      if (opened === undefined) continue;
      done.push(opened);
      acted ||= action !== 'alert' && trip.dryRun !== true;
    }
    return done;
  }

  /**
   * What the session has come to. Read in slices, with other work let in between; not at all where the trace is as it was: what
   * goes by the clock needs no reading.
   */
  private async read(): Promise<Pick<Read, 'facts' | 'more'>> {
    const { session, env, parts } = this;
    const { traceDir, maxBytes = SLICE_BYTES } = this.options;
    const started = parts.monotonicMs();
    const stamp = stampOf(join(traceDir, session, EVENTS_FILE));
    const before = this.last;
    if (before?.stamp === stamp && !before.more && started - before.atMs < FRESH_MS) return before;
    const until = performance.now() + TICK_MS;
    for (;;) {
      const read = parts.readFacts({ session, traceDir, env, maxBytes });
      this.last = { ...read, stamp, atMs: started };
      if (!read.more || performance.now() >= until) return this.last;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** One reader is enough, of those who may do the same. */
  private mayRead(): boolean {
    if (this.options.always === true) return true;
    if (this.lease?.renew() === true) return true;
    const name = this.options.where === 'trusted' ? 'guard' : 'guardUntrusted';
    this.lease = acquireLease(this.session, join(stateHome(this.env), 'state'), name);
    return this.lease !== undefined;
  }

  /** @returns the trip, where it is this monitor's to act upon */
  private async open(trip: Trip, state: ProcessState, nowMs: number): Promise<Trip | undefined> {
    if ((this.notBefore.get(trip.id) ?? 0) > nowMs || this.wasJustEnded(trip.id)) return undefined;
    const opened = openTrip(trip, this.env);
    if (opened === 'known') {
      this.letGoOn(trip.id, state, nowMs);
      return undefined;
    }
    if (opened !== 'new') {
      // Who cannot write it down cannot know whether others act. It is stopped all the same.
      this.say(`A tripped rule cannot be written down (${opened.problem}).`);
      this.notBefore.set(trip.id, nowMs + RETRY_MS);
    }
    this.options.tripped?.(trip);
    return await this.enforce(trip, nowMs);
  }

  /** By another, after this one looked. */
  private wasJustEnded(id: string): boolean {
    const { state, settledAt = 0 } = readTrip(id, this.env) ?? {};
    const ended = state === 'killed' || state === 'stopped';
    return ended && Math.abs(Date.now() - settledAt * 1000) < JUST_MS;
  }

  private async enforce(trip: Trip, nowMs: number): Promise<Trip> {
    if (trip.action === 'alert' || trip.dryRun === true) return trip;
    // Frozen, the agent would give up the hook that waits for a person, and run the call. A killed one gives up nothing.
    if (trip.action !== 'kill' && this.isAsking()) {
      this.waiting.push(trip);
      return trip;
    }
    const { trip: done } = await enforceTrip(trip, { ...this.options.acts, env: this.env });
    if (done.state === 'failed') this.notBefore.set(trip.id, nowMs + RETRY_MS);
    this.options.tripped?.(done);
    return done;
  }

  private isAsking(): boolean {
    return pendingApprovals(this.env).some(({ session }) => session === this.session);
  }

  private async actOnWaiting(): Promise<Trip[]> {
    if (this.waiting.length === 0 || this.isAsking()) return [];
    const trips = this.waiting;
    this.waiting = [];
    const done: Trip[] = [];
    for (const trip of trips) done.push(await this.enforce(trip, Date.now()));
    return done;
  }

  /** What a person resumed by the brake's own command goes on as it would by the trip's. */
  private letGoOn(id: string, state: ProcessState, nowMs: number): void {
    const trip = readTrip(id, this.env);
    if (trip?.state !== 'open' || trip.action !== 'pause' || state !== 'alive') return;
    if (trip.processes === undefined || nowMs - trip.at * 1000 < SETTLED_MS) return;
    for (const done of settleByHand(this.session, 'resume', this.env)) this.options.tripped?.(done);
  }

  /** Its agent is gone: nothing can be done any more, and nobody is frozen. Once for each time that it ends. */
  private settleOver(state: ProcessState): Trip[] {
    const gone = state === 'gone';
    if (!gone || this.wasGone) {
      this.wasGone = gone;
      return [];
    }
    this.wasGone = true;
    const done = settleOver(this.session, this.env);
    for (const trip of done) this.options.tripped?.(trip);
    return done;
  }

  /** Cost rules that are blind to a model say so, once. */
  private unpriced(record: SessionRecord, rules: RuleSet, nowMs: number): Trip[] {
    const [model] = this.facts?.unpriced ?? [];
    if (model === undefined || !rules.rules.some(({ when }) => asksForMoney(when))) return [];
    const trip = unpricedTrip(this.at(record, rules, nowMs), model);
    if (openTrip(trip, this.env) !== 'new') return [];
    this.options.tripped?.(trip);
    return [trip];
  }

  private async verify(record: SessionRecord, rules: RuleSet, nowMs: number): Promise<Trip[]> {
    const found: Disobeyed[] = [];
    const until = performance.now() + TICK_MS;
    for (let more = true; more && performance.now() < until; ) {
      const read = this.evidence.read(this.options.maxBytes ?? SLICE_BYTES);
      found.push(...read.found);
      more = read.more;
      if (more) await new Promise((resolve) => setImmediate(resolve));
    }
    const done: Trip[] = [];
    for (const each of found) {
      const action = this.options.kill === true ? 'kill' : 'pause';
      const trip = verifyTrip(this.at(record, rules, nowMs), each, action);
      if (openTrip(trip, this.env) === 'known') continue;
      this.options.tripped?.(trip);
      done.push(await this.enforce(trip, nowMs));
    }
    return done;
  }

  private at(record: SessionRecord, rules: RuleSet, nowMs: number): TripMoment {
    return { record, traceDir: this.options.traceDir, rules, nowMs };
  }

  private say(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.options.problem?.(message);
  }
}

const asksForMoney = (when: Condition): boolean =>
  asks(when, (one) => one.kind === 'metric' && unitOf(one.metric) === 'usd');
