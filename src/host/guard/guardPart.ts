import { dirname } from 'node:path';
import * as vscode from 'vscode';
import type { Answer, Approval } from '../../guard/approvals.ts';
import { readEntry } from '../../guard/processTable.ts';
import type { RuleProblem, RuleSet } from '../../guard/rules/rule.ts';
import type { Trip } from '../../guard/trips.ts';
import { writePostmortem } from '../../guard/writePostmortem.ts';
import type { CardAct, FromGuardPage, GuardState } from '../../protocol/guard.ts';
import type { ControlInfo } from '../../protocol/stream.ts';
import type { Engine } from '../engine.ts';
import type { LiveSession } from '../liveSession.ts';
import { openFolders, realFolder } from '../openFolders.ts';
import { Pace } from '../pace.ts';
import { plainLabel } from '../plainText.ts';
import { readSettings } from '../settings.ts';
import type { GuardStatus } from '../statusText.ts';
import type { GuardEngine, TripAct } from './engine.ts';
import { GuardFolders } from './guardFolders.ts';
import { GuardPanel } from './guardPanel.ts';
import { guardState, guardStatus, isPending } from './guardState.ts';
import { agentOf, isGrave } from './guardText.ts';
import { Monitors } from './monitors.ts';
import { openPostmortem, openRuleOf, openSessionOf } from './openers.ts';
import { Requests } from './requests.ts';
import { RequestsItem } from './requestsItem.ts';
import { openRules } from './rulesFiles.ts';
import { StoreEngine } from './storeEngine.ts';
import { type RequestChoice, Tellers, type TripChoice } from './tellers.ts';
import { WindowSessions } from './windowSessions.ts';

/** What the rest of the window brings. */
export interface GuardDeps {
  extensionUri: vscode.Uri;
  engine: Engine;
  log: vscode.LogOutputChannel;
  controlOf(session: LiveSession): ControlInfo;
  /** What the status bar says of a session changed. */
  changed(): void;
}

/** A trip from before the window was opened is told, if it is not older than this, ms. */
const RECENT_MS = 10 * 60_000;
/** Processes, and whether an agent was resumed elsewhere, are looked at this often while a card is there, ms. */
const LOOK_MS = 1000;
/** By then whoever pauses has written down what was paused, ms. */
const SETTLE_MS = 5000;

/** The guard in this window: card, inbox, notifications, status, and what watches live sessions. Loaded when first needed. */
export class GuardPart implements vscode.Disposable {
  private readonly deps: GuardDeps;
  private readonly guard: GuardEngine;
  private readonly panel: GuardPanel;
  private readonly tellers: Tellers;
  private readonly folders: GuardFolders;
  private readonly monitors: Monitors;
  private readonly sessions: WindowSessions;
  private readonly requests = new Requests();
  private readonly item = new RequestsItem();
  private readonly pace: Pace;
  private readonly clock: ReturnType<typeof setInterval>;
  private readonly subscriptions: vscode.Disposable[];
  private trips: Trip[] = [];
  /** What was told of, by id: when it tripped. */
  private readonly known = new Map<string, number>();
  private readonly busy = new Map<string, CardAct>();
  private readonly failures = new Map<string, string>();
  private readonly startedMs = Date.now();
  private unlisten: (() => void) | undefined;

