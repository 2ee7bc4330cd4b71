import { useEffect, useRef } from 'preact/hooks';
import { formatCount, plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { usePainter } from '../shared/hooks.ts';
import { Icon } from '../shared/icons.tsx';
import { isTyping, keyName } from '../shared/keys.tsx';
import { refocus } from '../shared/refocus.ts';
import { VirtualList } from '../shared/virtualList.tsx';
import type { StreamApp } from './app.ts';
import { RowCells, rowLabel } from './row.tsx';

const ROW_HEIGHT = 22;
/** Rows are asked for once the list has rested this long, ms: not every row a flick passes by. */
const REST_MS = 40;

export function StreamList({ app }: { app: StreamApp }) {
  const list = useRef<VirtualList>(null);
  const box = useRef<HTMLElement>(null);
  const focused = useRef(false);
  const lastScrollMs = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { rows, view } = app;

  usePainter(app.listPainter);

  const goTo = (index: number) => {
    if (view.length === 0) return;
    const at = Math.min(view.length - 1, Math.max(0, index));
    if (at < view.length - 1) app.setFollow(false);
    app.hurry();
    app.setActive(view.rowAt(at));
    list.current?.focus(at);
  };

  const goLive = () => {
    app.hurry();
    app.setFollow(true);
    if (focused.current && view.length > 0) goTo(view.length - 1);
  };

  /** Where the keyboard is; without a place yet, where it would come in. */
  const here = (): number => {
    if (app.activeRow >= 0) return view.indexOf(app.activeRow);
    const [first, end] = list.current?.visible ?? [0, 0];
    return app.follow ? end : first - 1;
  };

  /** The next row that passes, from the keyboard's place; -1: none. */
  const seek = (step: 1 | -1, passes: (row: number) => boolean): number => {
    for (let i = here() + step; i >= 0 && i < view.length; i += step) {
      if (passes(view.rowAt(i))) return i;
    }
    return -1;
  };

  const keys: Record<string, () => void> = {
    Home: () => goTo(0),
    End: goLive,
    J: () => goTo(here() + 1),
    K: () => goTo(here() - 1),
  };
  const seekKeys: Record<string, () => number> = {
    E: () => seek(1, (row) => rows.has(row, 'error') || rows.has(row, 'denied')),
    'Shift+E': () => seek(-1, (row) => rows.has(row, 'error') || rows.has(row, 'denied')),
    P: () => seek(1, (row) => rows.isPrompt(row)),
    'Shift+P': () => seek(-1, (row) => rows.isPrompt(row)),
  };
  const listKeys: Record<string, () => void> = {
    ArrowDown: () => goTo(here() + 1),
    ArrowUp: () => goTo(here() - 1),
    PageDown: () => goTo(here() + (list.current?.pageRows ?? 1)),
    PageUp: () => goTo(here() - (list.current?.pageRows ?? 1)),
  };

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]'))
        return;
      const key = keyName(event);
      const run = keys[key] ?? (inList(event) ? listKeys[key] : undefined);
      const found = seekKeys[key]?.();
      if (!run && found === undefined) return;
      event.preventDefault();
      if (run) run();
      else if (found !== undefined && found >= 0) goTo(found);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  });

  // The list of another session, filter or search begins where it matters: at its end while live.
  const shown = `${app.sessionId} ${app.filter} ${app.search === undefined}`;
  const lastShown = useRef(shown);
  useEffect(() => {
    if (lastShown.current === shown) return;
    lastShown.current = shown;
    if (!app.follow && app.activeRow >= 0) list.current?.show(view.indexOf(app.activeRow));
  });

  const wantWords = (first: number, last: number) => {
    const ask = () => {
      const wanted: number[] = [];
      const head = rows.prompts[rows.promptIndex(view.rowAt(first))];
      if (head !== undefined && head < view.rowAt(first)) wanted.push(head);
      for (let index = first; index < Math.min(last, view.length); index++) {
        const row = view.rowAt(index);
        if (rows.known(row)) wanted.push(row);
      }
      app.words.want(wanted);
    };
    clearTimeout(timer.current);
    if (performance.now() - lastScrollMs.current > REST_MS) ask();
    else timer.current = setTimeout(ask, REST_MS);
  };

  const activeIndex = app.activeRow < 0 ? -1 : view.indexOf(app.activeRow);
  const isActive = (index: number) => index === activeIndex && view.rowAt(index) === app.activeRow;
  const tabStop = (firstVisible: number): number => {
    if (activeIndex >= 0 && focused.current) return activeIndex;
    const [first, end] = list.current?.visible ?? [firstVisible, firstVisible + 1];
    if (activeIndex >= first && activeIndex < end) return activeIndex;
    return Math.min(first, view.length - 1);
  };

  const renderRow = (index: number, top: number, firstVisible: number) => {
    const row = view.rowAt(index);
    const active = isActive(index);
    const kinds = [
      'row',
      'step-hover',
      rows.isPrompt(row) ? 'prompt' : '',
      rows.has(row, 'denied') ? 'denied' : rows.has(row, 'error') ? 'failed' : '',
      active ? 'selected' : '',
    ];
    return (
      <li
        key={row}
        style={{ top: `${top}px` }}
        aria-setsize={view.length}
        aria-posinset={index + 1}
        data-index={index}
        data-row={row}
      >
        <button
          type="button"
          class={kinds.filter(Boolean).join(' ')}
          tabIndex={index === tabStop(firstVisible) ? 0 : -1}
          aria-current={active ? 'true' : undefined}
          onPointerEnter={(event) => {
            event.currentTarget.title = rowLabel(app, row);
          }}
          aria-keyshortcuts="Enter Control+Enter"
          onClick={(event) => {
            app.setActive(row);
            // A click of Enter or Space has no place.
            const onPath = event.detail > 0 && isPath(event.target);
            if (onPath && event.detail === 1) app.openFile(row);
          }}
          onDblClick={() => app.open(row)}
          onKeyDown={(event) => {
            const key = keyName(event);
            if (key === 'Enter') app.open(row);
            else if (key === 'Ctrl+Enter' || key === 'Meta+Enter') app.openFile(row);
            else return;
            event.preventDefault();
          }}
          onFocus={() => {
            if (app.activeRow !== row) app.setActive(row);
          }}
        >
          <RowCells app={app} row={row} />
        </button>
      </li>
    );
  };

  /** The prompt of the turn at the top, once its own row is scrolled past. */
  const renderTop = (top: number) => {
    const index = Math.floor(top / ROW_HEIGHT);
    if (index >= view.length) return null;
    const at = rows.promptIndex(view.rowAt(index));
    const row = rows.prompts[at];
    if (row === undefined || view.indexOf(row) * ROW_HEIGHT >= top) return null;
    const next = rows.prompts[at + 1];
    const nextAt = next === undefined ? view.length : view.indexOf(next);
    const push =
      nextAt < view.length && view.rowAt(nextAt) === next
        ? Math.min(0, nextAt * ROW_HEIGHT - top - ROW_HEIGHT)
        : 0;
    return (
      <button
        key={row}
        type="button"
        class="row step-hover prompt sticky"
        tabIndex={-1}
        aria-hidden="true"
        title={rowLabel(app, row)}
        style={{ transform: `translateY(${push}px)` }}
        onClick={() => {
          app.setFollow(false);
          app.hurry();
          list.current?.show(view.indexOf(row), 'top');
        }}
      >
        <RowCells app={app} row={row} />
      </button>
    );
  };

  const fresh = app.newRows;
  const jump = app.tab?.endedAtMs === undefined ? 'Jump to live' : 'Jump to end';
  return (
    <section
      class="list"
      ref={box}
      aria-label="Events"
      onFocusIn={(event) => {
        focused.current = event.target instanceof Element && event.target.matches('li > button');
      }}
      onFocusOut={() => {
        focused.current = false;
      }}
    >
      <VirtualList
        handle={list}
        count={view.length}
        rowHeight={ROW_HEIGHT}
        label="Events"
        follow={app.follow}
        onFollow={(follow) => app.setFollow(follow)}
        keepIndex={focused.current ? activeIndex : -1}
        topHeight={ROW_HEIGHT}
        renderRow={renderRow}
        renderTop={renderTop}
        onWindow={wantWords}
        onScroll={() => {
          lastScrollMs.current = performance.now();
          app.hurry();
        }}
      />
      {view.length === 0 && <NoRows app={app} />}
      {!app.follow && (
        <button type="button" class="pill" title={`${jump} (End)`} onClick={goLive}>
          <Icon name="arrow-down" />
          {jump}
          {fresh > 0 && ` · ${formatCount(fresh)} new`}
        </button>
      )}
    </section>
  );
}

function NoRows({ app }: { app: StreamApp }) {
  if (!app.view.done || (app.search === undefined && app.view.isAll)) return null;
  const words = {
    all: 'Nothing here.',
    tools: 'No tool was called.',
    errors: 'Nothing failed.',
    denied: 'Nothing was denied.',
    edits: 'No file was edited.',
  };
  if (app.search === '') return null;
  return (
    <div class="nothing">
      <p>{app.search ? `Nothing matches "${visibleText(app.search)}".` : words[app.filter]}</p>
      <button
        type="button"
        class="button"
        onClick={() => {
          app.clearFilter();
          refocus('.row[tabindex="0"]');
        }}
      >
        Clear filter
      </button>
    </div>
  );
}

const isPath = (target: EventTarget | null): boolean =>
  target instanceof Element && target.closest('.target.opens') !== null;

/** The arrows belong to the list while no other control has the focus. */
function inList({ target }: KeyboardEvent): boolean {
  return (
    target === document.body || (target instanceof Element && target.closest('.list') !== null)
  );
}

/** How many events a search or a filter found so far. */
export function matchText(app: StreamApp): string {
  const found = plural(app.view.matchCount, 'match', 'matches');
  return app.view.done ? found : `${found} …`;
}
