import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatDuration, formatUsd, MISSING } from '../../src/model/format.ts';
import { isTyping, keyName } from '../shared/keys.tsx';
import { TIMELESS } from '../shared/rowMarks.ts';
import { VirtualList } from '../shared/virtualList.tsx';
import type { ReplayApp } from './app.ts';
import { Card } from './card.tsx';
import { clock } from './header.tsx';
import { StepIcon, StepSummary, stepNumber, stepWords } from './stepWords.tsx';

const ROW_HEIGHT = 28;
/** The line below the current step. */
const HERE_HEIGHT = 24;
/** Steps after the current one that are kept in view. */
const AHEAD = 3;
/** Words are asked for once the list has rested this long, ms. */
const REST_MS = 40;

/** All steps as a list: what happened up to the playhead, and dimmed what came later. */
export function Transcript({ app }: { app: ReplayApp }) {
  const list = useRef<VirtualList>(null);
  const focused = useRef(false);
  const lastScrollMs = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [cardHeight, setCardHeight] = useState(0);
  const { rows, words, step } = app;
  const { total } = rows;

  useListKeys(app, list);
  useEffect(() => () => clearTimeout(timer.current), []);

  const lastStep = useRef(step);
  useLayoutEffect(() => {
    // The keyboard goes along with the playhead.
    if (lastStep.current !== step && focused.current) list.current?.focus(step);
    lastStep.current = step;
  }, [step]);

  const wantWords = (first: number, last: number) => {
    const ask = () => {
      const head = rows.prompts[rows.promptIndex(first)];
      const wanted = new Set<number>();
      if (head !== undefined) wanted.add(head);
      if (step < first) wanted.add(step);
      for (let at = first; at < Math.min(last, total); at++) if (rows.known(at)) wanted.add(at);
      if (step >= last && step < total) wanted.add(step);
      words.want([...wanted].sort((a, b) => a - b));
    };
    clearTimeout(timer.current);
    if (performance.now() - lastScrollMs.current > REST_MS) ask();
    else timer.current = setTimeout(ask, REST_MS);
  };

  const renderRow = (index: number, top: number) => {
    const current = index === step;
    return (
      <li
        key={index}
        class={`${current ? 'current' : ''} ${index > step ? 'later' : ''}`}
        style={{ top: `${top}px`, height: `${ROW_HEIGHT + (current ? gap.height : 0)}px` }}
        aria-setsize={total}
        aria-posinset={index + 1}
        data-index={index}
        data-row={index}
      >
        <Step app={app} step={index} />
        {current && (
          <Measured onHeight={setCardHeight}>
            <Card app={app} />
          </Measured>
        )}
        {current && index < total - 1 && (
          <div class="here">
            <span>You are here. What follows happened later.</span>
          </div>
        )}
      </li>
    );
  };

  /** The prompt of the turn at the top, once its own row is scrolled past. */
  const renderTop = (top: number) => {
    const first = list.current?.indexAt(top) ?? 0;
    if (first >= total) return null;
    const at = rows.promptIndex(first);
    const prompt = rows.prompts[at];
    if (prompt === undefined || (list.current?.topOf(prompt) ?? 0) >= top) return null;
    const next = rows.prompts[at + 1];
    const push =
      next === undefined ? 0 : Math.min(0, (list.current?.topOf(next) ?? 0) - top - ROW_HEIGHT);
    return (
      <button
        key={prompt}
        type="button"
        class="step-button prompt sticky"
        tabIndex={-1}
        aria-hidden="true"
        style={{ transform: `translateY(${push}px)` }}
        onClick={() => app.goTo(prompt)}
      >
        <StepCells app={app} step={prompt} />
      </button>
    );
  };

  const gap = { after: step, height: cardHeight + (step < total - 1 ? HERE_HEIGHT : 0) };
  // Follows the playhead, as long as nobody has scrolled away from it.
  const reveal = {
    first: step,
    last: Math.min(total - 1, step + AHEAD),
    token: `${step} ${cardHeight} ${app.returns}`,
  };
  return (
    <section
      class="transcript"
      aria-label="Steps"
      onFocusIn={(event) => {
        focused.current = event.target instanceof Element && event.target.matches('li > button');
      }}
      onFocusOut={() => {
        focused.current = false;
      }}
    >
      <VirtualList
        handle={list}
        count={total}
        rowHeight={ROW_HEIGHT}
        {...(total > 0 ? { gap } : {})}
        {...(total > 0 && !app.away ? { reveal } : {})}
        label="Steps"
        follow={false}
        onFollow={() => {}}
        keepIndex={focused.current ? step : -1}
        topHeight={ROW_HEIGHT}
        renderRow={renderRow}
        renderTop={renderTop}
        onWindow={wantWords}
        onScroll={() => {
          lastScrollMs.current = performance.now();
          queueMicrotask(() => app.setAway(true));
        }}
      />
      {total === 0 && !app.progress && <p class="nothing">No steps yet.</p>}
      {app.away && total > 0 && (
        <button type="button" class="pill" onClick={() => app.setAway(false)}>
          Back to {clock(app.offsetOf(step))}
        </button>
      )}
    </section>
  );
}

