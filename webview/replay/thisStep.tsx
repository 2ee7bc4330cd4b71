import { formatDuration, formatTokens, formatUsd } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StepDetails } from '../../src/protocol/replay.ts';
import type { ReplayApp } from './app.ts';
import { Text } from './card.tsx';
import { Diff } from './diff.tsx';
import { Fact } from './facts.tsx';
import { laneName } from './step.tsx';
import { stepWords } from './stepWords.tsx';

/** Of its arguments; what came of them stands with the step. */
const FOLD_LINES = 6;

/** The step at the playhead: its change or its texts, time, cost and tokens. */
export function ThisStep({
  app,
  details,
}: {
  app: ReplayApp;
  details: StepDetails | null | undefined;
}) {
  const { rows, step } = app;
  if (details === null) return <p class="dim">The trace was moved or deleted.</p>;
  const ms = rows.durationMs(step);
  const nanoUsd = rows.nanoUsd(step);
  const lane = rows.lane(step);
  const response = details?.response;
  return (
    <>
      <p class="step-line">{stepWords(app, step)}</p>
      <dl class="facts">
        {!Number.isNaN(ms) && <Fact name="Took">{formatDuration(ms)}</Fact>}
        {!Number.isNaN(nanoUsd) && (
          <Fact name="Cost">
            {formatUsd(nanoUsd)}
            {response && response.calls > 1 && (
              <span class="muted"> · its share of a response for {response.calls} calls</span>
            )}
          </Fact>
        )}
        {lane > 0 && <Fact name="By">{laneName(app, lane)}</Fact>}
        {response && (
          <Fact name="Model">
            {visibleText(response.model)} · {formatTokens(response.input)} in (
            {formatTokens(response.cacheRead)} cached) · {formatTokens(response.output)} out
          </Fact>
        )}
        {details?.exitCode !== undefined && <Fact name="Exit">{details.exitCode}</Fact>}
      </dl>
      {details?.diff && (
        <div class="change">
          <Diff app={app} diff={details.diff} name="inspector" changedOnly />
        </div>
      )}
      {details && !details.diff && details.input.trim() !== '' && details.input !== '{}' && (
        <>
          <h3>{details.prose ? 'Text' : 'Arguments'}</h3>
          <Text
            app={app}
            text={details.input}
            name="arguments"
            prose={details.prose}
            fold={FOLD_LINES}
          />
        </>
      )}
      {details?.cut && <p class="small">Long texts are cut here.</p>}
      <p class="links">
        <button type="button" class="link" onClick={() => app.open('event')}>
          Open event
        </button>
        {details?.diff && (
          <button type="button" class="link" onClick={() => app.open('diff')}>
            Open diff
          </button>
        )}
      </p>
    </>
  );
}
