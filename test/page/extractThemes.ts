// Writes themes/{dark,light,hc,hcLight}.json from a running VS Code: what a webview gets of each theme.
// Run it when the pinned VS Code changes: node test/page/extractThemes.ts [theme …]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchChromium } from '../browser.ts';
import { allThemes, CodeServer, type Theme } from '../vscode/codeServer.ts';
import { findWebview } from '../vscode/findWebview.ts';

// The smallest extension with a webview: the values come from VS Code, not from ours.
const manifest = {
  name: 'probe',
  publisher: 'probe',
  version: '0.0.1',
  engines: { vscode: '*' },
  main: './main.js',
  activationEvents: ['*'],
};
const main = `exports.activate = () => {};
exports.run = () => {
  const vscode = require('vscode');
  const panel = vscode.window.createWebviewPanel('probe', 'Probe', 1, {});
  panel.webview.html = '<p>probe</p>';
  return new Promise(() => {});
};`;

const asked = process.argv.slice(2) as Theme[];
const folder = mkdtempSync(join(tmpdir(), 'agent-strace-themes-'));
writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
writeFileSync(join(folder, 'main.js'), main);
const browser = await launchChromium();
try {
  mkdirSync(join(import.meta.dirname, 'themes'), { recursive: true });
  for (const theme of asked.length > 0 ? asked : (Object.keys(allThemes) as Theme[])) {
    const server = await CodeServer.start({ theme });
    try {
      const page = await browser.newPage();
      await page.goto(
        server.url(folder, {
          extensionDevelopmentPath: server.remoteUri(folder),
          extensionTestsPath: server.remoteUri(join(folder, 'main.js')),
        }),
      );
      const frame = await findWebview(page, 'Probe', 30_000);
      // The theme arrives with the settings, after the first paint.
      await page.waitForTimeout(3_000);
      const value = await frame.evaluate(() => ({
        bodyClass: document.body.className,
        bodyData: { ...document.body.dataset },
        variables: Object.fromEntries(
          [...document.documentElement.style]
            .filter((name) => name.startsWith('--'))
            .sort()
            .map((name) => [name, document.documentElement.style.getPropertyValue(name).trim()]),
        ),
        defaultStyles: document.getElementById('_defaultStyles')?.textContent ?? '',
      }));
      const path = join(import.meta.dirname, 'themes', `${theme}.json`);
      writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
      console.log(theme, value.bodyClass, Object.keys(value.variables).length, 'variables');
      await page.close();
    } finally {
      await server.stop();
    }
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
