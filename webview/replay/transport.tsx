import { useEffect, useRef } from 'preact/hooks';
import { formatCount } from '../../src/model/format.ts';
import { REPLAY_SPEEDS } from '../../src/protocol/replay.ts';
import { IconButton } from '../shared/iconButton.tsx';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { clock } from './header.tsx';
import { momentWords } from './stepWords.tsx';
import { drawTicks } from './ticks.ts';
import { ORDERS } from './timeline/axis.ts';

/** Steps of the slider for Page Up and Page Down. */
const PAGE = 10;
/** Marks on the slider are drawn at most this often, ms. */
const TICKS_MS = 400;

export function Transport({ app }: { app: ReplayApp }) {
  const { rows, player } = app;
  const { total } = rows;
  const prompt = (step: number) => rows.isPrompt(step);
  const failed = (step: number) => app.isFailed(step);
  const seek = (by: 1 | -1, passes: (step: number) => boolean) => () => {
    const at = app.seek(by, passes);
    if (at >= 0) app.goTo(at);
  };
  const endMs = total > 0 ? app.offsetOf(total - 1) : 0;
  return (
    <section class="transport" aria-label="Playback">
      <div class="buttons">
        <Jump letter="P" label="Previous prompt" hint="Shift+P" onClick={seek(-1, prompt)} />
        <Jump letter="E" label="Previous error" hint="Shift+E" onClick={seek(-1, failed)} />
        <IconButton
          icon="debug-step-back"
          label="Step back"
          hint="K"
          onClick={() => app.goTo(app.step - 1)}
        />
        <button
          type="button"
          class="play"
          aria-label={player.playing ? 'Pause' : 'Play'}
          title={`${player.playing ? 'Pause' : 'Play'} (Space)`}
          disabled={total === 0}
          onClick={() => app.togglePlay()}
        >
          <Icon name={player.playing ? 'debug-pause' : 'play'} />
        </button>
        <IconButton
          icon="debug-step-over"
          label="Step on"
          hint="J"
          onClick={() => app.goTo(app.step + 1)}
        />
        <Jump letter="E" label="Next error" hint="E" next onClick={seek(1, failed)} />
        <Jump letter="P" label="Next prompt" hint="P" next onClick={seek(1, prompt)} />
      </div>
      <div class="how">
        <select
          class="choice"
          aria-label="Speed"
          title="Speed"
          value={String(player.speed)}
          onChange={(event) => {
            const speed = REPLAY_SPEEDS.find((one) => String(one) === event.currentTarget.value);
            if (speed !== undefined) app.setSpeed(speed);
          }}
        >
          {REPLAY_SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed === 'max' ? 'max' : `${speed}×`}
            </option>
          ))}
        </select>
        <label class="skip" title="Pauses of more than 15 s take 0.3 s">
          <input
            type="checkbox"
            checked={app.time.skipIdle}
            onChange={(event) => app.setSkipIdle(event.currentTarget.checked)}
          />
          Skip idle
        </label>
      </div>
      <span class="clock">
        <b>{clock(app.clockMs)}</b> / {clock(endMs)}
      </span>
      <Slider app={app} />
      <span class="count">
        step <b>{formatCount(total === 0 ? 0 : app.step + 1)}</b> of {formatCount(total)}
      </span>
      <Orders app={app} />
      {app.isLive && (
        <button
          type="button"
          class="button live"
          aria-pressed={player.live}
          title="Go to live (End)"
          onClick={() => app.goLive()}
        >
          <Icon name="arrow-down" />
          {player.live ? 'At live' : 'Go to live'}
        </button>
      )}
    </section>
  );
}

/** How wide a step of the timeline is. */
function Orders({ app: { timeline } }: { app: ReplayApp }) {
  return (
    <fieldset class="orders" aria-label="Order of the timeline">
      {ORDERS.map((order, at) => {
        const noCost = order === 'cost' && !timeline.index.hasCost;
        return (
          <button
            key={order}
            type="button"
            aria-pressed={timeline.order === order}
            disabled={noCost}
            title={noCost ? 'No cost is known' : `${ORDER_TITLES[order]} (${at + 1})`}
            onClick={() => timeline.setOrder(order)}
          >
            {ORDER_WORDS[order]}
            <kbd>{at + 1}</kbd>
          </button>
        );
      })}
    </fieldset>
  );
}

