import { useEffect, useRef, useState } from 'preact/hooks';
import { visibleText } from '../../src/model/visibleText.ts';
import type { GuardState } from '../../src/protocol/guard.ts';
import { Announcer } from '../shared/announcer.tsx';
import { usePainter } from '../shared/hooks.ts';
import { Icon } from '../shared/icons.tsx';
import { isTyping, KeyList, keyName } from '../shared/keys.tsx';
import type { GuardApp } from './app.ts';
import { Card } from './card.tsx';
import { Inbox } from './inbox.tsx';
import { Notices, Problems } from './notices.tsx';

const KEYS = [
  ['Tab', 'To the buttons'],
  ['↑ ↓', 'Previous, next request'],
  ['Enter', 'Open its details'],
  ['Ctrl+Enter', 'Allow it once'],
  ['?', 'This list'],
] as const;

export function GuardPage({ app }: { app: GuardApp }) {
  usePainter(app.painter);
  const [showKeys, setShowKeys] = useState(false);
  useKeys(() => setShowKeys(true));
  useFirstFocus(app);
  const { state } = app;
  if (app.outdated) {
    return (
      <main class="page">
        <p class="empty">Agent Strace was updated. Close this tab and open it again.</p>
      </main>
    );
  }
  if (!state) return <main class="page" aria-busy="true" />;
  const quiet =
    state.cards.length + state.requests.length + state.notices.length + state.problems.length === 0;
  return (
    <main class="page">
      <h1 class="sr-only">Guard</h1>
      {!state.trusted && <Restricted app={app} />}
      <Problems app={app} state={state} />
      {state.cards.map((card) => (
        <Card key={card.id} app={app} card={card} />
      ))}
      {quiet ? (
        <Quiet app={app} state={state} />
      ) : (
        <>
          <Inbox app={app} state={state} onHelp={() => setShowKeys(true)} />
          <Notices app={app} state={state} />
          <Watching state={state} />
        </>
      )}
      <Announcer status={politeText(app)} alert={alertText(state)} />
      {showKeys && <KeyList keys={KEYS} onClose={() => setShowKeys(false)} />}
    </main>
  );
}

function Restricted({ app }: { app: GuardApp }) {
  return (
    <div class="notice-bar" role="note">
      <Icon name="workspace-untrusted" />
      <span>
        This folder is in restricted mode: nothing is allowed, resumed or stopped from here.
      </span>
      <button type="button" class="link" onClick={() => app.command('manageTrust')}>
        Manage trust
      </button>
    </div>
  );
}

/** Nothing waits and nothing tripped. */
function Quiet({ app, state }: { app: GuardApp; state: GuardState }) {
  const { rules } = state.watching;
  return (
    <section class="empty" aria-label="Guard">
      <Icon name="shield" />
      <p>Nothing waits for you.</p>
      <p class="muted">
        {rules > 0
          ? `${watchingText(state)}. A call that breaks a rule is stopped before it runs.`
          : 'No rules are in force here: agents do as they are told. A rule can cap what a session costs, stop a loop, or keep an agent from files and commands.'}
      </p>
      <button type="button" class="button primary" onClick={() => app.command('openRules')}>
        {rules > 0 ? 'Open rules' : 'Add rules'}
      </button>
    </section>
  );
}

function Watching({ state }: { state: GuardState }) {
  if (state.watching.rules === 0) return null;
  return <p class="watching muted">{watchingText(state)}.</p>;
}

function watchingText({ watching }: GuardState): string {
  const { rules, sessions, forecast } = watching;
  const what = rules === 1 ? '1 rule is in force' : `${rules} rules are in force`;
  const who =
    sessions === 0
      ? 'no agent is watched'
      : sessions === 1
        ? '1 agent is watched'
        : `${sessions} agents are watched`;
  return [
    rules === 0 ? 'No rules are in force' : what,
    who,
    ...(forecast ? [visibleText(forecast)] : []),
  ].join(', ');
}

/** Where a person begins who comes to the page: at the first thing to decide, unless they are somewhere already. */
function useFirstFocus(app: GuardApp): void {
  const done = useRef('');
  useEffect(() => {
    const focusFirst = () => {
      if (!document.hasFocus() || document.activeElement !== document.body) return;
      const first = document.querySelector<HTMLElement>('[data-first]');
      first?.focus({ preventScroll: true });
    };
    window.addEventListener('focus', focusFirst);
    return () => window.removeEventListener('focus', focusFirst);
  }, []);
  useEffect(() => {
    const { wanted, state } = app;
    if (wanted !== undefined && state) {
      app.wanted = undefined;
      const place = document.getElementById(`at-${wanted}`);
      place?.scrollIntoView({ block: 'nearest' });
      if (document.hasFocus()) place?.querySelector<HTMLElement>('[data-first]')?.focus();
      return;
    }
    const ids = state?.cards.map(({ id }) => id).join(' ') ?? '';
    if (ids === done.current) return;
    done.current = ids;
    if (!document.hasFocus() || document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>('.card [data-first]')?.focus({ preventScroll: true });
  });
}

function useKeys(onHelp: () => void): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]')) {
        return;
      }
      if (keyName(event).replace('Shift+?', '?') !== '?') return;
      event.preventDefault();
      onHelp();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}

/** What a screen reader hears at once: something tripped. */
const alertText = ({ cards }: GuardState): string => {
  const open = cards.filter(({ tone }) => tone !== 'settled');
  return visibleText(open[0]?.headline ?? '');
};

function politeText(app: GuardApp): string {
  const count = app.waiting.length;
  const first = app.waiting[0];
  if (!first) return '';
  const what = `${visibleText(first.agent)}: ${visibleText(first.target)}`;
  return count === 1 ? `1 request waits. ${what}` : `${count} requests wait. First: ${what}`;
}
