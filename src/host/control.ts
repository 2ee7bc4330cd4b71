import * as vscode from 'vscode';
import { GUARD_TIMEOUT_S } from '../agents/hookEntry.ts';
import { act, type BrakeAction, kindOf, notable, rehearse } from '../guard/brake.ts';
import type { ControlReport, Outcome } from '../guard/control.ts';
import { readFrozen } from '../guard/frozen.ts';
import {
  nameOf,
  REFUSALS,
  type Refusal,
  type Verdict,
  verify,
  verifyNow,
} from '../guard/verify.ts';
import type { ControlInfo } from '../protocol/stream.ts';
import { DONE, FAILED, logLine } from './controlText.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { plainLabel } from './plainText.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';
import { readSettings } from './settings.ts';
import { EXPIRY_MS } from './statusText.ts';

type Controllable = Omit<ControlInfo, 'paused'>;

/** An answer is good for so long, ms. */
const FRESH_MS = 1000;
/** The status bar says what was done for so long, ms. */
const MESSAGE_MS = 5000;

/** The commands that pause, resume, stop and kill agents. */
export class Control implements vscode.Disposable {
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly log: vscode.LogOutputChannel;
  private readonly answers = new Map<string, { atMs: number; answer: Controllable }>();
  /** Acts under way: a second click does not start a second one. */
  private readonly busy = new Set<string>();
  private readonly pace: Pace;
  private readonly clock: ReturnType<typeof setInterval>;
  private stopListening: () => void;
  private contexts = '';
  private readonly subscriptions: vscode.Disposable[];

  constructor(engine: Engine, focus: Focus, log: vscode.LogOutputChannel) {
    this.engine = engine;
    this.focus = focus;
    this.log = log;
    this.pace = new Pace(() => this.look(), 4);
    // A session falls silent by the clock alone.
    this.clock = setInterval(() => this.pace.ask(), EXPIRY_MS);
    this.stopListening = this.listen(engine.live);
    const command = (id: string, work: (argument: unknown) => unknown): vscode.Disposable =>
      vscode.commands.registerCommand(`agentStrace.${id}`, work);
    this.subscriptions = [
      engine.onDidReplace((live) => {
        this.stopListening();
        this.stopListening = this.listen(live);
        this.pace.ask();
      }),
      command('pause', (argument) => this.run('pause', argument)),
      command('resume', (argument) => this.run('resume', argument)),
      command('togglePause', (argument) => this.run('toggle', argument)),
      command('stop', (argument) => this.run('stop', argument)),
      command('kill', (argument) => this.run('kill', argument)),
    ];
    this.look();
  }

  /** How this session's agent can be paused, and whether it is. Cheap: the system is asked once a second. */
  of(session: LiveSession): ControlInfo {
    return { ...this.way(session), paused: session.paused };
  }

  private way(session: LiveSession): Controllable {
    const known = this.answers.get(session.key);
    const nowMs = performance.now();
    if (known && nowMs - known.atMs < FRESH_MS) return known.answer;
    const answer = this.ask(session, known?.answer);
    this.answers.set(session.key, { atMs: nowMs, answer });
    return answer;
  }

  private ask(session: LiveSession, before: Controllable | undefined): Controllable {
    if (!vscode.workspace.isTrusted) return { kind: 'none', reason: untrusted() };
    const verdict = verifyNow(session.traceDir, session.id);
    if (verdict) return controllable(verdict, session);
    // Where a look costs a process, the answer comes with the next question.
    verify(session.traceDir, session.id).then(
      (later) =>
        this.answers.set(session.key, {
          atMs: performance.now(),
          answer: controllable(later, session),
        }),
      (error: unknown) => this.log.error(error as Error),
    );
    return before ?? { kind: session.record?.pid === undefined ? 'none' : 'signals' };
  }

  private listen(live: LiveSessions): () => void {
    return live.onChange((change) => {
      if (change.type === 'session' && change.urgent) this.pace.askNow();
      else this.pace.ask();
    });
  }

