/** How the hook before a tool is written: longer than others, and where the person wants it, so that its failure means no. */
import type { AgentId } from '../agent.ts';
import { BEFORE_TOOL, GUARD_TIMEOUT_S, type GuardHook, HOOK_TIMEOUT_S } from '../hookEntry.ts';
import type { FailMode, PlanOptions, SetupScope } from './plan.ts';

/** @returns undefined for all other hooks */
export const guardHookOf = (
  agent: AgentId,
  event: string,
  options: Pick<PlanOptions, 'scope' | 'fail'>,
): GuardHook | undefined =>
  event === BEFORE_TOOL[agent]
    ? { timeoutS: GUARD_TIMEOUT_S, closed: isClosed(options) }
    : undefined;

/** Settings that others share stay open: who has no recorder could not run a single tool. */
export const isClosed = ({
  scope,
  fail,
}: {
  scope: SetupScope;
  fail?: FailMode | undefined;
}): boolean => fail === 'closed' && scope !== 'project';

/** s. */
export const timeoutOf = (guard: GuardHook | undefined): number =>
  guard?.timeoutS ?? HOOK_TIMEOUT_S;

/** What to know where the person wants what cannot be had. */
export const sharedWarnings = ({ scope, fail }: PlanOptions): string[] =>
  fail === 'closed' && scope === 'project'
    ? [
        'these settings are everybody’s, so a missing recorder lets tools run there, whatever you chose: for ' +
          'your own, take --scope user (or local, for Claude Code)',
      ]
    : [];
