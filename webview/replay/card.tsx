import { plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StepDetails } from '../../src/protocol/replay.ts';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { Diff, visibleCode } from './diff.tsx';

const FOLD_LINES = 12;

/** More of the current step, below its row: its change, its text, what came of it. */
export function Card({ app }: { app: ReplayApp }) {
  const details = app.asOf.details;
  // Nothing is drawn before there is something: the list would jump twice.
  if (!details) return null;
  const isCall = !details.prose;
  const kind = app.rows.kind(app.step);
  const command = kind === 'run' ? commandOf(details.input) : undefined;
  const { diff } = details;
  const long = details.prose && (details.input.length > 90 || details.input.includes('\n'));
  if (!diff && !long && details.output === undefined && !command) return null;
  return (
    <div class="card">
      {diff && (
        <div class="change">
          <div class="change-head">
            <code class="cut">{visibleText(shortPath(diff.path))}</code>
            <span class="links">
              <button type="button" class="link" onClick={() => app.open('diff')}>
                Open diff
              </button>
              <button type="button" class="link" onClick={() => app.openFile(diff.path)}>
                Open file
              </button>
            </span>
          </div>
          <Diff app={app} diff={diff} name="card" />
        </div>
      )}
      {long && <Text app={app} text={details.input} name="said" prose />}
      {command && <Text app={app} text={command} name="command" />}
      {isCall && <Result app={app} details={details} />}
    </div>
  );
}

function Result({ app, details }: { app: ReplayApp; details: StepDetails }) {
  const { output, failed, denied, exitCode, deniedBy, rule } = details;
  if (output === undefined && !failed && !denied) return null;
  const label = denied
    ? `Denied${deniedBy ? ` by ${deniedBy}` : ''}${rule ? `, rule ${rule}` : ''}`
    : failed
      ? `Failed${exitCode === undefined ? '' : `, exit ${exitCode}`}`
      : 'Result';
  const bad = failed || denied;
  return (
    <div class="result">
      <div class={`result-line ${bad ? 'red' : ''}`}>
        <Icon name={denied ? 'circle-slash' : failed ? 'error' : 'pass'} class={bad ? '' : 'ok'} />
        <span>{visibleText(label)}</span>
      </div>
      {output !== undefined && output.trim() !== '' && (
        <Text app={app} text={output} name="result" />
      )}
    </div>
  );
}

/** A text of the trace, folded where it is long. */
export function Text({
  app,
  text,
  name,
  prose = false,
}: {
  app: ReplayApp;
  text: string;
  name: string;
  prose?: boolean;
}) {
  const key = `${app.step} ${name}`;
  const lines = text.replace(/\n+$/, '').split('\n');
  const open = app.unfolded.has(key);
  const shown = open ? lines : lines.slice(0, FOLD_LINES);
  return (
    <div class="text">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys */}
      <pre class={prose ? 'prose' : ''} tabIndex={0}>
        {visibleCode(shown.join('\n'))}
      </pre>
      {lines.length > FOLD_LINES && (
        <button type="button" class="link" onClick={() => app.unfold(key)}>
          {open ? 'Show less' : plural(lines.length - FOLD_LINES, 'more line')}
        </button>
      )}
    </div>
  );
}

/** The command of a shell call, where the row cannot show all of it. */
function commandOf(input: string): string | undefined {
  try {
    const args = JSON.parse(input) as { command?: unknown };
    const { command } = args;
    if (typeof command !== 'string') return undefined;
    return command.includes('\n') || command.length > 80 ? command : undefined;
  } catch {
    return undefined;
  }
}

/** The last parts of a path. */
export const shortPath = (path: string): string => path.split(/[\\/]/).slice(-3).join('/');
