import type { ComponentChildren } from 'preact';
import { formatDuration, formatElapsed } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StreamHeader } from '../../src/protocol/stream.ts';
import { Icon } from '../shared/icons.tsx';
import { iconRole } from '../shared/rowMarks.ts';

/** Longer than this times the usual is worth a look. */
const SLOW_FACTOR = 3;

/** What the agent does now. Of one height whatever it is, so that the page below stays in place. */
export function Current({ header, nowMs }: { header: StreamHeader; nowMs: number }) {
  const { status, current, thinkingSinceMs, waitingSinceMs } = header;
  if (status === 'ended' || status === 'failed') return null;
  if (status === 'waiting') {
    return (
      <Card
        tone="amber"
        icon={<Icon name="bell" />}
        title="Waiting for you"
        target={current?.target}
      >
        {waitingSinceMs !== undefined && <b>{formatElapsed(nowMs - waitingSinceMs)}</b>}
      </Card>
    );
  }
  if (status === 'paused') {
    return (
      <Card
        tone="amber"
        icon={<Icon name="debug-pause" />}
        title="Paused"
        target={current?.target}
      />
    );
  }
  if (current) {
    const elapsedMs = nowMs - current.startedAtMs;
    const slow = current.usualMs !== undefined && elapsedMs > SLOW_FACTOR * current.usualMs;
    return (
      <Card
        tone={iconRole(current.icon)}
        icon={<Spinner />}
        title={current.tool}
        target={current.target}
      >
        {current.usualMs !== undefined && (
          <span class={`usual ${slow ? 'amber' : ''}`}>
            usually {formatDuration(current.usualMs)}
          </span>
        )}
        <b>{formatElapsed(elapsedMs)}</b>
      </Card>
    );
  }
  if (thinkingSinceMs !== undefined) {
    return (
      <Card tone="other" icon={<Spinner />} title="Thinking">
        <b>{formatElapsed(nowMs - thinkingSinceMs)}</b>
      </Card>
    );
  }
  return <Card tone="other" icon={<Icon name="check" />} title="Ready for the next prompt" />;
}

interface CardProps {
  /** Colour role of the left edge. */
  tone: string;
  icon: ComponentChildren;
  title: string;
  target?: string | undefined;
  children?: ComponentChildren;
}

function Card({ tone, icon, title, target, children }: CardProps) {
  return (
    <section class={`current role-${tone}`} aria-label="Now">
      <span class="step-icon">{icon}</span>
      <span class="current-title">{visibleText(title)}</span>
      <span class="current-time">{children}</span>
      {target !== undefined && (
        <code class="current-target" title={visibleText(target)}>
          {visibleText(target)}
        </code>
      )}
    </section>
  );
}

const Spinner = () => <Icon name="loading" class="spin" />;
