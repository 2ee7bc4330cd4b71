import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatCount, formatDuration, formatUsd, plural } from '../../src/model/format.ts';
import type { Comparison, Side } from '../../src/protocol/compare.ts';
import { Icon } from '../shared/icons.tsx';
import { listenToKeys } from '../shared/keys.tsx';
import { TIMELESS } from '../shared/rowMarks.ts';
import { Missing, StepIcon, StepSummary } from '../shared/step.tsx';
import { VirtualList } from '../shared/virtualList.tsx';
import { type CompareApp, LIKE_SIGNS, LIKE_WORDS, likeOf } from './app.ts';
import type { Fold } from './displayRows.ts';
import { Badge } from './heads.tsx';

const ROW_HEIGHT = 24;
/** Rows kept in view before and after the one that the list is brought to. */
const BEFORE = 5;
const AFTER = 8;

/** All steps of both, side by side. */
export function Steps({ app, comparison }: { app: CompareApp; comparison: Comparison }) {
  const list = useRef<VirtualList>(null);
  const focused = useRef(false);
  const { rows, cursor, narrow } = app;
  useListKeys(app, list);
  const last = useRef(cursor);
  useLayoutEffect(() => {
    // The keyboard goes along.
    if (last.current !== cursor && focused.current) list.current?.focus(cursor);
    last.current = cursor;
  }, [cursor]);

  const renderRow = (index: number, top: number) => {
    const shown = app.rowAt(index);
    const style = { top: `${top}px`, height: `${ROW_HEIGHT}px` };
    const place = {
      'aria-setsize': rows.length,
      'aria-posinset': index + 1,
      'data-index': index,
    };
    if (!shown) return null;
    if (shown.kind === 'fold') {
      return (
        <li key={index} class={`step-row fold only-${shown.fold.side}`} style={style} {...place}>
          <FoldRow app={app} fold={shown.fold} index={index} />
        </li>
      );
    }
    return (
      <li key={index} class={rowClass(app, comparison, shown.row)} style={style} {...place}>
        {shown.kind === 'both' && !narrow ? (
          <BothSides app={app} comparison={comparison} row={shown.row} index={index} />
        ) : (
          <OneLine
            app={app}
            comparison={comparison}
            row={shown.row}
            side={shown.kind === 'one' ? shown.side : undefined}
            index={index}
          />
        )}
      </li>
    );
  };

  return (
    <section
      class="steps"
      aria-label="Steps, side by side"
      onFocusIn={(event) => {
        focused.current = event.target instanceof Element && event.target.matches('li button');
      }}
      onFocusOut={() => {
        focused.current = false;
      }}
    >
      <StepsHead app={app} comparison={comparison} />
      <div class="steps-list">
        <VirtualList
          handle={list}
          count={rows.length}
          rowHeight={ROW_HEIGHT}
          {...(app.reveals > 0
            ? {
                reveal: {
                  first: Math.max(0, cursor - BEFORE),
                  last: Math.min(rows.length - 1, cursor + AFTER),
                  token: `${app.reveals} ${narrow}`,
                },
              }
            : {})}
          label="Steps, side by side"
          follow={false}
          onFollow={() => {}}
          keepIndex={focused.current ? cursor : -1}
          topHeight={0}
          renderRow={renderRow}
          renderTop={() => null}
          onWindow={(first, end) => app.want(first, end)}
          onScroll={() => {}}
        />
      </div>
    </section>
  );
}

/** Kinds of steps that say something and do nothing. */
const SAID = new Set(['assistant', 'reasoning', 'model', 'session', 'notice', 'error', 'other']);

function rowClass(app: CompareApp, comparison: Comparison, row: number): string {
  const { a, b, like } = comparison.steps;
  const [stepA, stepB] = [a[row]!, b[row]!];
  const said =
    (stepA < 0 || SAID.has(app.kind('a', stepA))) && (stepB < 0 || SAID.has(app.kind('b', stepB)));
  return [
    'step-row',
    likeOf(like[row]!),
    isDivergence(comparison, row) ? 'divergence' : '',
    said ? 'said' : '',
  ].join(' ');
}

