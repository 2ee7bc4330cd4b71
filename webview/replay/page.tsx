import { useEffect, useState } from 'preact/hooks';
import { Announcer } from '../shared/announcer.tsx';
import { ErrorBar, ProgressBar, readsLong } from '../shared/bars.tsx';
import { useMedia, usePainter } from '../shared/hooks.ts';
import { Icon } from '../shared/icons.tsx';
import { KeyList, listenToKeys } from '../shared/keys.tsx';
import type { ReplayApp } from './app.ts';
import { Header } from './header.tsx';
import { Inspector } from './inspector.tsx';
import { LEAST_INSPECTOR } from './look.ts';
import { Sash } from './sash.tsx';
import { stepWords } from './stepWords.tsx';
import { TIMELINE_KEYS, timelineKeys } from './timeline/keys.ts';
import { Timeline } from './timeline/timeline.tsx';
import { Transcript } from './transcript.tsx';
import { Transport } from './transport.tsx';

/** Below this the inspector is a tab beside the steps. */
const NARROW = '(max-width: 999px)';

const KEYS = [
  ['Space', 'Play, pause'],
  ['J K', 'Next, previous step of those shown'],
  ['[ ]', 'Previous, next prompt, error or denial'],
  ['E Shift+E', 'Next, previous error or denial'],
  ['P Shift+P', 'Next, previous prompt'],
  ['Home End', 'Start, end or live'],
  ...TIMELINE_KEYS,
  ['Enter', 'Open the step or its diff'],
  ['/', 'Search'],
  ['Shift+F', 'Filter the steps'],
  ['B', 'Bookmark the step; again: take it away'],
  ['N', 'Write a note on the step'],
  ['Esc', 'Clear the selection'],
  ['?', 'This list'],
] as const;

export function ReplayPage({ app }: { app: ReplayApp }) {
  usePainter(app.painter);
  const [showKeys, setShowKeys] = useState(false);
  useKeys(app, () => setShowKeys(true));

  if (app.empty && app.rows.total === 0) {
    return (
      <main class="page frame">
        <Empty app={app} />
      </main>
    );
  }
  return (
    <main class="page frame">
      <ProgressBar
        progress={app.progress}
        label="Reading the trace"
        words={readsLong(app.progressSinceMs)}
      />
      <Header app={app} onHelp={() => setShowKeys(true)} />
      <ErrorBar
        error={app.error}
        onAction={(command) => app.command(command)}
        onDismiss={() => app.dismissError()}
      />
      <Timeline app={app} />
      <Transport app={app} />
      <Body app={app} />
      <div class={`toast ${app.look.notice ? '' : 'gone'}`} role="status">
        {app.look.notice}
      </div>
      <Announcer status={statusText(app)} alert="" />
      {showKeys && <KeyList wide keys={KEYS} onClose={() => setShowKeys(false)} />}
    </main>
  );
}

/** The steps, and what was true as of one of them: beside each other, or as tabs. */
function Body({ app }: { app: ReplayApp }) {
  const narrow = useMedia(NARROW);
  const frames = useFrames(2);
  const { tab, inspectorPx } = app.look;
  // One a frame, after the head of the page: all at once would be a task that keeps the person's hand waiting.
  const steps = frames > 0 ? <Transcript app={app} /> : <div />;
  const inspector = frames > 1 && <Inspector app={app} />;
  if (narrow) {
    return (
      <div class="body narrow">
        <Tabs tab={tab} onTab={(name) => app.look.setTab(name)} />
        <div
          class="tab-panel"
          role="tabpanel"
          id="replay-panel"
          aria-labelledby={`replay-tab-${tab}`}
        >
          {tab === 'steps' ? steps : inspector}
        </div>
      </div>
    );
  }
  return (
    <div
      class="body"
      style={
        inspectorPx
          ? { gridTemplateColumns: `minmax(300px, 1fr) 0 minmax(0, ${inspectorPx}px)` }
          : undefined
      }
    >
      {steps}
      <InspectorSash app={app} />
      {inspector}
    </div>
  );
}

/** How many frames have gone by since this was first shown, at most `most`. */
function useFrames(most: number): number {
  const [frames, setFrames] = useState(0);
  useEffect(() => {
    if (frames >= most) return;
    const frame = requestAnimationFrame(() => setFrames(frames + 1));
    return () => cancelAnimationFrame(frame);
  }, [frames, most]);
  return frames;
}

