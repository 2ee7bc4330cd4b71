/** The guard as it is kept in the state home. No `vscode` in here. */
import {
  type Answer,
  type Approval,
  answerApproval,
  listen,
  pendingApprovals,
  unlisten,
} from '../../guard/approvals.ts';
import { act } from '../../guard/brake.ts';
import type { Outcome } from '../../guard/control.ts';
import { budgetOf, forecast, forecastText } from '../../guard/forecast.ts';
import { GuardMonitor } from '../../guard/monitor.ts';
import { raisedLimit, readRaised } from '../../guard/raised.ts';
import { amountText } from '../../guard/rules/amounts.ts';
import { hasRules } from '../../guard/rules/compiled.ts';
import type { RuleSet } from '../../guard/rules/rule.ts';
import { settleGone } from '../../guard/settleOver.ts';
import { sweepGuard } from '../../guard/store.ts';
import {
  killTrip,
  metricOf,
  resumeTrip,
  stopTrip,
  type TripActOptions,
} from '../../guard/tripActs.ts';
import { readTrips, settleTrip, type Trip } from '../../guard/trips.ts';
import { problemText } from '../../trace/files.ts';
import type { GuardEngine, GuardedSession, Raise, SessionGuard, TripAct } from './engine.ts';

type Env = Record<string, string | undefined>;

const NONE: RuleSet = { rules: [], problems: [], stale: [] };
/** Rules are looked at again after so long, ms: where nothing changed that is a few stats. */
const RULES_MS = 2000;

export interface StoreEngineOptions {
  env?: Env;
  /** For the log; each said once. */
  problem(message: string): void;
  /** Rules are there now that had to be loaded first. */
  loaded(): void;
  postmortem?: TripActOptions['postmortem'];
}

/** What reads files of rules, and their regular expressions: loaded where there are rules. */
type Reader = Pick<typeof import('../../guard/rules/rulesFor.ts'), 'rulesFor'> &
  Pick<typeof import('../../guard/rules/regex.ts'), 'regexOf'>;

export class StoreEngine implements GuardEngine {
  private readonly env: Env;
  private readonly options: StoreEngineOptions;
  private readonly sets = new Map<string, { atMs: number; set: RuleSet }>();
  private readonly said = new Set<string>();
  private reader: Reader | undefined;
  private loading = false;

  constructor(options: StoreEngineOptions) {
    this.options = options;
    this.env = options.env ?? process.env;
  }

  trips(): Trip[] {
    // A card must not show an agent as frozen that is no more.
    return settleGone(readTrips(this.env), this.env);
  }

  requests(): Approval[] {
    return pendingApprovals(this.env);
  }

  answer(id: string, answer: Answer): boolean {
    const done = answerApproval(id, answer, this.env);
    if (typeof done === 'object') {
      throw new Error(
        `The answer cannot be written to ~/.agent-strace: ${problemText(done.problem)}. The call is denied when its time runs out.`,
      );
    }
    return done === 'done';
  }

  async settleResumed(trip: Trip): Promise<void> {
    // Else it would be frozen again at once.
    await resumeTrip(trip, { env: this.env });
  }

  dismiss(trip: Trip): void {
    const problem = settleTrip(trip.id, 'dismissed', {}, this.env);
    if (problem === undefined || problem === 'ENOENT') return;
    throw new Error(`~/.agent-strace cannot be written: ${problemText(problem)}.`);
  }

  raiseOf(trip: Trip): Raise | undefined {
    const metric = metricOf(trip.rule.text);
    const { value, limit } = trip;
    if (metric === undefined || value === undefined || limit === undefined) return undefined;
    const to = raisedLimit(metric, value, limit);
    if (!(to > limit)) return undefined;
    return { value: to, label: amountText(metric, to) };
  }

