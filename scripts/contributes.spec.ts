import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json'));
const texts: Record<string, string> = JSON.parse(read('package.nls.json'));
const docs = read('docs/editor.md');

it('every command, setting, colour and key is in the documentation', () => {
  const { commands, configuration, colors, keybindings } = manifest.contributes;
  const missing = [
    ...commands.map(({ command }: { command: string }) => command),
    ...Object.keys(configuration.properties),
    ...colors.map(({ id }: { id: string }) => id),
  ].filter((id) => !docs.includes(`\`${id}\``));
  expect(missing).toEqual([]);
  for (const { key } of keybindings) expect(docs.toLowerCase()).toContain(key);
});

it('the documentation names no setting, and no default, that there is not', () => {
  const { properties } = manifest.contributes.configuration;
  const rows = [...docs.matchAll(/^\| `(agentStrace\.[\w.]+)` \| `([^`]*)` \| (\w+) \|/gm)];
  expect(rows).toHaveLength(Object.keys(properties).length);
  expect(rows.length).toBeLessThanOrEqual(25);
  for (const [, id = '', value, scope] of rows) {
    const setting = properties[id];
    const isWord = typeof setting.default === 'string' && setting.default !== '';
    const standard = isWord ? setting.default : JSON.stringify(setting.default);
    expect([id, value, scope]).toEqual([
      id,
      standard,
      setting.scope === 'application' ? 'user' : setting.scope,
    ]);
  }
});

it('wakes up for its tabs after a reload: VS Code does not do that by itself', () => {
  const panels = readdirSync(join(root, 'src/host'))
    .filter((name) => name.endsWith('Panel.ts'))
    .map((name) => /VIEW_TYPE = '([\w.]+)'/.exec(read(`src/host/${name}`))?.[1]);
  expect(panels).toEqual(['agentStrace.compare', 'agentStrace.replay']);
  const report = /REPORT_VIEW = '([\w.]+)'/.exec(read('src/host/understandHost.ts'))?.[1];
  for (const id of [...panels, report]) {
    expect(manifest.activationEvents).toContain(`onWebviewPanel:${id}`);
  }
});

it('has every text that the manifest names, every picture, and no text that nobody names', () => {
  const named = new Set(
    [...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key ?? ''),
  );
  expect([...named].filter((key) => !(key in texts))).toEqual([]);
  expect(Object.keys(texts).filter((key) => !named.has(key))).toEqual([]);
  for (const { steps } of manifest.contributes.walkthroughs) {
    for (const { media } of steps) expect(existsSync(join(root, media.svg))).toBe(true);
  }
});
