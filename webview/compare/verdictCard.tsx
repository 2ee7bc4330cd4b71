import { visibleText } from '../../src/model/visibleText.ts';
import type { Comparison } from '../../src/protocol/compare.ts';
import { Icon } from '../shared/icons.tsx';
import type { CompareApp } from './app.ts';

/** A fact, a cause, a caution. */
export function VerdictCard({ app, comparison }: { app: CompareApp; comparison: Comparison }) {
  const { winner, refused, fact, cause, caution } = comparison.verdict;
  const tone = refused ? 'refused' : winner === 'none' ? 'even' : 'won';
  const icon = refused ? 'warning' : winner === 'none' ? 'info' : 'pass';
  return (
    <section class={`verdict ${tone}`} aria-label="Verdict">
      <Icon name={icon} />
      <div class="verdict-words">
        <p class="fact">{visibleText(fact)}</p>
        <p class="muted">{visibleText([cause, caution].filter(Boolean).join(' '))}</p>
      </div>
      <button
        type="button"
        class="button"
        onClick={() => app.post({ type: 'open', side: 'both', step: 0 })}
      >
        Open both in replay
      </button>
    </section>
  );
}
