import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useRepaint } from '../shared/hooks.ts';
import { listenToKeys } from '../shared/keys.tsx';
import { refocus } from '../shared/refocus.ts';
import { VirtualList } from '../shared/virtualList.tsx';
import type { ReplayApp } from './app.ts';
import { Card } from './card.tsx';
import { FilterBar } from './filterBar.tsx';
import { clock } from './header.tsx';
import { Heights } from './heights.ts';
import { PhaseHead } from './phaseHead.tsx';
import { Step, StepCells } from './step.tsx';
import { SubagentCard } from './subagentCard.tsx';

const ROW_HEIGHT = 28;
/** Rows after the current one that are kept in view. */
const AHEAD = 3;
/** Words are asked for once the list has rested this long, ms. */
const REST_MS = 40;
/** Deeper subagents are no further indented. */
const MAX_DEPTH = 3;

/** The steps as a list: what happened up to the playhead, and dimmed what came later. */
export function Transcript({ app }: { app: ReplayApp }) {
  const list = useRef<VirtualList>(null);
  const focused = useRef(false);
  const lastScrollMs = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const heights = useRef<Heights>(undefined);
  heights.current ??= new Heights(ROW_HEIGHT);
  const { current: known } = heights;
  const measured = useRepaint();
  const { rows, words, step, listing } = app;
  const { count } = listing;
  /** Where the playhead is; where its step is hidden, the last one before it. */
  const hereItem = listing.itemOf(step);
  const hereStep = hereItem < 0 ? -1 : listing.stepAt(hereItem);
  const extras = known.apply(listing, hereStep);
  // Where nothing before the playhead is shown, the first step takes the focus.
  const tabItem = Math.max(hereItem, listing.itemOf(listing.next(-1, 1)));

  useListKeys(app, list);
  useEffect(() => () => clearTimeout(timer.current), []);

  const lastStep = useRef(step);
  useLayoutEffect(() => {
    // The keyboard goes along with the playhead.
    if (lastStep.current !== step && focused.current && hereItem >= 0)
      list.current?.focus(hereItem);
    lastStep.current = step;
  }, [step]);

  const wantWords = (first: number, last: number) => {
    const ask = () => {
      const wanted = new Set<number>([step]);
      for (let item = first; item < Math.min(last, listing.count); item++) {
        const at = listing.stepAt(item);
        if (at >= 0 && rows.known(at)) wanted.add(at);
      }
      const top = listing.stepAt(first);
      const head = rows.prompts[rows.promptIndex(top < 0 ? listing.stepAt(first + 1) : top)];
      if (head !== undefined) wanted.add(head);
      words.want([...wanted].filter((at) => at < rows.total).sort((a, b) => a - b));
    };
    clearTimeout(timer.current);
    if (performance.now() - lastScrollMs.current > REST_MS) ask();
    else timer.current = setTimeout(ask, REST_MS);
  };

  const heard = (at: number, isHere: boolean) => (px: number) => {
    if (known.set(at, px, isHere)) measured();
  };

  const renderRow = (item: number, top: number) => {
    const at = listing.stepAt(item);
    const common = {
      'aria-setsize': count,
      'aria-posinset': item + 1,
      'data-index': item,
    };
    if (at < 0) {
      const phase = listing.phaseAt(item);
      const style = { top: `${top}px`, height: `${ROW_HEIGHT}px` };
      return (
        <li key={`phase ${phase}`} style={style} {...common}>
          <PhaseHead app={app} index={phase} />
        </li>
      );
    }
    const current = at === step;
    const isHere = item === hereItem;
    const px = isHere ? known.currentPx : known.of(at);
    const spawns = rows.kind(at) === 'agent' ? words.get(at)?.spawns : undefined;
    const kind = rows.kind(at);
    const isText = kind === 'reasoning' || kind === 'assistant';
    const contents = (
      <>
        <Step app={app} step={at} here={item === tabItem} />
        {!current && isText && words.get(at)?.target.endsWith('…') && (
          <button type="button" class="link more" tabIndex={-1} onClick={() => app.goTo(at)}>
            more
          </button>
        )}
        {spawns !== undefined && <SubagentCard app={app} lane={spawns} />}
        {current && <Card app={app} />}
        {isHere && step < rows.total - 1 && !app.fresh && (
          <div class="here">
            <span>
              {current ? '' : `Step ${step + 1} is filtered out. `}You are here. What follows
              happened later.
            </span>
          </div>
        )}
      </>
    );
    // Most rows are as tall as all others and need not be asked.
    const tall = isHere || spawns !== undefined || rows.isPrompt(at) || isText;
    return (
      <li
        key={at}
        class={`${current ? 'current' : ''} ${at > step && !app.fresh ? 'later' : ''} depth-${depthOf(app, at)}`}
        style={{ top: `${top}px`, height: `${tall ? px : ROW_HEIGHT}px` }}
        {...common}
        data-row={at}
      >
        <Measured onHeight={tall ? heard(at, isHere) : undefined}>{contents}</Measured>
      </li>
    );
  };

  /** The prompt whose turn it is at a place; -1: it stands there itself. */
  const promptAbove = (top: number): number => {
    const item = list.current?.indexAt(top) ?? 0;
    if (item >= count) return -1;
    const at = listing.stepAt(item);
    const prompt = rows.prompts[rows.promptIndex(at < 0 ? listing.stepAt(item + 1) : at)];
    if (prompt === undefined) return -1;
    const own = listing.itemOf(prompt);
    const seen =
      own >= 0 && listing.stepAt(own) === prompt && (list.current?.topOf(own) ?? 0) >= top;
    return seen ? -1 : prompt;
  };

  /** The prompt of the turn stays at the top, once its own row is scrolled past. */
  const renderTop = (top: number) => {
    const prompt = promptAbove(top);
    if (prompt < 0) return null;
    const next = rows.prompts[rows.promptIndex(prompt) + 1];
    const nextItem = next === undefined ? -1 : listing.itemOf(next);
    const room =
      next !== undefined && listing.stepAt(nextItem) === next
        ? (list.current?.topOf(nextItem) ?? 0) - top - known.of(prompt)
        : 0;
    return (
      <div
        key={prompt}
        class={`sticky ${prompt > step && !app.fresh ? 'later' : ''}`}
        aria-hidden="true"
        style={{ transform: `translateY(${Math.min(0, room)}px)` }}
      >
        <Measured onHeight={known.knows(prompt) ? undefined : heard(prompt, false)}>
          <button
            type="button"
            class="step-button step-hover prompt"
            tabIndex={-1}
            onClick={() => app.goTo(prompt)}
          >
            <StepCells app={app} step={prompt} brief={false} />
          </button>
        </Measured>
      </div>
    );
  };

  const turn = rows.prompts[rows.promptIndex(step)];
  // Follows the playhead, as long as nobody has scrolled away from it.
  const reveal = {
    first: Math.max(0, hereItem),
    last: Math.min(count - 1, hereItem + AHEAD),
    token: `${step} ${hereItem} ${known.currentPx} ${app.returns}`,
  };
  return (
    <section
      class="transcript"
      aria-label="Steps"
      onFocusIn={(event) => {
        focused.current =
          event.target instanceof Element && event.target.matches('li .step-button');
      }}
      onFocusOut={() => {
        focused.current = false;
      }}
    >
      <FilterBar app={app} />
      <div class="steps">
        <VirtualList
          handle={list}
          count={count}
          rowHeight={ROW_HEIGHT}
          extras={extras}
          {...(count > 0 && !app.away ? { reveal } : {})}
          label="Steps"
          follow={false}
          onFollow={() => {}}
          keepIndex={focused.current ? hereItem : -1}
          topHeight={turn === undefined || turn === step ? 0 : known.of(turn)}
          renderRow={renderRow}
          renderTop={renderTop}
          onWindow={wantWords}
          onScroll={() => {
            lastScrollMs.current = performance.now();
            queueMicrotask(() => app.setAway(true));
          }}
        />
        <Nothing app={app} />
        {app.away && count > 0 && (
          <button
            type="button"
            class="pill"
            onClick={() => {
              app.setAway(false);
              refocus('li.current .step-button');
            }}
          >
            Back to {clock(app.offsetOf(step))}
          </button>
        )}
      </div>
    </section>
  );
}