function InspectorSash({ app: { look } }: { app: ReplayApp }) {
  return (
    <Sash
      sizes="width"
      of="inspector"
      label="Width of the inspector"
      least={LEAST_INSPECTOR}
      most={Math.max(LEAST_INSPECTOR, window.innerWidth)}
      now={look.inspectorPx ?? Math.round(window.innerWidth * 0.417)}
      measure={(sash) =>
        look.inspectorPx ??
        sash.nextElementSibling?.getBoundingClientRect().width ??
        LEAST_INSPECTOR
      }
      onSize={(px) => look.setInspector(px)}
      onReset={() => look.setInspector(undefined)}
    />
  );
}

function Tabs({
  tab,
  onTab,
}: {
  tab: 'steps' | 'inspector';
  onTab(tab: 'steps' | 'inspector'): void;
}) {
  const one = (name: 'steps' | 'inspector', label: string) => (
    <button
      type="button"
      role="tab"
      id={`replay-tab-${name}`}
      aria-selected={tab === name}
      aria-controls="replay-panel"
      tabIndex={tab === name ? 0 : -1}
      onClick={() => onTab(name)}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        const other = tab === 'steps' ? 'inspector' : 'steps';
        onTab(other);
        document.getElementById(`replay-tab-${other}`)?.focus();
      }}
    >
      {label}
    </button>
  );
  return (
    <div class="tabs" role="tablist" aria-label="Show">
      {one('steps', 'Steps')}
      {one('inspector', 'As of this moment')}
    </div>
  );
}

/** The keys of the page; those of a control that has the focus come first. */
function useKeys(app: ReplayApp, onHelp: () => void): void {
  useEffect(() => {
    const { rows } = app;
    const isMark = (step: number) => rows.isPrompt(step) || app.isFailed(step);
    const seek = (by: 1 | -1, passes: (step: number) => boolean) => () => {
      const at = app.seek(by, passes);
      if (at >= 0) app.goTo(at);
    };
    const failed = (step: number) => app.isFailed(step);
    const prompt = (step: number) => rows.isPrompt(step);
    const keys: Record<string, () => void> = {
      ' ': () => app.togglePlay(),
      J: () => app.walk(1),
      K: () => app.walk(-1),
      'Shift+F': () => app.toggleFilter(),
      B: () => app.notes.toggleBookmark(),
      N: () => app.editNote(),
      ']': seek(1, isMark),
      '[': seek(-1, isMark),
      E: seek(1, failed),
      'Shift+E': seek(-1, failed),
      P: seek(1, prompt),
      'Shift+P': seek(-1, prompt),
      Home: () => app.goTo(0),
      End: () => (app.isLive ? app.goLive() : app.goTo(rows.total - 1)),
      Enter: () => app.openStep(),
      '/': () => app.search.set(app.search.text ?? ''),
      '?': onHelp,
      ...timelineKeys(app),
    };
    return listenToKeys(keys, (target, key) => {
      // Space and Enter press a button that has the focus; a step is no such button.
      if ((key !== ' ' && key !== 'Enter') || !(target instanceof Element)) return true;
      return (
        target.closest('button, a, [role=slider]') === null ||
        target.closest('.step-button') !== null
      );
    });
  });
}

function Empty({ app }: { app: ReplayApp }) {
  const loading = app.empty === 'loading';
  return (
    <div class="empty">
      <Icon name={loading ? 'loading' : 'history'} class={loading ? 'spin' : ''} />
      <p>{loading ? 'Looking for the session …' : 'Pick a session to replay.'}</p>
      {!loading && (
        <button type="button" class="button primary" onClick={() => app.command('chooseSession')}>
          Choose session
        </button>
      )}
    </div>
  );
}

/** What a screen reader hears without asking. */
function statusText(app: ReplayApp): string {
  if (app.progress) return 'Reading the trace';
  if (app.rows.total === 0) return '';
  const how = app.player.playing ? 'Playing, ' : '';
  return `${how}step ${app.step + 1} of ${app.rows.total}, ${stepWords(app, app.step)}`;
}
