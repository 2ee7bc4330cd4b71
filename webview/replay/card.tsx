import { plural } from '../../src/model/format.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { StepDetails } from '../../src/protocol/replay.ts';
import { IconButton } from '../shared/iconButton.tsx';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { Diff, visibleCode } from './diff.tsx';
import { NoteForm, NoteLine } from './noteForm.tsx';
import { isLong } from './step.tsx';

const FOLD_LINES = 12;
/** A result of one line up to this long stands beside its sign, UTF-16 units. */
const INLINE = 160;

/** More of the current step, below its row: its change, its text, what came of it, and what can be done with it. */
export function Card({ app }: { app: ReplayApp }) {
  const { details } = app.asOf;
  const { notes, step } = app;
  return (
    <div class="card">
      {details && <Contents app={app} details={details} />}
      {notes.at(step).map((note) => (
        <NoteLine key={note.id} app={app} note={note} />
      ))}
      {notes.draft?.step === step ? <NoteForm app={app} /> : <Actions app={app} />}
    </div>
  );
}

function Contents({ app, details }: { app: ReplayApp; details: StepDetails }) {
  const kind = app.rows.kind(app.step);
  const command = kind === 'run' ? commandOf(details.input) : undefined;
  const { diff } = details;
  return (
    <>
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
      {isLong(app) && <Text app={app} text={details.input} name="said" prose />}
      {command && <Text app={app} text={command} name="command" />}
      {!details.prose && <Result app={app} details={details} />}
    </>
  );
}

/** What a person can do with the step. */
function Actions({ app }: { app: ReplayApp }) {
  const { step, notes } = app;
  const marked = notes.at(step).some(({ label, note }) => label === 'bookmark' && note === '');
  return (
    <div class="actions">
      <button type="button" class="link" onClick={() => app.look.showSection('why')}>
        Why?
      </button>
      <button type="button" class="link" onClick={() => app.open('event')}>
        Open event
      </button>
      <IconButton icon="note" label="Add a note" hint="N" onClick={() => app.editNote()} />
      <IconButton
        icon="bookmark"
        label={marked ? 'Remove the bookmark' : 'Bookmark'}
        hint="B"
        pressed={marked}
        onClick={() => notes.toggleBookmark()}
      />
      <IconButton icon="link" label="Copy link" onClick={() => app.copy('link')} />
      <IconButton icon="copy" label="Copy as Markdown" onClick={() => app.copy('markdown')} />
    </div>
  );
}

function Result({ app, details }: { app: ReplayApp; details: StepDetails }) {
  const { failed, denied, exitCode, deniedBy, rule } = details;
  const output = (details.output ?? '').replace(/\s+$/, '');
  if (details.output === undefined && !failed && !denied && exitCode === undefined) return null;
  const label = denied
    ? `Denied${deniedBy ? ` by ${deniedBy}` : ''}${rule ? `, rule ${rule}` : ''}`
    : failed
      ? `Failed${exitCode === undefined ? '' : `, exit ${exitCode}`}`
      : `Result${exitCode === undefined ? '' : `, exit ${exitCode}`}`;
  const bad = failed || denied;
  // What an agent is told of its edit repeats the change that stands above.
  const repeats = details.diff !== undefined && !bad;
  const inline = (repeats || output.length <= INLINE) && !output.includes('\n');
  const first = inline || repeats ? output.split('\n', 1)[0] : '';
  return (
    <div class="result">
      <div class={`result-line ${bad ? 'red' : ''}`}>
        <Icon name={denied ? 'circle-slash' : failed ? 'error' : 'pass'} class={bad ? '' : 'ok'} />
        <span class={inline ? '' : 'cut'}>
          {visibleText(label)}
          {first ? `: ${visibleText(first)}` : output === '' && !bad ? ': no output' : ''}
        </span>
      </div>
      {!inline && <Text app={app} text={output} name="result" fold={repeats ? 0 : FOLD_LINES} />}
    </div>
  );
}

/** A text of the trace, folded where it is long. */
export function Text({
  app,
  text,
  name,
  prose = false,
  fold = FOLD_LINES,
}: {
  app: ReplayApp;
  text: string;
  name: string;
  prose?: boolean;
  /** Lines that are shown of a longer one. */
  fold?: number;
}) {
  const key = `${app.step} ${name}`;
  const lines = text.replace(/\n+$/, '').split('\n');
  const open = app.look.unfolded.has(key);
  const shown = open ? lines : lines.slice(0, fold);
  return (
    <div class="text">
      {shown.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
        <pre class={`block ${prose ? 'prose' : ''}`} tabIndex={0}>
          {visibleCode(shown.join('\n'))}
        </pre>
      )}
      {lines.length > fold && (
        <button type="button" class="link" onClick={() => app.look.unfold(key)}>
          {open ? 'Show less' : plural(lines.length - fold, 'more line')}
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
