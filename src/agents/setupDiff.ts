import { createTwoFilesPatch } from 'diff';
import type { SetupPlan } from './setup/plan.ts';

/** A plan as a unified diff; empty where nothing changes. For hosts only: the hook must not load it. */
export function setupDiff(plan: SetupPlan): string {
  if (!plan.changed) return '';
  return createTwoFilesPatch(
    plan.before === undefined ? '/dev/null' : plan.file,
    plan.after === undefined ? '/dev/null' : plan.file,
    plan.before ?? '',
    plan.after ?? '',
  ).replace(/^[\s\S]*?(?=^--- )/m, '');
}
