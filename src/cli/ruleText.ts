/** Rules, and mistakes in them, in the words that all commands have for them. */
import type { Rule, RuleProblem } from '../guard/rules/rule.ts';
import { sanitizeLine } from '../report/terminalText.ts';

/** How a command writes a path. */
type Shown = (path: string) => string;

/** Where rules come from: a heading over them. */
export function ruleSource({ file, scope, fixed }: Rule, shown: Shown): string {
  if (fixed === true) return 'Protection of the guard itself';
  if (scope === 'builtin') return 'Safe set';
  if (file === undefined) return 'A flag, or a watch that runs';
  const whose = scope === 'repo' ? 'the repository’s: may only alert and deny' : 'yours';
  return `${sanitizeLine(shown(file))} (${whose})`;
}

/** `.watch-rules.yaml:2:24`, or `flag:7`. */
export function problemPlace({ file, line, column }: RuleProblem, shown: Shown): string {
  return file === '' ? `flag:${column}` : `${sanitizeLine(shown(file))}:${line}:${column}`;
}

/** Where, what, and what to write instead, in one line. */
export function problemLine(problem: RuleProblem, shown: Shown): string {
  const { message, fix } = problem;
  const cure = fix === undefined ? '' : `; ${sanitizeLine(fix)}`;
  return `${problemPlace(problem, shown)}: ${sanitizeLine(message)}${cure}`;
}
