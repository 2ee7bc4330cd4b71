/** What reports want to know of a session that only its file has. */

import { FLAG } from '../model/columns.ts';
import { failureLine } from '../model/failure.ts';
import { stepTitle } from '../model/step.ts';
import { oneLine } from '../model/text.ts';
import type { TraceSession } from './session.ts';

/** A step that failed or was denied, as reports have it. */
export interface FailedStep {
  /** Seconds since the epoch. */
  at: number;
  kind: 'error' | 'denied';
  step: string;
  message: string;
}

/**
 * Failed and denied steps with what they said, in time order. One at a time, as each is read from the
 * file: who must not be kept waiting pauses in between.
 */
export function* failuresOf(session: TraceSession): Generator<FailedStep> {
  const { fold } = session;
  const { columns } = fold;
  for (let at = 0; at < fold.steps.length; at++) {
    const row = fold.steps.row(at);
    const flags = columns.flags[row]!;
    if ((flags & (FLAG.error | FLAG.denied)) === 0) continue;
    const view = session.describe(at, at + 1)[0]!;
    const pair = columns.pair[row]!;
    yield {
      at: Math.round(columns.timeMs[row]!) / 1000,
      kind: (flags & FLAG.denied) !== 0 ? 'denied' : 'error',
      step: stepTitle(view),
      message: pair < 0 ? '' : oneLine(failureLine(session.readEvents([pair])[0]), 300),
    };
  }
}

/** Prompts and steps of a session in words, as reports on its context ask for them. */
export function wordsOf(session: TraceSession): {
  prompt(row: number): string;
  step(step: number): string;
} {
  const prompts = promptsOf(session);
  return {
    prompt: (row) => prompts.get(row) ?? '',
    step: (step) => stepTitle(session.describe(step, step + 1)[0]),
  };
}

/** First line of each prompt, by its row. */
export function promptsOf(session: TraceSession): Map<number, string> {
  const rows = session.fold.phases
    .all()
    .map(({ row }) => row)
    .filter((row) => row >= 0);
  const events = session.readEvents(rows);
  return new Map(
    rows.map((row, at) => {
      const prompt = events[at]?.data.prompt;
      return [row, typeof prompt === 'string' ? oneLine(prompt) : ''];
    }),
  );
}
