import { useRef } from 'preact/hooks';

/** One press of an arrow key, px. */
const STEP = 20;

/**
 * Between two parts of the page: moved by the pointer or the arrows, set back by a double click. What it sizes grows up to the
 * sash: as it moves down (`height`), or as it moves left (`width`).
 *
 * @param props.now px; `least` and `most` bound what is told of it
 * @param props.measure the size when the pointer takes hold, px; default: `now`
 */
export function Sash({
  sizes,
  of,
  label,
  least,
  most,
  now,
  measure = () => now,
  onSize,
  onReset,
}: {
  sizes: 'height' | 'width';
  of: 'timeline' | 'inspector';
  label: string;
  least: number;
  most: number;
  now: number;
  measure?: (sash: HTMLElement) => number;
  onSize: (px: number) => void;
  onReset: () => void;
}) {
  const grip = useRef<{ at: number; size: number }>(undefined);
  const isHeight = sizes === 'height';
  const at = (event: PointerEvent): number => (isHeight ? event.clientY : -event.clientX);
  const keys: Record<string, number> = isHeight
    ? { ArrowUp: -STEP, ArrowDown: STEP }
    : { ArrowLeft: STEP, ArrowRight: -STEP };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that is moved is no <hr>.
    <div
      class={`${of}-sash`}
      role="separator"
      tabIndex={0}
      aria-orientation={isHeight ? 'horizontal' : 'vertical'}
      aria-label={label}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuenow={now}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        grip.current = { at: at(event), size: measure(event.currentTarget) };
      }}
      onPointerMove={(event) => {
        const from = grip.current;
        if (from) onSize(from.size + at(event) - from.at);
      }}
      onPointerUp={() => {
        grip.current = undefined;
      }}
      onDblClick={onReset}
      onKeyDown={(event) => {
        const by = keys[event.key];
        if (by === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        onSize(measure(event.currentTarget) + by);
      }}
    />
  );
}
