import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MAX_NAME, SessionNames } from './names.ts';

let root: string;
let env: Record<string, string>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'names-'));
  env = { AGENT_STRACE_HOME: join(root, 'state') };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('keeps a name for others to read, and takes it away', () => {
  const names = new SessionNames(env);
  expect(names.get('/a', 'one')).toBeUndefined();
  names.set('/a', 'one', '  Webhook\n retries ');
  expect(names.get('/a', 'one')).toBe('Webhook retries');
  expect(new SessionNames(env).get('/a', 'one')).toBe('Webhook retries');
  expect(new SessionNames(env).get('/b', 'one')).toBeUndefined();
  names.set('/a', 'one', '');
  expect(new SessionNames(env).get('/a', 'one')).toBeUndefined();
  names.set('/a', 'one', 'x'.repeat(1000));
  expect(names.get('/a', 'one')).toHaveLength(MAX_NAME);
});

it('does not undo what another window wrote', () => {
  const here = new SessionNames(env);
  const there = new SessionNames(env);
  expect(here.get('/a', 'one')).toBeUndefined();
  there.set('/a', 'one', 'First');
  here.set('/a', 'two', 'Second');
  const after = new SessionNames(env);
  expect([after.get('/a', 'one'), after.get('/a', 'two')]).toEqual(['First', 'Second']);
});

it('is one name by whatever path the folder is reached', () => {
  mkdirSync(join(root, 'real'));
  symlinkSync(join(root, 'real'), join(root, 'link'));
  new SessionNames(env).set(join(root, 'link'), 'one', 'Linked');
  expect(new SessionNames(env).get(join(root, 'real'), 'one')).toBe('Linked');
});

it.each(['not json', '[]', 'null', '{"version":2,"names":{}}', '{"version":1,"names":null}'])(
  'leaves a file alone that is not its own: %s',
  (text) => {
    mkdirSync(join(root, 'state'), { mode: 0o700 });
    const path = join(root, 'state', 'names.json');
    writeFileSync(path, text);
    const names = new SessionNames(env);
    expect(names.get('/a', 'one')).toBeUndefined();
    expect(() => names.set('/a', 'one', 'Mine')).toThrow('names.json cannot be read');
    expect(readFileSync(path, 'utf8')).toBe(text);
  },
);

it('takes a session called like a part of every object for what it is', () => {
  const names = new SessionNames(env);
  expect(names.get('', '__proto__')).toBeUndefined();
  names.set('/a', 'constructor', 'Odd');
  expect(new SessionNames(env).get('/a', 'constructor')).toBe('Odd');
});