  async act(what: TripAct, trip: Trip, graceMs: number): Promise<Outcome | undefined> {
    const { env } = this;
    const options: TripActOptions = {
      env,
      graceMs,
      ...(this.options.postmortem !== undefined && { postmortem: this.options.postmortem }),
    };
    switch (what) {
      case 'pause': {
        const outcome = await act('pause', trip.traceDir, trip.session, { env, graceMs });
        // The card is about it again.
        if (outcome.ok) settleTrip(trip.id, 'open', { processes: outcome.processes }, env);
        return outcome;
      }
      case 'resume':
        return (await resumeTrip(trip, options)).outcome;
      case 'raise': {
        const raiseTo = this.raiseOf(trip)?.value;
        const raised = { ...options, ...(raiseTo !== undefined && { raiseTo }) };
        return (await resumeTrip(trip, raised)).outcome;
      }
      case 'stop':
        return (await stopTrip(trip, options)).outcome;
      case 'kill':
        return (await killTrip(trip, options)).outcome;
    }
  }

  listen(): () => void {
    const problem = listen(this.env);
    if (problem !== undefined) {
      this.say(
        `agents cannot ask here, so what a rule asks for is denied: ${problemText(problem)}`,
      );
    }
    return () => unlisten(this.env);
  }

  guard({ id, traceDir, project }: GuardedSession): SessionGuard | undefined {
    const { reader } = this;
    if (!this.hasRules(project)) return undefined;
    if (!reader) {
      this.load();
      return undefined;
    }
    const monitor = new GuardMonitor({
      session: id,
      traceDir,
      rules: () => this.rules(project),
      where: 'trusted',
      regex: reader.regexOf,
      env: this.env,
      problem: (message) => this.say(message),
      ...(this.options.postmortem !== undefined && {
        acts: { postmortem: this.options.postmortem },
      }),
    });
    return {
      tick: async (nowMs) => {
        await monitor.tick(nowMs);
        if (monitor.facts === undefined) return undefined;
        const budget = budgetOf(this.rules(project), readRaised(id, this.env));
        const found = forecast(monitor.facts, budget, nowMs);
        return found && forecastText(found);
      },
      close: () => monitor.close(),
    };
  }

  budgetOf({ id, project }: GuardedSession): number | undefined {
    if (!this.hasRules(project)) return undefined;
    const raised = readRaised(id, this.env);
    return budgetOf(this.rules(project), raised)?.perSession;
  }

  hasRules(project: string): boolean {
    try {
      return hasRules(project, this.env);
    } catch {
      return true;
    }
  }

  rules(project: string): RuleSet {
    const nowMs = performance.now();
    const known = this.sets.get(project);
    if (known && nowMs - known.atMs < RULES_MS) return known.set;
    let set: RuleSet;
    try {
      if (!this.hasRules(project)) set = NONE;
      else if (this.reader) set = this.reader.rulesFor({ project, env: this.env });
      else {
        this.load();
        return NONE;
      }
    } catch (error) {
      const message = `the rules of ${project} cannot be read: ${(error as Error).message}`;
      this.say(message);
      set = known?.set ?? {
        ...NONE,
        problems: [{ file: '', line: 1, column: 1, message, fix: 'The log says more.' }],
      };
    }
    this.sets.set(project, { atMs: nowMs, set });
    return set;
  }

  /** Most windows have no rules. */
  private load(): void {
    if (this.loading) return;
    this.loading = true;
    Promise.all([
      import('../../guard/rules/rulesFor.ts'),
      import('../../guard/rules/regex.ts'),
    ]).then(
      ([{ rulesFor }, { regexOf }]) => {
        this.reader = { rulesFor, regexOf };
        this.options.loaded();
      },
      (error: unknown) => this.say(`rules cannot be read: ${(error as Error).message}`),
    );
  }

  sweep(): void {
    sweepGuard(this.env);
  }

  private say(message: string): void {
    if (this.said.has(message) || this.said.size > 200) return;
    this.said.add(message);
    this.options.problem(message);
  }
}
