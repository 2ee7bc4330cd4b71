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
import type { StepDetails } from '../../src/protocol/replay.ts';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp, Section } from './app.ts';
import { Text } from './card.tsx';
import { Diff } from './diff.tsx';
import { clock } from './header.tsx';
import { stepWords } from './stepWords.tsx';

/** Files named before the rest is folded. */
const FILES = 8;

/** What was true at the playhead. */
export function Inspector({ app }: { app: ReplayApp }) {
  const { state } = app.asOf;
  if (app.rows.total === 0) return <aside class="inspector" aria-label="As of this moment" />;
  const details = app.asOf.details;
  return (
    <aside class="inspector" aria-label="As of this moment">
      <Part
        app={app}
        section="now"
        title={`As of ${clock(app.offsetOf(app.step))}, step ${app.step + 1}`}
        aside={state ? outcome(state) : ''}
      >
        {state && <Now app={app} state={state} />}
      </Part>
      <Part
        app={app}
        section="files"
        title="Files so far"
        aside={
          state
            ? `${formatCount(state.files.read)} read · ${formatCount(state.files.modified)} modified`
            : ''
        }
      >
        {state && <Files app={app} state={state} />}
      </Part>
      <Part
        app={app}
        section="step"
        title="This step"
        aside={details?.editOfFile ? `edit ${details.editOfFile} of this file` : ''}
      >
        <ThisStep app={app} details={details} />
      </Part>
    </aside>
  );
}

function Part({
  app,
  section,
  title,
  aside,
  children,
}: {
  app: ReplayApp;
  section: Section;
  title: string;
  aside: string;
  children: ComponentChildren;
}) {
  const open = !app.closed.has(section);
  return (
    <section class="part" aria-label={title}>
      <h2>
        <button
          type="button"
          class="part-head"
          aria-expanded={open}
          onClick={() => app.toggleSection(section)}
        >
          <Icon name={open ? 'chevron-down' : 'chevron-right'} />
          <span class="part-title">{title}</span>
          <span class="part-aside">{aside}</span>
        </button>
      </h2>
      {open && <div class="part-body">{children}</div>}
    </section>
  );
}

const outcome = ({ errors, denied }: ReplayState): string =>
  `${plural(errors, 'error')}, ${formatCount(denied)} denied so far`;

function Now({ app, state }: { app: ReplayApp; state: ReplayState }) {
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
            class="bar"
            label="Share of the total cost"
            max={100}
            value={Math.min(100, Math.round(share * 100))}
            text={`${formatPercent(share)} of the total cost`}
          >
            <div class="bar-fill" style={{ width: `${Math.min(1, share) * 100}%` }} />
          </Gauge>
          <p class="small">
            {!unknown &&
              `own ${formatUsd(cost.ownNanoUsd)} · subagents ${formatUsd(cost.subagentNanoUsd)}`}
            {cost.unpriced > 0 && (
              <span class="amber">
                {!unknown && ' · '}
                {plural(cost.unpriced, 'response')} unpriced
              </span>
            )}
          </p>
        </div>
        <Context context={context} />
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

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** @param text what to call it, if not by its words */
function StepLink({
  app,
  step,
  text,
}: {
  app: ReplayApp;
  step: number;
  text?: string | undefined;
}) {
  app.words.want([step]);
  return (
    <button type="button" class="link step-link cut" onClick={() => app.goTo(step)}>
      {text === undefined ? stepWords(app, step) : visibleText(text)}
    </button>
  );
}

const PARTS = [
  ['cacheRead', 'Cached', 'part-cached'],
  ['cacheWrite', 'Newly cached', 'part-written'],
  ['fresh', 'Not cached', 'part-fresh'],
  ['output', 'Answer', 'part-output'],
] as const;

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
function Context({ context }: { context: ReplayState['context'] }) {
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
  const whole = Math.max(window ?? tokens, tokens, 1);
  const text = window ? `${formatTokens(tokens)} of ${formatTokens(window)}` : formatTokens(tokens);
  const shown = PARTS.filter(([key]) => parts && parts[key] > 0);
  return (
    <div class="context">
      <div class="context-line">
        <span>Context</span>
        <span>
          <b>{formatTokens(tokens)}</b>
          {window && <span class="muted"> of {formatTokens(window)}</span>}
        </span>
      </div>
      <Gauge class="context-bar" label="Context" max={whole} value={tokens} text={text}>
        {shown.map(([key, , className]) => (
          <div
            key={key}
            class={className}
            style={{ width: `${((parts?.[key] ?? 0) / whole) * 100}%` }}
          />
        ))}
      </Gauge>
      <p class="legend">
        {shown.map(([key, label, className]) => (
          <span key={key}>
            <i class={className} />
            {label} <b>{formatTokens(parts?.[key] ?? 0)}</b>
          </span>
        ))}
      </p>
    </div>
  );
}

function Files({ app, state }: { app: ReplayApp; state: ReplayState }) {
  const { recent, touched } = state.files;
  if (touched === 0) return <p class="dim">No file yet.</p>;
  const open = app.unfolded.has('files');
  const shown = open ? recent : recent.slice(0, FILES);
  return (
    <>
      <table class="files">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Reads</th>
            <th scope="col">Edits</th>
            <th scope="col">Lines</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((file) => (
            <tr key={file.path} class={file.step === state.step ? 'current' : ''}>
              <td>
                <button
                  type="button"
                  class="file"
                  title={visibleText(file.path)}
                  onClick={() => app.openFile(file.path)}
                >
                  <bdi>{visibleText(shownPath(file.path))}</bdi>
                </button>
              </td>
              <td class="reads">{file.reads > 0 ? `×${formatCount(file.reads)}` : <Dim />}</td>
              <td class="edits">{file.writes > 0 ? `×${formatCount(file.writes)}` : <Dim />}</td>
              <td>
                {file.writes > 0 ? (
                  <>
                    <span class="added">+{formatCount(file.added)}</span>{' '}
                    <span class="removed">−{formatCount(file.removed)}</span>
                  </>
                ) : (
                  <Dim />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {recent.length > FILES && (
        <button type="button" class="link" onClick={() => app.unfold('files')}>
          {open ? 'Show less' : `${formatCount(recent.length - FILES)} more`}
        </button>
      )}
      {touched > recent.length && (open || recent.length <= FILES) && (
        <p class="small">
          The {formatCount(recent.length)} most recent of {formatCount(touched)}
        </p>
      )}
    </>
  );
}

const Dim = () => <span class="dim">{MISSING}</span>;

/** The end of a path tells files apart. */
const shownPath = (path: string): string => {
  const parts = path.split(/[\\/]/);
  return parts.length > 4 ? `…/${parts.slice(-3).join('/')}` : path;
};

function ThisStep({ app, details }: { app: ReplayApp; details: StepDetails | null | undefined }) {
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
        {lane > 0 && (
          <Fact name="By">{visibleText(app.header?.lanes[lane] ?? `subagent ${lane}`)}</Fact>
        )}
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
          <Text app={app} text={details.input} name="arguments" prose={details.prose} />
        </>
      )}
      {details?.output !== undefined && details.output.trim() !== '' && (
        <>
          <h3>Result</h3>
          <Text app={app} text={details.output} name="output" />
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
