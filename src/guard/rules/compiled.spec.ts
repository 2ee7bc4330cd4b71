import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProcess } from '../../agents/process.ts';
import { writeChoices } from '../guardHome.ts';
import { SAFE_NAMES } from './builtin.ts';
import { compilerWith } from './compile.ts';
import { type Compile, hasRules, loadRules } from './compiled.ts';
import { actionWithin } from './reach.ts';
import { regexProblem } from './regex.ts';
import { ACTIONS, type RuleSet } from './rule.ts';
import { rulesFor } from './rulesFor.ts';

let folder: string;
let project: string;
let env: Record<string, string>;
let stateHome: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'rules-')));
  project = join(folder, 'project');
  stateHome = join(folder, 'home', '.agent-strace');
  mkdirSync(join(project, '.git'), { recursive: true });
  mkdirSync(stateHome, { recursive: true, mode: 0o700 });
  env = { HOME: join(folder, 'home'), AGENT_STRACE_HOME: stateHome };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): void => writeFileSync(join(project, name), text);
const writeUser = (name: string, text: string): void => writeFileSync(join(stateHome, name), text);
const load = (): RuleSet => rulesFor({ project, env });
const own = ({ rules }: RuleSet): string[] =>
  rules.filter(({ scope }) => scope !== 'builtin').map(({ name }) => name);
const fixed = ({ rules }: RuleSet): string[] =>
  rules.filter((rule) => rule.fixed === true).map(({ name }) => name);
const safe = ({ rules }: RuleSet): string[] =>
  rules.filter((rule) => rule.scope === 'builtin' && rule.fixed !== true).map(({ name }) => name);

const noCompile = (): Compile => {
  throw Object.assign(new Error('compiled'), { code: 'ECOMPILED' });
};
const compile = compilerWith({ checkRegex: regexProblem });

const TWO = '- {name: a, condition: secret, action: deny}\n- {name: b, condition: errors > 3}\n';

describe('rules of a project', () => {
  it('has none, and no guard, without a file or a choice', () => {
    expect(hasRules(project, env)).toBe(false);
    expect(load()).toEqual({ rules: [], problems: [], stale: [] });
  });

  it.each([
    '.watch-rules.json',
    '.watch-rules.yaml',
    '.watch-rules.yml',
    '.agent-strace.yaml',
    '.agent-strace.yml',
    '.agent-strace.json',
    '.agent-watch.json',
  ])('reads %s', (name) => {
    write(name, '{"rules": [{"name": "a", "condition": "secret", "action": "kill"}]}');
    expect(hasRules(project, env)).toBe(true);
    const { rules, problems } = load();
    expect(problems).toEqual([]);
    expect(rules.filter((rule) => rule.name === 'a')).toEqual([
      {
        name: 'a',
        when: { kind: 'secret' },
        action: 'kill',
        text: 'secret in outgoing call',
        scope: 'repo',
        file: join(project, name),
        line: 1,
        root: project,
      },
    ]);
  });

  it("reads the user's own, for every project", () => {
    writeUser('rules.yaml', TWO);
    expect(hasRules(project, env)).toBe(true);
    const set = load();
    expect(own(set)).toEqual(['a', 'b']);
    expect(set.rules.find(({ name }) => name === 'a')).toMatchObject({
      scope: 'user',
      root: project,
    });
  });

  it('holds a folder to the rules of the repository that it is in', () => {
    write('.watch-rules.yaml', TWO);
    const inside = join(project, 'packages', 'x');
    mkdirSync(inside, { recursive: true });
    expect(hasRules(inside, env)).toBe(true);
    const { rules } = rulesFor({ project: inside, env });
    expect(rules.find(({ name }) => name === 'a')).toMatchObject({ root: project });
  });

  it('holds it to them also when a repository is made inside', () => {
    write('.watch-rules.yaml', TWO);
    const inside = join(project, 'packages', 'x');
    mkdirSync(join(inside, '.git'), { recursive: true });
    const set = rulesFor({ project: inside, env });
    expect(own(set)).toEqual(['a', 'b']);
    const guard = set.rules.find(({ name }) => name === 'guard-rules');
    expect(JSON.stringify(guard?.when)).toContain(join(project, '.git'));
  });

  it('protects itself as soon as there is any rule', () => {
    write('.watch-rules.yaml', TWO);
    expect(fixed(load())).toContain('guard-rules');
    write('.watch-rules.yaml', 'rules: []');
    expect(fixed(load())).toEqual([]);
  });

  it('has the safe set where it was chosen, but for what was not wanted', () => {
    writeChoices({ safe: true, off: ['no-force-push'] }, env);
    expect(hasRules(project, env)).toBe(true);
    expect(safe(load())).toEqual(SAFE_NAMES.filter((name) => name !== 'no-force-push'));
  });

  it('does not compile again what has not changed', () => {
    write('.watch-rules.yaml', TWO);
    const first = loadRules({ project, env }, () => compile);
    expect(loadRules({ project, env }, noCompile)).toEqual(first);
  });

  it.each<[string, () => void]>([
    ['a file changed', () => write('.watch-rules.yaml', TWO.replace('3', '4'))],
    ['a file came', () => write('.agent-strace.yaml', 'budget: {weekly: 5}')],
    ['a file went', () => unlinkSync(join(project, '.watch-rules.yaml'))],
    ["the user's own came", () => writeUser('rules.yaml', TWO)],
    ['a choice was made', () => writeChoices({ safe: true }, env)],
    ['the environment is another', () => Object.assign(env, { CODEX_HOME: folder })],
  ])('compiles again when %s', (_what, change) => {
    write('.watch-rules.yaml', TWO);
    loadRules({ project, env }, () => compile);
    change();
    let compiled = 0;
    loadRules({ project, env }, () => (...args) => {
      compiled++;
      return compile(...args);
    });
    expect(compiled).toBe(1);
  });

  it('does without the compiler as well as it can', () => {
    write('.watch-rules.yaml', TWO);
    expect(() => loadRules({ project, env }, noCompile)).toThrow('compiled');
    loadRules({ project, env }, () => compile);
    write('.watch-rules.yaml', 'rules: []\n');
    const set = loadRules({ project, env }, noCompile);
    expect(own(set)).toEqual(['a', 'b']);
    expect(set.stale).toEqual([join(project, '.watch-rules.yaml')]);
    expect(set.problems.at(-1)?.message).toMatch(/ECOMPILED/);
  });

  it.each([
    ['without rules', { set: null }],
    ['of rules that are no list', { set: { rules: {}, problems: [], stale: [] } }],
    ['without what protects the guard', { fixed: undefined }],
  ])('compiles again what was kept %s', (_what, damage) => {
    write('.watch-rules.yaml', TWO);
    const first = loadRules({ project, env }, () => compile);
    const compiled = join(stateHome, 'guard', 'compiled');
    for (const name of readdirSync(compiled)) {
      const kept = JSON.parse(readFileSync(join(compiled, name), 'utf8')) as object;
      writeFileSync(join(compiled, name), JSON.stringify({ ...kept, ...damage }));
    }
    expect(loadRules({ project, env }, () => compile)).toEqual(first);
  });

  it('does not take compiled rules from where others could have put them', () => {
    write('.watch-rules.yaml', TWO);
    load();
    const compiled = join(stateHome, 'guard', 'compiled');
    const [name = ''] = readdirSync(compiled);
    const forged = join(folder, 'forged.json');
    writeFileSync(forged, '{"version":1}');
    unlinkSync(join(compiled, name));
    symlinkSync(forged, join(compiled, name));
    expect(own(load())).toEqual(['a', 'b']);
  });
});

