import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage, type Usage } from '../../model/usage.ts';
import type { PhaseSums } from './phase.ts';

const READ = STEP_KINDS.indexOf('read');
const MODIFY = STEP_KINDS.indexOf('modify');
const RUN = STEP_KINDS.indexOf('run');

export function emptySums(): PhaseSums {
  return {
    nanoUsd: 0,
    ownNanoUsd: 0,
    unpriced: 0,
    responses: 0,
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    calls: 0,
    reads: 0,
    edits: 0,
    runs: 0,
    tests: 0,
    errors: 0,
    denied: 0,
    retries: 0,
  };
}

/** Adds up events of a session, as the session itself counts them. One for many rows: it keeps its own buffer. */
export class RowAdder {
  private readonly fold: SessionFold;
  private readonly usage: Usage = emptyUsage();

  constructor(fold: SessionFold) {
    this.fold = fold;
  }

  /** Adds the event in `row`. */
  add(row: number, sums: PhaseSums): void {
    const { columns } = this.fold;
    const type = columns.type[row]!;
    const flags = columns.flags[row]!;
    if (type === TYPE.tool_call) {
      if ((flags & FLAG.subagent) !== 0) return;
      const kind = columns.kind[row]!;
      sums.calls++;
      if (kind === MODIFY) sums.edits++;
      else if (kind === READ) sums.reads++;
      else if (kind === RUN) sums.runs++;
      if ((flags & FLAG.test) !== 0) sums.tests++;
      if ((flags & FLAG.retry) !== 0) sums.retries++;
    } else if (type === TYPE.error || type === TYPE.tool_result) {
      if ((flags & FLAG.denied) !== 0) sums.denied++;
      else if ((flags & FLAG.error) !== 0) sums.errors++;
    } else if (type === TYPE.llm_response) this.addResponse(row, sums);
  }

  private addResponse(row: number, sums: PhaseSums): void {
    const { columns, cost } = this.fold;
    const { usage } = this;
    if (!cost.usageInto(row, usage)) return;
    sums.responses++;
    sums.inputTokens += usage.input_tokens;
    sums.cacheReadTokens += usage.cache_read_input_tokens;
    sums.cacheWriteTokens += usage.cache_write_input_tokens;
    sums.outputTokens += usage.output_tokens;
    const nano = columns.nanoUsd[row]!;
    if (Number.isNaN(nano)) sums.unpriced++;
    else {
      sums.nanoUsd += nano;
      if (columns.lane[row] === 0) sums.ownNanoUsd += nano;
    }
  }
}
