import type { ComponentChildren } from 'preact';
import {
  formatCount,
  formatDuration,
  formatPercent,
  formatTokens,
  formatUsd,
  MISSING,
  plural,
} from '../../src/model/format.ts';
import type { ReplayState } from '../../src/model/replay/replayState.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReplayApp } from './app.ts';
import { Fact, StepLink } from './facts.tsx';
import type { ContextSources } from './wire.ts';

/** Cost, window and what ran, as of the playhead. */
export function Now({ app, state }: { app: ReplayApp; state: ReplayState }) {
  const { cost, context } = state;
  const total = app.header?.cost.nanoUsd ?? 0;
  const share = total > 0 ? cost.nanoUsd / total : 0;
  const unknown = cost.responses === cost.unpriced;
  return (
    <>
      <div class="now">
        <div class="money">
          <div class="money-line">
            <span class="big">{unknown ? MISSING : formatUsd(cost.nanoUsd)}</span>
            {total > 0 && (
              <span class="muted">
                {formatPercent(share)} of {formatUsd(total)}
              </span>
            )}
          </div>
          <Gauge
            class="gauge cost-bar"
            label="Share of the total cost"
            max={100}
            value={Math.min(100, Math.round(share * 100))}
            text={`${formatPercent(share)} of the total cost`}
          >
            <div class="gauge-fill" style={{ width: `${Math.min(1, share) * 100}%` }} />
          </Gauge>
          <p class="small">
            {!unknown &&
              `own ${formatUsd(cost.ownNanoUsd)} · subs ${formatUsd(cost.subagentNanoUsd)}`}
            {cost.unpriced > 0 && (
              <span class="amber">
                {!unknown && ' · '}
                {plural(cost.unpriced, 'response')} unpriced
              </span>
            )}
          </p>
        </div>
        <Context app={app} context={context} />
      </div>
      <dl class="facts">
        <Fact name="Calls">
          {formatCount(state.calls)}
          {state.retries > 0 && ` · ${plural(state.retries, 'retry', 'retries')}`}
        </Fact>
        <Fact name="Tokens">
          {formatTokens(state.tokens.input)} in ({formatTokens(state.tokens.cacheRead)} cached) ·{' '}
          {formatTokens(state.tokens.output)} out
        </Fact>
        {state.prompt && <PromptFact app={app} prompt={state.prompt} />}
        {state.running.length > 0 && (
          <Fact name="Also running">
            <ul>
              {state.running.slice(0, 4).map(({ step, sinceMs }) => (
                <li key={step} class="cut">
                  <StepLink app={app} step={step} /> for {formatDuration(state.timeMs - sinceMs)}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {state.subagents.length > 0 && (
          <Fact name="Subagents">
            {state.subagents
              .slice(0, 6)
              .map(({ name }) => visibleText(name))
              .join(', ')}
          </Fact>
        )}
      </dl>
    </>
  );
}

function PromptFact({
  app,
  prompt,
}: {
  app: ReplayApp;
  prompt: NonNullable<ReplayState['prompt']>;
}) {
  return (
    <Fact name={`Prompt ${app.rows.promptIndex(prompt.step) + 1}`}>
      <StepLink app={app} step={prompt.step} text={app.words.get(prompt.step)?.target} /> ·{' '}
      {formatUsd(prompt.nanoUsd)} so far
    </Fact>
  );
}

/** What the window is filled with, as the analysis of its course estimates it. */
const SOURCES: readonly (readonly [keyof ContextSources, string])[] = [
  ['system', 'System + tools'],
  ['memory', 'Memory files'],
  ['conversation', 'Conversation'],
  ['files', 'Files read'],
  ['output', 'Command output'],
];
/** Without an estimate, what the agent itself tells of its last request. */
const PARTS = [
  ['cacheRead', 'Cached'],
  ['cacheWrite', 'Newly cached'],
  ['fresh', 'Not cached'],
  ['output', 'Answer'],
] as const;

interface Slice {
  key: string;
  label: string;
  tokens: number;
}

function Gauge({
  class: name,
  label,
  max,
  value,
  text,
  children,
}: {
  class: string;
  label: string;
  max: number;
  value: number;
  text: string;
  children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: the native meter has no parts and no colours
    <div
      class={name}
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={max}
      aria-valuenow={value}
      aria-valuetext={text}
    >
      {children}
    </div>
  );
}

/** The window after the last response, and of what it was made. */
function Context({ app, context }: { app: ReplayApp; context: ReplayState['context'] }) {
  if (!context) {
    return (
      <div class="context">
        <div class="context-line">
          <span>Context</span>
          <span class="dim">{MISSING}</span>
        </div>
      </div>
    );
  }
  const { tokens, window, parts } = context;
  const { sources } = app.asOf;
  const whole = Math.max(window ?? tokens, tokens, 1);
  const text = window ? `${formatTokens(tokens)} of ${formatTokens(window)}` : formatTokens(tokens);
  const slices: Slice[] = sources
    ? SOURCES.map(([key, label]) => ({ key, label, tokens: sources[key] }))
    : PARTS.map(([key, label]) => ({ key, label, tokens: parts?.[key] ?? 0 }));
  const shown = slices.filter((slice) => slice.tokens > 0);
  const { compaction } = app.timeline.index.marks;
  const compacted = compaction.at(compaction.lower(app.step + 1) - 1);
  return (
    <div class="context">
      <div class="context-line">
        <span>Context</span>
        <span>
          <b>{formatTokens(tokens)}</b>
          {window && <span class="muted"> of {formatTokens(window)}</span>}
        </span>
      </div>
      <Gauge class="gauge context-bar" label="Context" max={whole} value={tokens} text={text}>
        {shown.map(({ key, tokens: size }) => (
          <div key={key} class={`part-${key}`} style={{ width: `${(size / whole) * 100}%` }} />
        ))}
      </Gauge>
      <p class="legend" title={sources ? 'Estimated from the sizes of texts' : undefined}>
        {shown.map(({ key, label, tokens: size }) => (
          <span key={key}>
            <i class={`part-${key}`} />
            {label}{' '}
            <b>
              {sources ? '~' : ''}
              {formatTokens(size)}
            </b>
          </span>
        ))}
      </p>
      {compacted >= 0 && (
        <p class="small">
          Compacted at <StepLink app={app} step={compacted} text={`step ${compacted + 1}`} />: what
          was before is a summary
        </p>
      )}
    </div>
  );
}