  constructor(deps: GuardDeps) {
    this.deps = deps;
    const { log, engine } = deps;
    this.sessions = new WindowSessions(engine, deps.controlOf);
    this.guard = new StoreEngine({
      problem: (message) => log.warn(message),
      postmortem: (trip) => writePostmortem(trip),
      loaded: () => this.pace.ask(),
    });
    this.tellers = new Tellers(log);
    this.panel = new GuardPanel(deps.extensionUri, {
      state: () => this.state(),
      receive: (message) => this.receive(message),
      shown: () => this.look(),
    });
    this.pace = new Pace(() => this.look(), 4);
    this.monitors = new Monitors(this.guard, engine, () => {
      this.panel.send();
      deps.changed();
    });
    this.folders = new GuardFolders(() => this.pace.ask());
    this.clock = setInterval(() => this.tick(), LOOK_MS);
    this.subscriptions = [
      this.item,
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.trustChanged()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.sessions.foldersChanged();
        this.pace.ask();
      }),
    ];
    this.trustChanged();
    this.guard.sweep();
  }

  private trustChanged(): void {
    // Who cannot allow must not keep agents waiting.
    if (vscode.workspace.isTrusted) this.unlisten ??= this.guard.listen();
    this.monitors.run(vscode.workspace.isTrusted);
    this.look();
  }

  private tick(): void {
    const open = this.trips.some((trip) => isGrave(trip) && trip.state === 'open');
    if (this.requests.all.length > 0 || open) this.look(false);
  }

  /**
   * Reads what is there, tells what is new, and shows it.
   *
   * @param changed false: by the clock alone; there may be many trips
   */
  private look(changed = true): void {
    const nowMs = Date.now();
    try {
      if (changed) this.trips = this.guard.trips().filter((trip) => this.sessions.isHere(trip));
      const fresh = this.requests.take(
        this.guard.requests(),
        (request) => this.sessions.isHere(request),
        nowMs,
      );
      for (const { request, here } of fresh) this.tellRequest(request, here);
    } catch (error) {
      this.deps.log.error(error as Error);
      return;
    }
    for (const trip of this.trips) this.takeTrip(trip, nowMs);
    this.item.show(this.requests.waiting(nowMs).length);
    this.panel.send();
    this.deps.changed();
  }

  private takeTrip(trip: Trip, nowMs: number): void {
    if (trip.state === 'open' && this.wasResumed(trip, nowMs)) {
      this.busy.set(trip.id, 'resume');
      void this.guard.settleResumed(trip).finally(() => {
        this.busy.delete(trip.id);
        this.pace.ask();
      });
    }
    const before = this.known.get(trip.id);
    if (before === trip.at) return;
    this.known.set(trip.id, trip.at);
    const old = trip.at * 1000 < this.startedMs - RECENT_MS;
    const open = trip.state === 'open' || trip.state === 'failed' || isGrave(trip);
    const settled =
      trip.state === 'resumed' || trip.state === 'raised' || trip.state === 'dismissed';
    if (old || settled || !open) return;
    this.tellTrip(trip);
    // A person at another thing sees it come.
    const reveal = vscode.workspace
      .getConfiguration('agentStrace.guard')
      .get<boolean>('revealOnTrip', false);
    if (reveal && isGrave(trip)) this.panel.show(trip.id, true);
  }

  /** It was frozen, and runs: somebody let it go on in another way. */
  private wasResumed(trip: Trip, nowMs: number): boolean {
    if (!isGrave(trip) || this.busy.has(trip.id)) return false;
    if (nowMs - trip.at * 1000 < SETTLE_MS) return false;
    if (!trip.processes?.some(({ state }) => state === 'frozen')) return false;
    const session = this.sessions.sessionOf(trip);
    if (!session?.isActive(nowMs)) return false;
    session.lookAtProcess();
    return session.process === 'alive';
  }

  private state(): GuardState {
    const sets = openFolders().map((folder) => this.guard.rules(realFolder(folder)));
    return guardState({
      nowMs: Date.now(),
      trusted: vscode.workspace.isTrusted,
      trips: this.trips,
      requests: this.requests.all,
      problems: this.problems,
      stale: new Set(sets.flatMap(({ stale }) => stale)).size,
      rules: new Set(sets.flatMap(namesOfRules)).size,
      watched: this.monitors.count,
      forecast: this.monitors.forecast,
      busy: this.busy,
      failures: this.failures,
      sessionOf: (of) => this.sessions.factsOf(of),
      raiseOf: (trip) => this.guard.raiseOf(trip),
      processNow: (pid) => readEntry(pid),
    });
  }

  private get problems(): RuleProblem[] {
    const all = openFolders().flatMap((folder) => this.guard.rules(realFolder(folder)).problems);
    // The user's own files are in each project's rules.
    return [...new Map(all.map((one) => [`${one.file}:${one.line}:${one.message}`, one])).values()];
  }

  /** For the status bar. */
  statusOf(session: LiveSession): GuardStatus | undefined {
    const { id, traceDir } = session;
    // By our own record: what a trace says of its folder may be anything.
    const project = session.record?.project || dirname(traceDir);
    return guardStatus(
      this.trips.filter((trip) => trip.session === id && trip.traceDir === traceDir),
      namesOfRules(this.guard.rules(project)).length,
      session.paused,
      this.monitors.forecastOf(session.key),
    );
  }

  /** What rules let a session cost, nano-dollars. */
  budgetOf({ id, traceDir, record }: LiveSession): number | undefined {
    const usd = this.guard.budgetOf({
      id,
      traceDir,
      project: record?.project || dirname(traceDir),
    });
    return usd === undefined ? undefined : Math.round(usd * 1e9);
  }

  private tellTrip(trip: Trip): void {
    const control = this.sessions.factsOf(trip)?.cannot;
    this.tellers.trip(trip, {
      now: () => this.tripOf(trip.id) ?? trip,
      pending: (latest) => isPending(latest, Date.now()),
      raise: this.guard.raiseOf(trip),
      can: vscode.workspace.isTrusted && control === undefined,
      choose: (choice) => this.chooseTrip(choice, trip.id),
    });
  }

  private chooseTrip(choice: TripChoice, id: string): void {
    if (choice === 'show') this.show(id);
    else if (choice === 'postmortem') this.run(openPostmortem(this.tripOf(id)));
    else this.act(id, choice);
  }

  private tellRequest(request: Approval, here: boolean): void {
    const { id } = request;
    this.tellers.request(
      request,
      here,
      vscode.workspace.isTrusted,
      () => this.requests.get(id)?.said === undefined,
      (choice: RequestChoice) => (choice === 'show' ? this.show(id) : this.answer(id, choice)),
    );
  }

  private receive(message: FromGuardPage): void {
    switch (message.type) {
      case 'act':
        this.act(message.id, message.act);
        break;
      case 'answer':
        if (message.answer === 'allow' || message.answer === 'deny') {
          this.answer(message.id, message.answer);
        }
        break;
      case 'openRule':
        this.run(openRuleOf(this.problemOf(message.id) ?? this.aboutOf(message.id)));
        break;
      case 'openPostmortem':
        this.run(openPostmortem(this.tripOf(message.id)));
        break;
      case 'openSession':
        this.openSession(message.id);
        break;
      case 'dismissNotices':
        for (const trip of this.trips) {
          if (!isGrave(trip) && trip.state === 'open') this.attempt(() => this.guard.dismiss(trip));
        }
        this.look();
        break;
      case 'command':
        this.command(message.command);
        break;
    }
  }

  private command(command: unknown): void {
    if (command === 'openRules') this.run(openRules());
    else if (command === 'showLog') this.deps.log.show();
    else if (command === 'manageTrust') {
      this.run(vscode.commands.executeCommand('workbench.trust.manage'));
    }
  }

  /** Shows the card and the inbox. @param id to go to */
  show(id?: string): void {
    this.panel.show(id);
  }

  restore(panel: vscode.WebviewPanel): void {
    this.panel.restore(panel);
  }

  async openRules(): Promise<void> {
    await openRules();
  }

  /** Answers the request on top of the list. */
  answerNext(answer: Answer): void {
    const nowMs = Date.now();
    const next = this.requests.next(nowMs);
    if (next) {
      this.answer(next.request.id, answer);
      return;
    }
    const { t } = vscode.l10n;
    vscode.window.setStatusBarMessage(
      this.requests.waiting(nowMs).length > 0
        ? t('A request has just come: look at it first.')
        : t('Nothing waits for you.'),
      4000,
    );
  }

  private answer(id: string, answer: Answer): void {
    const { t } = vscode.l10n;
    const shown = this.requests.get(id);
    if (!shown || shown.said) {
      vscode.window.setStatusBarMessage(t('That request is over.'), 4000);
      return;
    }
    if (answer === 'allow' && !vscode.workspace.isTrusted) return;
    const nowMs = Date.now();
    this.attempt(() => {
      const heard = this.guard.answer(id, answer);
      this.requests.say(id, heard ? answer : 'gone', nowMs);
      this.deps.log.info(`request ${id}: ${heard ? answer : 'nobody waits any more'}`);
    });
    this.look();
  }

  private act(id: string, wanted: CardAct): void {
    const trip = this.tripOf(id);
    if (!trip || this.busy.has(id)) return;
    if (wanted === 'dismiss') {
      this.attempt(() => this.guard.dismiss(trip));
      this.look();
      return;
    }
    if (!ACTS.includes(wanted) || !vscode.workspace.isTrusted) return;
    this.run(this.doAct(trip, wanted));
  }

  private async doAct(trip: Trip, wanted: TripAct): Promise<void> {
    const { id } = trip;
    if (wanted === 'kill' && !(await this.agreedToKill(trip))) return;
    this.busy.set(id, wanted);
    this.failures.delete(id);
    this.panel.send();
    try {
      const outcome = await this.guard.act(wanted, trip, readSettings().stopGraceMs);
      if (outcome && !outcome.ok) {
        this.failures.set(id, outcome.message);
        this.deps.log.warn(
          `${wanted} ${trip.session}: refused (${outcome.reason}): ${outcome.message}`,
        );
        if (!this.panel.visible) void vscode.window.showWarningMessage(plainLabel(outcome.message));
      } else this.deps.log.info(`${wanted} ${trip.session}, as the person chose`);
    } catch (error) {
      this.failures.set(id, (error as Error).message);
      this.deps.log.error(error as Error);
    } finally {
      this.busy.delete(id);
      const session = this.sessions.sessionOf(trip);
      if (session) this.deps.engine.live.refresh(session.key);
      this.look();
    }
    if (wanted === 'kill') await openPostmortem(this.tripOf(id));
  }

  private async agreedToKill(trip: Trip): Promise<boolean> {
    const { t } = vscode.l10n;
    const yes = t('Kill');
    const detail = t(
      'It ends at once, with everything it runs, and can save nothing. Its files stay as they are.',
    );
    const question = t('Kill {0}?', plainLabel(agentOf(trip)));
    return (await vscode.window.showWarningMessage(question, { modal: true, detail }, yes)) === yes;
  }

  private tripOf(id: string): Trip | undefined {
    return this.trips.find((one) => one.id === id);
  }

  private aboutOf(id: string): Trip | Approval | undefined {
    return this.tripOf(id) ?? this.requests.get(id)?.request;
  }

  private problemOf(id: string): RuleProblem | undefined {
    const index = /^problem-(\d+)$/.exec(id)?.[1];
    return index === undefined ? undefined : this.problems[Number(index)];
  }

  private openSession(id: string): void {
    const about = this.aboutOf(id);
    this.run(openSessionOf(about, about && this.sessions.sessionOf(about)));
  }

  private attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.deps.log.error(error as Error);
      void vscode.window.showErrorMessage(plainLabel((error as Error).message));
    }
  }

  private run(work: Thenable<unknown>): void {
    work.then(undefined, (error: unknown) => {
      this.deps.log.error(error as Error);
      void vscode.window.showErrorMessage(plainLabel((error as Error).message));
    });
  }

  dispose(): void {
    clearInterval(this.clock);
    this.unlisten?.();
    this.folders.dispose();
    this.monitors.dispose();
    this.pace.dispose();
    this.tellers.dispose();
    this.panel.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

/** Those that protect the guard itself go without saying. */
const namesOfRules = ({ rules }: RuleSet): string[] =>
  rules.filter(({ fixed }) => fixed !== true).map(({ name }) => name);

const ACTS: readonly CardAct[] = ['resume', 'raise', 'pause', 'stop', 'kill'];
