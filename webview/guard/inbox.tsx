import type { ComponentChildren } from 'preact';
import { formatClock } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { GuardRequest, GuardState } from '../../src/protocol/guard.ts';
import { Icon } from '../shared/icons.tsx';
import { keyName } from '../shared/keys.tsx';
import { iconRole } from '../shared/rowMarks.ts';
import type { GuardApp } from './app.ts';
import { clock } from './card.tsx';
import { RuleTag } from './rule.tsx';

/** Calls that wait for an answer: no answer means no. */
export function Inbox({
  app,
  state,
  onHelp,
}: {
  app: GuardApp;
  state: GuardState;
  onHelp(): void;
}) {
  const waiting = app.waiting.length;
  return (
    <section class="inbox" aria-labelledby="inbox-title">
      <div class="list-head">
        <h2 id="inbox-title">Waiting for you</h2>
        {waiting > 0 && <span class="count">{waiting}</span>}
        <span class="muted list-note">
          {state.requests.length > 0
            ? 'no answer means no: a request is denied when its time runs out'
            : 'Nothing waits for you.'}
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label="Keys"
          title="Keys (?)"
          onClick={onHelp}
        >
          <Icon name="question" />
        </button>
      </div>
      {state.requests.length > 0 && (
        <ul class="requests" aria-labelledby="inbox-title">
          {state.requests.map((request) => (
            <Request key={request.id} app={app} request={request} trusted={state.trusted} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Request({
  app,
  request,
  trusted,
}: {
  app: GuardApp;
  request: GuardRequest;
  trusted: boolean;
}) {
  const { id, answered } = request;
  const selected = app.selected === id;
  const open = app.opened === id;
  const leftMs = request.untilMs - app.nowMs;
  const over = answered !== undefined || leftMs <= 0;
  const onKeyDown = (event: KeyboardEvent) => {
    const key = keyName(event);
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      const to = app.move(key === 'ArrowDown' ? 1 : -1);
      if (to !== undefined) focusRow(to);
    } else if (key === 'Ctrl+Enter' || key === 'Meta+Enter') {
      event.preventDefault();
      app.answer(id, 'allow');
    } else if (key === 'Home' || key === 'End') {
      event.preventDefault();
      const to = app.requests[key === 'Home' ? 0 : app.requests.length - 1];
      if (to) {
        app.select(to.id);
        focusRow(to.id);
      }
    }
  };
  return (
    <li
      class={`request ${selected ? 'selected' : ''} ${over ? 'over' : ''}`}
      id={`at-${id}`}
      onKeyDown={onKeyDown}
      onFocusCapture={() => app.select(id)}
    >
      <div class="request-row">
        <button
          type="button"
          class="request-open"
          data-first={selected ? '' : undefined}
          aria-expanded={open}
          aria-current={selected ? 'true' : undefined}
          tabIndex={selected ? 0 : -1}
          title={`${visibleText(request.detail)}. Enter: details. Ctrl+Enter: allow once.`}
          onClick={() => app.toggle(id)}
        >
          <Icon name={request.icon} class={`role-${iconRole(request.icon)}`} />
          <span class="request-agent cut">{visibleText(request.agent)}</span>
          <code class="request-target cut">{visibleText(request.target)}</code>
        </button>
        <RuleTag rule={request.rule} onOpen={() => app.openRule(id)} />
        {over ? (
          <span class="request-said" role="status">
            {saidText(request)}
          </span>
        ) : (
          <>
            <span class={`request-left ${leftMs < 30_000 ? 'amber' : ''}`}>
              <span class="sr-only">time left </span>
              {formatClock(Math.ceil(leftMs / 1000) * 1000)}
            </span>
            <button
              type="button"
              class={`button small ${selected ? 'primary' : ''}`}
              tabIndex={selected ? 0 : -1}
              onClick={() => app.answer(id, 'deny')}
            >
              Deny
            </button>
            <button
              type="button"
              class="button small"
              tabIndex={selected ? 0 : -1}
              aria-disabled={!trusted}
              title={trusted ? 'Ctrl+Enter' : 'Not possible in restricted mode'}
              onClick={() => app.answer(id, 'allow')}
            >
              Allow once
            </button>
          </>
        )}
      </div>
      {open && <Details app={app} request={request} />}
    </li>
  );
}

function focusRow(id: string): void {
  const row = document.getElementById(`at-${id}`);
  row?.querySelector<HTMLElement>('.request-open')?.focus();
  row?.scrollIntoView({ block: 'nearest' });
}

function saidText({ answered }: GuardRequest): string {
  if (!answered) return 'Denied: time ran out';
  const at = clock(answered.atMs);
  if (answered.answer === 'allow') return `Allowed once ${at}`;
  if (answered.answer === 'deny') return `Denied ${at}`;
  return answered.answer === 'late' ? 'Denied: time ran out' : 'The agent waits no more';
}

/** The call as plain text: what is not known is said. */
function Details({ app, request }: { app: GuardApp; request: GuardRequest }) {
  const { rule } = request;
  return (
    <div class="details">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <section class="details-text block" aria-label="The call" tabIndex={0}>
        {(request.text ?? request.target)
          .split('\n')
          .map((line) => visibleText(line))
          .join('\n')}
      </section>
      {request.cut && (
        <p class="amber">This is not all of it; the rest is not known here. If in doubt, deny.</p>
      )}
      <dl>
        <Fact name="Why">{visibleText(request.detail)}</Fact>
        <Fact name="Rule">
          <code>{visibleText(rule.text)}</code>
          {rule.place && (
            <button type="button" class="link" onClick={() => app.openRule(request.id)}>
              {visibleText(rule.place)}
            </button>
          )}
        </Fact>
        {rule.message && <Fact name="Says">{visibleText(rule.message)}</Fact>}
        <Fact name="Tool">{visibleText(request.tool)}</Fact>
        <Fact name="Session">
          {visibleText(request.title || 'Untitled')}
          {request.here && (
            <button type="button" class="link" onClick={() => app.openSession(request.id)}>
              Open replay
            </button>
          )}
        </Fact>
        <Fact name="Project">
          {visibleText(request.project)}
          {!request.here && <span class="muted"> (not open in this window)</span>}
        </Fact>
      </dl>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt class="muted">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
