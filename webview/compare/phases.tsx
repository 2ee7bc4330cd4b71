import { useEffect, useRef, useState } from 'preact/hooks';
import {
  formatClock,
  formatCount,
  formatDuration,
  formatUsd,
  plural,
} from '../../src/model/format.ts';
import { knownCostText } from '../../src/model/knownCost.ts';
import { OUTCOME_SIGNS, OUTCOME_WORDS } from '../../src/model/outcomeWords.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { Comparison, Side } from '../../src/protocol/compare.ts';
import { type CompareApp, ORDERS, type Order } from './app.ts';
import { Badge } from './heads.tsx';
import { type Band, type PhaseScale, phaseScale, ticks } from './phaseScale.ts';

const LABEL_WIDTH = 26;
const HEIGHT = 132;
const TOP = { a: 22, b: 94 };
const BAND = 26;
/** Below this a phase has no room for its sign, px. */
const SIGN_FROM = 26;
/** And for words. */
const WORDS_FROM = 56;
/** And for its cost. */
const COST_FROM = 110;
/** Room that a label of the ruler needs before the end, px. */
const LABEL_PX = 40;
/** More phases than this are drawn as strips that no key stops at: the steps below tell all. */
const MOST_BUTTONS = 300;

const ORDER_WORDS: Record<Order, string> = { time: 'Time', cost: 'Cost', steps: 'Steps' };

