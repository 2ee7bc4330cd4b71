/** Entry of the bundle that compiles rules: loaded only when a file of rules has changed. */
import { compilerWith } from '../guard/rules/compile.ts';
import type { Compile } from '../guard/rules/compiled.ts';

export const compile: Compile = compilerWith();
