/**
 * Entry of the bundle that reads rules: of a hook loaded only when a file of rules has changed, of the editor and the command
 * line when they ask for rules.
 */
import { ruleReader } from '../guard/rules/ruleReader.ts';
import { scopeRules } from '../guard/scope.ts';
import { part } from './parts.ts';

export const { compile, rulesFor, readRuleFile, policyRules, readsPolicies } = ruleReader({
  checkRegex: (source) => part('regex').regexProblem(source),
  readScope: scopeRules,
});
