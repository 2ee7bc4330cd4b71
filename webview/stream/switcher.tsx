import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatElapsed, formatUsd, MISSING } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { SessionTab } from '../../src/protocol/stream.ts';
import { Icon } from '../shared/icons.tsx';
import type { StreamApp } from './app.ts';

const STATUS: Record<SessionTab['status'], string> = {
  live: 'Working',
  idle: 'Ready for the next prompt',
  waiting: 'Waiting for you',
  paused: 'Paused',
  ended: 'Done',
  failed: 'Stopped',
};

/** Those that wait for an answer first, else as the host sent them. */
export function bySwitcherOrder(sessions: readonly SessionTab[]): SessionTab[] {
  return [
    ...sessions.filter(({ status }) => status === 'waiting'),
    ...sessions.filter(({ status }) => status !== 'waiting'),
  ];
}

/** One session: a plain header. Two: tabs. More: a drop-down of the same rows. */
export function Switcher({ app, nowMs }: { app: StreamApp; nowMs: number }) {
  const sessions = bySwitcherOrder(app.sessions);
  const [first] = sessions;
  if (!first) return null;
  if (sessions.length === 1) {
    return (
      <header class="session single">
        <SessionRow session={first} nowMs={nowMs} showCost={false} />
      </header>
    );
  }
  if (sessions.length === 2) return <Tabs app={app} sessions={sessions} nowMs={nowMs} />;
  return <DropDown app={app} sessions={sessions} nowMs={nowMs} />;
}

interface ManyProps {
  app: StreamApp;
  sessions: SessionTab[];
  nowMs: number;
}

function Tabs({ app, sessions, nowMs }: ManyProps) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -9, End: 9 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = sessions.findIndex(({ id }) => id === app.sessionId);
    const next = Math.min(sessions.length - 1, Math.max(0, at + step));
    app.select(sessions[next]!.id);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Sessions" ref={list} onKeyDown={move}>
      {sessions.map((session) => {
        const selected = session.id === app.sessionId;
        return (
          <button
            key={session.id}
            type="button"
            role="tab"
            class="session"
            aria-selected={selected}
            aria-controls="session-panel"
            tabIndex={selected ? 0 : -1}
            onClick={() => app.select(session.id)}
          >
            <SessionRow session={session} nowMs={nowMs} showCost />
          </button>
        );
      })}
    </div>
  );
}

function DropDown({ app, sessions, nowMs }: ManyProps) {
  const [open, setOpen] = useState(false);
  const [active, setActiveState] = useState(0);
  // Ahead of the next paint, for keys in quick succession.
  const activeNow = useRef(0);
  const setActive = (index: number) => {
    activeNow.current = index;
    setActiveState(index);
  };
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const selected = app.tab ?? sessions[0]!;
  const waiting = sessions.filter(
    ({ id, status }) => status === 'waiting' && id !== selected.id,
  ).length;

  useLayoutEffect(() => {
    if (!open) return;
    list.current?.focus();
    const outside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);

  useEffect(() => {
    list.current?.children[active]?.scrollIntoView({ block: 'nearest' });
  }, [open, active]);

  const show = () => {
    setActive(sessions.indexOf(selected));
    setOpen(true);
  };
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const choose = (session: SessionTab | undefined) => {
    if (session) app.select(session.id);
    close();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowUp: activeNow.current - 1,
      ArrowDown: activeNow.current + 1,
      Home: 0,
      End: sessions.length - 1,
    };
    const next = moves[event.key];
    if (next !== undefined) setActive(Math.min(sessions.length - 1, Math.max(0, next)));
    else if (event.key === 'Enter' || event.key === ' ') choose(sessions[activeNow.current]);
    else if (event.key === 'Escape') close();
    else if (event.key === 'Tab') setOpen(false);
    if (event.key !== 'Tab') {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  return (
    <div class="dropdown" ref={root}>
      <button
        ref={button}
        type="button"
        class="session"
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-controls={open ? 'session-list' : undefined}
        onClick={open ? close : show}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            event.preventDefault();
            event.stopPropagation();
            show();
          }
        }}
      >
        <SessionRow session={selected} nowMs={nowMs} showCost />
        <span class="more">
          {waiting > 0 && (
            <span class="bell">
              <Icon name="bell" />
              {waiting}
              <span class="sr-only"> waiting for you</span>
            </span>
          )}
          <Icon name="chevron-down" />
          <span class="sr-only">{sessions.length} sessions</span>
        </span>
      </button>
      {open && (
        <div
          ref={list}
          id="session-list"
          role="listbox"
          aria-label="Sessions"
          tabIndex={0}
          aria-activedescendant={`session-${active}`}
          onKeyDown={onKeyDown}
        >
          {sessions.map((session, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant points at it
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list box has the keys
            <div
              key={session.id}
              id={`session-${index}`}
              class={`session ${index === active ? 'active' : ''}`}
              role="option"
              aria-selected={session.id === selected.id}
              onClick={() => choose(session)}
              onPointerMove={() => setActive(index)}
            >
              <SessionRow session={session} nowMs={nowMs} showCost />
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

interface RowProps {
  session: SessionTab;
  nowMs: number;
  showCost: boolean;
}

function SessionRow({ session, nowMs, showCost }: RowProps) {
  const { status } = session;
  const elapsedMs = (session.endedAtMs ?? nowMs) - session.startedAtMs;
  const ended = status === 'ended' || status === 'failed';
  return (
    <>
      <span class={`mark ${status}`} title={STATUS[status]}>
        {status === 'waiting' ? <Icon name="bell" /> : <span class="dot" />}
        <span class="sr-only">{STATUS[status]}. </span>
      </span>
      <span class="agent">{visibleText(session.agent)}</span>
      {ended && <span class={`tag ${status}`}>{STATUS[status]}</span>}
      {showCost && <SessionCost session={session} />}
      <span class="place">
        {/* Many sessions of one workspace: what they are about tells them apart. */}
        <span class="workspace" title={visibleText(session.workspace)}>
          {visibleText((showCost && session.title) || session.workspace)}
        </span>
        <span> · {formatElapsed(elapsedMs)}</span>
      </span>
    </>
  );
}

function SessionCost({
  session: { nanoUsd, estimatedNanoUsd, unpriced, unknown },
}: {
  session: SessionTab;
}) {
  if (nanoUsd === 0 && estimatedNanoUsd > 0) {
    return <span class="sum">{formatUsd(estimatedNanoUsd, { estimate: true })}</span>;
  }
  if (nanoUsd === 0 && unpriced > 0) return <span class="sum">unpriced</span>;
  if (unknown) return <span class="sum dim">{MISSING}</span>;
  return <span class="sum">{formatUsd(nanoUsd)}</span>;
}
