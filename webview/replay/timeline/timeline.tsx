import { useEffect, useRef, useState } from 'preact/hooks';
import { useRepaint } from '../../shared/hooks.ts';
import type { ReplayApp } from '../app.ts';
import { Sash } from '../sash.tsx';
import { momentWords } from '../stepWords.tsx';
import { listenToPointer } from './gestures.ts';
import { Labels } from './labels.tsx';
import { RangeCard } from './rangeCard.tsx';
import { Stage } from './stage.ts';
import { HEIGHT, LEAST_HEIGHT, MOST_SHARE } from './store.ts';
import { Tooltip } from './tooltip.tsx';

export function Timeline({ app }: { app: ReplayApp }) {
  const { timeline } = app;
  const repaint = useRepaint();
  const element = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const [stage, setStage] = useState<Stage>();
  useEffect(() => {
    if (!base.current || !over.current || !element.current) return undefined;
    const made = new Stage(app, base.current, over.current);
    setStage(made);
    timeline.onChange = repaint;
    const stop = listenToPointer(app, made, element.current);
    return () => {
      stop();
      made.dispose();
      timeline.onChange = () => {};
    };
  }, [app, timeline, repaint]);
  const pageHeight = usePageHeight();
  const most = Math.max(LEAST_HEIGHT, Math.round(pageHeight * MOST_SHARE));
  const height = Math.min(most, timeline.height);
  return (
    <section
      class="timeline"
      aria-label="Timeline of the session"
      style={{ height: `${height}px` }}
    >
      <div
        ref={element}
        class="timeline-stage"
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is operated by keys.
        tabIndex={0}
        aria-label="Timeline"
        aria-describedby="timeline-now"
      >
        <div aria-hidden="true">
          <canvas ref={base} />
          <canvas ref={over} />
        </div>
      </div>
      <p id="timeline-now" class="sr-only">
        {app.rows.total === 0 ? 'No steps yet' : momentWords(app, app.step)}
      </p>
      {stage && <Labels app={app} layout={stage.layout} />}
      {stage && <RangeCard app={app} stage={stage} />}
      {stage && <Tooltip app={app} stage={stage} />}
      <Sash
        sizes="height"
        of="timeline"
        label="Height of the timeline"
        least={LEAST_HEIGHT}
        most={most}
        now={height}
        onSize={(px) => timeline.setHeight(px, pageHeight)}
        onReset={() => timeline.setHeight(HEIGHT, pageHeight)}
      />
    </section>
  );
}

function usePageHeight(): number {
  const [height, setHeight] = useState(() => window.innerHeight);
  useEffect(() => {
    const onResize = () => setHeight(window.innerHeight);
    window.addEventListener('resize', onResize);
    onResize();
    return () => window.removeEventListener('resize', onResize);
  }, []);
  return height;
}
