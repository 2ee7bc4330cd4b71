/** The rules in force, for the editor and the command line: with all that is needed to compile them. */
import type { RulesOf } from './compiled.ts';
import type { RuleSet } from './rule.ts';

export interface RulesForOptions extends RulesOf {
  /** `loop:3/10,budget:$5`: of a flag. */
  specs?: string[];
  /** Absolute paths of rule files that a person named: as good as the user's own. */
  extraFiles?: string[];
}

export function rulesFor(_options: RulesForOptions): RuleSet {
  return { rules: [], problems: [], stale: [] };
}
