import type { ReplayIndex } from '../model/replay/replayIndex.ts';
import type { ToReplayPage } from '../protocol/replay.ts';

export type RangeSums = NonNullable<Extract<ToReplayPage, { type: 'range' }>['sums']>;

/**
 * What the steps `from … to` (both inclusive) come to: the state after the last less the state before the first, so that it
 * agrees with what the inspector says of both. Undefined where one of them is not known (yet).
 */
export function rangeSums(index: ReplayIndex, from: number, to: number): RangeSums | undefined {
  if (from > to) return undefined;
  const after = index.stateAt(to, { files: 0 });
  const before = from === 0 ? undefined : index.stateAt(from - 1, { files: 0 });
  if (!after || (from > 0 && !before)) return undefined;
  const { fold } = index;
  const { columns, steps } = fold;
  const calls = index.callsAt(to);
  const earlier = from === 0 ? undefined : index.callsAt(from - 1);
  const files = index.filesBetween(from, to);
  const startMs = columns.timeMs[steps.row(from)]!;
  const less = (a: number, b: number | undefined): number => a - (b ?? 0);
  return {
    nanoUsd: less(after.cost.nanoUsd, before?.cost.nanoUsd),
    ownNanoUsd: less(after.cost.ownNanoUsd, before?.cost.ownNanoUsd),
    unpriced: less(after.cost.unpriced, before?.cost.unpriced),
    responses: less(after.cost.responses, before?.cost.responses),
    inputTokens: less(after.tokens.input, before?.tokens.input),
    cacheReadTokens: less(after.tokens.cacheRead, before?.tokens.cacheRead),
    cacheWriteTokens: less(after.tokens.cacheWrite, before?.tokens.cacheWrite),
    outputTokens: less(after.tokens.output, before?.tokens.output),
    calls: less(after.calls, before?.calls),
    reads: less(calls.reads, earlier?.reads),
    edits: less(after.edits, before?.edits),
    runs: less(calls.runs, earlier?.runs),
    tests: less(calls.tests, earlier?.tests),
    errors: less(after.errors, before?.errors),
    denied: less(after.denied, before?.denied),
    retries: less(after.retries, before?.retries),
    durationMs: Math.max(0, index.endOfStep(to) - startMs),
    filesRead: files.read,
    filesChanged: files.modified,
  };
}
