/**
 * Watches the sessions of a project without an editor: keeps their traces up to date with what the agents write down themselves,
 * and holds every session against its rules. The rules of the watch are armed, so that hooks enforce them, too.
 */

import { appendNew, policyFor, tailOf } from '../agents/followTranscript.ts';
import type { LiveTail } from '../agents/leasedTail.ts';
import { ownRecord, type SessionRecord } from '../agents/process.ts';
import { STEP_KINDS, type StepView } from '../model/step.ts';
import { isActive, type SessionSummary, summarise } from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { TraceSession } from '../trace/session.ts';
import type { SessionEntry } from '../trace/store.ts';
import { arm, disarm } from './arm.ts';
import { brakedState } from './brake.ts';
import type { Situation } from './decision/decide.ts';
import { budgetOf, type Forecast, forecast } from './forecast.ts';
import { GuardMonitor } from './monitor.ts';
import { readRaised } from './raised.ts';
import type { Rule, RuleSet } from './rules/rule.ts';
import { killTrip } from './tripActs.ts';
import { readTrips, type Trip } from './trips.ts';
import { together } from './watchRules.ts';

type Env = Record<string, string | undefined>;

export interface WatchOptions {
  /** The sessions that there are; those that are over are passed over. */
  sessions: () => readonly SessionEntry[];
  /** One session only. */
  only?: string;
  /** Absolute. */
  project: string;
  own: readonly Rule[];
  /** The rules in force for a session. */
  rules: (project: string, session: string) => RuleSet;
  env: Env;
  pricer: Pricer;
  regex?: Situation['regex'];
  dryRun?: boolean;
  /** Whatever trips, kills. */
  kill?: boolean;
  /** A post-mortem was written, or could not be: `path` is empty then. */
  died?: (trip: Trip, path: string) => Promise<void>;
  /** An agent is gone and did not say goodbye, and no rule ended it. */
  crashed?: (entry: SessionEntry) => Promise<void>;
  postmortem: (trip: Trip) => Promise<string | undefined>;
  tripped: (trip: Trip) => void;
  problem: (message: string) => void;
  now?: () => number;
}

/** What is shown of one session. */
export interface WatchedState {
  id: string;
  summary: SessionSummary;
  /** The last step. */
  last?: StepView;
  /** USD an hour over the last ten minutes. */
  perHour?: number;
  forecast?: Forecast;
  /** Its agent is gone, or said goodbye. */
  over: boolean;
  /** A rule ended it. */
  by?: 'killed' | 'stopped';
}

interface Watched {
  entry: SessionEntry;
  record: SessionRecord;
  trace: TraceSession;
  monitor: GuardMonitor;
  tail: LiveTail | undefined;
  rules: RuleSet;
  rulesAtMs: number;
  state: WatchedState | undefined;
  /** Since when it is over, ms; it is read a little longer. */
  overSinceMs?: number;
}

/** The list of sessions, and the files of rules, are looked at so often, ms. */
const LIST_MS = 2000;
/** Events after the end: the last rows of a transcript, ms. */
const QUIET_MS = 1500;
const MAX_BYTES = 4 * 1_048_576;

export class Watch {
  private readonly options: WatchOptions;
  private readonly watched = new Map<string, Watched>();
  /** Sessions that were over before they were watched, with the time of their file then. */
  private readonly passed = new Map<string, number>();
  /** Trips, and what was last told of them. */
  private readonly known = new Map<string, string>();
  /** Sessions whose end was written down. */
  private readonly buried = new Set<string>();
  private readonly endedBy = new Map<string, 'killed' | 'stopped'>();
  private readonly armedIds: string[] = [];
  private listedAtMs = Number.NEGATIVE_INFINITY;
  private readonly startedAt: number;
  /** Something tripped; something was killed or stopped. */
  tripped = false;
  killed = false;
  /** A session was watched. */
  seen = false;

  constructor(options: WatchOptions) {
    this.options = options;
    this.startedAt = this.now / 1000;
    for (const trip of readTrips(options.env)) this.known.set(trip.id, stampOf(trip));
    const { only, project } = options;
    this.arm(only === undefined ? { project } : { sessions: [only] });
  }

