import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import {
  formatClock,
  formatCount,
  formatDuration,
  formatMoment,
  formatUsd,
  MISSING,
  plural,
} from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReplayHeader } from '../../src/protocol/replay.ts';
import { IconButton } from '../shared/iconButton.tsx';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';

/** What the session is, and its numbers as a whole. */
export function Header({ app, onHelp }: { app: ReplayApp; onHelp(): void }) {
  const { header } = app;
  return (
    <header class="header">
      <div class="what">
        <div class="title-line">
          <Title app={app} title={header?.title ?? ''}>
            {header && <StateTag header={header} />}
          </Title>
        </div>
        <p class="about cut">{header ? about(header) : ' '}</p>
      </div>
      {app.search.text !== undefined && <SearchField app={app} />}
      {header && <Stats app={app} header={header} />}
      <div class="tools">
        <IconButton
          icon="search"
          label="Search steps"
          hint="/"
          onClick={() => app.search.set(app.search.text === undefined ? '' : undefined)}
        />
        <IconButton
          icon="filter"
          label="Filter steps"
          hint="Shift+F"
          pressed={app.look.filterOpen || app.listing.filter.active}
          onClick={() => app.toggleFilter()}
        />
        <IconButton
          icon="pulse"
          label="Show in the event stream"
          onClick={() => app.open('stream')}
        />
        <IconButton
          icon="book"
          label="Explain this session"
          onClick={() => app.command('explain')}
        />
        <IconButton
          icon="git-compare"
          label="Compare with another session"
          onClick={() => app.command('compare')}
        />
        <IconButton icon="export" label="Export" onClick={() => app.command('export')} />
        <IconButton icon="question" label="Keys" hint="?" onClick={onHelp} />
      </div>
    </header>
  );
}

/** UTF-16 units of a session's name. */
const MAX_TITLE = 200;

/** The session's name; the person may give it another one. */
function Title({
  app,
  title,
  children,
}: {
  app: ReplayApp;
  title: string;
  children: ComponentChildren;
}) {
  const [draft, setDraft] = useState<string>();
  const button = useRef<HTMLButtonElement>(null);
  const wasOpen = useRef(false);
  useLayoutEffect(() => {
    // The field is gone and took the focus with it.
    if (wasOpen.current && draft === undefined) button.current?.focus();
    wasOpen.current = draft !== undefined;
  }, [draft]);
  const shown = visibleText(title);
  if (draft === undefined) {
    return (
      <>
        <h1 class="cut" title={shown}>
          {shown || 'Session'}
        </h1>
        {children}
        <button
          ref={button}
          type="button"
          class="icon-button rename"
          aria-label="Rename this session"
          title="Rename this session"
          onClick={() => setDraft(title)}
        >
          <Icon name="edit" />
        </button>
      </>
    );
  }
  return (
    <>
      <h1 class="sr-only">{shown || 'Session'}</h1>
      <input
        class="field title-field"
        type="text"
        aria-label="Name of this session"
        placeholder="As its first prompt"
        maxLength={MAX_TITLE}
        spellcheck={false}
        value={draft}
        ref={(field) => {
          if (field && document.activeElement !== field) field.select();
        }}
        onInput={(event) => setDraft(event.currentTarget.value)}
        onBlur={() => setDraft(undefined)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') {
            if (draft.trim() !== title) app.rename(draft.trim());
          } else if (event.key !== 'Escape') return;
          event.preventDefault();
          event.stopPropagation();
          setDraft(undefined);
        }}
      />
    </>
  );
}

function StateTag({ header: { status } }: { header: ReplayHeader }) {
  switch (status) {
    case 'ended':
      return <span class="tag">Done</span>;
    case 'failed':
      return <span class="tag failed">Stopped</span>;
    case 'waiting':
      return (
        <span class="tag amber">
          <Icon name="bell" />
          waits for you
        </span>
      );
    default:
      return (
        <span class="tag green">
          <span class="live-dot" />
          {status === 'idle' ? 'idle' : status === 'paused' ? 'paused' : 'live'}
        </span>
      );
  }
}

