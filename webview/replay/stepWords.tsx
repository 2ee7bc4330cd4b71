import { formatClock } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { KIND_WORDS } from '../shared/rowMarks.ts';
import { StepIcon } from '../shared/step.tsx';
import type { ReplayApp } from './app.ts';

/** A step in a few words: `Edit webhook.py`. */
export function stepWords({ rows, words }: ReplayApp, step: number): string {
  if (!rows.known(step)) return 'not read yet';
  const view = words.get(step);
  const kind = rows.kind(step);
  if (!view) return KIND_WORDS[kind] ?? kind;
  const parts = [view.verb || KIND_WORDS[kind] || '', view.target, view.detail];
  if (rows.has(step, 'denied') && view.verb !== 'Denied') parts.unshift('Denied');
  else if (rows.has(step, 'error') && !rows.has(step, 'denied')) parts.unshift('Failed');
  return visibleText(parts.filter(Boolean).join(' '));
}

/** `14:20, step 118, Edit webhook.py`. */
export const momentWords = (app: ReplayApp, step: number): string =>
  `${formatClock(app.offsetOf(step))}, step ${step + 1}, ${stepWords(app, step)}`;

/** Number of a step as it is shown: prompts count for themselves. */
export function stepNumber({ rows }: ReplayApp, step: number): string {
  return rows.isPrompt(step) ? `P${rows.promptIndex(step) + 1}` : String(step + 1);
}

/** The icon of a step of the session. */
export function IconOf({ app: { rows, words }, step }: { app: ReplayApp; step: number }) {
  return (
    <StepIcon
      kind={rows.kind(step)}
      view={words.get(step)}
      denied={rows.has(step, 'denied')}
      failed={rows.has(step, 'error')}
    />
  );
}
