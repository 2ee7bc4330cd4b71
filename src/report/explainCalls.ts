import type { SessionPhase } from '../analysis/phases/phase.ts';
import { FLAG, TYPE } from '../model/columns.ts';
import type { SessionFold } from '../model/fold.ts';
import { STEP_KINDS, type StepKind } from '../model/step.ts';
import { hasFailed } from '../model/testWords.ts';

/** Calls of one phase with the same tool and input. */
export interface CallGroup {
  kind: StepKind;
  /** Steps, ascending, at most 20 (the first, and the last); 0-based. */
  steps: number[];
  /** How each of these steps came out. */
  outcomes: ('ok' | 'failed' | 'denied' | 'open')[];
  count: number;
  failed: number;
  isTest: boolean;
  isCommit: boolean;
  /** ms, of all of them. */
  durationMs: number;
}

const MOST_STEPS = 20;
const SHOWN: readonly StepKind[] = ['run', 'mcp', 'web', 'agent'];

/**
 * What a phase ran, called and delegated: the calls that say most of it, in order. Files are told apart, and what only looked is
 * counted, and told where there is nothing else.
 *
 * @param most groups
 * @param looks also those that only looked
 */
export function callGroups(
  fold: SessionFold,
  phase: SessionPhase,
  most: number,
  looks = false,
): { groups: CallGroup[]; more: number; looked: number } {
  const { columns, steps } = fold;
  const groups = new Map<number, CallGroup & { looks: boolean }>();
  let searches = 0;
  for (let step = phase.firstStep; step <= phase.lastStep; step++) {
    const row = steps.row(step);
    if (columns.type[row] !== TYPE.tool_call || columns.lane[row] !== 0) continue;
    const kind = STEP_KINDS[columns.kind[row]!]!;
    if (kind === 'search') searches++;
    if (!SHOWN.includes(kind)) continue;
    const flags = columns.flags[row]!;
    const key = columns.inputKey[row]!;
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        kind,
        steps: [],
        outcomes: [],
        count: 0,
        failed: 0,
        isTest: (flags & FLAG.test) !== 0,
        isCommit: (flags & FLAG.commit) !== 0,
        durationMs: 0,
        looks: (flags & FLAG.look) !== 0,
      };
      groups.set(key, group);
    }
    const failed = hasFailed(columns, row);
    add(group, step, { flags, failed }, columns.pair[row]!, columns.durationMs[row]!);
  }
  const all = [...groups.values()];
  const telling = all.filter(({ looks }) => !looks);
  const told = looks ? all : telling.length > 0 || phase.filesRead > 0 ? telling : all.slice(0, 3);
  const chosen = new Set([...told].sort((a, b) => weight(b) - weight(a)).slice(0, most));
  const shown = told.filter((group) => chosen.has(group));
  const looksUntold = (one: (typeof all)[number]): boolean => one.looks && !told.includes(one);
  return {
    groups: shown.map(({ looks: _, ...group }) => group),
    more: told.length - shown.length,
    looked: searches + all.reduce((sum, one) => sum + (looksUntold(one) ? one.count : 0), 0),
  };
}

function add(
  group: CallGroup,
  step: number,
  { flags, failed }: { flags: number; failed: boolean },
  pair: number,
  ms: number,
): void {
  group.count++;
  if (!Number.isNaN(ms)) group.durationMs += ms;
  if (failed) group.failed++;
  // Of very many the first ones and the last.
  if (group.steps.length === MOST_STEPS) {
    group.steps.pop();
    group.outcomes.pop();
  }
  group.steps.push(step);
  const ended = pair >= 0 && (flags & FLAG.closed) === 0;
  group.outcomes.push(
    (flags & FLAG.denied) !== 0 ? 'denied' : failed ? 'failed' : ended ? 'ok' : 'open',
  );
}

/** How much a call says of what happened. */
function weight({ kind, failed, isTest, isCommit, durationMs, count }: CallGroup): number {
  const long = Math.min(8, durationMs / 5000) + Math.min(3, count - 1);
  const base = { agent: 40, mcp: 20, web: 8 }[kind as string] ?? 5;
  return base + long + (failed > 0 ? 30 : 0) + (isTest ? 25 : 0) + (isCommit ? 50 : 0);
}
