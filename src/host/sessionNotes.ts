import { stepsOfEvents } from '../model/eventStep.ts';
import type { AnnotationView, FromReplayPage, ToReplayPage } from '../protocol/replay.ts';
import type { ReadyNote } from '../redact/note.ts';
import {
  type Annotation,
  annotationsStamp,
  changeAnnotation,
  readAnnotations,
  removeAnnotation,
} from '../trace/annotations.ts';
import { noteOnStep } from '../trace/stepNote.ts';
import type { LiveSession } from './liveSession.ts';
import { readyWords } from './readyWords.ts';

type Asked = Extract<FromReplayPage, { type: 'annotate' }>;

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
  annotate(message: Asked): void {
    if (typeof message.label !== 'string' || typeof message.note !== 'string') return;
    if (!this.host.mayWrite()) return;
    const ready = readyWords(message.label, message.note);
    if (!(ready instanceof Promise)) this.keep(message, ready);
    else {
      ready.then(
        (words) => this.keep(message, words),
        (error: Error) => this.refuse(error),
      );
    }
  }

  private keep({ id, step }: Asked, { label, note, told }: ReadyNote): void {
    this.write(() => {
      if (id !== undefined) {
        if (typeof id !== 'string') return;
        const changed = changeAnnotation(this.directory, id, { label, note });
        if (!changed) throw new Error('This annotation is no longer there.');
        return;
      }
      if (!Number.isSafeInteger(step) || step < 0) return;
      noteOnStep(this.session.trace, step, { label, note, author: this.author });
    }, told);
  }

  remove(id: unknown): void {
    if (typeof id !== 'string') return;
    this.write(() => {
      removeAnnotation(this.directory, id);
    });
  }

  private write(work: () => void, told = ''): void {
    if (!this.host.mayWrite()) return;
    try {
      work();
      if (told !== '') this.host.post({ type: 'error', message: told });
    } catch (error) {
      this.refuse(error as Error);
    }
    this.look();
  }

  private refuse({ message }: Error): void {
    this.host.post({ type: 'error', message: `The annotation was not kept. ${message}` });
  }
}
