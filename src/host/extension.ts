import * as vscode from 'vscode';

/** Called by VS Code once, when a trace folder exists or a command of ours runs. */
export function activate(context: vscode.ExtensionContext): void {
  const item = vscode.window.createStatusBarItem(
    'agentStrace.status',
    vscode.StatusBarAlignment.Left,
  );
  item.name = 'Agent Strace';
  item.text = '$(pulse) Agent Strace';
  item.command = 'agentStrace.openStream';
  item.show();
  context.subscriptions.push(
    item,
    vscode.commands.registerCommand('agentStrace.openStream', () => openStream(context)),
  );
}

function openStream({ extensionUri }: vscode.ExtensionContext): void {
  const webviews = vscode.Uri.joinPath(extensionUri, 'dist', 'webview');
  const { webview } = vscode.window.createWebviewPanel(
    'agentStrace.stream',
    'Agent Strace',
    vscode.ViewColumn.Active,
    { enableScripts: true, localResourceRoots: [webviews] },
  );
  const uri = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(webviews, file));
  webview.html = `<!DOCTYPE html>
    <link rel="stylesheet" href="${uri('stream.css')}">
    <script type="module" src="${uri('stream.js')}"></script>`;
}
