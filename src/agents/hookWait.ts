/**
 * How long a hook may wait, and what its own command tells it of that. A hook that is late is cancelled and its tool runs, so
 * nothing but the very entry that an agent runs is believed: it names the timeout that stands beside it (`--timeout 300`).
 * Entries of versions before that name none.
 */
import type { AgentId } from './agent.ts';

/** How long any other hook may take, s. */
export const HOOK_TIMEOUT_S = 10;

/** How long the hook before a tool may take, s: a person may be asked. */
export const GUARD_TIMEOUT_S = 300;

/** So long before its timeout a hook has answered, ms: shells, Node and a busy machine take their part. */
const MARGIN_MS = 10_000;

/** What a hook may wait whose command names no timeout, ms from its start: set-up gave it 10 s. */
export const OLD_HOLD_MS = 8000;

/** The event before a tool runs, in each agent's words; opencode's is a function that it waits for. */
export const BEFORE_TOOL: Record<AgentId, string> = {
  claude: 'PreToolUse',
  codex: 'PreToolUse',
  gemini: 'BeforeTool',
  cursor: 'preToolUse',
  copilot: 'preToolUse',
  vscode: 'preToolUse',
  opencode: 'tool.execute.before',
};

/** How the hook before a tool is installed. */
export interface GuardHook {
  /** s. */
  timeoutS: number;
  /** Where the recorder is missing, or fails, the tool does not run. */
  closed: boolean;
}

/** The words that an entry's command holds behind its event. */
export const guardWords = ({ timeoutS, closed }: GuardHook): string =>
  `--timeout ${timeoutS}${closed ? ' --closed' : ''}`;

/** How long a hook before a tool may wait where set-up of today wrote it, ms from its start: alike for all agents. */
export const holdMs = (_agent: AgentId): number => GUARD_TIMEOUT_S * 1000 - MARGIN_MS;

/**
 * What a hook's own command line says: how long it may wait, ms from its start, and whether its failure means no.
 *
 * @param words as it was called
 */
export function installedAs(words: readonly string[]): { holdMs: number; closed: boolean } {
  const at = words.indexOf('--timeout');
  const seconds = at < 0 ? 0 : Number(words[at + 1]);
  const known = Number.isSafeInteger(seconds) && seconds >= 20 && seconds <= GUARD_TIMEOUT_S;
  return {
    holdMs: known ? seconds * 1000 - MARGIN_MS : OLD_HOLD_MS,
    closed: words.includes('--closed'),
  };
}
