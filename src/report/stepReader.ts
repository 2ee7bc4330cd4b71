import type { AnalysedSession } from '../analysis/analysed.ts';
import { describeStep } from '../model/describe.ts';
import type { TraceEvent } from '../model/event.ts';
import { failureLine } from '../model/failure.ts';
import { commandIn } from '../model/scriptCommand.ts';
import { type StepView, stepTitle } from '../model/step.ts';
import { oneLine } from '../model/text.ts';

/** Bytes; a line of ours is at most 1 MB. */
const MAX_WORDED = 1_500_000;
const MESSAGE_LENGTH = 200;
/** Steps whose events are kept. */
const KEPT = 64;

interface Read {
  view: StepView;
  event: TraceEvent | undefined;
  result: TraceEvent | undefined;
}

/** Steps in words, read when they are asked for; the last ones asked for are kept. */
export class StepReader {
  readonly session: AnalysedSession;
  private readonly kept = new Map<number, Read>();

  constructor(session: AnalysedSession) {
    this.session = session;
  }

  view(step: number): StepView {
    return this.read(step).view;
  }

  /** The command of a step; empty where it has none. */
  command(step: number): string {
    return commandIn(this.read(step).event?.data) ?? '';
  }

  /** What failed, and what it said. */
  failure(step: number): { words: string; message: string } {
    const { view, event, result } = this.read(step);
    const words = stepTitle(view);
    const message = oneLine(failureLine(result), MESSAGE_LENGTH);
    const told = event !== undefined && result === undefined ? words : message;
    return { words, message: told === words ? '' : message };
  }

  /** Reads steps at once, so that the file is opened once. */
  prepare(steps: readonly number[]): void {
    const { session } = this;
    const { fold } = session;
    const missing = steps.filter((step) => !this.kept.has(step));
    const rows = missing.flatMap((step) => {
      const row = fold.steps.row(step);
      return [this.sized(row), this.sized(row < 0 ? -1 : fold.columns.pair[row]!)];
    });
    const events = session.readEvents(rows);
    missing.forEach((step, at) => {
      const event = events[at * 2];
      const result = events[at * 2 + 1];
      const row = rows[at * 2]!;
      const view: StepView = event
        ? describeStep(fold, step, row, event, result)
        : { row: step, icon: 'info', verb: '', target: UNREAD, style: 'muted', detail: '' };
      this.kept.set(step, { view, event, result });
    });
  }

  private read(step: number): Read {
    const known = this.kept.get(step);
    if (known !== undefined) return known;
    if (this.kept.size >= KEPT) this.kept.clear();
    this.prepare([step]);
    return this.kept.get(step)!;
  }

  private sized(row: number): number {
    return row >= 0 && this.session.fold.columns.size[row]! <= MAX_WORDED ? row : -1;
  }
}

const UNREAD = '(cannot be read)';