function Nothing({ app }: { app: ReplayApp }) {
  if (app.rows.total === 0) return app.progress ? null : <p class="nothing">No steps yet.</p>;
  if (app.listing.stepCount > 0) return null;
  return (
    <p class="nothing">
      No step is like that.{' '}
      <button
        type="button"
        class="link"
        onClick={() => {
          app.refilter((filter) => filter.clear());
          refocus('li.current .step-button');
        }}
      >
        Clear filter
      </button>
    </p>
  );
}

/** How deep in subagents a step was made. */
function depthOf({ rows, outline }: ReplayApp, step: number): number {
  let lane = rows.lane(step);
  let depth = 0;
  while (lane > 0 && depth < MAX_DEPTH) {
    depth++;
    lane =
      outline?.lanes.find((one) => one.kind === 'subagent' && one.lane === lane)?.parentLane ?? 0;
  }
  return depth;
}

/** The arrows belong to the list while no other control has the focus. */
function useListKeys(app: ReplayApp, list: { readonly current: VirtualList | null }): void {
  useEffect(() => {
    const page = (by: 1 | -1) => {
      const { listing } = app;
      const item = listing.itemOf(app.step) + by * (list.current?.pageRows ?? 1);
      const at = listing.stepAt(Math.max(0, Math.min(item, listing.count - 1)));
      // The head of a phase is no step: the one below it.
      if (listing.count > 0) app.goTo(at >= 0 ? at : listing.stepAt(Math.max(0, item) + 1));
    };
    const keys: Record<string, () => void> = {
      ArrowDown: () => app.walk(1),
      ArrowUp: () => app.walk(-1),
      PageDown: () => page(1),
      PageUp: () => page(-1),
    };
    const inList = (target: EventTarget | null): boolean =>
      target === document.body ||
      (target instanceof Element &&
        (target.matches('.vlist') || target.closest('.step-button') !== null));
    return listenToKeys(keys, inList);
  }, [app, list]);
}

/** Tells how tall its content is, whatever room it is given; undefined: nobody asks. */
function Measured({
  onHeight,
  children,
}: {
  onHeight: ((height: number) => void) | undefined;
  children: ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  const tell = useRef(onHeight);
  tell.current = onHeight;
  const measure = () => {
    if (box.current && tell.current) tell.current(Math.ceil(box.current.offsetHeight));
  };
  useLayoutEffect(measure);
  const asked = onHeight !== undefined;
  useLayoutEffect(() => {
    if (!asked || !box.current) return;
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, [asked]);
  return (
    <div ref={box} class="measured">
      {children}
    </div>
  );
}
