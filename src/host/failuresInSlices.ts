import { type FailedStep, failuresOf } from '../trace/findings.ts';
import type { TraceSession } from '../trace/session.ts';

/** Failed steps are read from the file one by one: so many in one go. */
const AT_ONCE = 20;

/** Failed and denied steps with what they said, in time order. @throws the signal's reason */
export async function failuresInSlices(
  trace: TraceSession,
  signal?: AbortSignal,
): Promise<FailedStep[]> {
  const failures: FailedStep[] = [];
  for (const failure of failuresOf(trace)) {
    failures.push(failure);
    if (failures.length % AT_ONCE !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
  return failures;
}