  private arm(whom: { project: string } | { sessions: string[] }): void {
    const { own, env, dryRun, kill } = this.options;
    if (own.length === 0) return;
    const rules = own.map((rule) => (kill === true ? { ...rule, action: 'kill' as const } : rule));
    const id = arm({ rules, ...whom, ...(dryRun === true && { dryRun: true as const }) }, env);
    this.armedIds.push(id);
  }

  private get now(): number {
    return (this.options.now ?? Date.now)();
  }

  /** Looks at all sessions once. @returns what is to be shown, the busiest last */
  async tick(): Promise<WatchedState[]> {
    const nowMs = this.now;
    if (nowMs - this.listedAtMs >= LIST_MS) {
      this.listedAtMs = nowMs;
      this.list();
    }
    for (const one of this.watched.values()) await this.look(one, nowMs);
    await this.hookTrips();
    const states = [...this.watched.values()].flatMap(({ state }) => state ?? []);
    return states.sort((a, b) => a.summary.lastMs - b.summary.lastMs);
  }

  /** Whether all that was watched is over. */
  get done(): boolean {
    const nowMs = this.now;
    return (
      this.seen &&
      [...this.watched.values()].every(
        ({ overSinceMs }) => overSinceMs !== undefined && nowMs - overSinceMs > 2 * QUIET_MS,
      )
    );
  }

  close(): void {
    for (const id of this.armedIds) disarm(id, this.options.env);
    for (const { monitor, tail } of this.watched.values()) {
      monitor.close();
      tail?.close();
    }
  }

  private list(): void {
    const { only, env } = this.options;
    for (const entry of this.options.sessions()) {
      if (this.watched.has(entry.id) || (only !== undefined && entry.id !== only)) continue;
      if (this.passed.get(entry.id) === entry.modifiedMs) continue;
      const record = ownRecord(entry.traceDir, entry.id, env);
      const state = record === undefined ? 'gone' : brakedState(record, env);
      // Whose agent is gone needs no watching, and whose was never seen cannot be.
      if (record === undefined || (state === 'gone' && only === undefined)) {
        this.passed.set(entry.id, entry.modifiedMs);
        continue;
      }
      this.add(entry, record);
    }
  }

  private add(entry: SessionEntry, record: SessionRecord): void {
    const { env, regex, kill, pricer, problem } = this.options;
    const watched: Watched = {
      entry,
      record,
      trace: new TraceSession(entry.directory, entry.id, { pricer }),
      monitor: new GuardMonitor({
        session: entry.id,
        traceDir: entry.traceDir,
        rules: () => this.rulesOf(watched),
        // A clone's rules may not freeze or kill anything, unless a person names their file.
        where: 'untrusted',
        env,
        always: true,
        ...(kill === true && { kill: true }),
        ...(regex !== undefined && { regex }),
        tripped: (trip) => this.onTrip(trip),
        problem,
        acts: { postmortem: async (trip) => await this.lastRites(trip) },
      }),
      tail: undefined,
      rules: { rules: [], problems: [], stale: [] },
      rulesAtMs: Number.NEGATIVE_INFINITY,
      state: undefined,
    };
    this.watched.set(entry.id, watched);
    this.seen = true;
    // Its trace lies here, but its agent works in a folder that is called otherwise.
    const { only, project } = this.options;
    if (only === undefined && record.project !== project) this.arm({ sessions: [entry.id] });
  }

  private rulesOf(watched: Watched): RuleSet {
    const nowMs = this.now;
    if (nowMs - watched.rulesAtMs < LIST_MS) return watched.rules;
    watched.rulesAtMs = nowMs;
    const { record, entry } = watched;
    const { own, dryRun } = this.options;
    watched.rules = together(this.options.rules(record.project, entry.id), own, dryRun === true);
    return watched.rules;
  }

