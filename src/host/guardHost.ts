import * as vscode from 'vscode';
import type { GuardDeps, GuardPart } from './guard/guardPart.ts';
import type { LiveSession } from './liveSession.ts';
import type { GuardStatus } from './statusText.ts';

const VIEW_TYPE = 'agentStrace.guard';
/** The window has its first moments behind it, ms. */
const LOAD_AFTER_MS = 1000;

/** The commands of the guard, and when its part is loaded: soon after the window's start, or when it is asked for. */
export class GuardHost implements vscode.WebviewPanelSerializer, vscode.Disposable {
  private readonly deps: GuardDeps;
  private loading: Promise<GuardPart> | undefined;
  private part: GuardPart | undefined;
  private closed = false;
  private readonly timer: ReturnType<typeof setTimeout>;
  private readonly subscriptions: vscode.Disposable[];

  constructor(deps: GuardDeps) {
    this.deps = deps;
    const command = (id: string, work: (part: GuardPart, argument: unknown) => unknown) =>
      vscode.commands.registerCommand(`agentStrace.${id}`, async (argument: unknown) =>
        work(await this.load(), argument),
      );
    this.subscriptions = [
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this),
      command('showGuard', (part, id) => part.show(typeof id === 'string' ? id : undefined)),
      command('openRules', (part) => part.openRules()),
      command('allowNext', (part) => part.answerNext('allow')),
      command('denyNext', (part) => part.answerNext('deny')),
    ];
    this.timer = setTimeout(() => {
      this.load().catch((error: unknown) => deps.log.error(error as Error));
    }, LOAD_AFTER_MS);
  }

  private async load(): Promise<GuardPart> {
    this.loading ??= import('./guard/guardPart.ts').then(({ GuardPart }) => {
      const part = new GuardPart(this.deps);
      if (this.closed) part.dispose();
      this.part = part;
      this.deps.changed();
      return part;
    });
    return await this.loading;
  }

  /** For the status bar; undefined: no rule is about this session. */
  statusOf(session: LiveSession): GuardStatus | undefined {
    return this.part?.statusOf(session);
  }

  /** What rules let a session cost, nano-dollars; undefined: there is no such rule, or none is known yet. */
  budgetOf(session: LiveSession): number | undefined {
    return this.part?.budgetOf(session);
  }

  /** After a reload of the window. */
  async deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    (await this.load()).restore(panel);
  }

  dispose(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.part?.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}
