import { formatCount, MISSING } from '../../src/model/format.ts';
import type { ReplayState } from '../../src/model/replay/replayState.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { shortPath } from './card.tsx';

/** Files named before the rest is folded. */
const FILES = 8;

/** The files so far: each opens as it was after this step. */
export function Files({ app, state }: { app: ReplayApp; state: ReplayState }) {
  const { recent, touched } = state.files;
  if (touched === 0) return <p class="dim">No file yet.</p>;
  const open = app.look.unfolded.has('files');
  const shown = open ? recent : recent.slice(0, FILES);
  return (
    <>
      <table class="files figures">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Reads</th>
            <th scope="col">Edits</th>
            <th scope="col">Lines</th>
            <th scope="col">
              <span class="sr-only">As it is now</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((file) => (
            <tr key={file.path} class={file.step === state.step ? 'current' : ''}>
              <td>
                <button
                  type="button"
                  class="file"
                  title={`${visibleText(file.path)}: open it as it was after step ${state.step + 1}`}
                  onClick={() => app.openFile(file.path, state.step)}
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
              <td>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`Open ${visibleText(shortPath(file.path))} as it is now`}
                  title="Open it as it is now"
                  onClick={() => app.openFile(file.path)}
                >
                  <Icon name="file" />
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {recent.length > FILES && (
        <button type="button" class="link" onClick={() => app.look.unfold('files')}>
          {open ? 'Show less' : `${formatCount(recent.length - FILES)} more`}
        </button>
      )}
      {touched > recent.length && (open || recent.length <= FILES) && (
        <p class="small">
          The {formatCount(recent.length)} most recent of {formatCount(touched)}
        </p>
      )}
      {state.files.modified > 0 && (
        <p class="links">
          <button type="button" class="link" onClick={() => app.openChanges(0, state.step)}>
            Open changes so far
          </button>
          {state.step < app.total - 1 && (
            <button type="button" class="link" onClick={() => app.openChanges(0, app.total - 1)}>
              Open changes of the session
            </button>
          )}
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
