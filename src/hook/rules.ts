/** Entry of the bundle that compiles rules: loaded only when a file of rules has changed. */
import { compilerWith } from '../guard/rules/compile.ts';
import type { Compile } from '../guard/rules/compiled.ts';
import { scopeRules } from '../guard/scope.ts';
import { part } from './parts.ts';

export const compile: Compile = compilerWith({
  checkRegex: (source) => part('regex').regexProblem(source),
  readScope: scopeRules,
});