describe('a mistake', () => {
  const place = (): string => join(project, '.watch-rules.yaml');

  it.each([
    [
      'in a rule',
      '- {name: a, condition: secrt, action: deny}\n- {name: b, condition: errors > 4}\n',
    ],
    ['in the grammar', '- {name: a'],
    ['of binary', 'a\0'],
    ['of a half-written file', TWO.slice(0, 30)],
  ])('%s takes no rule away that was in force', (_what, text) => {
    write('.watch-rules.yaml', TWO);
    load();
    write('.watch-rules.yaml', text);
    for (let n = 0; n < 2; n++) {
      const set = load();
      expect(own(set).sort()).toEqual(['a', 'b']);
      expect(set.stale).toEqual([place()]);
      expect(set.problems.length).toBeGreaterThan(0);
      expect(safe(set)).toEqual([]);
    }
    write('.watch-rules.yaml', '- {name: c, condition: secret}\n');
    expect(own(load())).toEqual(['c']);
  });

  it('lets what can be read be in force at once', () => {
    write('.watch-rules.yaml', TWO);
    load();
    write(
      '.watch-rules.yaml',
      '- {name: a, condition: secrt}\n- {name: b, condition: errors > 9}\n- {name: c, condition: secret}\n',
    );
    const { rules } = load();
    expect(rules.find(({ name }) => name === 'a')).toMatchObject({ when: { kind: 'secret' } });
    expect(rules.find(({ name }) => name === 'b')).toMatchObject({ text: 'errors > 9' });
    expect(rules.some(({ name }) => name === 'c')).toBe(true);
  });

  it.each([
    ['a rule', '- {name: a, condition: secrt}\n- {name: b, condition: errors > 9}\n', ['b']],
    ['the file', '- {name: a', []],
  ])(
    'in %s that was never right adds the safe set, for as long as it is there',
    (_what, text, names) => {
      write('.watch-rules.yaml', text);
      for (let n = 0; n < 2; n++) {
        const set = load();
        expect(own(set)).toEqual(names);
        expect(safe(set)).toEqual(SAFE_NAMES);
        rmSync(join(stateHome, 'guard', 'compiled'), { recursive: true });
      }
      write('.watch-rules.yaml', '- {name: a, condition: secret}\n');
      expect(safe(load())).toEqual([]);
    },
  );

  it('in the budget keeps the budget', () => {
    write('.agent-strace.yaml', 'budget: {weekly: 50}');
    expect(load().budget).toMatchObject({ weekly: 50 });
    write('.agent-strace.yaml', 'budget: {weekly: much}');
    const set = load();
    expect(set.budget).toMatchObject({ weekly: 50 });
    expect(set.stale).toEqual([join(project, '.agent-strace.yaml')]);
    expect(own(set)).toContain('budget-weekly');
  });

  it("of the user's own holds in projects that were never opened before, too", () => {
    writeUser('rules.yaml', TWO);
    load();
    writeUser('rules.yaml', '- {name: a');
    const other = join(folder, 'other');
    mkdirSync(other);
    expect(own(rulesFor({ project: other, env }))).toEqual(['a', 'b']);
  });

  it('is not that a file was deleted', () => {
    write('.watch-rules.yaml', TWO);
    load();
    unlinkSync(place());
    expect(hasRules(project, env)).toBe(false);
    expect(load()).toEqual({ rules: [], problems: [], stale: [] });
    // Half of it, as when an editor deletes and writes it anew: what it said last.
    write('.watch-rules.yaml', '- {name: a');
    expect(own(load())).toEqual(['a', 'b']);
  });
});

