/** The rules in force, for the editor and the command line: with all that is needed to compile them. */

import { fixedSet } from './builtin.ts';
import { compilerWith, type Helpers, loadFile, uniquelyNamed } from './compile.ts';
import { loadRules, type RulesOf } from './compiled.ts';
import { regexProblem } from './regex.ts';
import type { Rule, RuleProblem, RuleSet } from './rule.ts';
import { parseRulesSpec } from './spec.ts';

export interface RulesForOptions extends RulesOf {
  /** `loop:3/10,budget:$5`: of a flag. */
  specs?: readonly string[];
  /** Absolute paths of rule files that a person named: as good as the user's own. */
  extraFiles?: readonly string[];
}

/** Never throws: what cannot be read is a problem of the set. */
export function rulesFor(options: RulesForOptions): RuleSet {
  const { project, env = process.env, specs = [], extraFiles = [] } = options;
  const given: Rule[] = [];
  const problems: RuleProblem[] = [];
  for (const spec of specs) {
    const made = parseRulesSpec(spec, project);
    given.push(...made.rules);
    problems.push(...made.problems);
  }
  for (const path of extraFiles) {
    const loaded = loadFile({ path, scope: 'user', root: project }, project, HELPERS);
    given.push(...loaded.rules.map((rule): Rule => ({ ...rule, scope: 'user', root: project })));
    problems.push(...loaded.problems);
  }
  const set = loadRules(options, () => compile);
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

/** What compiling needs, where everything is at hand. */
export const HELPERS: Helpers = { checkRegex: regexProblem };
const compile = compilerWith(HELPERS);
