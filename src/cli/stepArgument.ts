import { FLAG } from '../model/columns.ts';
import { stepOfEvent } from '../model/eventStep.ts';
import type { SessionFold } from '../model/fold.ts';
import { sanitizeLine } from '../report/terminalText.ts';
import { EXIT } from './exit.ts';
import { CliError } from './io.ts';

/** What names a step: its number, the id of an event, `last-error`. */
export const STEP_WORDS = 'a number from 1 up, the id of an event (12 hex digits), or last-error';

/** @returns the step of this session, 0-based @throws CliError */
export function stepArgument(
  { id, fold }: { id: string; fold: SessionFold },
  text: string,
): number {
  const { steps, columns } = fold;
  if (/^\d{1,10}$/.test(text) && !(text.length === 12 && stepOfEvent(fold, text) >= 0)) {
    const step = Number(text) - 1;
    if (step >= 0 && step < steps.length) return step;
    throw new CliError(
      `There is no step ${text}`,
      EXIT.none,
      steps.length === 0
        ? 'The session has no steps yet.'
        : `The session has the steps 1 to ${steps.length}. See them: agent-strace replay ${sanitizeLine(id)} --numbers`,
    );
  }
  if (text === 'last-error') {
    for (let at = steps.length - 1; at >= 0; at--) {
      if ((columns.flags[steps.row(at)]! & FLAG.error) !== 0) return at;
    }
    throw new CliError('No step of this session failed', EXIT.none);
  }
  if (/^[0-9a-f]{12}$/.test(text)) {
    const step = stepOfEvent(fold, text);
    if (step >= 0) return step;
    throw new CliError(`No event of this session has the id ${text}`, EXIT.none);
  }
  throw new CliError(
    `"${sanitizeLine(text)}" names no step`,
    EXIT.usage,
    `A step is ${STEP_WORDS}.`,
  );
}
