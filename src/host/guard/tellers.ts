import * as vscode from 'vscode';
import type { Approval } from '../../guard/approvals.ts';
import { mayTell } from '../../guard/told.ts';
import type { Trip } from '../../guard/trips.ts';
import { redactText } from '../../redact/redact.ts';
import { plainLabel } from '../plainText.ts';
import { showDesktop } from './desktop.ts';
import type { Raise } from './engine.ts';
import { agentOf, isGrave, noticeText, projectName, requestText } from './guardText.ts';
import { postWebhook, type WebhookMessage, webhookUrl } from './webhook.ts';

/** What a click in a notification asks for. */
export type TripChoice = 'resume' | 'raise' | 'stop' | 'show' | 'postmortem';
export type RequestChoice = 'allow' | 'deny' | 'show';

/** The window that a person sits at tells; others wait so long for it, ms. */
const ELSEWHERE_MS = 700;
const OTHER_FOLDER_MS = 1400;
/** Denials of one rule in one session are told this far apart, ms. */
const QUIET_MS = 60_000;
/** Of a call in a notification, UTF-16 units: beyond that it is not allowed unread. */
const MAX_READ = 118;

const setting = <T>(name: string): T | undefined =>
  vscode.workspace.getConfiguration('agentStrace.guard').inspect<T>(name)?.globalValue;

/** Tells a person what tripped or waits: each once, in one window; and their webhook and desktop, where they want that. */
export class Tellers implements vscode.Disposable {
  private readonly log: vscode.LogOutputChannel;
  private readonly closing = new AbortController();
  private readonly timers = new Set<ReturnType<typeof setTimeout>>();
  private readonly denied = new Map<string, number>();

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
  }

  /**
   * @param now the trip as it is then
   * @param choose called where the person chose something
   */
  trip(
    trip: Trip,
    {
      now,
      pending,
      raise,
      can,
      choose,
    }: {
      now(): Trip;
      pending(trip: Trip): boolean;
      raise: Raise | undefined;
      /** Its agent can be resumed and stopped from here. */
      can: boolean;
      choose(choice: TripChoice): void;
    },
  ): void {
    this.inTurn(true, trip.id, trip.at, () => {
      const latest = now();
      const text = noticeText(latest, pending(latest));
      if (!isGrave(trip) && trip.action !== 'alert' && this.isRepeated(trip)) return;
      this.outside(text, {
        ...{ version: 1, event: 'trip', text, agent: agentOf(trip) },
        ...aboutRule(trip, trip.action),
        line: trip.line,
      });
      const { t } = vscode.l10n;
      const buttons: [TripChoice, string][] = [];
      if (can && isGrave(trip)) {
        // An alarm is no reason to go on.
        if (trip.action === 'pause' && trip.line !== 'verify') {
          buttons.push(['resume', t('Resume')]);
          if (raise) buttons.push(['raise', t('Raise to {0}', raise.label)]);
        }
        if (trip.action === 'pause' || trip.line === 'verify') buttons.push(['stop', t('Stop')]);
      }
      if (latest.postmortem !== undefined) buttons.push(['postmortem', t('Open Post-mortem')]);
      buttons.push(['show', t('Show')]);
      const alarm = trip.line === 'verify' || latest.state === 'failed';
      const say = alarm
        ? vscode.window.showErrorMessage
        : isGrave(trip) || trip.action === 'alert'
          ? vscode.window.showWarningMessage
          : vscode.window.showInformationMessage;
      this.ask(say, text, buttons, choose);
    });
  }

  /** @param here of this window's folders */
  request(
    request: Approval,
    here: boolean,
    mayAllow: boolean,
    waits: () => boolean,
    choose: (choice: RequestChoice) => void,
  ): void {
    this.inTurn(here, request.id, request.at, () => {
      if (!waits()) return;
      const text = requestText(request);
      this.outside(text, {
        ...{ version: 1, event: 'request', text, agent: agentOf(request) },
        ...aboutRule(request, 'ask'),
      });
      const { t } = vscode.l10n;
      const whole = request.call.text ?? request.call.target;
      const buttons: [RequestChoice, string][] = [['deny', t('Deny')]];
      // What cannot be read here is not allowed here.
      if (mayAllow && whole.length <= MAX_READ) buttons.push(['allow', t('Allow Once')]);
      buttons.push(['show', t('Show')]);
      this.ask(vscode.window.showWarningMessage, text, buttons, choose);
    });
  }

  private ask<C>(
    say: (message: string, ...items: string[]) => Thenable<string | undefined>,
    text: string,
    buttons: readonly [C, string][],
    choose: (choice: C) => void,
  ): void {
    say(plainLabel(text), ...buttons.map(([, label]) => label)).then(
      (label) => {
        const choice = buttons.find(([, name]) => name === label)?.[0];
        if (choice !== undefined) choose(choice);
      },
      (error: unknown) => this.log.error(error as Error),
    );
  }

  /** Of all windows the one in front goes first, then those of its folder. */
  private inTurn(here: boolean, id: string, at: number, tell: () => void): void {
    const waitMs = (here ? 0 : OTHER_FOLDER_MS) + (vscode.window.state.focused ? 0 : ELSEWHERE_MS);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (mayTell(id, at)) tell();
    }, waitMs);
    this.timers.add(timer);
  }

  private isRepeated(trip: Trip): boolean {
    const key = `${trip.session} ${trip.rule.name}`;
    const nowMs = performance.now();
    const before = this.denied.get(key);
    if (before !== undefined && nowMs - before < QUIET_MS) return true;
    this.denied.set(key, nowMs);
    return false;
  }

  /** Beyond this window. */
  private outside(text: string, message: WebhookMessage): void {
    if (setting<boolean>('desktopNotification') === true && !vscode.window.state.focused) {
      void showDesktop('Agent Strace', text).then((problem) => {
        if (problem !== undefined) this.log.warn(`desktop notification: ${problem}`);
      });
    }
    const address = setting<string>('webhook');
    if (typeof address !== 'string' || address.trim() === '') return;
    const found = webhookUrl(address.trim());
    if ('problem' in found) {
      this.log.warn(`agentStrace.guard.webhook is not used: ${found.problem}`);
      return;
    }
    const { signal } = this.closing;
    // Stores redact; what leaves this machine is redacted again.
    const clean = (part: string): string => redactText(part, {});
    const body = {
      ...message,
      text: clean(message.text),
      detail: clean(message.detail),
    };
    void postWebhook(found.url, body, { signal }).then((problem) => {
      if (problem !== undefined) this.log.warn(`webhook: ${problem}`);
    });
  }

  dispose(): void {
    this.closing.abort();
    for (const timer of this.timers) clearTimeout(timer);
  }
}

function aboutRule(
  {
    project,
    rule,
    detail,
    at,
  }: Pick<Trip, 'project' | 'detail' | 'at'> & { rule: { name: string } },
  action: string,
): Pick<WebhookMessage, 'project' | 'rule' | 'action' | 'detail' | 'at'> {
  return {
    project: projectName(project),
    rule: rule.name,
    action,
    detail,
    at: new Date(at * 1000).toISOString(),
  };
}