function about({ agent, models, workspace, branch, startedAtMs }: ReplayHeader): string {
  return visibleText(
    [
      agent,
      models.join(' + '),
      branch ? `${workspace} @ ${branch}` : workspace,
      startedAtMs > 0 ? formatMoment(startedAtMs) : '',
    ]
      .filter(Boolean)
      .join(' · '),
  );
}

function Stats({ app, header }: { app: ReplayApp; header: ReplayHeader }) {
  const { cost, counts, durationMs } = header;
  const estimated = cost.nanoUsd === 0 && cost.estimatedNanoUsd > 0;
  const unpriced = !estimated && cost.nanoUsd === 0 && cost.unpriced > 0;
  const money = estimated
    ? formatUsd(cost.estimatedNanoUsd, { estimate: true })
    : unpriced
      ? 'unpriced'
      : cost.unknown
        ? MISSING
        : formatUsd(cost.nanoUsd);
  const note = estimated
    ? 'Cost is an estimate: this agent wrote no usage records.'
    : cost.unpriced > 0
      ? `${plural(cost.unpriced, 'response')} without a price`
      : undefined;
  return (
    <div class="stats">
      <Stat
        value={money}
        label={
          cost.unpriced > 0 && !estimated && !unpriced
            ? `+ ${formatCount(cost.unpriced)} unpriced`
            : 'total cost'
        }
        {...(note ? { title: note } : {})}
      />
      <Stat value={formatDuration(durationMs)} label="duration" />
      <Stat
        value={formatCount(counts.calls)}
        label={counts.calls === 1 ? 'tool call' : 'tool calls'}
      />
      <JumpStat
        count={counts.errors}
        label={counts.errors === 1 ? 'error' : 'errors'}
        title="Next error (E)"
        onClick={() => app.seekRound('error')}
      />
      <JumpStat
        count={counts.denied}
        label="denied"
        title="Next denied call (E)"
        onClick={() => app.seekRound('denied')}
      />
      <Stat value={formatCount(counts.files)} label={counts.files === 1 ? 'file' : 'files'} />
    </div>
  );
}

function Stat({ value, label, title }: { value: string; label: string; title?: string }) {
  return (
    <div class="stat" {...(title ? { title } : {})}>
      <span class={`stat-value ${value === '0' || value === MISSING ? 'dim' : ''}`}>{value}</span>
      <span class="stat-label">{label}</span>
    </div>
  );
}

function JumpStat({
  count,
  label,
  title,
  onClick,
}: {
  count: number;
  label: string;
  title: string;
  onClick(): void;
}) {
  if (count === 0) return <Stat value="0" label={label} />;
  return (
    <button type="button" class="stat" title={title} onClick={onClick}>
      <span class="stat-value red">{formatCount(count)}</span>
      <span class="stat-label">{label}</span>
    </button>
  );
}

function SearchField({ app }: { app: ReplayApp }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  const { found, text, done } = app.search;
  const at = found.indexOf(app.step);
  const matches =
    found.length === 0
      ? done
        ? 'no match'
        : '…'
      : `${at < 0 ? '' : `${formatCount(at + 1)} of `}${formatCount(found.length)}${done ? '' : ' …'}`;
  return (
    <search class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        aria-label="Search steps"
        placeholder={`Search ${formatCount(app.rows.total)} steps`}
        spellcheck={false}
        value={text ?? ''}
        onInput={(event) => app.search.set(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') app.goToFound(event.shiftKey ? -1 : 1);
          else if (event.key === 'Escape') app.search.set(undefined);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      {text && <span class="matches">{matches}</span>}
      <button
        type="button"
        class="icon-button"
        aria-label="Close search"
        title="Close search (Esc)"
        onClick={() => app.search.set(undefined)}
      >
        <Icon name="close" />
      </button>
    </search>
  );
}

/** `14:20`, also for what lies before the start. */
export const clock = (ms: number): string => formatClock(Math.max(0, ms));
