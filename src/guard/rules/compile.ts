/** Reads the files of rules of a project, and keeps what comes of it for hooks: see `compiled.ts`. */
import { closeSync, fstatSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { codeOf, openRead, problemText, readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { isBelow, realPath } from '../../trace/paths.ts';
import { ensureGuardFolder, guardPlace, readChoices } from '../guardHome.ts';
import { fixedSet, safeSet } from './builtin.ts';
import { type Compile, type Compiled, compiledPath, keyOf, namesIn } from './compiled.ts';
import type { CheckRegex } from './conditionParser.ts';
import { type FileRule, oneLine } from './fileReader.ts';
import { ABSENT, type Candidate, candidates, ruleFolders, SCOPE_FILE, stampOf } from './places.ts';
import type { Budget, Rule, RuleProblem } from './rule.ts';
import { readRuleText } from './ruleFile.ts';

type Env = Record<string, string | undefined>;

/** Reads a policy (`.agent-scope.json`): the rules that it amounts to. */
export type ReadScope = (
  text: string,
  root: string,
  path: string,
) => { rules: Rule[]; problems: RuleProblem[] };

/** Largest file of rules, bytes. */
const MAX_BYTES = 1_048_576;

/** Compiled rules of projects that nobody works in any more, ms. */
const MAX_AGE = 30 * 86_400_000;
const MAX_KEPT = 200;

/** What a file says that is in force. */
export interface FileRules {
  rules: FileRule[];
  budget?: Budget;
}

export interface Loaded extends FileRules {
  problems: RuleProblem[];
  /** Some of it could not be read, or nothing. */
  lost: number;
  unreadable: boolean;
  /** Absolute. */
  policies: string[];
}

/** What the compiler does not bring itself. */
export interface Helpers {
  /** Says what is wrong with a regular expression: its library is as large as all the rest. */
  checkRegex: CheckRegex;
  /** Reads policies; without it they are left alone. */
  readScope?: ReadScope | undefined;
}

export const compilerWith =
  (helpers: Helpers): Compile =>
  (project, env) => {
    const compiled = compileRules(project, env, helpers);
    const path = compiledPath(project, env);
    try {
      ensureGuardFolder('compiled', env);
      writeSmallFile(path, JSON.stringify(compiled));
      sweep(guardPlace(env, 'compiled'));
    } catch {
      // The rules hold all the same; the next hook compiles them again.
    }
    return compiled;
  };

function compileRules(project: string, env: Env, helpers: Helpers): Compiled {
  const key = keyOf(project, env);
  const stamps: Record<string, string> = {};
  const rules: Rule[] = [];
  const problems: RuleProblem[] = [];
  const stale: string[] = [];
  const budgets: Budget[] = [];
  let broken = false;
  const queue = candidates(project, env);
  for (let at = 0; at < queue.length && at < 200; at++) {
    const candidate = queue[at]!;
    const { path, scope, root } = candidate;
    // Before it is read: what changes meanwhile is seen the next time.
    stamps[path] = stampOf(path);
    // What was deleted has no rules: a person did that, for the guarded agent may not.
    if (stamps[path] === ABSENT) continue;
    if (isPolicy(candidate) && helpers.readScope === undefined) continue;
    const loaded = loadFile(candidate, project, helpers);
    problems.push(...loaded.problems);
    for (const policy of loaded.policies)
      if (!queue.some((one) => one.path === policy))
        queue.push({ path: policy, scope, root, policy: true });
    const held = withLastGood(path, loaded, env);
    if (held.stale) stale.push(path);
    if (!held.whole) broken = true;
    rules.push(...held.rules.map((rule): Rule => ({ ...rule, scope, root })));
    if (held.budget !== undefined) budgets.push(held.budget);
  }
  const { safe, off } = readChoices(env);
  const builtin =
    safe || broken ? safeSet(project).filter(({ name }) => broken || !off.includes(name)) : [];
  const budget = strictest(budgets);
  // The fixed ones first: nobody's rule goes by their names.
  const named = uniquelyNamed([
    ...fixedSet(project, env),
    ...rules.filter(({ scope }) => scope === 'user'),
    ...builtin,
    ...rules.filter(({ scope }) => scope === 'repo'),
  ]);
  const set = {
    rules: named.filter(({ fixed }) => fixed !== true),
    problems,
    stale,
    ...(budget !== undefined && { budget }),
  };
  return { version: 1, project, key, stamps, set, fixed: named.filter(({ fixed }) => fixed) };
}

const isPolicy = ({ path, policy }: Candidate): boolean =>
  policy === true || basename(path) === SCOPE_FILE;

/** Reads one file. Never throws: what cannot be read is a problem. */
export function loadFile(
  candidate: Candidate,
  project: string,
  { checkRegex, readScope }: Helpers,
): Loaded {
  const { path, scope, root } = candidate;
  const empty: Loaded = { rules: [], problems: [], lost: 0, unreadable: false, policies: [] };
  const text = textOf(path, scope === 'repo' ? (ruleFolders(project).at(-1) ?? root) : undefined);
  if (typeof text !== 'string') {
    const problem: RuleProblem = { file: path, line: 1, column: 1, ...text };
    return { ...empty, problems: [problem], lost: 1, unreadable: true };
  }
  if (isPolicy(candidate)) {
    const read = readScope?.(text, root, path);
    // Of a policy with a mistake nobody knows what it was to forbid.
    const { rules = [], problems = [] } = read ?? {};
    return {
      ...empty,
      rules: rules.map(({ scope: _scope, root: _root, ...rule }) => rule),
      problems,
      lost: problems.length,
    };
  }
  const kind = basename(path).startsWith('.agent-strace.') ? 'settings' : 'rules';
  const context = { file: path, text, repo: scope === 'repo', checkRegex };
  const { policies, ...read } = readRuleText(context, kind);
  return {
    ...read,
    policies: policies.map((name) => resolve(root, name)).filter((name) => isBelow(name, root)),
  };
}

type Unusable = { message: string; fix: string };

/** @param within a repository's files lie in it, also those that are links */
function textOf(path: string, within: string | undefined): string | Unusable {
  const real = realPath(path);
  if (within !== undefined && !isBelow(real, realPath(within)))
    return {
      message: 'it is a link that leads out of the project',
      fix: 'put the file itself there',
    };
  let fd: number | undefined;
  try {
    fd = openRead(real);
    if (fstatSync(fd).size > MAX_BYTES)
      return { message: 'it is longer than 1 MB', fix: 'write several patterns in one rule' };
    return readFileSync(fd, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    return {
      message: `it cannot be read: ${problemText(codeOf(error))}`,
      fix: 'put a file of yours there that you can read',
    };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const goodPath = (path: string, env: Env): string =>
  guardPlace(env, 'good', `${textHash(path).slice(0, 16)}.json`);

interface Good extends FileRules {
  version: 1;
  path: string;
  /** It was once read without a mistake: what is kept holds all that it said then. */
  whole: boolean;
}

/**
 * A mistake takes no rule away that was in force: those of before stay, by their names, until they can be read again or the
 * mistake is gone.
 */
function withLastGood(
  path: string,
  loaded: Loaded,
  env: Env,
): FileRules & { stale: boolean; whole: boolean } {
  const good = readGood(path, env);
  const names = new Set(loaded.rules.map(({ name }) => name));
  const kept = loaded.lost === 0 ? [] : (good?.rules ?? []).filter(({ name }) => !names.has(name));
  const budget = loaded.budget ?? (loaded.lost === 0 ? undefined : good?.budget);
  const held: FileRules = {
    rules: [...loaded.rules, ...kept],
    ...(budget !== undefined && { budget }),
  };
  const whole = loaded.lost === 0 || good?.whole === true;
  const now: Good = { version: 1, path, whole, ...held };
  if (!loaded.unreadable && JSON.stringify(now) !== JSON.stringify(good)) {
    try {
      ensureGuardFolder('good', env);
      writeSmallFile(goodPath(path, env), JSON.stringify(now));
    } catch {
      // Then a mistake finds an older version, or none.
    }
  }
  return { ...held, stale: kept.length > 0 || held.budget !== loaded.budget, whole };
}

function readGood(path: string, env: Env): Good | undefined {
  try {
    const text = readSmallFile(goodPath(path, env), 4 * MAX_BYTES) ?? '';
    const good = JSON.parse(text) as Good;
    return good.version === 1 && good.path === path && Array.isArray(good.rules) ? good : undefined;
  } catch {
    return undefined;
  }
}

function strictest(budgets: readonly Budget[]): Budget | undefined {
  const [first, ...rest] = budgets;
  if (first === undefined) return undefined;
  return rest.reduce(
    (a, b) => ({
      ...least(a, b, 'weekly'),
      ...least(a, b, 'perSession'),
      warnAt: Math.min(a.warnAt, b.warnAt),
      stopAt: Math.min(a.stopAt, b.stopAt),
    }),
    first,
  );
}

function least<K extends 'weekly' | 'perSession'>(a: Budget, b: Budget, key: K): Partial<Budget> {
  const value = Math.min(a[key] ?? Number.POSITIVE_INFINITY, b[key] ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(value) ? { [key]: value } : {};
}

/** The first keeps its name: a repository's rule never stands in a user's place. */
export function uniquelyNamed(rules: readonly Rule[]): Rule[] {
  const names = new Set<string>();
  return rules.map((rule) => {
    let name = rule.name;
    if (names.has(name))
      name = oneLine(`${rule.name} (${rule.scope === 'repo' ? 'project' : rule.scope})`, 100);
    const base = name;
    for (let n = 2; names.has(name); n++) name = `${base}-${n}`;
    names.add(name);
    return name === rule.name ? rule : { ...rule, name };
  });
}

function sweep(folder: string): void {
  const names = namesIn(folder);
  if (names.length <= MAX_KEPT) return;
  const before = Date.now() - MAX_AGE;
  for (const name of names) {
    const path = join(folder, name);
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? before) < before)
      rmSync(path, { force: true });
  }
}