  /** What keybindings and the palette go by; and shells whose agent has died while it was paused. */
  private look(): void {
    const nowMs = Date.now();
    let active = false;
    let paused = false;
    for (const session of this.engine.live.sessions) {
      const isActive = session.isActive(nowMs);
      active ||= isActive;
      paused ||= isActive && session.paused;
      if (!this.rehearsed && isActive) this.rehearse(session);
      if (session.process === 'gone') void this.releaseShell(session);
      else this.released.delete(session.key);
    }
    for (const key of this.answers.keys()) {
      if (!this.engine.live.get(key)) this.answers.delete(key);
    }
    const contexts = `${active} ${paused}`;
    if (contexts === this.contexts) return;
    this.contexts = contexts;
    void vscode.commands.executeCommand('setContext', 'agentStrace.hasActive', active);
    void vscode.commands.executeCommand('setContext', 'agentStrace.hasPaused', paused);
  }

  private rehearsed = false;

  /** Once in a window, when there is something to pause. */
  private rehearse(session: LiveSession): void {
    if (this.of(session).kind !== 'signals') return;
    this.rehearsed = true;
    rehearse(session.traceDir, session.id).then(undefined, (error: unknown) =>
      this.log.error(error as Error),
    );
  }

  private readonly released = new Set<string>();

  /** Somebody else killed a paused agent: its terminal would stay frozen for ever. */
  private async releaseShell(session: LiveSession): Promise<void> {
    if (this.released.has(session.key) || !vscode.workspace.isTrusted) return;
    this.released.add(session.key);
    if (this.busy.has(session.key) || readFrozen(session.id).length === 0) return;
    try {
      await this.brake('resume', session);
    } catch (error) {
      this.log.error(error as Error);
    }
  }

  private async run(wanted: BrakeAction | 'toggle', argument: unknown): Promise<void> {
    if (!vscode.workspace.isTrusted) return await askForTrust();
    const fits = (session: LiveSession): boolean => {
      if (!session.isActive(Date.now())) return false;
      if (wanted === 'resume') return session.paused;
      return wanted !== 'pause' || !session.paused;
    };
    const { chosen } = this.focus;
    const found = await sessionFor(
      this.engine,
      this.focus,
      sessionKeyOf(argument) ?? (chosen && fits(chosen) ? chosen.key : undefined),
      { title: titleOf(wanted), fits, none: vscode.l10n.t('No agent is running here.') },
    );
    if (!found) return;
    const { session, release } = found;
    const action = wanted !== 'toggle' ? wanted : session.paused ? 'resume' : 'pause';
    try {
      if (this.busy.has(session.key)) return;
      if (await this.agreed(action, session)) await this.do(action, session);
    } finally {
      release();
    }
  }

  private async agreed(action: BrakeAction, session: LiveSession): Promise<boolean> {
    const { t } = vscode.l10n;
    const agent = agentOf(session);
    if (action === 'stop' && readSettings().confirmStop) {
      const yes = t('Stop');
      const detail = t('Its work so far stays. What it runs now is ended with it.');
      const chosen = await vscode.window.showWarningMessage(
        t('Stop {0}?', agent),
        { modal: true, detail },
        yes,
      );
      return chosen === yes;
    }
    if (action === 'kill') {
      const yes = t('Kill');
      const detail = t(
        'It ends at once, with everything it runs, and can save nothing. Its files stay as they are.',
      );
      const chosen = await vscode.window.showWarningMessage(
        t('Kill {0}?', agent),
        { modal: true, detail },
        yes,
      );
      return chosen === yes;
    }
    return true;
  }

