/** Files that commands change: the recorder's side of it, as small as can be. */
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { gitRootOf } from '../trace/paths.ts';
import { logProblem } from './log.ts';

/** `snapshot.js`, beside the recorder: what is loaded for commands only. See `snapshot.ts`. */
export interface Snapshot {
  before(call: CommandCall): void;
  after(call: CommandCall, traceDir: string, data: JsonObject): void;
  edit(call: CommandCall): void;
  pruneBlobs(): void;
}

/** A hook of a command. */
export interface CommandCall {
  payload: JsonObject;
  sessionId: string;
  /** `process.uptime()` at which the agent began to wait for this, in seconds. */
  startedAt: number;
}

// Of the bundle: CommonJS.
declare const require: ((path: string) => unknown) | undefined;
declare const __dirname: string;

/** Claude's tools that run commands. */
const COMMANDS = /^(Bash|PowerShell)$/;

/** Claude's tools that edit files. */
const EDITS = /^(Edit|Write|MultiEdit|NotebookEdit)$/;

/** @returns whether there is a repository to look at */
const inRepository = ({ cwd }: JsonObject): boolean =>
  typeof cwd === 'string' && gitRootOf(cwd) !== undefined;

const load = (): Snapshot => require!(`${__dirname}/snapshot.js`) as Snapshot;

/** A recorder without the file records everything else. */
function withSnapshot(work: (snapshot: Snapshot) => void): boolean {
  try {
    work(load());
    return true;
  } catch (error) {
    logProblem('files that a command changes', error);
    return false;
  }
}

/** Before a command runs: keeps what git does not have. Never throws. */
export function beforeCommand(payload: JsonObject, sessionId: string): void {
  const startedAt = process.uptime();
  if (!COMMANDS.test(String(payload.tool_name)) || !inRepository(payload)) return;
  withSnapshot((snapshot) => snapshot.before({ payload, sessionId, startedAt }));
}

/**
 * After a command: adds to its result the files that it changed. After a subagent's edit: keeps its texts.
 * Never throws.
 *
 * @param whole nothing of the payload was cut
 */
export function afterCommand(
  payload: JsonObject,
  sessionId: string,
  traceDir: string,
  events: readonly TraceEvent[],
  whole: boolean,
): void {
  const startedAt = process.uptime();
  const data = events[0]?.data;
  const tool = String(payload.tool_name);
  if (whole && payload.agent_id && EDITS.test(tool)) {
    withSnapshot((snapshot) => snapshot.edit({ payload, sessionId, startedAt }));
  }
  if (data === undefined || !COMMANDS.test(tool)) return;
  const looked =
    inRepository(payload) &&
    withSnapshot((snapshot) => snapshot.after({ payload, sessionId, startedAt }, traceDir, data));
  if (!looked) data.changed_files = 'unknown';
}

/** Takes contents away that were kept too long. For a process that nobody waits for; never throws. */
export function pruneKept(): void {
  try {
    load().pruneBlobs();
  } catch {
    // The editor does it too.
  }
}
