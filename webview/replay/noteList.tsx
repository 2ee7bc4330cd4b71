import { formatCount } from '../../src/model/format.ts';
import type { ReplayApp } from './app.ts';
import { StepLink } from './facts.tsx';
import { NoteForm, NoteLine } from './noteForm.tsx';

/** Notes shown before the rest is folded. */
const SHOWN = 20;

/** All that people noted on the session. */
export function NoteList({ app }: { app: ReplayApp }) {
  const { all, draft } = app.notes;
  const open = app.look.unfolded.has('notes');
  const shown = open ? all : all.slice(0, SHOWN);
  return (
    <>
      {all.length === 0 && (
        <p class="dim">
          None yet. <kbd>N</kbd> writes one on the step, <kbd>B</kbd> sets a bookmark.
        </p>
      )}
      {draft && draft.step !== app.step && <NoteForm app={app} />}
      <ul class="notes">
        {shown.map((note) => (
          <li key={note.id}>
            {note.step >= 0 ? (
              <StepLink app={app} step={note.step} />
            ) : (
              <span class="dim">On a step that is not in this trace</span>
            )}
            <NoteLine app={app} note={note} />
          </li>
        ))}
      </ul>
      {all.length > SHOWN && (
        <button type="button" class="link" onClick={() => app.look.unfold('notes')}>
          {open ? 'Show less' : `${formatCount(all.length - SHOWN)} more`}
        </button>
      )}
    </>
  );
}
