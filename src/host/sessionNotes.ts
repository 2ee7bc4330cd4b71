import { stepsOfEvents } from '../model/eventStep.ts';
import type { AnnotationView, FromReplayPage, ToReplayPage } from '../protocol/replay.ts';
import {
  type Annotation,
  annotationsStamp,
  changeAnnotation,
  readAnnotations,
  removeAnnotation,
} from '../trace/annotations.ts';
import { noteOnStep } from '../trace/stepNote.ts';
import type { LiveSession } from './liveSession.ts';

/** What notes need of whatever shows them. */
export interface NotesHost {
  post(message: ToReplayPage): void;
  mayWrite(): boolean;
}

/** The annotations of one session, for its replay page: what others write is seen, too. */
export class SessionNotes {
  private readonly session: LiveSession;
  private readonly host: NotesHost;
  private readonly author: string;
  private stamp: string | undefined;
  private known: Annotation[] = [];
  private sent = '';

  constructor(session: LiveSession, host: NotesHost, author: string) {
    this.author = author;
    this.session = session;
    this.host = host;
  }

  private get directory(): string {
    return this.session.entry.directory;
  }

  /** A page is there, and knows of none. */
  start(): void {
    this.sent = '';
    this.stamp = undefined;
    this.look();
  }

  /** Reads what was written since, and tells of it. */
  look(): void {
    const stamp = annotationsStamp(this.directory);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    this.known = stamp === '' ? [] : readAnnotations(this.directory);
    this.tell();
  }

  /** Steps came or went: annotations may stand at others. */
  moved(): void {
    if (this.known.length > 0) this.tell();
  }

  private tell(): void {
    const { fold } = this.session.trace;
    const stepOf = stepsOfEvents(fold);
    const annotations = this.known.map(
      ({ id, eventId, label, note, author, createdAtMs }): AnnotationView => ({
        id,
        step: stepOf(eventId),
        label,
        note,
        author,
        createdAtMs,
      }),
    );
    const text = JSON.stringify(annotations);
    if (text === this.sent) return;
    // A page begins without any.
    const first = this.sent === '' && annotations.length === 0;
    this.sent = text;
    if (first) return;
    this.host.post({ type: 'annotations', sessionId: this.session.key, annotations });
  }

  /** Makes an annotation, or changes one. Errors are told in the page. */
  annotate(message: Extract<FromReplayPage, { type: 'annotate' }>): void {
    const { id, step, label, note } = message;
    if (typeof label !== 'string' || typeof note !== 'string') return;
    this.write(() => {
      if (id !== undefined) {
        if (typeof id !== 'string') return;
        const changed = changeAnnotation(this.directory, id, { label, note });
        if (!changed) throw new Error('This annotation is no longer there.');
        return;
      }
      if (!Number.isSafeInteger(step) || step < 0) return;
      noteOnStep(this.session.trace, step, { label, note, author: this.author });
    });
  }

  remove(id: unknown): void {
    if (typeof id !== 'string') return;
    this.write(() => {
      removeAnnotation(this.directory, id);
    });
  }

  private write(work: () => void): void {
    if (!this.host.mayWrite()) return;
    try {
      work();
    } catch (error) {
      this.host.post({
        type: 'error',
        message: `The annotation was not kept. ${(error as Error).message}`,
      });
    }
    this.look();
  }
}
