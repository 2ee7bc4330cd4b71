import { FLAG, TYPE } from '../columns.ts';
import type { SessionFold } from '../fold.ts';
import { STEP_KINDS } from '../step.ts';
import { emptyUsage, type Usage, uncachedInput } from '../usage.ts';
import { bucketed, grown, joined } from './grown.ts';
import { ReplayFiles } from './replayFiles.ts';
import type { ReplayState } from './replayState.ts';

/** Events between two checkpoints of the sums. */
const STRIDE = 256;
/** Rows looked at between two looks at the clock. */
const CHUNK = 4096;
/** Calls between two marks of the latest end among them. */
const SPAN_BITS = 8;
const SPAN = 1 << SPAN_BITS;
const MAX_RUNNING = 20;
const MAX_SUBAGENTS = 50;
const UNPLACED = -1;

const MODIFY = STEP_KINDS.indexOf('modify');
const PROMPT = STEP_KINDS.indexOf('prompt');
const READ = STEP_KINDS.indexOf('read');
const RUN = STEP_KINDS.indexOf('run');

/** What is summed, by place in a checkpoint. Two are rows, not sums. */
const SUM = {
  nanoUsd: 0,
  ownNanoUsd: 1,
  unpriced: 2,
  responses: 3,
  input: 4,
  cacheRead: 5,
  cacheWrite: 6,
  output: 7,
  calls: 8,
  edits: 9,
  errors: 10,
  denied: 11,
  retries: 12,
  prompts: 13,
  contextRow: 14,
  promptRow: 15,
  reads: 16,
  runs: 17,
  tests: 18,
} as const;
const WIDTH = 19;

/**
 * The state of a session as of any of its steps.
 *
 * Every event belongs to one step: a step's own event, the result of its call and the model response
 * that it is the first part of belong to it; every other event belongs to the last step that stands
 * before it in replay order (time, then arrival), or to the first step. **The state at step n is the fold
 * over all events of the steps 0 … n.** So it never goes back as n goes on, and the state at the last step
 * is the session's.
 *
 * Two things are of the moment and not of the fold, `running` and `subagents`: they are as they were when
 * the step began.
 *
 * What adds up is summed at every 256th event; files carry their sums along. About 25 MB for a million
 * events. Built, and brought up to date as events arrive, in slices: {@link work}.
 */
export class ReplayIndex {
  readonly fold: SessionFold;
  private readonly files: ReplayFiles;
  /** Steps that are in the tables. */
  private steps = 0;
  /** Rows in the order of their steps, and where those of each step end. */
  private order: Int32Array = new Int32Array(256);
  private used = 0;
  private ends = new Int32Array(256);
  /** The step of each row. */
  private place = new Int32Array(256);
  private marks = new Float64Array(WIDTH * 4);
  private readonly sums = emptySums();
  /** Latest end of a call among each 256 steps, ms since the epoch. */
  private latest = new Float64Array(16);
  /** Rows and file operations that are in no step yet. */
  private loose: Int32Array = new Int32Array(0);
  private looseOps: Int32Array = new Int32Array(0);
  private seenRows = 0;
  private seenOps = 0;
  /** What is in the tables from this step on is void. */
  private low = Number.POSITIVE_INFINITY;
  private job: Generator<void, void> | undefined;

  private readonly chunk: number;

  /** @param options.chunk events looked at in one go */
  constructor(fold: SessionFold, options: { chunk?: number } = {}) {
    this.chunk = options.chunk ?? CHUNK;
    this.fold = fold;
    this.files = new ReplayFiles(fold);
  }

  /** Steps whose state is known. */
  get length(): number {
    return Math.min(this.steps, this.low);
  }

  /**
   * Steps from this one on changed, came or went. To be told before the next {@link work} or
   * {@link stateAt}: the steps have moved.
   */
  changed(from: number): void {
    // What is no step may belong to one that came in after the step that it was counted with.
    this.low = Math.min(this.low, Math.max(0, from - 1));
  }

  /** All that the fold knows is in here. */
  get complete(): boolean {
    return (
      this.job === undefined &&
      this.length === this.fold.steps.length &&
      this.seenRows === this.fold.columns.length
    );
  }

  /**
   * Goes on with what there is to do.
   *
   * @param goOn asked every few thousand events: false stops here
   * @returns whether there is more
   */
  work(goOn: () => boolean = () => true): boolean {
    while (!this.complete) {
      // Without a step there is nothing that events could belong to.
      if (this.fold.steps.length === 0 && this.steps === 0) return false;
      this.job ??= this.build();
      if (this.job.next().done) this.job = undefined;
      if (!goOn()) return !this.complete;
    }
    return false;
  }

