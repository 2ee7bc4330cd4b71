import type { ComponentChildren } from 'preact';
import { formatCount, plural } from '../../src/model/format.ts';
import type { ReplayState } from '../../src/model/replay/replayState.ts';
import { Icon } from '../shared/icons.tsx';
import type { ReplayApp } from './app.ts';
import { Files } from './files.tsx';
import { clock } from './header.tsx';
import type { Section } from './look.ts';
import { NoteList } from './noteList.tsx';
import { Now } from './now.tsx';
import { ThisStep } from './thisStep.tsx';
import { WhyChainView, whyAside } from './whyPart.tsx';

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
      <Part app={app} section="why" title="Why did this happen?" aside={whyAside(app)}>
        <WhyChainView app={app} />
      </Part>
      <Part
        app={app}
        section="notes"
        title="Notes"
        aside={app.notes.all.length > 0 ? formatCount(app.notes.all.length) : ''}
      >
        <NoteList app={app} />
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
  const open = !app.look.closed.has(section);
  return (
    <section class="part" aria-label={title}>
      <h2>
        <button
          type="button"
          class="part-head"
          id={`part-${section}`}
          aria-expanded={open}
          onClick={() => app.look.toggleSection(section)}
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
