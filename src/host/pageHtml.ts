import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** Where the pages are. */
export const pageRoot = (extensionUri: vscode.Uri): vscode.Uri =>
  vscode.Uri.joinPath(extensionUri, 'dist', 'webview');

/** What a page may do: run its script and load what lies beside it. */
export const pageOptions = (root: vscode.Uri): vscode.WebviewOptions => ({
  enableScripts: true,
  localResourceRoots: [root],
});

/**
 * The document of a page. No data in it: that comes by message.
 *
 * @param page name of its script and styles in `root`
 */
export function pageHtml(
  webview: vscode.Webview,
  root: vscode.Uri,
  page: 'stream' | 'replay' | 'guard' | 'compare' | 'report',
  title: string,
): string {
  const nonce = randomBytes(18).toString('base64');
  const uri = (file: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(root, file)).toString();
  const { cspSource } = webview;
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `img-src ${cspSource}`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${uri(`${page}.css`)}">
<script type="module" nonce="${nonce}" src="${uri(`${page}.js`)}"></script>
</head>
<body></body>
</html>`;
}