  /** Changes may come between two slices of it: then it stops before the first step that changed. */
  private *build(): Generator<void, void> {
    const { steps, files } = this.fold;
    // As they stand now: who belongs where must be one answer, and it holds below `low` for good.
    const list = steps.copy();
    const total = list.length;
    const start = Math.max(0, Math.min(this.length, total - 1));
    this.low = Number.POSITIVE_INFINITY;
    this.truncate(start);
    this.takeNew();
    const { loose, looseOps, place, chunk } = this;
    for (let i = 0; i < loose.length; i++) place[loose[i]!] = UNPLACED;
    yield;
    for (let step = start; step < total; step++) {
      this.own(step, list[step]!);
      if (step % chunk === 0) yield;
    }
    for (let i = 0; i < loose.length; i++) {
      const row = loose[i]!;
      if (place[row] === UNPLACED) place[row] = Math.max(start, steps.before(row, list));
      if (i % chunk === 0) yield;
    }
    const rows = yield* bucketed(loose, total - start, (row) => place[row]! - start, chunk);
    const ops = yield* bucketed(
      looseOps,
      total - start,
      (op) => {
        const row = files.opRow(op);
        return row < 0 ? -1 : Math.max(0, place[row]! - start);
      },
      chunk,
    );
    this.order = grown(this.order, this.used + rows.values.length);
    this.ends = grown(this.ends, total);
    this.latest = grown(this.latest, (total >> SPAN_BITS) + 1);
    let step = start;
    let since = 0;
    for (; step < Math.min(total, this.low); step++) {
      const at = step - start;
      for (let i = rows.from[at]!; i < rows.from[at + 1]!; i++) this.append(rows.values[i]!);
      for (let i = ops.from[at]!; i < ops.from[at + 1]!; i++) {
        this.files.append(ops.values[i]!, step);
      }
      this.ends[step] = this.used;
      this.noteEnd(step);
      this.steps = step + 1;
      since += 1 + rows.from[at + 1]! - rows.from[at]!;
      if (since < chunk) continue;
      since = 0;
      yield;
    }
    // Those of later steps wait until these have settled.
    this.loose = rows.values.slice(rows.from[step - start]!);
    this.looseOps = ops.values.slice(ops.from[step - start]!);
  }

  /** Gives a step's own event, its result and its response their place. */
  private own(step: number, row: number): void {
    const { columns } = this.fold;
    const { place, seenRows } = this;
    place[row] = step;
    const pair = columns.pair[row]!;
    if (columns.type[row] === TYPE.tool_call && pair >= 0 && pair < seenRows) place[pair] = step;
    const response = columns.response[row]!;
    if (response >= 0 && response < seenRows && place[response] === UNPLACED) {
      place[response] = step;
    }
  }

  private truncate(step: number): void {
    const end = step === 0 ? 0 : this.ends[step - 1]!;
    this.loose = joined(this.loose, this.order.subarray(end, this.used));
    this.looseOps = joined(this.looseOps, this.files.truncate(step));
    this.used = end;
    this.steps = step;
    this.sumsAt(end, this.sums);
    const first = step & ~(SPAN - 1);
    if (step > 0) this.latest[step >> SPAN_BITS] = Number.NEGATIVE_INFINITY;
    for (let at = first; at < step; at++) this.noteEnd(at);
  }

  private takeNew(): void {
    const { columns, files } = this.fold;
    this.loose = joined(this.loose, range(this.seenRows, columns.length));
    this.looseOps = joined(this.looseOps, range(this.seenOps, files.opCount));
    this.seenRows = columns.length;
    this.seenOps = files.opCount;
    this.place = grown(this.place, this.seenRows);
  }

  private append(row: number): void {
    this.order[this.used++] = row;
    this.add(row, this.sums);
    if (this.used % STRIDE !== 0) return;
    const mark = this.used / STRIDE;
    this.marks = grown(this.marks, mark * WIDTH);
    this.marks.set(this.sums, (mark - 1) * WIDTH);
  }

