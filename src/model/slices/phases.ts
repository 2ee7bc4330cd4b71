import { type Columns, FLAG, TYPE } from '../columns.ts';
import type { Json, TraceEvent } from '../event.ts';
import { STEP_KINDS } from '../step.ts';
import { asksForFailure } from '../userPrompt.ts';
import type { FoldContext, Slice } from './slice.ts';

/** What one prompt led to, until the next. */
export interface Phase {
  /** Row of the prompt; -1 for what came before the first. */
  row: number;
  startMs: number;
  /** Of its last work: {@link isWork}. */
  endMs: number;
  nanoUsd: number;
  calls: number;
  errors: number;
  denied: number;
}

const PROMPT = STEP_KINDS.indexOf('prompt');

/** Whether a row is work, or a word of a person; the start and end of a session, notices and the agent's own commands are none. */
export function isWork({ type, flags, kind }: Columns, row: number): boolean {
  switch (type[row]) {
    case TYPE.session_start:
    case TYPE.session_end:
    case TYPE.decision:
    case TYPE.other:
      return false;
    case TYPE.user_prompt:
      return kind[row] === PROMPT;
    default:
      return (flags[row]! & FLAG.subagent) === 0;
  }
}

/** Phases: the session split at the user's prompts, by time. */
export class PhasesSlice implements Slice {
  readonly name = 'phases';
  private phases: Phase[] = [];
  private newestMs = Number.NEGATIVE_INFINITY;
  /** A prompt came late: all is counted again at the next reading. */
  private stale = false;
  /** Rows of prompts that ask for a test that fails. */
  private readonly failing = new Set<number>();
  private readonly columns: Columns;

  constructor(context: FoldContext) {
    this.columns = context.columns;
  }

  add(row: number, { data }: TraceEvent): void {
    if (this.isPrompt(row) && asksForFailure(data.prompt)) this.failing.add(row);
    if (this.stale) return;
    const timeMs = this.columns.timeMs[row]!;
    if (this.isPrompt(row)) {
      if (timeMs < this.newestMs) {
        this.stale = true;
        return;
      }
      this.phases.push(emptyPhase(row, timeMs));
    }
    if (timeMs > this.newestMs) this.newestMs = timeMs;
    this.sum(row, 1);
  }

  remove(row: number): void {
    if (this.isPrompt(row)) {
      this.failing.delete(row);
      this.stale = true;
    } else if (!this.stale) this.sum(row, -1);
  }

  /** Whether the prompt of this row asks for a test that fails. */
  asksForFailure(row: number): boolean {
    return this.failing.has(row);
  }

  private sum(row: number, by: 1 | -1): void {
    const { type, flags, timeMs, nanoUsd } = this.columns;
    const at = timeMs[row]!;
    const phase = this.phaseAt(at);
    const flag = flags[row]!;
    if (type[row] === TYPE.tool_call) {
      if ((flag & FLAG.subagent) === 0) phase.calls += by;
    } else if (type[row] === TYPE.error || type[row] === TYPE.tool_result) {
      if ((flag & FLAG.denied) !== 0) phase.denied += by;
      else if ((flag & FLAG.error) !== 0) phase.errors += by;
    } else if (type[row] === TYPE.llm_response) {
      const nano = nanoUsd[row]!;
      if (!Number.isNaN(nano)) phase.nanoUsd += by * nano;
    }
    if (at > phase.endMs && isWork(this.columns, row)) phase.endMs = at;
  }

  private phaseAt(timeMs: number): Phase {
    const { phases } = this;
    const last = phases[phases.length - 1];
    if (last !== undefined && last.startMs <= timeMs) return last;
    let low = 0;
    let high = phases.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (phases[middle]!.startMs <= timeMs) low = middle + 1;
      else high = middle - 1;
    }
    if (high < 0) {
      const before = emptyPhase(-1, Number.NEGATIVE_INFINITY);
      before.endMs = timeMs;
      phases.unshift(before);
      return before;
    }
    return phases[high]!;
  }

  private isPrompt(row: number): boolean {
    return this.columns.kind[row] === PROMPT && this.columns.lane[row] === 0;
  }

  /** In time order. */
  all(): readonly Phase[] {
    if (this.stale) this.recount();
    return this.phases;
  }

  private recount(): void {
    const { columns } = this;
    this.stale = false;
    this.phases = [];
    for (let row = 0; row < columns.length; row++) {
      if (this.isPrompt(row)) this.phases.push(emptyPhase(row, columns.timeMs[row]!));
    }
    this.phases.sort((a, b) => a.startMs - b.startMs || a.row - b.row);
    this.newestMs = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < columns.length; row++) {
      this.sum(row, 1);
      if (columns.timeMs[row]! > this.newestMs) this.newestMs = columns.timeMs[row]!;
    }
  }

  save(): Json {
    const phases = this.all().map((phase) => ({
      ...phase,
      startMs: Number.isFinite(phase.startMs) ? phase.startMs : null,
    }));
    return { phases, failing: [...this.failing] };
  }

  load(saved: Json): void {
    const { phases, failing } = saved as unknown as Saved;
    this.phases = phases.map((phase) => ({
      ...phase,
      startMs: phase.startMs ?? Number.NEGATIVE_INFINITY,
    }));
    for (const row of failing) this.failing.add(row);
    for (const phase of this.phases) this.newestMs = Math.max(this.newestMs, phase.endMs);
  }
}

interface Saved {
  phases: (Phase & { startMs: number | null })[];
  failing: number[];
}

const emptyPhase = (row: number, startMs: number): Phase => ({
  row,
  startMs,
  endMs: startMs,
  nanoUsd: 0,
  calls: 0,
  errors: 0,
  denied: 0,
});
