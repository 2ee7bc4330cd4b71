/** What in the end of a call shows that it ran. Pure: hooks, windows and the command line judge by the same. */
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { oneLine } from '../model/text.ts';

/** Beginnings of what agents tell their model of a call that nobody ran. */
const NOT_RUN =
  /^(?:Error: )?(?:\w+:[\w-]+ hook (?:error|blocked|denied)|(?:Command|Tool(?: call)?|Tool execution|Execution) (?:was )?(?:blocked|denied|rejected|cancell?ed)|Agent execution stopped by hook|\[Operation Cancelled\]|(?:Permission )?Denied\b|Permission to use \w+ has been denied|User (?:rejected|denied|did not allow)|The user (?:rejected|doesn't want|has specified a rule)|agent-strace\b|Blocked by )/i;

/** How every no of ours begins: agents hand it on as the result of the call. */
export const DENIED = 'Denied by agent-strace';
/** Our longest reason, and what an agent puts around it, UTF-16 units. */
const MAX_DENIAL = 2000;

/**
 * Agents that were seen to fire no hook after a call that was denied, with each of their ways to tell its end: such a hook is
 * evidence, whatever the result says, for a command can print any words.
 */
const SILENT: ReadonlySet<string> = new Set(['claude', 'codex', 'gemini', 'copilot']);
/** Agents of which that is not known: there a short result that quotes our no is none. */
const UNKNOWN: ReadonlySet<string> = new Set(['vscode', 'cursor']);

const CHANGES = new Set(['write', 'create', 'delete']);

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What a call's end says of it, in words. */
const saidIn = ({ result, error, content_preview: preview }: JsonObject): string =>
  text(result) || text(error) || text(preview);

/** Whether an end of a call is the agent's (or our own) word that it was not run. */
export function tellsDenial({ data }: TraceEvent): boolean {
  if (data.event_subtype === 'denied' || typeof data.denied_by === 'string') return true;
  return UNKNOWN.has(text(data.provider)) && quotesUs(saidIn(data));
}

const quotesUs = (said: string): boolean => said.length <= MAX_DENIAL && said.includes(DENIED);

/**
 * What in the end of a call shows that it ran; undefined where nothing does. Only what a call that did not run cannot have
 * counts. A transcript's error without an exit code may be the denial, in whichever words.
 */
export function proofOfRun(event: TraceEvent): string | undefined {
  const { data } = event;
  const said = saidIn(data);
  const agent = text(data.provider);
  // Its files are those that it asked for: of Cursor's edits that is all that is told.
  if (UNKNOWN.has(agent) && quotesUs(said)) return undefined;
  const changed = changedFile(data);
  if (changed !== undefined) return `it changed ${oneLine(changed, 120)}`;
  if (tellsDenial(event)) return undefined;
  // Closed by the end of the turn, or interrupted: nobody says what it did.
  if (data.closed_by !== undefined || data.is_interrupt === true) return undefined;
  const byHook = data.recorded_by === 'hook' && SILENT.has(agent);
  const refused = NOT_RUN.test(said);
  const { exit_code: exit } = data;
  // A transcript's exit code is read out of the text, and a denial may quote the command.
  if (typeof exit === 'number' && (byHook || exit === 0 || !refused)) return `exit code ${exit}`;
  const failed = event.event_type !== 'tool_result' || data.is_error === true;
  if (failed) {
    // In words of a refusal: of a version that was not seen, the hook may tell just that.
    return byHook && !refused && data.event_subtype === undefined
      ? `it ended with an error: ${oneLine(said, 80)}`
      : undefined;
  }
  if (refused && !byHook) return undefined;
  return said === '' ? 'it has a result' : `its result is "${oneLine(said, 80)}"`;
}

function changedFile({ files }: JsonObject): string | undefined {
  if (!Array.isArray(files)) return undefined;
  for (const file of files) {
    if (typeof file !== 'object' || file === null || Array.isArray(file)) continue;
    const { path, kind } = file;
    if (typeof path === 'string' && CHANGES.has(text(kind))) return path;
  }
  return undefined;
}
