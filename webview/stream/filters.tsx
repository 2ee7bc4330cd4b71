import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatCount } from '../../src/model/format.ts';
import type { StreamFilter } from '../../src/protocol/stream.ts';
import { Chip } from '../shared/chip.tsx';
import { Icon } from '../shared/icons.tsx';
import { isTyping } from '../shared/keys.tsx';
import type { StreamApp } from './app.ts';
import { matchText } from './list.tsx';

/** Chips that filter the list; `/` turns the row into a search field. */
export function Filters({ app }: { app: StreamApp }) {
  const button = useRef<HTMLButtonElement>(null);
  const searching = app.search !== undefined;
  const wasSearching = useRef(searching);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]'))
        return;
      event.preventDefault();
      app.openSearch();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [app]);
  useLayoutEffect(() => {
    // The field is gone and took the focus with it.
    if (wasSearching.current && !searching && document.activeElement === document.body) {
      button.current?.focus();
    }
    wasSearching.current = searching;
  }, [searching]);
  return (
    <div class="filters">
      {searching ? (
        <SearchField app={app} />
      ) : (
        <>
          <Chips app={app} />
          <button
            ref={button}
            type="button"
            class="icon-button"
            aria-label="Search"
            title="Search (/)"
            onClick={() => app.openSearch()}
          >
            <Icon name="search" />
          </button>
        </>
      )}
    </div>
  );
}

function Chips({ app }: { app: StreamApp }) {
  const { counts } = app.rows;
  // While rows still come in, the host's totals say more than what is here.
  const complete = app.rows.loaded >= app.rows.total;
  const totals = app.header?.counts;
  const chip = (
    filter: StreamFilter,
    name: string,
    total: number | undefined,
    icon?: 'error' | 'circle-slash',
  ) => {
    const count = complete || total === undefined ? counts[filter] : total;
    const pressed = app.filter === filter;
    const onClick = () => app.setFilter(pressed ? 'all' : filter);
    return (
      <Chip
        key={filter}
        name={name}
        count={count}
        icon={icon}
        pressed={pressed}
        onClick={onClick}
      />
    );
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot scroll sideways as a row
    <div class="chips" role="group" aria-label="Show">
      {chip('all', 'All', app.rows.total)}
      {chip('tools', 'Tools', totals?.calls)}
      {chip('errors', 'Errors', totals?.errors, 'error')}
      {chip('denied', 'Denied', totals?.denied, 'circle-slash')}
      {chip('edits', 'Edits', totals?.edits)}
    </div>
  );
}

function SearchField({ app }: { app: StreamApp }) {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => input.current?.focus(), []);
  return (
    <search class="search">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        aria-label="Search events"
        placeholder={`Search ${formatCount(app.rows.total)} events`}
        spellcheck={false}
        value={app.search ?? ''}
        onInput={(event) => app.setSearch(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          event.stopPropagation();
          app.setSearch(undefined);
        }}
      />
      {app.search && <span class="matches">{matchText(app)}</span>}
      <button
        type="button"
        class="icon-button"
        aria-label="Close search"
        title="Close search (Esc)"
        onClick={() => app.setSearch(undefined)}
      >
        <Icon name="close" />
      </button>
    </search>
  );
}
