import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { formatAge } from '../../src/model/format.ts';
import { ANNOTATION_LABELS, MAX_NOTE } from '../../src/model/notes.ts';
import { visibleText } from '../../src/model/visibleText.ts';
import type { AnnotationView } from '../../src/protocol/replay.ts';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { refocus } from './look.ts';

/** As the command line and the Python tool know them. */
const LABELS: readonly string[] = ANNOTATION_LABELS;

/** Writes a note. Ctrl+Enter saves, Esc leaves it. */
export function NoteForm({ app }: { app: ReplayApp }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const { draft } = app.notes;
  useLayoutEffect(() => field.current?.focus(), [draft?.id]);
  useEffect(() => () => refocus('li.current .step-button'), []);
  if (!draft) return null;
  const labels = LABELS.includes(draft.label) ? LABELS : [draft.label, ...LABELS];
  return (
    <form
      class="note-form"
      aria-label={`Note on step ${draft.step + 1}`}
      onSubmit={(event) => {
        event.preventDefault();
        app.notes.save();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') app.notes.cancel();
        else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) app.notes.save();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <textarea
        class="field"
        ref={field}
        rows={3}
        maxLength={MAX_NOTE}
        aria-label="Note"
        placeholder="What should be remembered of this step?"
        value={draft.note}
        onInput={(event) => {
          draft.note = event.currentTarget.value;
        }}
      />
      <div class="links">
        <select
          class="choice"
          aria-label="Label"
          value={draft.label}
          onChange={(event) => {
            draft.label = event.currentTarget.value;
          }}
        >
          {labels.map((label) => (
            <option key={label} value={label}>
              {visibleText(label)}
            </option>
          ))}
        </select>
        <button type="submit" class="button primary">
          Save
        </button>
        <button type="button" class="button" onClick={() => app.notes.cancel()}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** One note: label, words, who and when. */
export function NoteLine({ app, note }: { app: ReplayApp; note: AnnotationView }) {
  const what = `${note.label} on step ${note.step + 1}`;
  const by = [
    note.author,
    note.createdAtMs > 0 ? formatAge(note.createdAtMs, app.header?.nowMs ?? note.createdAtMs) : '',
  ];
  return (
    <div class="note">
      <Icon name={note.label === 'bookmark' ? 'bookmark' : 'note'} />
      <div class="note-words">
        <span class="tag cut">{visibleText(note.label)}</span> <bdi>{visibleText(note.note)}</bdi>{' '}
        <span class="small">{visibleText(by.filter(Boolean).join(', '))}</span>
      </div>
      <button
        type="button"
        class="icon-button"
        aria-label={visibleText(`Edit ${what}`)}
        title="Edit"
        onClick={() => app.editNote(note)}
      >
        <Icon name="edit" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={visibleText(`Delete ${what}`)}
        title="Delete"
        onClick={() => app.notes.remove(note.id)}
      >
        <Icon name="trash" />
      </button>
    </div>
  );
}
