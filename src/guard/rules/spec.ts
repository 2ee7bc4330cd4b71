/** Rules in a word: `loop:3/10,budget:$5,timeout:30m`. */
import type { Rule, RuleProblem } from './rule.ts';

/** @param root absolute: what relative patterns are of */
export function parseRulesSpec(
  _text: string,
  _root: string,
): { rules: Rule[]; problems: RuleProblem[] } {
  return { rules: [], problems: [] };
}
