import { type RedactionCounts, type RedactPolicy, redactText } from './redact.ts';

/** What a person notes, as it may be written. */
export interface ReadyNote {
  label: string;
  note: string;
  /** What is to be told to the person: something was taken out; empty: nothing was. */
  told: string;
}

/** Words that are kept beside a trace, without what the recorder would have left out of the trace itself. */
export function readyNote(label: string, note: string, policy: RedactPolicy): ReadyNote {
  const counts: RedactionCounts = {};
  const ready = {
    label: redactText(label, counts, policy),
    note: redactText(note, counts, policy),
  };
  const kinds = Object.keys(counts);
  const count = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const what = policy === 'personal' ? 'secret or personal detail' : 'secret';
  const told =
    count === 0
      ? ''
      : count === 1
        ? `A ${what} was taken out of the note (${kinds.join(', ')}).`
        : `${count} ${what}s were taken out of the note (${kinds.join(', ')}).`;
  return { ...ready, told };
}
