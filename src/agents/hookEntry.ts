/**
 * What an entry of ours in an agent's settings is: how long its hook may wait, and whether its failure means no. A hook that
 * is late is cancelled and its tool runs, so nothing but the very entry that an agent runs is believed: its command names the
 * timeout that stands beside it (`--timeout 300`). Entries of versions before that name none.
 */
import { homedir } from 'node:os';
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

/** Told to the agent, and by it to the person, where no tool runs without the recorder. No quotes: it stands in some. */
export const CLOSED_REASON =
  'agent-strace: the guard could not be run, and you chose that no tool runs without it. ' +
  'In a terminal of your own: agent-strace setup brings it back, agent-strace guard fail open does without.';

/** … where rules hold, and the hook that was to say whether a tool may run was killed. No quotes: it stands in some. */
export const KILLED_REASON =
  'Denied by agent-strace: its hook was killed before it could say whether this call may run. ' +
  'If nobody did that on purpose, call the tool again; else tell the person.';

/** The words that an entry's command holds behind its event. */
export const guardWords = ({ timeoutS, closed }: GuardHook): string =>
  `--timeout ${timeoutS}${closed ? ' --closed' : ''}`;

/** How long a hook before a tool may wait where set-up of today wrote it, ms from its start: alike for all agents. */
export const holdMs = (_agent: AgentId): number => GUARD_TIMEOUT_S * 1000 - MARGIN_MS;

/** What is really installed. */
export interface InstalledGuard {
  /** How long it may wait, ms from its start. */
  holdMs: number;
  closed: boolean;
}

/**
 * What a hook's own command line says: how long it may wait, ms from its start, and whether its failure means no.
 *
 * @param words as it was called
 */
export function installedAs(words: readonly string[]): InstalledGuard {
  const at = words.indexOf('--timeout');
  const seconds = at < 0 ? 0 : Number(words[at + 1]);
  const known = Number.isSafeInteger(seconds) && seconds >= 20 && seconds <= GUARD_TIMEOUT_S;
  return {
    holdMs: known ? seconds * 1000 - MARGIN_MS : OLD_HOLD_MS,
    closed: words.includes('--closed'),
  };
}

/**
 * What a command of ours is, where it is just what `hookCommand` writes for POSIX shells, of this version or one before
 * it: anything else may be a text that only names us.
 */
export function readHookCommand(
  command: string,
): { path: string; agent: string; event: string } | undefined {
  if (command.length > MAX_COMMAND) return undefined;
  const [, path, agent, event] = OPEN_FORM.exec(command) ?? CLOSED_FORM.exec(command) ?? [];
  if (path === undefined || agent === undefined || event === undefined) return undefined;
  return { path: path.slice(1, -1).replace(/^\$HOME\//, `${homedir()}/`), agent, event };
}

/** Longer than any of ours, for matching is not linear. */
const MAX_COMMAND = 4000;

const WORDS = /--agent (\w+) (\w+)(?: --timeout \d+)?(?: --closed)?/.source;
const OPEN_FORM = new RegExp(
  `^\\[ ! -x (".+"|'.+') \\] \\|\\| (?:exec )?\\1 ${WORDS}(?:; exit 0)?$`,
);
const CLOSED_FORM = new RegExp(
  `^\\[ -x (".+"|'.+') \\] && \\1 ${WORDS} \\|\\| \\{ \\[ \\$\\? -eq 2 \\] \\|\\| echo '[^']*' >&2; exit 2; \\}$`,
);

/**
 * How the hook before a tool stands in the text of an agent's settings, or of opencode's plugin. Undefined: not at all, or as of
 * a version whose word is not passed on.
 */
export function guardIn(agent: AgentId, text: string): InstalledGuard | undefined {
  if (agent === 'opencode') {
    return text.includes('agentStraceDenies')
      ? { holdMs: holdMs(agent), closed: text.includes(CLOSED_REASON) }
      : undefined;
  }
  // VS Code reads Copilot's.
  const name = agent === 'vscode' ? 'copilot' : agent;
  // Between them stand the quotes of a shell, and the backslashes of JSON.
  const entry = new RegExp(
    `agent-strace-hook(?:\\.cmd)?[\\\\"']*\\s+--agent\\s+${name}\\s+${BEFORE_TOOL[agent]}\\b((?: --timeout \\d+)?(?: --closed)?)`,
  ).exec(text);
  return entry === null ? undefined : installedAs((entry[1] ?? '').trim().split(' '));
}
