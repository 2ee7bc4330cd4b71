/**
 * Rules as a hook reads them: compiled, and as long as no file of rules has changed, without the library that reads YAML.
 * Light: this is part of the hook's bundles.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { codeOf, readSmallFile } from '../../trace/files.ts';
import { guardPlace, readChoices } from '../guardHome.ts';
import { armedRules, hasArmed } from './armed.ts';
import { candidates, ruleFolders, stampOf } from './places.ts';
import type { Rule, RuleSet } from './rule.ts';

type Env = Record<string, string | undefined>;

export interface RulesOf {
  /** Absolute: the project that the session works in. */
  project: string;
  /** The session, for the rules of a `watch` that is about it. */
  session?: string | undefined;
  env?: Env;
}

/** A project's rules as they are kept. */
export interface Compiled {
  version: 1;
  project: string;
  /** What they depend on beside the files. */
  key: string;
  /** Of every file that may hold rules: see `stampOf`. */
  stamps: Record<string, string>;
  /** Without the fixed rules. */
  set: RuleSet;
  /** In force as soon as there is any other. */
  fixed: Rule[];
}

/** Reads and compiles the files of rules, and keeps what comes of it. Heavy: see `compile.ts`. */
export type Compile = (project: string, env: Env) => Compiled;

/** Largest file of compiled rules that is read, bytes. */
const MAX_COMPILED = 4_194_304;

/** What the built-in rules of a project depend on. */
const NAMES = [
  'HOME',
  'AGENT_TRACE_DIR',
  'CLAUDE_CONFIG_DIR',
  'CODEX_HOME',
  'COPILOT_HOME',
  'XDG_CONFIG_HOME',
  'OPENCODE_CONFIG_DIR',
];

/** … and on which version made them: the bundle with the built-in rules lies beside each that asks. */
const READER = join(import.meta.dirname, 'rules.js');

const settingsOf = (env: Env): string =>
  [stampOf(READER), ...NAMES.map((name) => env[name] ?? '')].join('\0');

/** Terminals and windows differ in their environment, hooks and the command line in their bundles: each has its own. */
export const compiledPath = (project: string, env: Env): string =>
  guardPlace(env, 'compiled', `${textHash(`${project}\0${settingsOf(env)}`).slice(0, 16)}.json`);

export function keyOf(project: string, env: Env): string {
  const { safe, off } = readChoices(env);
  return JSON.stringify([ruleFolders(project), safe, off, settingsOf(env)]);
}

/**
 * Whether anything at all could apply: a few stats. Without any the guard is off. What cannot be looked at counts as there.
 *
 * @param project absolute
 */
export function hasRules(project: string, env: Env = process.env): boolean {
  return (
    candidates(project, env).some(({ path }) => isThere(path)) ||
    readChoices(env).safe ||
    hasArmed(env)
  );
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

/**
 * The rules in force. With none but the fixed ones there are none.
 *
 * @param compile called only where files have changed
 * @throws where there are rules that can neither be compiled nor read as they were last
 */
export function loadRules(
  { project, session, env = process.env }: RulesOf,
  compile: () => Compile,
): RuleSet {
  const { set, fixed } = currentRules(project, env, compile);
  const armed = armedRules({ project, session, env });
  const rules = [...set.rules, ...armed];
  return rules.length === 0 ? set : { ...set, rules: [...fixed, ...rules] };
}

function currentRules(project: string, env: Env, compile: () => Compile): Compiled {
  const kept = readCompiled(compiledPath(project, env), project);
  if (kept !== undefined && isCurrent(kept, project, env)) return kept;
  try {
    return compile()(project, env);
  } catch (error) {
    if (kept === undefined) throw error;
    const message = `the rules could not be read anew (${codeOf(error)}): those of before are in force`;
    const problem = { file: '', line: 1, column: 1, message, fix: 'run: agent-strace rules check' };
    const stale = Object.keys(kept.stamps).filter((path) => stampOf(path) !== kept.stamps[path]);
    const set = { ...kept.set, problems: [...kept.set.problems, problem], stale };
    return { ...kept, set };
  }
}

/** @returns undefined where there are none, or of another version */
function readCompiled(path: string, project: string): Compiled | undefined {
  const text = readSmallFile(path, MAX_COMPILED);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Compiled;
    const { version, stamps, set, fixed } = value;
    const whole =
      [set?.rules, set?.problems, set?.stale, fixed].every(Array.isArray) &&
      typeof stamps === 'object';
    return version === 1 && value.project === project && whole ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCurrent(kept: Compiled, project: string, env: Env): boolean {
  if (kept.key !== keyOf(project, env)) return false;
  for (const path in kept.stamps) if (stampOf(path) !== kept.stamps[path]) return false;
  return true;
}

/** Names in a folder of ours; none where it is not there. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
