/** What a person says of a step, kept beside the trace. */
import { userInfo } from 'node:os';
import { type Annotation, AnnotationError, addAnnotation, MAX_AUTHOR } from './annotations.ts';
import type { TraceSession } from './session.ts';

/** One of label and note must not be empty. */
export interface StepNote {
  label: string;
  note: string;
  author: string;
}

/**
 * Adds an annotation to a step.
 *
 * @param step from 0
 * @param nowMs ms since the epoch
 * @throws {AnnotationError} also where the step is not in the trace any more
 */
export function noteOnStep(
  session: TraceSession,
  step: number,
  note: StepNote,
  nowMs: number = Date.now(),
): Annotation {
  const { fold } = session;
  const row = fold.steps.row(step);
  const [event] = row < 0 ? [] : session.readEvents([row]);
  if (!event) throw new AnnotationError('This step is no longer in the trace.');
  const offsetSeconds = Math.round(fold.columns.timeMs[row]! - fold.session.firstMs) / 1000;
  return addAnnotation(
    session.directory,
    session.id,
    { ...note, eventId: event.event_id, offsetSeconds },
    nowMs,
  );
}

/** The name that the system knows the person by; empty where it knows none. */
export function userName(): string {
  try {
    return userInfo().username.slice(0, MAX_AUTHOR);
  } catch {
    return '';
  }
}
