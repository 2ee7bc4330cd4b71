import { useEffect, useReducer, useState } from 'preact/hooks';
import { formatCount } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { Announcer } from '../shared/announcer.tsx';
import { Icon } from '../shared/icons.tsx';
import { isTyping, KeyList, keyName } from '../shared/keys.tsx';
import { type CompareApp, ORDERS } from './app.ts';
import { Heads } from './heads.tsx';
import { Measures } from './measures.tsx';
import { Phases } from './phases.tsx';
import { Steps } from './steps.tsx';
import { VerdictCard } from './verdictCard.tsx';

/** Reading that takes longer says how far it is, ms. */
const PROGRESS_TEXT_MS = 400;
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
  const [, paint] = useReducer((count: number, _: undefined) => count + 1, 0);
  const [showKeys, setShowKeys] = useState(false);
  useEffect(() => app.painter.subscribe(() => paint(undefined)), [app]);
  useNarrow(app);
  useKeys(app, () => setShowKeys(true));

  const { comparison } = app;
  if (!comparison) {
    return (
      <main class="page">
        <Progress app={app} />
        {app.error && <ErrorBar app={app} />}
        {!app.error && <Empty app={app} />}
      </main>
    );
  }
  return (
    <main class="page">
      <Progress app={app} />
      <Heads app={app} comparison={comparison} onHelp={() => setShowKeys(true)} />
      {app.error && <ErrorBar app={app} />}
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

function useNarrow(app: CompareApp): void {
  useEffect(() => {
    const list = matchMedia(NARROW);
    const onChange = () => app.setNarrow(list.matches);
    list.addEventListener('change', onChange);
    onChange();
    return () => list.removeEventListener('change', onChange);
  }, [app]);
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
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]')) {
        return;
      }
      const run = keys[keyName(event).replace('Shift+?', '?')];
      if (!run || !app.comparison) return;
      event.preventDefault();
      run();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [app, onHelp]);
}

function Progress({ app: { progress, progressSinceMs } }: { app: CompareApp }) {
  if (!progress) return null;
  const { readBytes, totalBytes, readEvents } = progress;
  const share = totalBytes > 0 ? Math.min(1, readBytes / totalBytes) : 0;
  const late = performance.now() - progressSinceMs > PROGRESS_TEXT_MS;
  return (
    <div class="progress">
      <div
        class="progress-bar"
        role="progressbar"
        aria-label="Reading the traces"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
      >
        <div style={{ width: `${share * 100}%` }} />
      </div>
      {late && (
        <span class="progress-text">
          Reading {formatCount(readEvents)}
          {share > 0 ? ` of ~${formatCount(readEvents / share)}` : ''} events
        </span>
      )}
    </div>
  );
}

function ErrorBar({ app }: { app: CompareApp }) {
  const { error } = app;
  if (!error) return null;
  return (
    <div class="error-bar" role="alert">
      <Icon name="error" />
      <span class="cut" title={visibleText(error.detail ?? error.message)}>
        {visibleText(error.message)}
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label="Dismiss"
        title="Dismiss"
        onClick={() => app.dismissError()}
      >
        <Icon name="close" />
      </button>
    </div>
  );
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
