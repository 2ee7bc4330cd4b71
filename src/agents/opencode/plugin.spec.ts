import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { isOurPlugin, pluginText } from './plugin.ts';

const folder = mkdtempSync(join(tmpdir(), 'plugin-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Hooks = Record<string, (...args: unknown[]) => Promise<void>>;

async function load(name: string, lib: string): Promise<Hooks> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, pluginText(lib));
  const plugin = (await import(pathToFileURL(file).href)) as Record<
    string,
    (input: object) => Promise<Hooks>
  >;
  // opencode calls every export as a plugin.
  expect(Object.keys(plugin)).toHaveLength(1);
  return await Object.values(plugin)[0]!({ directory: '/p' });
}

test('without the recorder it does nothing', async () => {
  expect(await load('missing', join(folder, 'none.cjs'))).toEqual({});
  expect(await load('home', '$HOME/.agent-strace/no such "folder"/opencode.js')).toEqual({});
});

test('what the recorder throws stays there', async () => {
  const lib = join(folder, 'lib "of" mine.cjs');
  writeFileSync(
    lib,
    `const seen = [];
exports.hooks = (input) => ({
  event: (given) => { seen.push([input, given]); },
  early: () => { throw new Error('early'); },
  late: async () => { throw new Error('late'); },
  seen: (into) => { into.push(...seen); },
});`,
  );
  const hooks = await load('throws', lib);
  await hooks.event?.({ event: 1 });
  await expect(hooks.early?.()).resolves.toBeUndefined();
  await expect(hooks.late?.()).resolves.toBeUndefined();
  const seen: unknown[] = [];
  await hooks.seen?.(seen);
  expect(seen).toEqual([[{ directory: '/p' }, { event: 1 }]]);
});

test('ours is known by its first line', () => {
  expect(isOurPlugin(pluginText('/x'))).toBe(true);
  expect(isOurPlugin('// my own\nexport const AgentStrace = 1;')).toBe(false);
});
