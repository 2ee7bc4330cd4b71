/** Reading files of rules, and their regular expressions: loaded where there are rules. */
import { RE2JS } from 're2js';
import type { RuleSet } from '../../guard/rules/rule.ts';
import { rulesFor } from '../../guard/rules/rulesFor.ts';

type Env = Record<string, string | undefined>;

/** The rules in force for a project. @param project absolute */
export const readRules = (project: string, env: Env): RuleSet => rulesFor({ project, env });

/** A linear-time regular expression. @throws where it is none */
export function regex(source: string): { test(text: string): boolean } {
  const compiled = RE2JS.compile(source);
  return { test: (text) => compiled.matcher(text).find() };
}
