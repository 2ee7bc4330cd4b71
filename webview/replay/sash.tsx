import { useRef } from 'preact/hooks';
import type { ReplayApp } from './app.ts';
import { LEAST_INSPECTOR } from './look.ts';

/** One press of an arrow key, px. */
const STEP = 20;

/** Between the steps and the inspector: moved by the pointer or the arrows, set back by a double click. */
export function InspectorSash({ app: { look } }: { app: ReplayApp }) {
  const grip = useRef<{ x: number; width: number }>(undefined);
  const width = (sash: HTMLElement): number =>
    look.inspectorPx ?? sash.nextElementSibling?.getBoundingClientRect().width ?? LEAST_INSPECTOR;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that is moved is no <hr>.
    <div
      class="inspector-sash"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of the inspector"
      aria-valuemin={LEAST_INSPECTOR}
      aria-valuemax={Math.max(LEAST_INSPECTOR, window.innerWidth)}
      aria-valuenow={look.inspectorPx ?? Math.round(window.innerWidth * 0.417)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { x: event.clientX, width: width(event.currentTarget) };
      }}
      onPointerMove={(event) => {
        const from = grip.current;
        if (from) look.setInspector(from.width + from.x - event.clientX);
      }}
      onPointerUp={() => {
        grip.current = undefined;
      }}
      onDblClick={() => look.setInspector(undefined)}
      onKeyDown={(event) => {
        const by = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        look.setInspector(width(event.currentTarget) + by);
      }}
    />
  );
}
