import { useEffect, useRef, useState } from 'preact/hooks';
import { formatUsd, plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StreamCommand, StreamHeader } from '../../src/protocol/stream.ts';
import { Announcer } from '../shared/announcer.tsx';
import { ErrorBar, ProgressBar, readingWords, readsLong } from '../shared/bars.tsx';
import { usePainter } from '../shared/hooks.ts';
import { Icon, type IconName } from '../shared/icons.tsx';
import { isTyping, KeyList } from '../shared/keys.tsx';
import type { StreamApp } from './app.ts';
import { Controls } from './controls.tsx';
import { Cost } from './cost.tsx';
import { Current } from './current.tsx';
import { Filters } from './filters.tsx';
import { StreamList } from './list.tsx';
import { Meters } from './meters.tsx';
import { Switcher } from './switcher.tsx';

const KEYS = [
  ['↑ ↓', 'Previous, next event'],
  ['J K', 'Next, previous event'],
  ['Enter', 'Open the event in the replay'],
  ['Ctrl+Enter', 'Open its file at the line'],
  ['E Shift+E', 'Next, previous error'],
  ['P Shift+P', 'Next, previous prompt'],
  ['Home End', 'Start, live'],
  ['/', 'Search'],
  ['?', 'This list'],
] as const;

export function StreamPage({ app }: { app: StreamApp }) {
  usePainter(app.painter);
  const [showKeys, setShowKeys] = useState(false);
  useEffect(() => {
    // Counting clocks; a page that nobody sees counts when it is seen again.
    const clock = setInterval(() => {
      if (document.visibilityState === 'visible' && ticks(app)) app.painter.soon();
    }, 1000);
    const onVisible = () => app.painter.soon();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      clearInterval(clock);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [app]);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== '?' || event.defaultPrevented || isTyping(event)) return;
      event.preventDefault();
      setShowKeys(true);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);

  const nowMs = app.hostNowMs();
  const { header } = app;
  return (
    <main class="page frame">
      <ProgressBar progress={app.progress} label="Reading the trace" />
      <ErrorBar
        error={app.error}
        onAction={(command) => app.command(command)}
        onDismiss={() => app.dismissError()}
      />
      {app.empty ? (
        <Empty reason={app.empty} app={app} />
      ) : (
        <>
          <Switcher app={app} nowMs={nowMs} />
          <div id="session-panel" class="panel" {...(app.sessions.length === 2 ? PANEL : {})}>
            <div class="now">
              {header && <Cost app={app} header={header} />}
              {header && <Meters header={header} nowMs={nowMs} />}
              {header && <Current header={header} nowMs={nowMs} />}
              {header && <Controls app={app} header={header} />}
            </div>
            {app.sessionId !== undefined && <Filters app={app} />}
            {app.sessionId !== undefined && <StreamList app={app} />}
            <Footer app={app} header={header} />
          </div>
        </>
      )}
      <Speech app={app} />
      {showKeys && <KeyList keys={KEYS} onClose={() => setShowKeys(false)} />}
    </main>
  );
}

const PANEL = { role: 'tabpanel', 'aria-label': 'Session' } as const;

/** Something on the page counts by the clock. */
function ticks(app: StreamApp): boolean {
  const running = app.sessions.some(({ endedAtMs }) => endedAtMs === undefined);
  return running || app.progress !== undefined || app.header?.cacheColdAtMs !== undefined;
}

const EMPTY: Record<
  NonNullable<StreamApp['empty']>,
  { icon: IconName; text: string; command: StreamCommand; action: string }
> = {
  noSession: {
    icon: 'pulse',
    text: 'No agent is running here. Start one, or set up recording.',
    command: 'setUp',
    action: 'Set up recording',
  },
  noFolder: {
    icon: 'folder-opened',
    text: 'No folder is open. Open the one your agent works in.',
    command: 'openFolder',
    action: 'Open folder',
  },
  untrusted: {
    icon: 'workspace-untrusted',
    text: 'This folder is in restricted mode. Trust it to record agents here.',
    command: 'manageTrust',
    action: 'Manage trust',
  },
};

function Empty({ reason, app }: { reason: NonNullable<StreamApp['empty']>; app: StreamApp }) {
  const { icon, text, command, action } = EMPTY[reason];
  return (
    <div class="empty">
      <Icon name={icon} />
      <p>{text}</p>
      <button type="button" class="button primary" onClick={() => app.command(command)}>
        {action}
      </button>
    </div>
  );
}

function Footer({ app, header }: { app: StreamApp; header: StreamHeader | undefined }) {
  const { progress } = app;
  if (progress && readsLong(app.progressSinceMs)) {
    return <footer class="footer">{readingWords(progress)}</footer>;
  }
  if (!header) return null;
  const { counts, cost } = header;
  const bad = plural(counts.badLines, 'bad line');
  return (
    <footer class="footer">
      <span>{plural(counts.events, 'event')}</span>
      <span class="dot-between">·</span>
      {counts.badLines > 0 ? (
        <button
          type="button"
          class="link"
          title={`${plural(counts.badLines, 'line')} could not be read and ${counts.badLines === 1 ? 'was' : 'were'} skipped. Show log`}
          onClick={() => app.command('showLog')}
        >
          {bad}
        </button>
      ) : (
        <span>{bad}</span>
      )}
      {/* Where no cost is known there is none to share out. */}
      {!cost.unknown && (
        <span class="split">
          own {formatUsd(cost.ownNanoUsd)} · subagents {formatUsd(cost.subagentNanoUsd)}
        </span>
      )}
    </footer>
  );
}

/** What a screen reader hears without asking. */
function Speech({ app }: { app: StreamApp }) {
  const alert = useRef('');
  const fresh = app.takeAlert();
  if (fresh) alert.current = fresh;
  return <Announcer status={statusText(app)} alert={alert.current} />;
}

function statusText({ header, progress }: StreamApp): string {
  if (progress) return 'Reading the trace';
  if (!header) return '';
  const agent = visibleText(header.agent);
  const errors = header.counts.errors > 0 ? `, ${plural(header.counts.errors, 'error')}` : '';
  switch (header.status) {
    case 'waiting':
      return `${agent} waits for you`;
    case 'live':
      return `${agent} works${errors}`;
    case 'idle':
      return `${agent} is ready for the next prompt${errors}`;
    case 'paused':
      return `${agent} is paused`;
    case 'ended':
      return `${agent} is done${errors}`;
    case 'failed':
      return `${agent} has stopped${errors}`;
  }
}
