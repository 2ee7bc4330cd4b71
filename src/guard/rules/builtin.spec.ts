import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SETUPS } from '../../agents/registry.ts';
import { pathsMeet } from '../shell/pattern.ts';
import { fixedSet, SAFE_NAMES, safeSet } from './builtin.ts';
import { conditionText, parseCondition } from './conditions.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'builtin-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const home = join(folder, 'home');
const project = join(folder, 'project');
mkdirSync(home);
mkdirSync(join(project, '.git'), { recursive: true });
const env = { HOME: home, AGENT_STRACE_HOME: join(home, '.agent-strace') };

/** Whether one of the fixed rules is about writing this file. */
function denies(path: string, of = fixedSet(project, env)): boolean {
  return of.some(
    ({ when }) =>
      when.kind === 'path' &&
      when.access === 'write' &&
      when.patterns.some((pattern) => 'glob' in pattern && pathsMeet(path, pattern.glob)),
  );
}

describe('the safe set', () => {
  it('is written in the language of rules, for the top of the repository', () => {
    const rules = safeSet(join(project, 'packages', 'x'));
    expect(rules.map(({ name }) => name)).toEqual(SAFE_NAMES);
    for (const { when, text, root, message, scope } of rules) {
      expect(parseCondition(text)).toEqual({ ok: true, condition: when });
      expect(conditionText(when)).toBe(text);
      expect(root).toBe(project);
      expect(message).not.toBe('');
      expect(scope).toBe('builtin');
    }
  });
});

describe('the fixed set', () => {
  it("denies writes to every agent's settings that set-up writes", () => {
    let files = 0;
    for (const setup of Object.values(SETUPS)) {
      for (const scope of ['user', 'project', 'local'] as const) {
        if (!setup.scopes.includes(scope)) continue;
        const path = setup.file({ scope, projectDir: project, env });
        expect(`${path} ${denies(path)}`).toBe(`${path} true`);
        files++;
      }
    }
    expect(files).toBeGreaterThan(8);
  });

  it('also where the environment puts them', () => {
    const elsewhere = {
      ...env,
      CODEX_HOME: join(folder, 'codex'),
      COPILOT_HOME: join(folder, 'copilot'),
      CLAUDE_CONFIG_DIR: join(folder, 'claude'),
      XDG_CONFIG_HOME: join(folder, 'xdg'),
      AGENT_TRACE_DIR: join(folder, 'traces'),
    };
    const rules = fixedSet(project, elsewhere);
    for (const path of [
      'codex/hooks.json',
      'codex/config.toml',
      'copilot/hooks/x.json',
      'claude/settings.json',
      'xdg/opencode/plugins/x.js',
      'traces/s/events.ndjson',
    ])
      expect(`${path} ${denies(join(folder, path), rules)}`).toBe(`${path} true`);
  });

  it.each([
    '.watch-rules.json',
    '.watch-rules.yaml',
    '.agent-strace.yaml',
    '.agent-watch.json',
    '.agent-scope.json',
    '.agent-traces/s/events.ndjson',
    '.agent-traces',
    '.github/hooks/agent-strace.json',
  ])('denies writes to %s of the project', (name) => {
    expect(denies(join(project, name))).toBe(true);
  });

  it.each(['rules.yaml', 'config.json', 'guard/trips/x.json', 'lib/hook.js', ''])(
    'denies writes to ~/.agent-strace/%s',
    (name) => {
      expect(denies(join(home, '.agent-strace', name))).toBe(true);
    },
  );

  it.each(['src/main.ts', 'settings.json', '.github/workflows/ci.yml', 'build', 'README.md'])(
    'has nothing against %s',
    (name) => {
      expect(denies(join(project, name))).toBe(false);
    },
  );

  it('knows the file behind a link', () => {
    const dotfiles = join(folder, 'dotfiles');
    mkdirSync(dotfiles);
    mkdirSync(join(home, '.agent-strace'), { recursive: true });
    writeFileSync(join(dotfiles, 'rules.yaml'), 'rules: []');
    symlinkSync(join(dotfiles, 'rules.yaml'), join(home, '.agent-strace', 'rules.yaml'));
    expect(denies(join(dotfiles, 'rules.yaml'))).toBe(true);
    expect(denies(join(dotfiles, 'other.yaml'))).toBe(false);
  });

  it('means a folder by its name, whatever is in it', () => {
    const odd = join(folder, 'odd [a]*{b}');
    mkdirSync(odd);
    const rules = fixedSet(odd, env);
    expect(denies(join(odd, '.watch-rules.json').replace(/[*?[\\]/g, '\\$&'), rules)).toBe(true);
    expect(denies(join(folder, 'odd ax{b}', '.watch-rules.json'), rules)).toBe(false);
  });
});
