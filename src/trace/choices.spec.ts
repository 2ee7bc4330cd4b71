import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseMask, maskChosen } from './choices.ts';

let root: string;
let env: { AGENT_STRACE_HOME: string };
const file = () => join(env.AGENT_STRACE_HOME, 'config.json');
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'choices-'));
  env = { AGENT_STRACE_HOME: join(root, 'state') };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('is off until it is chosen, and the file keeps what else it holds', () => {
  expect(maskChosen(env)).toBe(false);
  chooseMask(true, env);
  expect(maskChosen(env)).toBe(true);
  writeFileSync(file(), '{"later":{"a":1},"mask":true}');
  chooseMask(false, env);
  expect(maskChosen(env)).toBe(false);
  expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual({ later: { a: 1 }, mask: false });
});

it.each([
  ['torn', '{"mask": fal', true],
  ['empty', '', true],
  ['a list', '[]', true],
  ['no boolean', '{"mask":"yes"}', true],
  ['of other things only', '{"later":1}', false],
  ['null', '{"mask":null}', false],
])('a file that is %s', (_what, text, on) => {
  chooseMask(false, env);
  writeFileSync(file(), text);
  expect(maskChosen(env)).toBe(on);
  chooseMask(false, env);
  expect(maskChosen(env)).toBe(false);
});

it('a link in its place is not followed, and counts as on', () => {
  chooseMask(false, env);
  const elsewhere = join(root, 'elsewhere.json');
  writeFileSync(elsewhere, '{"mask":false}');
  rmSync(file());
  symlinkSync(elsewhere, file());
  expect(maskChosen(env)).toBe(true);
  chooseMask(false, env);
  expect(readFileSync(elsewhere, 'utf8')).toBe('{"mask":false}');
  expect(maskChosen(env)).toBe(false);
});