  private add(row: number, sums: Float64Array): void {
    const { columns } = this.fold;
    const type = columns.type[row]!;
    const flags = columns.flags[row]!;
    if (type === TYPE.tool_call) {
      if ((flags & FLAG.subagent) !== 0) return;
      sums[SUM.calls]!++;
      const kind = columns.kind[row];
      if (kind === MODIFY) sums[SUM.edits]!++;
      else if (kind === READ) sums[SUM.reads]!++;
      else if (kind === RUN) sums[SUM.runs]!++;
      if ((flags & FLAG.test) !== 0) sums[SUM.tests]!++;
      if ((flags & FLAG.retry) !== 0) sums[SUM.retries]!++;
    } else if (type === TYPE.error || type === TYPE.tool_result) {
      if ((flags & FLAG.denied) !== 0) sums[SUM.denied]!++;
      else if ((flags & FLAG.error) !== 0) sums[SUM.errors]!++;
    } else if (type === TYPE.llm_response) {
      this.addResponse(row, sums);
    } else if (columns.kind[row] === PROMPT) {
      sums[SUM.prompts]!++;
      sums[SUM.promptRow] = row;
    }
  }

  private addResponse(row: number, sums: Float64Array): void {
    const { columns, cost } = this.fold;
    if (columns.lane[row] === 0 && cost.hasUsage(row)) {
      const known = sums[SUM.contextRow]!;
      if (known < 0 || this.isLater(row, known)) sums[SUM.contextRow] = row;
    }
    if (!cost.usageInto(row, this.usage)) return;
    const { usage } = this;
    sums[SUM.responses]!++;
    sums[SUM.input]! += usage.input_tokens;
    sums[SUM.cacheRead]! += usage.cache_read_input_tokens;
    sums[SUM.cacheWrite]! += usage.cache_write_input_tokens;
    sums[SUM.output]! += usage.output_tokens;
    const nano = columns.nanoUsd[row]!;
    if (Number.isNaN(nano)) sums[SUM.unpriced]!++;
    else {
      sums[SUM.nanoUsd]! += nano;
      if (columns.lane[row] === 0) sums[SUM.ownNanoUsd]! += nano;
    }
  }

  private readonly usage: Usage = emptyUsage();

  /** As the context slice has it: at one and the same moment the larger is the later. */
  private isLater(row: number, known: number): boolean {
    const { timeMs } = this.fold.columns;
    if (timeMs[row] !== timeMs[known]) return timeMs[row]! > timeMs[known]!;
    return this.fold.responseTokens(row) >= this.fold.responseTokens(known);
  }

  /** The sums of the first `size` events in order. */
  private sumsAt(size: number, into: Float64Array): Float64Array {
    const mark = Math.floor(size / STRIDE);
    if (mark === 0) into.set(emptySums());
    else into.set(this.marks.subarray((mark - 1) * WIDTH, mark * WIDTH));
    for (let at = mark * STRIDE; at < size; at++) this.add(this.order[at]!, into);
    return into;
  }

  private noteEnd(step: number): void {
    const span = step >> SPAN_BITS;
    const end = this.endMs(step);
    if (step % SPAN === 0 || end > this.latest[span]!) this.latest[span] = end;
  }

  /** When the call of this step ended, ms since the epoch; the step's own time where it is none. */
  private endMs(step: number): number {
    const { columns, steps } = this.fold;
    const row = steps.row(step);
    const isCall = columns.type[row] === TYPE.tool_call;
    const ms = isCall ? columns.durationMs[row]! : 0;
    return columns.timeMs[row]! + (Number.isNaN(ms) ? 0 : ms);
  }

