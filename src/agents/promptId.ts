/** Ids of prompts that an agent gives none. */
import { ids, randomEventId, textHash } from '../model/ids.ts';
import type { HookContext } from './agent.ts';

/** Times that one text is looked for: who says "continue" more often gets random ids. */
const MAX_SAME = 100;

/**
 * Id of a prompt that neither hooks nor transcripts give a common id: its text, and how often it was said before.
 *
 * @param nth 1 for the first time
 */
export const promptId = (sessionId: string, text: string, nth: number): string =>
  ids.prompt(sessionId, `${textHash(text.trim())} ${nth}`);

/** The first such id that the trace does not hold; a random one where the trace cannot tell: no prompt is lost. */
export function freePromptId(
  sessionId: string,
  text: string,
  recorded: HookContext['recorded'],
): string {
  for (let nth = 1; nth <= MAX_SAME; nth++) {
    const id = promptId(sessionId, text, nth);
    const there = recorded(id);
    if (there === 'no') return id;
    if (there === 'unknown') break;
  }
  return randomEventId();
}
