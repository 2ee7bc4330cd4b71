import { visibleText } from '../../src/model/visibleText.ts';
import type { StreamHeader } from '../../src/protocol/stream.ts';
import { Icon } from '../shared/icons.tsx';
import type { StreamApp } from './app.ts';

/** Pause, or Resume, and Stop: of the agent of the session that is shown. */
export function Controls({ app, header }: { app: StreamApp; header: StreamHeader }) {
  const { status, control } = header;
  if (status === 'ended' || status === 'failed') return null;
  const agent = visibleText(header.agent);
  const { paused } = control;
  const hint =
    control.kind === 'none'
      ? visibleText(control.reason ?? '')
      : control.kind === 'cooperative'
        ? 'Pauses before the next tool: this agent cannot be frozen.'
        : '';
  const off = control.kind === 'none';
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a frame of its own
    <div class="controls" role="group" aria-label="Agent">
      <button
        type="button"
        class="button"
        // Not `disabled`: the keyboard must reach it to learn why.
        aria-disabled={off}
        aria-describedby={hint ? 'control-hint' : undefined}
        title={hint || (paused ? `Let ${agent} go on` : `Pause ${agent} and all that it runs`)}
        onClick={() => !off && app.control(paused ? 'resume' : 'pause')}
      >
        <Icon name={paused ? 'play' : 'debug-pause'} />
        {paused ? 'Resume' : 'Pause'}
      </button>
      <button
        type="button"
        class="button"
        aria-disabled={off}
        aria-describedby={off ? 'control-hint' : undefined}
        title={off ? hint : `Stop ${agent}`}
        onClick={() => !off && app.control('stop')}
      >
        <Icon name="debug-stop" class="stop-icon" />
        Stop
      </button>
      {hint && (
        <span id="control-hint" class="sr-only">
          {hint}
        </span>
      )}
    </div>
  );
}
