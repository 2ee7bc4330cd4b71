import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import {
  formatClock,
  formatCount,
  formatDuration,
  formatTokens,
  formatUsd,
  plural,
} from '../../../src/model/format.ts';
import { OUTCOME_SIGNS, OUTCOME_WORDS } from '../../../src/model/outcomeWords.ts';
import { visibleText } from '../../../src/model/visibleText.ts';
import { useRepaint } from '../../shared/hooks.ts';
import { lowerBound } from '../../shared/rowStore.ts';
import type { ReplayApp } from '../app.ts';
import { stepNumber, stepWords } from '../stepWords.tsx';
import { MARKS, type Mark } from './sessionIndex.ts';
import type { Stage } from './stage.ts';
import type { Hover } from './store.ts';

/** From the pointer, px. */
const AWAY = 14;

/** What the pointer is over, in words. It has no part in the page's painting: it is as quick as the pointer. */
export function Tooltip({ app, stage }: { app: ReplayApp; stage: Stage }) {
  const repaint = useRepaint();
  const box = useRef<HTMLDivElement>(null);
  const { timeline } = app;
  useEffect(() => {
    timeline.onHover = repaint;
    return () => {
      timeline.onHover = () => {};
    };
  }, [timeline, repaint]);
  const { hover } = timeline;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || !hover) return;
    const { offsetWidth: width, offsetHeight: height } = element;
    const { width: all, height: tall } = stage.layout;
    const x = hover.x + AWAY + width > all ? Math.max(4, hover.x - AWAY - width) : hover.x + AWAY;
    const below = hover.y + AWAY + height <= tall + 40;
    const y = below ? hover.y + AWAY : Math.max(2, hover.y - AWAY - height);
    element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  });
  if (!hover) return null;
  return (
    <div ref={box} class="timeline-tooltip" aria-hidden="true">
      <Content app={app} hover={hover} />
    </div>
  );
}

function Content({ app, hover: { target } }: { app: ReplayApp; hover: Hover }) {
  switch (target.over) {
    case 'step':
      return (
        <>
          <Step app={app} step={target.step} />
          {target.more > 0 && (
            <p class="dim">
              and {plural(target.more, 'step')} in {target.more === 1 ? 'its' : 'their'} place
            </p>
          )}
        </>
      );
    case 'marks':
      return target.count === 1 ? (
        <Step app={app} step={target.from} />
      ) : (
        <>
          <p>{markWords(app, target.from, target.to)}</p>
          <p class="dim">Click to zoom in on them</p>
        </>
      );
    case 'phase': {
      const { band } = target;
      const { view } = band;
      const failures = view ? view.errors + view.denied : 0;
      return (
        <>
          <p>
            <b>
              {OUTCOME_SIGNS[band.outcome]} {visibleText(band.name.slice(0, 200))}
            </b>
          </p>
          <p class="dim">
            {OUTCOME_WORDS[band.outcome]} · steps {formatCount(band.firstStep + 1)}–
            {formatCount(band.lastStep + 1)}
          </p>
          <p>
            {[
              view && formatDuration(view.endMs - view.startMs),
              band.cost,
              view && plural(view.calls, 'call'),
              failures > 0 && plural(failures, 'failure'),
            ]
              .filter(Boolean)
              .join(' · ')}
          </p>
          {view && view.wastedNanoUsd > 0 && (
            <p class="amber">{formatUsd(view.wastedNanoUsd)} wasted</p>
          )}
        </>
      );
    }
    case 'idle':
      return target.idle ? (
        <p>Idle for {formatDuration(target.ms)}</p>
      ) : (
        <p>
          No step for {formatDuration(target.ms)}: the model worked, or an answer was waited for
        </p>
      );
    case 'cost':
      return <Track app={app} step={target.step} />;
  }
}

function Step({ app, step }: { app: ReplayApp; step: number }) {
  const { rows, words } = app;
  words.want([step]);
  const lane = rows.lane(step);
  const cost = rows.nanoUsd(step);
  const duration = rows.durationMs(step);
  const running = rows.has(step, 'running');
  return (
    <>
      <p class="timeline-tooltip-words">
        <b>{stepNumber(app, step)}</b> {cutWords(stepWords(app, step))}
      </p>
      <p class="dim">
        {formatClock(app.offsetOf(step))}
        {running ? ' · running' : duration >= 0 ? ` · ${formatDuration(duration)}` : ''}
        {cost >= 0 &&
          ` · ${formatUsd(cost, { estimate: rows.has(step, 'estimate') })}${rows.isPrompt(step) ? ' in all' : ''}`}
        {lane > 0 && ` · ${visibleText((app.header?.lanes[lane] ?? 'subagent').slice(0, 60))}`}
      </p>
    </>
  );
}

const cutWords = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}…` : text);

/** What made the curve what it is here. */
function Track({ app, step }: { app: ReplayApp; step: number }) {
  const { timeline } = app;
  const { index, outline } = timeline;
  if (timeline.track === 'context') {
    const context = outline?.context;
    if (!context || context.step.length === 0) return null;
    const place = lowerBound(context.step, step + 1) - 1;
    if (place < 0) return null;
    const tokens = context.tokens[place]!;
    return (
      <p>
        <b>{formatTokens(tokens)}</b>
        {context.window
          ? ` of ${formatTokens(context.window)} tokens, ${Math.round((tokens / context.window) * 100)}%`
          : ' tokens'}
        <span class="dim"> at {formatClock(app.offsetOf(step))}</span>
      </p>
    );
  }
  if (!index.hasCost) return null;
  const broken = outline?.cacheBreaks.find((one) => one.step === step);
  const estimate = index.estimated;
  const aside = index.estimatesAside(0, step + 1);
  return (
    <>
      <p>
        <b>{formatUsd(index.costBefore(step + 1), { estimate })}</b>
        <span class="dim">
          {' '}
          at {formatClock(app.offsetOf(step))}, step {formatCount(step + 1)}
        </span>
      </p>
      {aside > 0 && <p class="dim">and {formatUsd(aside, { estimate: true })} estimated</p>}
      {broken && (
        <p class="amber">
          Cache: {visibleText(broken.detail.slice(0, 160))}, {formatTokens(broken.tokens)} tokens
          paid again
        </p>
      )}
    </>
  );
}

const WORDS: Record<Mark, [one: string, many: string]> = {
  denied: ['denied', 'denied'],
  error: ['error', 'errors'],
  compaction: ['compaction', 'compactions'],
  prompt: ['prompt', 'prompts'],
  commit: ['commit', 'commits'],
  retry: ['retry', 'retries'],
};

function markWords({ timeline: { index } }: ReplayApp, from: number, to: number): string {
  return MARKS.map((mark) => [mark, index.marks[mark].count(from, to + 1)] as const)
    .filter(([, count]) => count > 0)
    .map(([mark, count]) => plural(count, ...WORDS[mark]))
    .join(', ');
}
