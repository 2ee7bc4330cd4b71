/** The rules of a `watch`: what its flags say, as rules like any other. */
import { isAbsolute, resolve } from 'node:path';
import type { Rule, RuleProblem, RuleSet } from './rules/rule.ts';
import { policyRules, rulesFor } from './rules/rulesFor.ts';
import { parseRulesSpec } from './rules/spec.ts';

type Env = Record<string, string | undefined>;

/** As given on the command line. */
export interface WatchFlags {
  timeout?: string;
  budget?: string;
  /** Specs (`loop:3/10,idle:10m`) or paths of rule files. */
  rules?: string[];
  config?: string;
  /** Path of a policy (`.agent-scope.json`). */
  policy?: string;
  maxContextPct?: number;
  maxRetries?: number;
  /** USD. */
  maxCost?: number;
  /** Seconds. */
  maxDuration?: number;
  loopThreshold?: number;
  loopWindow?: number;
}

export interface WatchRules {
  /** Of the flags and the files that they name: these are armed. */
  own: Rule[];
  problems: RuleProblem[];
}

/** `loop:3/10,idle:10m` has a slash and is none. */
const isFile = (text: string): boolean =>
  /\.(?:ya?ml|json)$/i.test(text) || (/[/\\]/.test(text) && !/^\s*[a-z][a-z-]+[:=,]/i.test(text));

/** Each word of a spec for itself: `--budget 5 --max-cost 3` are two limits of one kind. */
export function specsOf(flags: WatchFlags): string[] {
  const { timeout, budget, rules = [], maxContextPct, maxRetries, maxCost, maxDuration } = flags;
  const { loopThreshold, loopWindow } = flags;
  const specs = rules.filter((text) => !isFile(text));
  if (timeout !== undefined) {
    // As the Python tool has it, a number alone is seconds.
    specs.push(`timeout:${/^\d+(?:\.\d+)?$/.test(timeout) ? `${timeout}s` : timeout}`);
  }
  if (budget !== undefined) specs.push(`budget:${budget}`);
  if (maxContextPct !== undefined) specs.push(`context:${maxContextPct}`);
  if (maxRetries !== undefined) specs.push(`retries:${maxRetries}=alert`);
  if (maxCost !== undefined) specs.push(`budget:${maxCost}=alert`);
  if (maxDuration !== undefined) specs.push(`timeout:${maxDuration}s=alert`);
  if (loopThreshold !== undefined || loopWindow !== undefined) {
    const calls = loopThreshold ?? 3;
    specs.push(`loop:${calls}/${Math.max(calls, loopWindow ?? 10)}`);
  }
  return specs;
}

/** @param where `cwd` is what relative paths of the flags are of; both absolute */
export function watchRules(
  flags: WatchFlags,
  { project, cwd, env }: { project: string; cwd: string; env: Env },
): WatchRules {
  const specs = specsOf(flags);
  const place = (path: string): string => (isAbsolute(path) ? path : resolve(cwd, path));
  const named = [...(flags.rules ?? []).filter(isFile), ...(flags.config ? [flags.config] : [])];
  const files = named.map(place);
  const own: Rule[] = [];
  const problems: RuleProblem[] = [];
  for (const spec of specs) {
    const parsed = parseRulesSpec(spec, project);
    problems.push(...parsed.problems);
    own.push(...parsed.rules);
  }
  if (files.length > 0) {
    const set = rulesFor({ project, env, extraFiles: files });
    own.push(...set.rules.filter(({ file }) => file !== undefined && files.includes(file)));
    problems.push(...set.problems.filter(({ file }) => files.includes(file)));
  }
  if (flags.policy !== undefined) {
    const file = place(flags.policy);
    const read = policyRules(file, project);
    own.push(...read.rules);
    problems.push(...read.problems);
    // Watched by less than was asked for, a person would be safe only in their mind.
    if (read.rules.length === 0 && read.problems.length === 0) {
      problems.push({
        file,
        line: 1,
        column: 1,
        message: 'there is no rule in this policy',
        fix: 'say what it denies: {"files": {"write": {"deny": ["secrets/**"]}}}',
      });
    }
  }
  return { own: unique(own), problems };
}

/** Two limits of one name are two rules: `budget`, `budget 2`. */
function unique(rules: readonly Rule[]): Rule[] {
  const names = new Map<string, number>();
  return rules.map((rule) => {
    const count = (names.get(rule.name) ?? 0) + 1;
    names.set(rule.name, count);
    return count === 1 ? rule : { ...rule, name: `${rule.name} ${count}` };
  });
}

/**
 * All rules for a session that is watched: those in force anyway, and the watch's own, each once.
 *
 * @param inForce of {@link rulesFor}; a `watch` that is armed is in it already
 */
export function together(inForce: RuleSet, own: readonly Rule[], dryRun: boolean): RuleSet {
  const known = new Set(inForce.rules.map(keyOf));
  return {
    ...inForce,
    rules: [...inForce.rules, ...own.filter((rule) => !known.has(keyOf(rule)))],
    ...(dryRun && { dryRun: true }),
  };
}

const keyOf = ({ name, when, action }: Rule): string => JSON.stringify([name, when, action]);
