import { useEffect, useState } from 'preact/hooks';
import { Announcer } from '../shared/announcer.tsx';
import { ErrorBar, ProgressBar, readsLong } from '../shared/bars.tsx';
import { useMedia, usePainter } from '../shared/hooks.ts';
import { Icon } from '../shared/icons.tsx';
import { KeyList, listenToKeys } from '../shared/keys.tsx';
import { type CompareApp, ORDERS } from './app.ts';
import { Heads } from './heads.tsx';
import { Measures } from './measures.tsx';
import { Phases } from './phases.tsx';
import { Steps } from './steps.tsx';
import { VerdictCard } from './verdictCard.tsx';

/** Below this A stands above B. */
const NARROW = '(max-width: 899px)';

const KEYS = [
  ['[ ]', 'Previous, next divergence'],
  ['↑ ↓', 'Previous, next step'],
  ['Enter', 'Open the step in its replay'],
  ['1 2 3', 'Phases by time, cost, steps'],
  ['X', 'Swap A and B'],
  ['C', 'Copy as Markdown'],
  ['?', 'This list'],
] as const;

export function ComparePage({ app }: { app: CompareApp }) {
  usePainter(app.painter);
  const [showKeys, setShowKeys] = useState(false);
  const narrow = useMedia(NARROW);
  useEffect(() => app.setNarrow(narrow), [app, narrow]);
  useKeys(app, () => setShowKeys(true));

  const { comparison, progress } = app;
  const reading = (
    <ProgressBar
      progress={progress}
      label="Reading the traces"
      words={readsLong(app.progressSinceMs)}
    />
  );
  const error = <ErrorBar error={app.error} onDismiss={() => app.dismissError()} />;
  if (!comparison) {
    return (
      <main class="page frame">
        {reading}
        {error}
        {!app.error && <Empty app={app} />}
      </main>
    );
  }
  return (
    <main class="page frame">
      {reading}
      <Heads app={app} comparison={comparison} onHelp={() => setShowKeys(true)} />
      {error}
      {(app.states.a.gone || app.states.b.gone) && (
        <p class="note-bar">The trace was moved or deleted. Showing what was read.</p>
      )}
      <div class="content">
        <VerdictCard app={app} comparison={comparison} />
        <Measures measures={comparison.measures} />
        <Phases app={app} comparison={comparison} />
        <Steps app={app} comparison={comparison} />
      </div>
      <Announcer status={statusText(app)} alert="" />
      {showKeys && <KeyList keys={KEYS} onClose={() => setShowKeys(false)} />}
    </main>
  );
}

function useKeys(app: CompareApp, onHelp: () => void): void {
  useEffect(() => {
    const keys: Record<string, () => void> = {
      ']': () => app.seekDivergence(1),
      '[': () => app.seekDivergence(-1),
      X: () => app.swap(),
      C: () => app.post({ type: 'copy' }),
      '?': onHelp,
    };
    ORDERS.forEach((order, at) => {
      keys[String(at + 1)] = () => app.setOrder(order);
    });
    return listenToKeys(keys, () => app.comparison !== undefined);
  }, [app, onHelp]);
}

function Empty({ app }: { app: CompareApp }) {
  const { empty } = app;
  const waiting = empty === undefined || empty === 'loading';
  const words =
    empty === 'one'
      ? 'Pick a second session.'
      : empty === 'gone'
        ? 'One of the two sessions is no longer there.'
        : app.progress
          ? 'Reading both sessions …'
          : 'Comparing …';
  return (
    <div class="empty">
      <Icon name={waiting ? 'loading' : 'git-compare'} class={waiting ? 'spin' : ''} />
      <p>{words}</p>
      {!waiting && (
        <button type="button" class="button primary" onClick={() => app.post({ type: 'choose' })}>
          Choose session
        </button>
      )}
    </div>
  );
}

/** What a screen reader hears without asking. */
function statusText(app: CompareApp): string {
  const { divergence, divergences, comparison } = app;
  if (!comparison) return '';
  if (divergence < 0) return comparison.verdict.fact;
  const row = divergences[divergence] ?? 0;
  const { a, b } = comparison.steps;
  const side = (name: 'a' | 'b', step: number) =>
    step < 0 ? 'nothing' : app.stepWords(name, step);
  return `Divergence ${divergence + 1} of ${divergences.length}. A: ${side('a', a[row] ?? -1)}. B: ${side('b', b[row] ?? -1)}.`;
}
