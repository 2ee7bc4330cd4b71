import type { AnnotationView } from '../../src/protocol/replay.ts';
import { refocus } from '../shared/refocus.ts';
import type { Received, Wire } from './wire.ts';

/** A note that is being written: a new one on a step, or one that is there. */
export interface Draft {
  step: number;
  id?: string;
  label: string;
  note: string;
}

/** What people noted on steps. The host keeps it beside the trace; what it sends is all there is. */
export class Notes {
  all: readonly AnnotationView[] = [];
  draft: Draft | undefined;
  private readonly wire: Wire;
  private byStep = new Map<number, AnnotationView[]>();

  constructor(wire: Wire) {
    this.wire = wire;
  }

  at(step: number): readonly AnnotationView[] {
    return this.byStep.get(step) ?? [];
  }

  has(step: number): boolean {
    return this.byStep.has(step);
  }

  receive({ annotations }: Received<'annotations'>): void {
    this.all = annotations;
    // The button that took one away goes with it.
    if (document.activeElement?.closest('.notes')) refocus('#part-notes');
    else if (document.activeElement?.closest('.note')) refocus('li.current .step-button');
    this.byStep = new Map();
    for (const one of annotations) {
      const known = this.byStep.get(one.step);
      if (known) known.push(one);
      else if (one.step >= 0) this.byStep.set(one.step, [one]);
    }
  }

  /** Begins a note on the playhead's step, or goes on with one. */
  edit(known?: AnnotationView): void {
    this.draft = known
      ? { step: known.step, id: known.id, label: known.label, note: known.note }
      : { step: this.wire.step, label: 'other', note: '' };
    this.wire.paintNow();
  }

  cancel(): void {
    this.draft = undefined;
    this.wire.paintNow();
  }

  save(): void {
    const { draft, wire } = this;
    if (!draft) return;
    wire.ask({ type: 'annotate', sessionId: wire.sessionId, ...draft });
    this.cancel();
  }

  /** Sets a bookmark on the playhead's step, or takes it away. */
  toggleBookmark(): void {
    const { step, sessionId } = this.wire;
    if (this.wire.total === 0) return;
    const set = this.at(step).find(({ label, note }) => label === 'bookmark' && note === '');
    if (set) this.remove(set.id);
    else this.wire.ask({ type: 'annotate', sessionId, step, label: 'bookmark', note: '' });
  }

  remove(id: string): void {
    this.wire.ask({ type: 'removeAnnotation', sessionId: this.wire.sessionId, id });
  }
}
