import * as vscode from 'vscode';

/** In the status bar: how many calls wait for an answer. */
export class RequestsItem implements vscode.Disposable {
  private readonly item: vscode.StatusBarItem;
  private shown = 0;

  constructor() {
    const { Right } = vscode.StatusBarAlignment;
    this.item = vscode.window.createStatusBarItem('agentStrace.requests', Right, 1);
    this.item.name = vscode.l10n.t('Agent Strace: Requests');
    this.item.command = 'agentStrace.showGuard';
    this.item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
  }

  show(count: number): void {
    if (count === this.shown) return;
    if ((this.shown === 0) !== (count === 0)) {
      void vscode.commands.executeCommand('setContext', 'agentStrace.guardWaiting', count > 0);
    }
    this.shown = count;
    if (count === 0) {
      this.item.hide();
      return;
    }
    const { t } = vscode.l10n;
    const one = count === 1;
    this.item.text = `$(bell) ${one ? t('1 request waits') : t('{0} requests wait', count)}`;
    const says = one
      ? t('1 request of an agent: no answer means no')
      : t('{0} requests of agents: no answer means no', count);
    this.item.tooltip = says;
    this.item.accessibilityInformation = { label: says, role: 'button' };
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}
