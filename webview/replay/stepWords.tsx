import { formatClock, formatCount } from '../../src/model/format.ts';
import type { StepView } from '../../src/model/step.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { Icon } from '../shared/icons.tsx';
import { KIND_ICONS, KIND_ROLES, KIND_WORDS, laneClass } from '../shared/rowMarks.ts';
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

export function StepIcon({ app, step }: { app: ReplayApp; step: number }) {
  const { rows, words } = app;
  const view = words.get(step);
  const kind = rows.kind(step);
  const failed = app.isFailed(step);
  const role = failed
    ? 'role-error'
    : kind === 'agent'
      ? laneClass(view?.spawns ?? 1)
      : `role-${KIND_ROLES[kind] ?? 'other'}`;
  const icon = rows.has(step, 'denied') ? 'circle-slash' : (view?.icon ?? KIND_ICONS[kind]);
  return (
    <span class={`step-icon ${role}`}>
      <Icon name={icon} />
    </span>
  );
}

export function StepSummary({ view, kind }: { view: StepView; kind: string }) {
  const { verb, target, detail, attempt, added, removed, rule } = view;
  return (
    <>
      {attempt !== undefined && attempt > 1 && (
        <span class="tag amber">
          <Icon name="refresh" />
          retry {attempt}
        </span>
      )}
      {verb && <span class="verb">{visibleText(verb)}</span>}
      {target && (
        <span class={`target ${view.style} ${kind === 'reasoning' ? 'italic' : ''}`}>
          {visibleText(target)}
        </span>
      )}
      {added !== undefined && <span class="added">+{formatCount(added)}</span>}
      {removed !== undefined && <span class="removed">−{formatCount(removed)}</span>}
      {detail && <span class="detail">{visibleText(detail)}</span>}
      {rule && (
        <span class="tag red rule">
          <Icon name="shield" />
          <span class="cut">{visibleText(rule)}</span>
        </span>
      )}
    </>
  );
}