describe('a file that is not what it should be', () => {
  const place = (): string => join(project, '.watch-rules.yaml');
  const problemOf = (set: RuleSet): string | undefined =>
    set.problems.find(({ file }) => file === place())?.message;

  it('is not followed out of the project', () => {
    writeFileSync(join(folder, 'elsewhere.yaml'), TWO);
    symlinkSync(join(folder, 'elsewhere.yaml'), place());
    const set = load();
    expect(hasRules(project, env)).toBe(true);
    expect(problemOf(set)).toMatch(/out of the project/);
    expect(own(set)).toEqual([]);
    expect(safe(set)).toEqual(SAFE_NAMES);
  });

  it('is followed inside the project, and seen when it changes there', () => {
    mkdirSync(join(project, 'config'));
    write('config/rules.yaml', TWO);
    symlinkSync(join('config', 'rules.yaml'), place());
    expect(own(load())).toEqual(['a', 'b']);
    write('config/rules.yaml', '- {name: c, condition: secret}\n');
    expect(own(load())).toEqual(['c']);
  });

  it('may be a link of the user, for their own', () => {
    writeFileSync(join(folder, 'dotfiles.yaml'), TWO);
    symlinkSync(join(folder, 'dotfiles.yaml'), join(stateHome, 'rules.yaml'));
    expect(own(load())).toEqual(['a', 'b']);
  });

  it.each<[string, RegExp, () => void]>([
    ['a link to nowhere', /symbolic link/, () => symlinkSync(join(project, 'gone'), place())],
    ['a folder', /not a plain file/, () => mkdirSync(place())],
    [
      'too large',
      /longer than 1 MB/,
      () => write('.watch-rules.yaml', `#${'x'.repeat(1_048_576)}`),
    ],
  ])('%s: is told, and what was in force stays', (_what, message, spoil) => {
    write('.watch-rules.yaml', TWO);
    load();
    unlinkSync(place());
    spoil();
    const set = load();
    expect(problemOf(set)).toMatch(message);
    expect(own(set)).toEqual(['a', 'b']);
    expect(set.stale).toEqual([place()]);
  });

  it('unreadable: is told, and what was in force stays', () => {
    write('.watch-rules.yaml', TWO);
    load();
    chmodSync(place(), 0);
    const set = load();
    expect(own(set)).toEqual(['a', 'b']);
    // Root reads everything.
    const isRoot = process.getuid?.() === 0;
    expect(set.stale).toEqual(isRoot ? [] : [place()]);
    expect(set.problems.map(({ message }) => message).join()).toMatch(
      isRoot ? /^$/ : /permission denied/,
    );
  });
});

