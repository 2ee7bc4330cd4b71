import type { ComponentChildren } from 'preact';

interface MeterProps {
  label: string;
  /** What the bar says, in words. */
  text: string;
  children: ComponentChildren;
  value: number;
  /** Absent: no bar, the text says it all. */
  max?: number | undefined;
  /** A mark on the bar, same unit. */
  tick?: { at: number; label: string } | undefined;
  tone: 'blue' | 'green' | 'amber' | 'red';
}

/** Label, bar, value. */
export function Meter({ label, text, children, value, max, tick, tone }: MeterProps) {
  const share = max !== undefined && max > 0 ? Math.min(1, Math.max(0, value / max)) : 0;
  return (
    <div class="meter">
      <span class="meter-label">{label}</span>
      {max === undefined ? (
        <span />
      ) : (
        // biome-ignore lint/a11y/useSemanticElements: the native meter cannot hold the mark
        <div
          class="meter-track"
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={max}
          aria-valuenow={Math.min(value, max)}
          aria-valuetext={text}
        >
          <div class={`meter-fill tone-${tone}`} style={{ width: `${share * 100}%` }} />
          {tick && max > 0 && tick.at < max && (
            <div
              class="meter-tick"
              title={tick.label}
              style={{ left: `${(tick.at / max) * 100}%` }}
            />
          )}
        </div>
      )}
      <span class={`meter-value tone-${tone}`}>{children}</span>
    </div>
  );
}