/** The arrows belong to the list while no other control has the focus. */
function useListKeys(app: ReplayApp, list: { readonly current: VirtualList | null }): void {
  useEffect(() => {
    const page = () => list.current?.pageRows ?? 1;
    const keys: Record<string, () => void> = {
      ArrowDown: () => app.goTo(app.step + 1),
      ArrowUp: () => app.goTo(app.step - 1),
      PageDown: () => app.goTo(app.step + page()),
      PageUp: () => app.goTo(app.step - page()),
    };
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isTyping(event) || document.querySelector('dialog[open]')) {
        return;
      }
      const { target } = event;
      const inList =
        target === document.body ||
        (target instanceof Element &&
          (target.matches('.vlist') || target.closest('.step-button') !== null));
      const run = inList ? keys[keyName(event)] : undefined;
      if (!run) return;
      event.preventDefault();
      run();
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [app, list]);
}

function Step({ app, step }: { app: ReplayApp; step: number }) {
  const { rows } = app;
  const current = step === app.step;
  const kinds = ['step-button', rows.isPrompt(step) ? 'prompt' : ''];
  if (rows.has(step, 'denied')) kinds.push('denied');
  else if (rows.has(step, 'error')) kinds.push('failed');
  return (
    <button
      type="button"
      class={kinds.filter(Boolean).join(' ')}
      tabIndex={current ? 0 : -1}
      aria-current={current ? 'step' : undefined}
      onPointerEnter={(event) => {
        event.currentTarget.title = stepWords(app, step);
      }}
      onClick={() => app.goTo(step)}
      onDblClick={() => app.openStep(step)}
    >
      <StepCells app={app} step={step} />
    </button>
  );
}

/** Columns of one step: number | icon | what | duration | cost. */
function StepCells({ app, step }: { app: ReplayApp; step: number }) {
  const { rows, words, header } = app;
  if (!rows.known(step)) return null;
  const view = words.get(step);
  const kind = rows.kind(step);
  const lane = rows.lane(step);
  const unseen = [
    step > app.step ? 'Later' : '',
    rows.has(step, 'denied') && view?.verb !== 'Denied' ? 'Denied' : '',
    rows.has(step, 'error') && !rows.has(step, 'denied') ? 'Failed' : '',
    rows.has(step, 'running') ? 'Running' : '',
    lane > 0 ? `By ${header?.lanes[lane] ?? `subagent ${lane}`}` : '',
  ].filter(Boolean);
  return (
    <>
      <span class={`lane ${lane === 0 ? '' : lane % 2 === 1 ? 'lane-a' : 'lane-b'}`} />
      <span class="number">{stepNumber(app, step)}</span>
      {unseen.length > 0 && <span class="sr-only">{unseen.join(', ')}:</span>}
      <StepIcon app={app} step={step} />
      <span class="summary">{view && <StepSummary view={view} kind={kind} />}</span>
      <span class="duration">{durationOf(app, step)}</span>
      <span class="price">{priceOf(app, step)}</span>
    </>
  );
}

function durationOf(app: ReplayApp, step: number) {
  const { rows } = app;
  if (rows.isPrompt(step)) return clock(app.offsetOf(step));
  const ms = rows.durationMs(step);
  if (!Number.isNaN(ms)) return formatDuration(ms);
  return rows.has(step, 'running') || TIMELESS.includes(rows.kind(step)) ? '' : <Missing />;
}

function priceOf({ rows }: ReplayApp, step: number) {
  const nanoUsd = rows.nanoUsd(step);
  if (Number.isNaN(nanoUsd)) {
    return rows.has(step, 'running') || TIMELESS.includes(rows.kind(step)) ? '' : <Missing />;
  }
  const text = formatUsd(nanoUsd, { estimate: rows.has(step, 'estimate') });
  return nanoUsd === 0 ? <span class="dim">{text}</span> : text;
}

const Missing = () => <span class="dim">{MISSING}</span>;

/** Tells how tall its content is, whatever room it is given. */
function Measured({
  onHeight,
  children,
}: {
  onHeight(height: number): void;
  children: preact.ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = box;
    if (!current) return;
    const tell = () => onHeight(Math.ceil(current.offsetHeight));
    tell();
    const observer = new ResizeObserver(tell);
    observer.observe(current);
    return () => observer.disconnect();
  }, [onHeight]);
  return (
    <div ref={box} class="measured">
      {children}
    </div>
  );
}