const ORDER_WORDS = { time: 'Time', steps: 'Steps', cost: 'Cost' } as const;
const ORDER_TITLES = {
  time: 'As wide as it took',
  steps: 'One width a step',
  cost: 'As wide as it cost',
} as const;

function Jump({
  letter,
  label,
  hint,
  next = false,
  onClick,
}: {
  letter: string;
  label: string;
  hint: string;
  next?: boolean;
  onClick(): void;
}) {
  return (
    <button
      type="button"
      class="jump-button"
      aria-label={label}
      title={`${label} (${hint})`}
      onClick={onClick}
    >
      {!next && <Icon name="chevron-left" />}
      {letter}
      {next && <Icon name="chevron-right" />}
    </button>
  );
}

/** The session in playing time, with its prompts, errors and denials. */
function Slider({ app }: { app: ReplayApp }) {
  const track = useRef<HTMLDivElement>(null);
  const { rows, time, player } = app;
  const { total } = rows;
  const { totalMs } = time;
  const share = totalMs > 0 ? time.at(app.step) / totalMs : total > 1 ? app.step / (total - 1) : 0;
  const shown = player.playing && totalMs > 0 ? Math.min(1, player.positionMs / totalMs) : share;
  const stepAt = (event: PointerEvent): number => {
    const box = track.current?.getBoundingClientRect();
    if (!box || total === 0) return 0;
    const at = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return totalMs > 0 ? time.stepAt(at * totalMs) : Math.round(at * (total - 1));
  };
  const keys: Record<string, () => void> = {
    ArrowRight: () => app.goTo(app.step + 1),
    ArrowUp: () => app.goTo(app.step + 1),
    ArrowLeft: () => app.goTo(app.step - 1),
    ArrowDown: () => app.goTo(app.step - 1),
    PageUp: () => app.goTo(app.step + PAGE),
    PageDown: () => app.goTo(app.step - PAGE),
  };
  return (
    <div
      class="slider"
      style={{ '--at': `${shown * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label="Moment"
      aria-valuemin={1}
      aria-valuemax={Math.max(1, total)}
      aria-valuenow={Math.min(Math.max(1, total), app.step + 1)}
      aria-valuetext={total === 0 ? 'No steps yet' : momentWords(app, app.step)}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        app.goTo(stepAt(event));
      }}
      onPointerMove={(event) => {
        const { currentTarget } = event;
        if (!currentTarget.hasPointerCapture(event.pointerId)) return;
        app.scrubTo(stepAt(event));
        // The knob follows the hand, whenever the page is painted.
        const at = totalMs > 0 ? time.at(app.step) / totalMs : app.step / Math.max(1, total - 1);
        currentTarget.style.setProperty('--at', `${at * 100}%`);
      }}
      onKeyDown={(event) => {
        const run = keys[event.key];
        if (!run || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        run();
      }}
    >
      <div aria-hidden="true">
        <Ticks app={app} />
      </div>
      <div class="track" ref={track}>
        <div class="track-fill" />
      </div>
      <div class="knob" />
    </div>
  );
}

/** A canvas, for there may be ten thousand errors. */
function Ticks({ app }: { app: ReplayApp }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const lastMs = useRef(Number.NEGATIVE_INFINITY);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const draw = useRef(() => {});
  draw.current = () => {
    lastMs.current = performance.now();
    if (canvas.current) drawTicks(canvas.current, app);
  };
  const version = `${app.time.version},${app.timeline.version}`;
  const live = app.isLive;
  useEffect(() => {
    clearTimeout(timer.current);
    const wait = Math.max(0, lastMs.current + TICKS_MS - performance.now());
    timer.current = setTimeout(() => draw.current(), wait);
  }, [version, live]);
  useEffect(() => {
    const again = () => draw.current();
    const resized = new ResizeObserver(again);
    if (canvas.current) resized.observe(canvas.current);
    const themed = new MutationObserver(again);
    themed.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    return () => {
      clearTimeout(timer.current);
      resized.disconnect();
      themed.disconnect();
    };
  }, []);
  return <canvas ref={canvas} class="ticks" />;
}
