import type { GuardFold } from '../src/guard/decision/guardFold.ts';
import type { SessionFold } from '../src/model/fold.ts';

/** What the two folds must agree on. */
export function ofSession(fold: SessionFold): Record<string, number> {
  const files = fold.files.summaries();
  const { total } = fold.cost;
  return {
    nano: total.nanoUsd,
    tokens: total.usage.input_tokens + total.usage.output_tokens,
    calls: fold.counts.calls,
    errors: fold.counts.errors,
    retries: fold.retries.retries,
    subagents: fold.subagents.all().length,
    files: files.filter(({ writes }) => writes > 0).length,
    lines: files.reduce((sum, { added, removed }) => sum + added + removed, 0),
  };
}

/** The same of the guard's own fold. @param nowMs ms since the epoch */
export function ofGuard(fold: GuardFold, nowMs: number): Record<string, number> {
  const value = (name: Parameters<GuardFold['metric']>[0]): number => fold.metric(name, nowMs) ?? 0;
  return {
    nano: Math.round(value('cost_usd') * 1e9),
    tokens: value('tokens'),
    calls: value('tool_calls'),
    errors: value('errors'),
    retries: value('retries'),
    subagents: value('subagents'),
    files: value('files_modified'),
    lines: value('lines_changed'),
  };
}
