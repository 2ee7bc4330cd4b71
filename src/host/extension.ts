import * as vscode from 'vscode';

/** Called by VS Code once, when a trace folder exists or a command of ours runs. */
export function activate(context: vscode.ExtensionContext): void {
  const item = vscode.window.createStatusBarItem('agentStrace.status', vscode.StatusBarAlignment.Left);
  item.name = 'Agent Strace';
  item.text = '$(pulse) Agent Strace';
  item.show();
  context.subscriptions.push(item);
}