  /**
   * The state as of a step. Undefined where it is not known (yet).
   *
   * @param options.files files named, the most recent ones
   */
  stateAt(step: number, options: { files?: number } = {}): ReplayState | undefined {
    if (!Number.isInteger(step) || step < 0 || step >= this.length) return undefined;
    const { fold } = this;
    const end = this.ends[step]!;
    const sums = this.sumsAt(end, emptySums());
    const nanoUsd = sums[SUM.nanoUsd]!;
    const ownNanoUsd = sums[SUM.ownNanoUsd]!;
    const timeMs = fold.columns.timeMs[fold.steps.row(step)]!;
    const state: ReplayState = {
      step,
      timeMs,
      events: end,
      cost: {
        nanoUsd,
        ownNanoUsd,
        subagentNanoUsd: nanoUsd - ownNanoUsd,
        responses: sums[SUM.responses]!,
        unpriced: sums[SUM.unpriced]!,
      },
      tokens: {
        input: sums[SUM.input]!,
        cacheRead: sums[SUM.cacheRead]!,
        cacheWrite: sums[SUM.cacheWrite]!,
        output: sums[SUM.output]!,
      },
      calls: sums[SUM.calls]!,
      edits: sums[SUM.edits]!,
      errors: sums[SUM.errors]!,
      denied: sums[SUM.denied]!,
      retries: sums[SUM.retries]!,
      prompts: sums[SUM.prompts]!,
      files: this.files.at(step, options.files ?? 100),
      running: this.runningAt(step, timeMs),
      subagents: this.subagentsAt(timeMs),
    };
    const promptRow = sums[SUM.promptRow]!;
    if (promptRow >= 0) {
      const prompt = this.place[promptRow]!;
      const before = prompt === 0 ? 0 : this.ends[prompt - 1]!;
      const earlier = this.sumsAt(before, emptySums())[SUM.nanoUsd]!;
      state.prompt = { step: prompt, nanoUsd: nanoUsd - earlier };
    }
    if (sums[SUM.contextRow]! >= 0) state.context = this.contextOf(sums[SUM.contextRow]!);
    return state;
  }

  /** Calls until this step that read files, ran commands, and of those ran tests. The step must be known. */
  callsAt(step: number): { reads: number; runs: number; tests: number } {
    const sums = this.sumsAt(this.ends[step]!, emptySums());
    return { reads: sums[SUM.reads]!, runs: sums[SUM.runs]!, tests: sums[SUM.tests]! };
  }

  /** Files that the steps `from … to` (both inclusive, both known) read and changed. */
  filesBetween(from: number, to: number): { read: number; modified: number } {
    return this.files.between(from, to);
  }

  /** When a step was over, ms since the epoch; of one that runs, when it began. */
  endOfStep(step: number): number {
    return this.endMs(step);
  }

  private contextOf(row: number): NonNullable<ReplayState['context']> {
    const { fold } = this;
    const model = fold.cost.modelOfRow(row) || fold.session.model;
    const context: NonNullable<ReplayState['context']> = {
      tokens: fold.responseTokens(row),
      model,
    };
    const window = fold.context.windowOf(0, model);
    if (window !== undefined) context.window = window;
    const usage = fold.cost.usageOfRow(row);
    if (usage) {
      context.parts = {
        cacheRead: usage.cache_read_input_tokens,
        cacheWrite: usage.cache_write_input_tokens,
        fresh: uncachedInput(usage),
        output: usage.output_tokens,
      };
    }
    return context;
  }

  private runningAt(step: number, timeMs: number): ReplayState['running'] {
    const { columns, steps } = this.fold;
    const found: ReplayState['running'] = [];
    const take = (at: number) => found.push({ step: at, sinceMs: columns.timeMs[steps.row(at)]! });
    for (const row of this.fold.running()) {
      const at = steps.stepOf(row);
      if (at >= 0 && at < step && found.length < MAX_RUNNING) take(at);
    }
    for (let span = step >> SPAN_BITS; span >= 0; span--) {
      if (!(this.latest[span]! > timeMs)) continue;
      const last = Math.min(step - 1, ((span + 1) << SPAN_BITS) - 1);
      for (let at = last; at >= span << SPAN_BITS; at--) {
        if (found.length >= MAX_RUNNING) return found;
        if (this.endMs(at) > timeMs) take(at);
      }
    }
    return found;
  }

  private subagentsAt(timeMs: number): ReplayState['subagents'] {
    return this.fold.subagents
      .all()
      .filter(({ startMs, endMs }) => startMs <= timeMs && (endMs === undefined || endMs > timeMs))
      .slice(0, MAX_SUBAGENTS)
      .map(({ lane, type, description, startMs }) => ({
        lane,
        name: type || description || 'subagent',
        sinceMs: startMs,
      }));
  }

  /** Bytes of its tables. */
  get bytes(): number {
    const { order, ends, place, marks, latest, loose, looseOps } = this;
    return [order, ends, place, marks, latest, loose, looseOps].reduce(
      (sum, column) => sum + column.byteLength,
      this.files.bytes,
    );
  }
}

function emptySums(): Float64Array {
  const sums = new Float64Array(WIDTH);
  sums[SUM.contextRow] = -1;
  sums[SUM.promptRow] = -1;
  return sums;
}

function range(from: number, to: number): Int32Array {
  const numbers = new Int32Array(Math.max(0, to - from));
  for (let i = 0; i < numbers.length; i++) numbers[i] = from + i;
  return numbers;
}
