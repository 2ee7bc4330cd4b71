import { visibleText } from '../../src/model/visibleText.ts';
import type { GuardRule } from '../../src/protocol/guard.ts';
import { Icon } from '../shared/icons.tsx';

/** The rule's text and what it does: opens its file at its line, where it has one. */
export function RuleChip({ rule, onOpen }: { rule: GuardRule; onOpen(): void }) {
  const words = (
    <code class="cut">
      {visibleText(rule.text)} <span aria-hidden="true">→</span>{' '}
      <b class="rule-action">{visibleText(rule.action)}</b>
    </code>
  );
  if (!rule.place) {
    return (
      <span class="rule-chip" title={`${visibleText(rule.name)}, built in or from a flag`}>
        {words}
      </span>
    );
  }
  const place = visibleText(rule.place);
  return (
    <button
      type="button"
      class="rule-chip"
      title={`${visibleText(rule.name)}: open ${place}`}
      onClick={onOpen}
    >
      {words}
    </button>
  );
}

/** The rule's name only. */
export function RuleTag({ rule, onOpen }: { rule: GuardRule; onOpen(): void }) {
  const name = visibleText(rule.name);
  if (!rule.place) {
    return (
      <span class="rule-tag cut" title={visibleText(rule.text)}>
        <Icon name="shield" /> <span class="cut">{name}</span>
      </span>
    );
  }
  return (
    <button
      type="button"
      class="rule-tag cut"
      tabIndex={-1}
      title={`${visibleText(rule.text)}: open ${visibleText(rule.place)}`}
      onClick={onOpen}
    >
      <Icon name="shield" /> <span class="cut">{name}</span>
    </button>
  );
}
