/**
 * The rules in force, for the editor and the command line. Heavy: import it by `import()`, which in what is built is the
 * bundle `rules.js` (`src/hook/rules.ts`, of the same exports).
 */
import { scopeRules } from '../scope.ts';
import { regexProblem } from './regex.ts';
import { ruleReader } from './ruleReader.ts';

export const { compile, rulesFor, readRuleFile, policyRules, readsPolicies } = ruleReader({
  checkRegex: regexProblem,
  readScope: scopeRules,
});
