/**
 * Rules as a hook reads them: compiled, and as long as no file of rules has changed, without the library that reads YAML.
 * Light: this is part of the hook's bundles.
 */
import type { RuleSet } from './rule.ts';

type Env = Record<string, string | undefined>;

export interface RulesOf {
  /** Absolute: the project that the session works in. */
  project: string;
  /** The session, for the rules of a `watch` that is about it. */
  session?: string | undefined;
  env?: Env;
}

/** Reads and compiles the files of rules, and keeps what comes of it. Heavy: see `compile.ts`. */
export type Compile = (project: string, env: Env) => RuleSet;

/** Whether anything at all could apply: a few stats. Without any the guard is off. */
export function hasRules(_project: string, _env: Env = process.env): boolean {
  return false;
}

/**
 * The rules in force.
 *
 * @param compile called only where files have changed
 * @throws where there are rules that can neither be compiled nor read as they were last
 */
export function loadRules(_of: RulesOf, _compile: () => Compile): RuleSet {
  return { rules: [], problems: [], stale: [] };
}
