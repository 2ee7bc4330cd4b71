import type { DiffLine, FileDiff } from '../../src/model/diffLines.ts';
import { formatCount, plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReplayApp } from './app.ts';

/** Lines shown before the rest is folded. */
const FOLD = 40;
const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

/**
 * Lines of a change.
 *
 * @param changedOnly leaves out what stayed the same
 */
export function Diff({
  app,
  diff,
  name,
  changedOnly = false,
}: {
  app: ReplayApp;
  diff: FileDiff;
  name: string;
  changedOnly?: boolean;
}) {
  const key = `${app.step} ${name}`;
  const open = app.look.unfolded.has(key);
  const all = changedOnly ? diff.lines.filter(({ kind }) => kind !== 'same') : diff.lines;
  const lines = open ? all : all.slice(0, FOLD);
  const hidden = all.length - lines.length;
  return (
    <>
      <section
        class="diff"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        tabIndex={0}
        aria-label={`Change of ${visibleText(diff.path)}`}
      >
        {lines.map((line, i) => (
          <Line key={i} line={line} />
        ))}
      </section>
      {(all.length > FOLD || diff.more > 0) && (
        <div class="fold">
          {all.length > FOLD && (
            <button type="button" class="link" onClick={() => app.look.unfold(key)}>
              {open ? 'Show less' : `${plural(hidden, 'more line')}`}
            </button>
          )}
          {diff.more > 0 && (
            <span class="muted">{formatCount(diff.more)} further lines are not shown</span>
          )}
        </div>
      )}
    </>
  );
}

function Line({ line }: { line: DiffLine }) {
  const said = line.kind === 'added' ? 'added: ' : line.kind === 'removed' ? 'removed: ' : '';
  return (
    <div class={`line ${line.kind}`}>
      <span class="line-number">{line.old ?? ''}</span>
      <span class="line-number">{line.new ?? ''}</span>
      <span class="sign" aria-hidden="true">
        {SIGNS[line.kind]}
      </span>
      {said && <span class="sr-only">{said}</span>}
      <code>{visibleCode(line.text) || ' '}</code>
    </div>
  );
}

/** As `visibleText`, but tabs stay. */
export const visibleCode = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(visibleText).join('\t'))
    .join('\n');