  private async look(watched: Watched, nowMs: number): Promise<void> {
    if (watched.overSinceMs !== undefined && nowMs - watched.overSinceMs > 2 * QUIET_MS) return;
    const { entry, record, trace, monitor } = watched;
    this.follow(watched);
    try {
      trace.update(MAX_BYTES);
    } catch (error) {
      this.options.problem(`${entry.id}: ${(error as Error).message}`);
    }
    await monitor.tick(nowMs);
    const summary = summarise(trace.fold, {
      nowMs,
      process: brakedState(record, this.options.env),
    });
    const over = !isActive(summary);
    if (over) watched.overSinceMs ??= nowMs;
    else delete watched.overSinceMs;
    if (summary.status === 'failed') await this.onGone(watched, nowMs);
    const { facts } = monitor;
    const raised = readRaised(entry.id, this.options.env);
    const coming =
      facts && !over ? forecast(facts, budgetOf(watched.rules, raised), nowMs) : undefined;
    const perHour = over ? undefined : facts?.metric('cost_per_hour', nowMs);
    const last = lastStep(trace);
    const by = this.endedBy.get(entry.id);
    watched.state = {
      id: entry.id,
      summary,
      over,
      ...(last !== undefined && { last }),
      ...(over && by !== undefined && { by }),
      ...(perHour !== undefined && { perHour }),
      ...(coming !== undefined && { forecast: coming }),
    };
  }

  /** What the agent has written down of its tokens, so that cost is as of now. */
  private follow(watched: Watched): void {
    const { entry, record, trace } = watched;
    const { transcriptPath } = trace.fold.session;
    try {
      if (watched.tail === undefined) {
        if (record.agent === 'claude' && transcriptPath === '') return;
        watched.tail = tailOf({
          id: entry.id,
          agent: record.agent,
          traceDir: entry.traceDir,
          transcriptPath,
          policy: policyFor(record, this.options.env),
          env: this.options.env,
        });
      }
      if (watched.tail !== undefined) appendNew(watched.tail, entry.traceDir, entry.id);
    } catch (error) {
      this.options.problem(`${entry.id}: ${(error as Error).message}`);
    }
  }

  private onTrip(trip: Trip): void {
    this.known.set(trip.id, stampOf(trip));
    this.tripped = true;
    if (trip.state === 'killed' || trip.state === 'stopped') {
      this.killed = true;
      this.endedBy.set(trip.session, trip.state);
    }
    this.options.tripped(trip);
  }

  private async onGone(watched: Watched, nowMs: number): Promise<void> {
    const { entry, overSinceMs = nowMs } = watched;
    // Its last words may be on their way.
    if (nowMs - overSinceMs < QUIET_MS || this.buried.has(entry.id)) return;
    this.buried.add(entry.id);
    await this.options.crashed?.(entry);
  }

  /** What hooks and other watchers found: told here, too; where every violation kills, what hooks found is acted upon. */
  private async hookTrips(): Promise<void> {
    for (const trip of readTrips(this.options.env)) {
      if (trip.at < this.startedAt - 1) break;
      if (!this.watched.has(trip.session) || this.known.get(trip.id) === stampOf(trip)) continue;
      this.onTrip(trip);
      if (this.options.kill !== true || trip.dryRun === true || trip.state !== 'open') continue;
      if (trip.line !== 'prevent') continue;
      const { trip: done } = await killTrip(trip, {
        env: this.options.env,
        postmortem: async (ended) => await this.lastRites(ended),
      });
      this.onTrip(done);
    }
  }

  private async lastRites(trip: Trip): Promise<string | undefined> {
    const watched = this.watched.get(trip.session);
    // The last rows of its transcript: what it cost at the end.
    if (watched !== undefined) this.follow(watched);
    this.buried.add(trip.session);
    const path = await this.options.postmortem(trip);
    await this.options.died?.(trip, path ?? '');
    return path;
  }
}

const stampOf = ({ at, state }: Trip): string => `${at} ${state}`;

const MODEL = STEP_KINDS.indexOf('model');
const NOTICE = STEP_KINDS.indexOf('notice');

/** The last thing that it did: a response alone says nothing. */
function lastStep(trace: TraceSession): StepView | undefined {
  const { steps, columns } = trace.fold;
  for (let at = steps.length - 1; at >= Math.max(0, steps.length - 100); at--) {
    const kind = columns.kind[steps.row(at)];
    if (kind !== MODEL && kind !== NOTICE) return trace.describe(at, at + 1)[0];
  }
  return undefined;
}
