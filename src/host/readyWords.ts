import { policyOf } from '../redact/event.ts';
import { type ReadyNote, readyNote } from '../redact/note.ts';
import { knowsPersonalRules } from '../redact/redact.ts';
import { maskChosen } from '../trace/choices.ts';
import { loadPersonalRules } from './personalRules.ts';

/** What the person notes, as it may be written: by what was chosen for the recorder. A promise where rules must be loaded first. */
export function readyWords(label: string, note: string): ReadyNote | Promise<ReadyNote> {
  const policy = policyOf(process.env, maskChosen);
  return policy === 'personal' && !knowsPersonalRules()
    ? loadPersonalRules().then(() => readyNote(label, note, policy))
    : readyNote(label, note, policy);
}
