import { formatAge, plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { GuardNotice, GuardState } from '../../src/protocol/guard.ts';
import { Icon } from '../shared/icons.tsx';
import type { GuardApp } from './app.ts';
import { RuleTag } from './rule.tsx';

/** Calls that were denied, and rules that only tell. */
export function Notices({ app, state }: { app: GuardApp; state: GuardState }) {
  const { notices, moreNotices } = state;
  if (notices.length === 0) return null;
  const denied = notices.filter(({ kind }) => kind === 'denied');
  const alerts = notices.filter(({ kind }) => kind === 'alert');
  return (
    <>
      <List
        app={app}
        id="prevented"
        title="Prevented"
        note="the agent was told no, and goes on"
        notices={denied}
        clear
      />
      <List
        app={app}
        id="alerts"
        title="Alerts"
        note="told, not stopped"
        notices={alerts}
        clear={denied.length === 0}
      />
      {moreNotices > 0 && <p class="muted more">{plural(moreNotices, 'older one')} not shown.</p>}
    </>
  );
}

function List({
  app,
  id,
  title,
  note,
  notices,
  clear,
}: {
  app: GuardApp;
  id: string;
  title: string;
  note: string;
  notices: readonly GuardNotice[];
  clear: boolean;
}) {
  if (notices.length === 0) return null;
  return (
    <section class="notices" aria-labelledby={`${id}-title`}>
      <div class="list-head">
        <h2 id={`${id}-title`}>{title}</h2>
        <span class="count">{notices.length}</span>
        <span class="muted list-note">{note}</span>
        {clear && (
          <button type="button" class="link" onClick={() => app.dismissNotices()}>
            Clear
          </button>
        )}
      </div>
      <ul aria-labelledby={`${id}-title`}>
        {notices.map((notice) => (
          <Notice key={notice.id} app={app} notice={notice} />
        ))}
      </ul>
    </section>
  );
}

function Notice({ app, notice }: { app: GuardApp; notice: GuardNotice }) {
  const denied = notice.kind === 'denied';
  return (
    <li class={`notice ${notice.kind}`} id={`at-${notice.id}`}>
      <button
        type="button"
        class="request-open"
        title={`${visibleText(notice.detail)}. Opens the session's replay.`}
        onClick={() => app.openSession(notice.id)}
      >
        <Icon
          name={denied ? 'circle-slash' : 'bell'}
          class={denied ? 'role-error' : 'role-amber'}
        />
        <span class="request-agent cut">{visibleText(notice.agent)}</span>
        <span class="notice-text cut">
          {notice.dryRun && <span class="muted">dry run: </span>}
          {notice.target && <code>{visibleText(notice.target)} </code>}
          <span class="muted">{visibleText(notice.detail)}</span>
        </span>
      </button>
      <RuleTag rule={notice.rule} onOpen={() => app.openRule(notice.id)} />
      <span class="muted notice-age">{formatAge(notice.atMs, app.nowMs)}</span>
    </li>
  );
}

/** Mistakes in files of rules: on top, for a rule that is not read does not guard. */
export function Problems({ app, state }: { app: GuardApp; state: GuardState }) {
  const { problems, moreProblems, stale } = state;
  if (problems.length === 0) return null;
  const count = problems.length + moreProblems;
  const what = count === 1 ? '1 mistake in the rules' : `${count} mistakes in the rules`;
  return (
    <section class="problems" role="alert" aria-labelledby="problems-title">
      <div class="problems-head">
        <Icon name="warning" />
        <h2 id="problems-title">{what}</h2>
        <span>
          {stale > 0
            ? 'the last good version is in force'
            : 'what could be read is in force, the rest is not'}
        </span>
      </div>
      <ul>
        {problems.map((problem) => (
          <li key={problem.id}>
            <button type="button" class="link" onClick={() => app.openRule(problem.id)}>
              {visibleText(problem.place)}
            </button>{' '}
            {visibleText(problem.message)}
            {problem.fix && <span class="muted"> {visibleText(problem.fix)}</span>}
          </li>
        ))}
        {moreProblems > 0 && <li class="muted">and {moreProblems} more</li>}
      </ul>
    </section>
  );
}