/** The phases of both sides on one scale, joined where their goal is the same. */
export function Phases({ app, comparison }: { app: CompareApp; comparison: Comparison }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    const measure = () => setWidth(current.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const { columns, order } = app;
  if (!columns || comparison.phases.a.length + comparison.phases.b.length === 0) return null;
  const scale = phaseScale(comparison, columns, order);
  const room = Math.max(0, width - LABEL_WIDTH - 10);
  const x = (share: number): number => LABEL_WIDTH + share * room;
  return (
    <section class="phases" aria-label="Phases, aligned">
      <div class="section-head">
        <h2>Phases, aligned</h2>
        <span class="muted cut">bands join phases with the same goal</span>
        <Orders app={app} />
      </div>
      <div class="phase-chart" ref={box} style={{ height: `${HEIGHT}px` }}>
        {room > 0 && (
          <>
            <Ruler scale={scale} order={order} room={room} x={x} />
            <Joins comparison={comparison} scale={scale} x={x} width={width} />
            {(['a', 'b'] as const).map((side) => (
              <Row key={side} app={app} comparison={comparison} side={side} scale={scale} x={x} />
            ))}
            <Divergence app={app} comparison={comparison} scale={scale} x={x} width={width} />
          </>
        )}
      </div>
    </section>
  );
}

function Orders({ app }: { app: CompareApp }) {
  return (
    <fieldset class="orders">
      <legend class="sr-only">Width of phases by</legend>
      {ORDERS.map((order, at) => (
        <button
          key={order}
          type="button"
          aria-pressed={app.order === order}
          title={`By ${ORDER_WORDS[order].toLowerCase()} (${at + 1})`}
          onClick={() => app.setOrder(order)}
        >
          {ORDER_WORDS[order]}
        </button>
      ))}
    </fieldset>
  );
}

interface Drawn {
  scale: PhaseScale;
  /** px of a share of the width. */
  x(share: number): number;
}

function Ruler({ scale, order, room, x }: Drawn & { order: Order; room: number }) {
  const label = (value: number): string =>
    order === 'time'
      ? formatClock(value)
      : order === 'cost'
        ? formatUsd(value)
        : formatCount(value);
  return (
    <div class="ruler" aria-hidden="true">
      {ticks(scale.full, room / 110, order === 'time').map((value) => (
        <span key={value} class="tick" style={{ left: `${x(value / scale.full)}px` }}>
          {x(1) - x(value / scale.full) > LABEL_PX && <span>{label(value)}</span>}
        </span>
      ))}
    </div>
  );
}

/** What joins the pairs; drawing only, the names of the phases say with which they are joined. */
function Joins({ comparison, scale, x, width }: Drawn & { comparison: Comparison; width: number }) {
  const top = TOP.a + BAND;
  const middle = (top + TOP.b) / 2;
  const path = (a: Band, b: Band): string =>
    `M${x(a.from)} ${top} C${x(a.from)} ${middle} ${x(b.from)} ${middle} ${x(b.from)} ${TOP.b} ` +
    `L${x(b.to)} ${TOP.b} C${x(b.to)} ${middle} ${x(a.to)} ${middle} ${x(a.to)} ${top} Z`;
  return (
    <svg class="joins" width={width} height={HEIGHT} aria-hidden="true">
      {comparison.phases.pairs.slice(0, MOST_BUTTONS).map(([a, b, like]) => (
        <path key={`${a}-${b}`} class={like} d={path(scale.bands.a[a]!, scale.bands.b[b]!)} />
      ))}
    </svg>
  );
}

function Row({
  app,
  comparison,
  side,
  scale,
  x,
}: Drawn & { app: CompareApp; comparison: Comparison; side: Side }) {
  const phases = comparison.phases[side];
  const partners = new Map(
    comparison.phases.pairs.map(([a, b]) => (side === 'a' ? [a, b] : [b, a]) as [number, number]),
  );
  const other = comparison.phases[side === 'a' ? 'b' : 'a'];
  const ended = scale.end[side] < 0.8 && app.order === 'time' && !app.states[side].live;
  return (
    <>
      <span class="row-badge" style={{ top: `${TOP[side] + 4}px` }}>
        <Badge side={side} />
      </span>
      {phases.map((phase, at) => {
        const { from, to } = scale.bands[side][at]!;
        const left = x(from);
        const size = Math.max(2, x(to) - left);
        const style = { left: `${left}px`, width: `${size}px`, top: `${TOP[side]}px` };
        if (at >= MOST_BUTTONS) {
          return <span key={at} class={`phase thin outcome-${phase.outcome}`} style={style} />;
        }
        const partner = partners.get(at);
        const joined =
          partner === undefined
            ? `only in ${side.toUpperCase()}`
            : `joined with ${visibleText(other[partner]?.name ?? '')}`;
        const name = visibleText(phase.name);
        const before = `${side.toUpperCase()}, phase ${at + 1} of ${phases.length}: `;
        const after = `, ${OUTCOME_WORDS[phase.outcome]}, ${formatDuration(phase.endMs - phase.startMs)}, ${plural(phase.calls, 'call')}, ${joined}`;
        const cost = knownCostText(phase);
        return (
          <button
            key={at}
            type="button"
            class={`phase outcome-${phase.outcome} ${size < SIGN_FROM ? 'thin' : ''}`}
            style={style}
            title={`${before}${name}, ${cost}${after}`}
            onClick={() => app.goToStep(side, phase.firstStep)}
          >
            {size >= SIGN_FROM && (
              <span class="sign" aria-hidden="true">
                {OUTCOME_SIGNS[phase.outcome]}
              </span>
            )}
            <span class="sr-only">{before}</span>
            <span class={size >= WORDS_FROM ? 'cut' : 'sr-only'}>{name}</span>
            <span class={size >= COST_FROM ? 'phase-cost' : 'sr-only'}>{cost}</span>
            <span class="sr-only">{after}</span>
          </button>
        );
      })}
      {ended && (
        <span
          class="ended muted"
          style={{ left: `${x(scale.end[side]) + 12}px`, top: `${TOP[side] + 4}px` }}
        >
          done at {formatClock(scale.end[side] * scale.full)}
        </span>
      )}
    </>
  );
}

/** Where they first part. */
function Divergence({
  app,
  comparison,
  scale,
  x,
  width,
}: Drawn & { app: CompareApp; comparison: Comparison; width: number }) {
  const row = comparison.divergences[0];
  if (row === undefined) return null;
  const [stepA, stepB] = (['a', 'b'] as const).map((side) => stepNear(comparison.steps[side], row));
  // A side without a step in that row parts after its last one.
  const parted = (['a', 'b'] as const).map((side, at) => {
    const step = (at === 0 ? stepA! : stepB!) + 1;
    return comparison.steps[side][row]! >= 0 ? `${step}` : `after ${step}`;
  });
  const [left, right] = [x(scale.at('a', stepA!)), x(scale.at('b', stepB!))];
  const bottom = TOP.b + BAND + 4;
  const middle = (TOP.a + BAND + TOP.b) / 2;
  const path = `M${left} ${TOP.a - 4} L${left} ${TOP.a + BAND} C${left} ${middle} ${right} ${middle} ${right} ${TOP.b} L${right} ${bottom}`;
  const labelWidth = 216;
  const place = Math.max(left, right) + 10;
  const flip = place + labelWidth > width;
  return (
    <>
      <svg class="divergence-line" width={width} height={HEIGHT} aria-hidden="true">
        <path d={path} />
      </svg>
      <button
        type="button"
        class="divergence-label"
        style={{
          left: `${flip ? Math.max(LABEL_WIDTH, Math.min(left, right) - labelWidth - 10) : place}px`,
          top: `${middle - 10}px`,
        }}
        onClick={() => app.toDivergence(0)}
      >
        {stepA === stepB && parted[0] === parted[1]
          ? `First divergence, step ${stepA! + 1}`
          : `First divergence: A ${parted[0]}, B ${parted[1]}`}
      </button>
    </>
  );
}

/** The step of a side at a row, or the last one before it. */
function stepNear(steps: Int32Array, row: number): number {
  for (let at = row; at >= 0; at--) if (steps[at]! >= 0) return steps[at]!;
  return 0;
}
