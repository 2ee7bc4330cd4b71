/** Files that commands change: the recorder's side of it, as small as can be. */
import type { HookTool } from '../agents/agent.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { toolKind } from '../model/tools.ts';
import { gitRootOf } from '../trace/paths.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';

/** `snapshot.js`, beside the recorder: what is loaded for commands only. See `snapshot.ts`. */
export interface Snapshot {
  before(call: CommandCall): void;
  after(call: CommandCall, traceDir: string, data: JsonObject): void;
  edit(call: CommandCall): void;
  pruneBlobs(): void;
}

/** A hook of a command. */
export interface CommandCall {
  tool: HookTool;
  sessionId: string;
  /** `process.uptime()` at which the agent began to wait for this, in seconds. */
  startedAt: number;
}

/** A hook before or after any tool. */
interface ToolHook {
  tool: HookTool;
  sessionId: string;
  /** Nothing of the payload was cut. */
  whole: boolean;
}

const isCommand = ({ name }: HookTool): boolean => toolKind(name) === 'run';

/** @returns whether there is a repository to look at */
const inRepository = ({ cwd }: HookTool): boolean => cwd !== '' && gitRootOf(cwd) !== undefined;

/** A recorder without the file records everything else. */
function withSnapshot(work: (snapshot: Snapshot) => void): boolean {
  try {
    work(part('snapshot'));
    return true;
  } catch (error) {
    logProblem('files that a command changes', error);
    return false;
  }
}

/** Before a command runs: keeps what git does not have. Never throws. */
export function beforeCommand({ tool, sessionId }: ToolHook): void {
  const startedAt = process.uptime();
  if (!isCommand(tool) || !inRepository(tool)) return;
  withSnapshot((snapshot) => snapshot.before({ tool, sessionId, startedAt }));
}

/**
 * After a command: adds to its result the files that it changed. After a subagent's edit: keeps its texts.
 * Never throws.
 */
export function afterCommand(
  { tool, sessionId, whole }: ToolHook,
  traceDir: string,
  events: readonly TraceEvent[],
): void {
  const startedAt = process.uptime();
  const data = events[0]?.data;
  if (whole && tool.subagent === true && toolKind(tool.name) === 'modify') {
    withSnapshot((snapshot) => snapshot.edit({ tool, sessionId, startedAt }));
  }
  if (data === undefined || !isCommand(tool)) return;
  const looked =
    inRepository(tool) &&
    withSnapshot((snapshot) => snapshot.after({ tool, sessionId, startedAt }, traceDir, data));
  if (!looked) data.changed_files = 'unknown';
}

/** Takes contents away that were kept too long. For a process that nobody waits for; never throws. */
export function pruneKept(): void {
  try {
    part('snapshot').pruneBlobs();
  } catch {
    // The editor does it too.
  }
}
