/** What a row says of a step, on whatever page it stands. */
import { formatCount, MISSING } from '../../src/model/format.ts';
import type { StepView } from '../../src/model/step.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { RowKind } from '../../src/protocol/rows.ts';
import { Icon } from './icons.tsx';
import { KIND_ICONS, KIND_ROLES, laneClass } from './rowMarks.ts';

/** The icon of what it did, in the colour of its kind, of the lane that it began, or of what went wrong. */
export function StepIcon({
  kind,
  view,
  denied,
  failed,
}: {
  kind: RowKind;
  view: StepView | undefined;
  denied: boolean;
  failed: boolean;
}) {
  const role =
    denied || failed
      ? 'role-error'
      : kind === 'agent'
        ? laneClass(view?.spawns ?? 1)
        : `role-${KIND_ROLES[kind] ?? 'other'}`;
  return (
    <span class={`step-icon ${role}`}>
      <Icon name={denied ? 'circle-slash' : (view?.icon ?? KIND_ICONS[kind])} />
    </span>
  );
}

/**
 * What it did, to what, and what came of it.
 *
 * @param plain the verb is no bolder than the rest: a dot parts it from what is muted
 */
export function StepSummary({
  view: { verb, target, detail, attempt, added, removed, style, file },
  kind,
  plain,
}: {
  view: StepView;
  kind: RowKind;
  plain?: boolean;
}) {
  const classes = [
    'target',
    style,
    kind === 'reasoning' ? 'italic' : '',
    plain && file ? 'opens' : '',
  ];
  return (
    <>
      {attempt !== undefined && attempt > 1 && (
        <span class="tag amber">
          <Icon name="refresh" />
          retry {attempt}
        </span>
      )}
      {verb && <span class="verb">{visibleText(verb)}</span>}
      {plain && verb && style === 'muted' && target && <span class="muted">·</span>}
      {target && <span class={classes.filter(Boolean).join(' ')}>{visibleText(target)}</span>}
      {added !== undefined && (added > 0 || !removed) && (
        <span class="added">+{formatCount(added)}</span>
      )}
      {removed !== undefined && removed > 0 && <span class="removed">−{formatCount(removed)}</span>}
      {detail && <span class="detail">{visibleText(detail)}</span>}
    </>
  );
}

/** The rule that denied it. */
export function RuleTag({ rule }: { rule: string }) {
  return (
    <span class="tag red rule">
      <Icon name="shield" />
      <span class="cut">{visibleText(rule)}</span>
    </span>
  );
}

/** Not known: never 0. */
export const Missing = () => <span class="dim">{MISSING}</span>;
