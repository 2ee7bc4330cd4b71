/** Rules that come with the product. */
import type { Rule } from './rule.ts';

type Env = Record<string, string | undefined>;

/** What a careful person would forbid any agent. @param root the project, absolute */
export function safeSet(_root: string): Rule[] {
  return [];
}

/** What protects the guard itself: in force as long as any rule is. @param project absolute */
export function fixedSet(_project: string, _env: Env = process.env): Rule[] {
  return [];
}
