/** Ids of what hooks and transcripts both tell, where the agent gives none or two. */
import { eventId } from '../../model/ids.ts';
import { asString } from '../rows.ts';

const MAX_ID = 300;

/** The id of a call. VS Code makes it unique with an ending that its transcript leaves out. */
export const callId = (value: unknown): string =>
  asString(value).split('__vscode-')[0]!.slice(0, MAX_ID);

/**
 * The id of a prompt that neither VS Code's hooks nor its transcript give one: it is the how-manieth of its text.
 *
 * @param nth 1 for the first prompt of this text
 */
export const promptId = (session: string, prompt: string, nth: number): string =>
  eventId(session, 'prompt', 'text', prompt.trim(), String(nth));
