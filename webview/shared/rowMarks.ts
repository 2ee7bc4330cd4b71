/** How steps look: their icons, colour roles and words. */
import type { StepIcon } from '../../src/model/step.ts';
import type { RowKind } from '../../src/protocol/rows.ts';

export const KIND_ICONS: Record<RowKind, StepIcon> = {
  other: 'info',
  prompt: 'account',
  assistant: 'comment',
  reasoning: 'thinking',
  read: 'file',
  modify: 'edit',
  search: 'search',
  run: 'terminal',
  web: 'globe',
  mcp: 'plug',
  agent: 'robot',
  tool: 'tools',
  model: 'sparkle',
  session: 'info',
  notice: 'info',
  error: 'error',
};

export const KIND_ROLES: Partial<Record<RowKind, string>> = {
  read: 'read',
  search: 'read',
  modify: 'modify',
  run: 'run',
  error: 'error',
};

/** Kinds of rows that take no time or cost nothing by their nature: a blank, not a missing value. */
export const TIMELESS: readonly RowKind[] = ['prompt', 'session', 'notice', 'error', 'other'];

/** Colour role of a tool by its icon. */
export function iconRole(icon: StepIcon): string {
  switch (icon) {
    case 'file':
    case 'search':
      return 'read';
    case 'edit':
      return 'modify';
    case 'terminal':
      return 'run';
    default:
      return 'other';
  }
}

/** Lanes A, B, A, B, … of the subagents; none for the main agent. */
export const laneClass = (lane: number): string =>
  lane === 0 ? '' : lane % 2 === 1 ? 'lane-a' : 'lane-b';

export const KIND_WORDS: Partial<Record<RowKind, string>> = {
  prompt: 'Prompt',
  assistant: 'Answer',
  reasoning: 'Reasoning',
  run: 'Command',
  error: 'Error',
};
