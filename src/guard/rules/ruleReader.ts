/** The rules in force, with the files, choices and flags that they come from. */
import { fixedSet } from './builtin.ts';
import { compilerWith, type Helpers, type Loaded, loadFile, uniquelyNamed } from './compile.ts';
import { type Compile, hasRules, loadRules, type RulesOf } from './compiled.ts';
import type { Candidate } from './places.ts';
import type { Rule, RuleProblem, RuleSet } from './rule.ts';
import { parseRulesSpec } from './spec.ts';

export interface RulesForOptions extends RulesOf {
  /** `loop:3/10,budget:$5`: of a flag. */
  specs?: readonly string[];
  /** Absolute paths of rule files that a person named: as good as the user's own. */
  extraFiles?: readonly string[];
}

export interface RuleReader {
  compile: Compile;
  /** Never throws where rules can be kept or compiled: what cannot be read is a problem of the set. */
  rulesFor(options: RulesForOptions): RuleSet;
  /** One file of rules, or what is wrong with it. Never throws. */
  readRuleFile(candidate: Candidate, project: string): Loaded;
  /**
   * A policy that a person named, whatever its name is. Never throws.
   *
   * @param path absolute
   * @param root what relative patterns in it are of: absolute
   */
  policyRules(path: string, root: string): { rules: Rule[]; problems: RuleProblem[] };
  /** Whether policies are read. */
  readsPolicies: boolean;
}

export function ruleReader(helpers: Helpers): RuleReader {
  const compile = compilerWith(helpers);
  const readRuleFile = (candidate: Candidate, project: string): Loaded =>
    loadFile(candidate, project, helpers);
  return {
    compile,
    readRuleFile,
    rulesFor: (options) => inForce(options, compile, readRuleFile),
    policyRules: (path, root) => {
      const { rules, problems } = readRuleFile({ path, scope: 'user', root, policy: true }, root);
      return { rules: rules.map((rule): Rule => ({ ...rule, scope: 'user', root })), problems };
    },
    readsPolicies: helpers.readScope !== undefined,
  };
}

function inForce(
  options: RulesForOptions,
  compile: Compile,
  readRuleFile: RuleReader['readRuleFile'],
): RuleSet {
  const { project, env = process.env, specs = [], extraFiles = [] } = options;
  const given: Rule[] = [];
  const problems: RuleProblem[] = [];
  for (const spec of specs) {
    const made = parseRulesSpec(spec, project);
    given.push(...made.rules);
    problems.push(...made.problems);
  }
  for (const path of extraFiles) {
    const loaded = readRuleFile({ path, scope: 'user', root: project }, project);
    given.push(...loaded.rules.map((rule): Rule => ({ ...rule, scope: 'user', root: project })));
    problems.push(...loaded.problems);
  }
  // Where there is nothing, nothing is written either.
  const set: RuleSet = hasRules(project, env)
    ? loadRules(options, () => compile)
    : { rules: [], problems: [], stale: [] };
  // Named by a person, it is theirs: the project's own reading of it would only say less.
  const kept = set.rules.filter(
    ({ scope, file }) => !(scope === 'repo' && file !== undefined && extraFiles.includes(file)),
  );
  const all = [...given, ...kept.filter(({ fixed }) => fixed !== true)];
  const fixed = all.length > 0 ? fixedSet(project, env) : [];
  return {
    ...set,
    rules: uniquelyNamed([...fixed, ...all]),
    problems: [...problems, ...set.problems],
  };
}