  private async do(action: BrakeAction, session: LiveSession): Promise<void> {
    if (this.busy.has(session.key)) return;
    this.busy.add(session.key);
    try {
      const doing = this.brake(action, session);
      if (action === 'stop') {
        const title = vscode.l10n.t('Stopping {0}…', agentOf(session));
        const location = vscode.ProgressLocation.Window;
        void vscode.window.withProgress({ location, title }, () => doing);
      }
      const outcome = await doing;
      if (outcome.ok) this.tell(action, session, outcome);
      else this.fail(action, refusalText(outcome, agentOf(session)));
    } catch (error) {
      this.log.error(error as Error);
      this.fail(action, plainLabel((error as Error).message));
    } finally {
      this.busy.delete(session.key);
    }
  }

  /** Does it, and shows at once what has become of the session. */
  private async brake(action: BrakeAction, session: LiveSession): Promise<Outcome> {
    const options = { graceMs: readSettings().stopGraceMs };
    const outcome = await act(action, session.traceDir, session.id, options);
    this.answers.delete(session.key);
    this.engine.live.refresh(session.key);
    if (outcome.ok) this.log.info(logLine(action, session.id, outcome));
    else this.log.warn(`${action} ${session.id}: refused (${outcome.reason}): ${outcome.message}`);
    return outcome;
  }

  private tell(action: BrakeAction, session: LiveSession, report: ControlReport): void {
    const agent = agentOf(session);
    const { t } = vscode.l10n;
    if (report.kind === 'cooperative' && report.state === 'paused') {
      // No freeze: a person must not take it for one.
      void vscode.window.showInformationMessage(
        t(
          '{0} runs where it cannot be frozen. What it does now goes on; before its next tool it waits, {1} minutes at most each time, then the tool runs.',
          agent,
          GUARD_TIMEOUT_S / 60,
        ),
      );
    }
    vscode.window.setStatusBarMessage(t(DONE[report.state], agent), MESSAGE_MS);
    if (report.unsaved !== undefined) {
      this.warn(
        t(
          '{0} is paused, but that could not be written down ({1}): resume it from this window.',
          agent,
          report.unsaved,
        ),
      );
    }
    const left = notable(action, report);
    if (left.length === 0) return;
    const names = [...new Set(left.map(({ name, pid }) => `${plainLabel(name)} (${pid})`))];
    const some = names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '');
    this.warn(t('{0}: left alone was {1}.', agent, some));
  }

  private fail(action: BrakeAction, reason: string): void {
    this.warn(vscode.l10n.t(FAILED[action], reason));
  }

  private warn(message: string): void {
    const details = vscode.l10n.t('Show Details');
    vscode.window.showWarningMessage(message, details).then(
      (chosen) => chosen === details && this.log.show(),
      () => undefined,
    );
  }

  dispose(): void {
    clearInterval(this.clock);
    this.stopListening();
    this.pace.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const agentOf = (session: LiveSession): string =>
  session.record
    ? nameOf(session.record.agent)
    : // Of a trace that may have come from anywhere.
      plainLabel(session.summary(Date.now()).agent, 40);

function controllable(verdict: Verdict, session: LiveSession): Controllable {
  const kind = kindOf(verdict);
  return verdict.ok ? { kind } : { kind, reason: refusalText(verdict, agentOf(session)) };
}

/** The refusal in the window's language. */
function refusalText({ reason }: Refusal, agent: string): string {
  const text = vscode.l10n.t(REFUSALS[reason], agent);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function titleOf(action: BrakeAction | 'toggle'): string {
  const { t } = vscode.l10n;
  if (action === 'pause') return t('Pause which agent?');
  if (action === 'resume') return t('Resume which agent?');
  if (action === 'stop') return t('Stop which agent?');
  if (action === 'kill') return t('Kill which agent?');
  return t('Pause or resume which agent?');
}

const untrusted = (): string =>
  vscode.l10n.t('This folder is in restricted mode: agents are not paused or stopped from here.');

async function askForTrust(): Promise<void> {
  const manage = vscode.l10n.t('Manage Trust');
  const chosen = await vscode.window.showWarningMessage(untrusted(), manage);
  if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
