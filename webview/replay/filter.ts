import type { PhaseView } from '../../src/protocol/replay.ts';
import type { RowKind } from '../../src/protocol/rows.ts';
import type { RowStore } from '../shared/rowStore.ts';

/** Kinds of steps that are shown or hidden together. */
const GROUPS = {
  prompts: ['prompt'],
  words: ['assistant', 'reasoning'],
  reads: ['read', 'search'],
  edits: ['modify'],
  commands: ['run'],
  tools: ['web', 'mcp', 'agent', 'tool'],
} as const satisfies Record<string, readonly RowKind[]>;
export type Group = keyof typeof GROUPS;

export const MARKS = ['error', 'denied', 'retry'] as const;
export type Mark = (typeof MARKS)[number];

const GROUP_OF = new Map<RowKind, Group>();
for (const [group, kinds] of Object.entries(GROUPS)) {
  for (const kind of kinds) GROUP_OF.set(kind, group as Group);
}

/** Which steps the list shows. Of one sort any may hold, of different sorts all must. */
export class Filter {
  readonly groups = new Set<Group>();
  readonly marks = new Set<Mark>();
  /** Of one agent only. */
  lane: number | undefined;
  /** Of one phase only: its index. */
  phase: number | undefined;
  /** Only steps that somebody noted something on. */
  noted = false;
  /** Lanes whose steps are folded into the step that started them. */
  readonly folded = new Set<number>();

  /** Something is left out by choice; folded subagents are no such choice. */
  get active(): boolean {
    const { groups, marks, lane, phase, noted } = this;
    return groups.size + marks.size > 0 || lane !== undefined || phase !== undefined || noted;
  }

  get hides(): boolean {
    return this.active || this.folded.size > 0;
  }

  clear(): void {
    this.groups.clear();
    this.marks.clear();
    this.lane = undefined;
    this.phase = undefined;
    this.noted = false;
  }

  passes(
    rows: RowStore,
    step: number,
    isNoted: (step: number) => boolean,
    phases: readonly PhaseView[],
  ): boolean {
    if (!rows.known(step)) return false;
    const { groups, marks, folded } = this;
    const lane = rows.lane(step);
    if (this.lane === undefined ? folded.has(lane) : lane !== this.lane) return false;
    if (this.phase !== undefined) {
      const phase = phases[this.phase];
      if (phase && (step < phase.firstStep || step > phase.lastStep)) return false;
    }
    if (groups.size > 0) {
      const group = GROUP_OF.get(rows.kind(step));
      if (!group || !groups.has(group)) return false;
    }
    if (marks.size > 0 && !MARKS.some((mark) => marks.has(mark) && rows.has(step, mark))) {
      return false;
    }
    return !this.noted || isNoted(step);
  }
}