function StepsHead({ app, comparison }: { app: CompareApp; comparison: Comparison }) {
  const { divergences } = comparison;
  const { divergence } = app;
  const [first] = divergences;
  const places = divergences.length;
  const title =
    first === undefined
      ? 'Steps'
      : divergence > 0
        ? 'Around a divergence'
        : 'Around the first divergence';
  const before =
    first === undefined
      ? 'they did the same things in the same order'
      : first === 0
        ? 'they part at once'
        : first === 1
          ? 'the row before is alike'
          : `the ${plural(first, 'row')} before are alike, in the same order`;
  const rough =
    comparison.approximate > 0
      ? 'Very many steps are alike: some are set side by side roughly.'
      : undefined;
  return (
    <div class="steps-head">
      <h2 class="cut">{title}</h2>
      <span class="muted cut">{before}</span>
      {rough !== undefined && (
        <span class="tag amber" title={rough}>
          roughly aligned
        </span>
      )}
      {places > 0 && (
        <span class="where">
          <span class="muted">
            {divergence >= 0 ? `${formatCount(divergence + 1)} of ` : ''}
            {plural(places, 'divergence')}
          </span>
          <Arrow app={app} by={-1} />
          <Arrow app={app} by={1} />
        </span>
      )}
    </div>
  );
}

function Arrow({ app, by }: { app: CompareApp; by: 1 | -1 }) {
  const label = by === 1 ? 'Next divergence' : 'Previous divergence';
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={`${label} (${by === 1 ? ']' : '['})`}
      onClick={() => app.seekDivergence(by)}
    >
      <Icon name={by === 1 ? 'arrow-down' : 'arrow-up'} />
    </button>
  );
}