describe('a repository', () => {
  it('cannot take a rule of the user away, nor go by its name', () => {
    writeUser('rules.yaml', '- {name: mine, condition: secret, action: deny}\n');
    write(
      '.watch-rules.yaml',
      '- {name: mine, condition: errors > 1000, action: alert}\n- {name: guard-rules, condition: errors > 1}\n',
    );
    const { rules } = load();
    expect(rules.find(({ name }) => name === 'mine')).toMatchObject({
      scope: 'user',
      action: 'deny',
    });
    expect(rules.find(({ name }) => name === 'mine (project)')).toMatchObject({ scope: 'repo' });
    expect(rules.find(({ name }) => name === 'guard-rules')).toMatchObject({ fixed: true });
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
  });

  it('cannot raise a budget', () => {
    writeUser('rules.yaml', 'budget: {weekly: 50, per_session_max: 5}');
    write(
      '.agent-strace.yaml',
      'budget: {weekly: 5000, per_session_max: 1, warn_at: 0.9, stop_at: 2}',
    );
    expect(load().budget).toEqual({ weekly: 50, perSession: 1, warnAt: 0.8, stopAt: 1 });
  });

  it('only alerts and denies, unless a person trusts it', () => {
    for (const action of ACTIONS) {
      const within = action === 'alert' ? 'alert' : 'deny';
      expect(actionWithin(action, 'repo', 'hook')).toBe(within);
      expect(actionWithin(action, 'repo', 'untrusted')).toBe(within);
      expect(actionWithin(action, 'repo', 'trusted')).toBe(action);
      for (const place of ['hook', 'untrusted', 'trusted'] as const) {
        expect(actionWithin(action, 'user', place)).toBe(action);
        expect(actionWithin(action, 'builtin', place)).toBe(action);
      }
    }
  });

  it('names no policy outside of itself', () => {
    const seen: string[] = [];
    const withPolicies = compilerWith({
      checkRegex: regexProblem,
      readScope: (_text, _root, path) => {
        seen.push(path);
        return { rules: [], problems: [] };
      },
    });
    write('inside.json', '{}');
    write('.agent-strace.yaml', 'watchers: {scope: {policy: inside.json}}');
    write('.agent-watch.json', '{"watchers": {"scope": {"policy": "../../etc/passwd"}}}');
    withPolicies(project, env);
    expect(seen).toEqual([join(project, 'inside.json')]);
  });
});

describe('rules of a flag', () => {
  it('hold beside the others, and are the person’s', () => {
    write('.watch-rules.yaml', TWO);
    const set = rulesFor({ project, env, specs: ['budget:$5', 'lop:3'] });
    expect(set.rules.find(({ name }) => name === 'budget')).toMatchObject({ scope: 'user' });
    expect(own(set)).toEqual(['budget', 'a', 'b']);
    expect(set.problems).toEqual([expect.objectContaining({ file: '', column: 1 })]);
    expect(fixed(set).length).toBeGreaterThan(0);
  });

  it('make a file of the project the person’s', () => {
    write('.watch-rules.yaml', TWO.replace('deny', 'kill'));
    const set = rulesFor({ project, env, extraFiles: [join(project, '.watch-rules.yaml')] });
    expect(own(set)).toEqual(['a', 'b']);
    expect(set.rules.find(({ name }) => name === 'a')).toMatchObject({
      scope: 'user',
      action: 'kill',
    });
  });

  it('of a watch hold in hooks while it runs', () => {
    const armed = join(stateHome, 'guard', 'armed');
    mkdirSync(armed, { recursive: true });
    const { rules } = rulesFor({ project, env, specs: ['budget:$5'] });
    const arm = (id: string, more: object): void =>
      writeFileSync(
        join(armed, `${id}.json`),
        JSON.stringify({
          version: 1,
          id,
          pid: process.pid,
          startTime: readProcess(process.pid)?.startTime,
          rules: rules.filter(({ name }) => name === 'budget'),
          ...more,
        }),
      );
    expect(hasRules(project, env)).toBe(false);
    arm('x', { sessions: ['s1'] });
    expect(hasRules(project, env)).toBe(true);
    expect(own(rulesFor({ project, env, session: 's1' }))).toEqual(['budget']);
    expect(own(rulesFor({ project, env, session: 's2' }))).toEqual([]);
    arm('x', { project: join(folder, 'other') });
    expect(own(rulesFor({ project, env, session: 's1' }))).toEqual([]);
    arm('x', { startTime: '1' });
    expect(own(rulesFor({ project, env, session: 's1' }))).toEqual([]);
    arm('x', { dryRun: true });
    expect(rulesFor({ project, env }).rules.find(({ name }) => name === 'budget')).toMatchObject({
      action: 'alert',
      message: 'dry run, would stop',
    });
    // One that is not whole leaves the others in force.
    arm('y', { sessions: 5 });
    arm('z', { rules: [null] });
    arm('x', {});
    expect(own(rulesFor({ project, env, session: 's1' }))).toEqual(['budget']);
    for (const id of ['x', 'y', 'z']) writeFileSync(join(armed, `${id}.json`), '{"version":1,');
    expect(hasRules(project, env)).toBe(false);
  });
});

it('writes nothing where there is nothing', () => {
  rulesFor({ project, env });
  expect(existsSync(join(project, '.agent-traces'))).toBe(false);
});
