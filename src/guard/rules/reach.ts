/** How far a rule may go, by who wrote it. */
import type { Action, Scope } from './rule.ts';

/**
 * Where it is decided: in a hook; by a window or command where nobody said that the project is trusted; or where
 * somebody did (a trusted workspace, a rule file named on the command line).
 */
export type Place = 'hook' | 'untrusted' | 'trusted';

/**
 * The action that a rule may take. What a repository brings may only alert and deny, unless a person trusts it: a clone
 * must not freeze or kill anything, nor put questions before a person. What is more than an alert stays a denial.
 */
export function actionWithin(action: Action, scope: Scope, place: Place): Action {
  if (scope !== 'repo' || place === 'trusted') return action;
  return action === 'alert' ? 'alert' : 'deny';
}