const isDivergence = ({ divergences }: Comparison, row: number): boolean => {
  let low = 0;
  let high = divergences.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (divergences[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return divergences[low] === row;
};

function BothSides({
  app,
  comparison,
  row,
  index,
}: {
  app: CompareApp;
  comparison: Comparison;
  row: number;
  index: number;
}) {
  const { a, b, like } = comparison.steps;
  const likeness = likeOf(like[row]!);
  const divergence = isDivergence(comparison, row);
  return (
    <>
      <StepButton app={app} side="a" step={a[row]!} index={index} />
      <span
        class="like"
        title={divergence ? `They part here: ${LIKE_WORDS[likeness]}` : LIKE_WORDS[likeness]}
      >
        {divergence ? (
          <Icon name="git-compare" />
        ) : (
          <span aria-hidden="true">{LIKE_SIGNS[likeness]}</span>
        )}
        <span class="sr-only">{divergence ? 'They part here' : LIKE_WORDS[likeness]}</span>
      </span>
      <StepButton app={app} side="b" step={b[row]!} index={index} />
    </>
  );
}

function OneLine({
  app,
  comparison,
  row,
  side,
  index,
}: {
  app: CompareApp;
  comparison: Comparison;
  row: number;
  /** Undefined: the same on both. */
  side: Side | undefined;
  index: number;
}) {
  const likeness = likeOf(comparison.steps.like[row]!);
  const shown = side ?? 'a';
  return (
    <>
      <span class="badges">
        {side === undefined ? (
          <>
            <Badge side="a" />
            <Badge side="b" />
          </>
        ) : (
          <Badge side={side} />
        )}
      </span>
      <span class="sr-only">{LIKE_WORDS[likeness]}:</span>
      <StepButton app={app} side={shown} step={comparison.steps[shown][row]!} index={index} />
    </>
  );
}

/** Columns of one step: number | icon | what | duration | cost. */
function StepButton({
  app,
  side,
  step,
  index,
}: {
  app: CompareApp;
  side: Side;
  step: number;
  index: number;
}) {
  if (step < 0) return <span class="nothing-here" />;
  const { columns, words } = app;
  const view = words[side].get(step);
  const kind = app.kind(side, step);
  const denied = app.has(side, step, 'denied');
  const failed = denied || app.has(side, step, 'error');
  // Prompts and marks take no time and cost nothing: their words have the room.
  const whole = TIMELESS.includes(kind);
  return (
    <button
      type="button"
      class={`side step-hover side-${side} ${failed ? 'failed' : ''}`}
      tabIndex={index === app.cursor ? 0 : -1}
      onPointerEnter={(event) => {
        event.currentTarget.title = `${app.stepWords(side, step)}\nOpen in replay`;
      }}
      onFocus={() => {
        app.cursor = index;
      }}
      onClick={() => app.open(side, step)}
    >
      <span class="sr-only">
        {side.toUpperCase()}, step {step + 1}
        {failed ? (denied ? ', denied' : ', failed') : ''}:
      </span>
      <span class="number" aria-hidden="true">
        {step + 1}
      </span>
      <StepIcon kind={kind} view={view} denied={denied} failed={failed} />
      <span class={`summary ${whole ? 'whole' : ''}`}>
        {view && <StepSummary view={view} kind={kind} />}
      </span>
      {!whole && (
        <>
          <span class="duration">
            {numberOf(columns?.[side].durationMs[step], kind, formatDuration)}
          </span>
          <span class="price">
            {numberOf(columns?.[side].nanoUsd[step], kind, (nano) =>
              formatUsd(nano, { estimate: app.has(side, step, 'estimate') }),
            )}
          </span>
        </>
      )}
    </button>
  );
}

function numberOf(
  value: number | undefined,
  kind: (typeof TIMELESS)[number],
  format: (value: number) => string,
) {
  if (value !== undefined && !Number.isNaN(value)) {
    return value === 0 ? <span class="dim">{format(value)}</span> : format(value);
  }
  return TIMELESS.includes(kind) ? '' : <Missing />;
}

function FoldRow({ app, fold, index }: { app: CompareApp; fold: Fold; index: number }) {
  const { side } = fold;
  const { ms, nanoUsd } = app.sumOf(side, fold);
  const button = (
    <button
      type="button"
      class={`side step-hover side-${side}`}
      tabIndex={index === app.cursor ? 0 : -1}
      title="Show them"
      onFocus={() => {
        app.cursor = index;
      }}
      onClick={() => app.unfold(fold.from)}
    >
      <span class="number" aria-hidden="true" />
      <span class="step-icon" aria-hidden="true">
        ⋯
      </span>
      <span class="summary fold-words">
        {plural(fold.to - fold.from, 'step')} only in {side.toUpperCase()}
      </span>
      <span class="duration">{formatDuration(ms)}</span>
      <span class="price">{formatUsd(nanoUsd)}</span>
    </button>
  );
  if (app.narrow) {
    return (
      <>
        <span class="badges">
          <Badge side={side} />
        </span>
        {button}
      </>
    );
  }
  return side === 'a' ? (
    <>
      {button}
      <span class="like" />
      <span class="nothing-here" />
    </>
  ) : (
    <>
      <span class="nothing-here" />
      <span class="like" />
      {button}
    </>
  );
}

/** The arrows belong to the list while no other control has the focus. */
function useListKeys(app: CompareApp, list: { readonly current: VirtualList | null }): void {
  useEffect(() => {
    const page = () => list.current?.pageRows ?? 1;
    const keys: Record<string, () => void> = {
      ArrowDown: () => app.goTo(app.cursor + 1),
      ArrowUp: () => app.goTo(app.cursor - 1),
      PageDown: () => app.goTo(app.cursor + page()),
      PageUp: () => app.goTo(app.cursor - page()),
      Home: () => app.goTo(0),
      End: () => app.goTo(app.rows.length - 1),
    };
    const inList = (target: EventTarget | null): boolean =>
      target === document.body ||
      (target instanceof Element &&
        (target.matches('.vlist') || target.closest('.step-row') !== null));
    return listenToKeys(keys, inList);
  }, [app, list]);
}
