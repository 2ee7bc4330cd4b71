/**
 * Reads a transcript once more after its agent has stopped: its last rows are written up to some
 * hundred milliseconds after the hook was called. A process of its own, so that the agent waits for nothing.
 */
import { type AgentId, isAgentId } from '../agents/agent.ts';
import { pruneProcessMarks } from '../agents/parentSession.ts';
import { pruneKept } from './commandFiles.ts';
import { part } from './parts.ts';

/** What a sweep is told, as one argument. */
export interface SweepTask {
  agent: AgentId;
  session: string;
  transcript: string;
  traceDir: string;
  /** The agent is going: it may still write its last words. */
  ended: boolean;
}

/**
 * What a sweep is given of the agent's environment, which holds keys, and marks processes as the session's: where
 * the state and the transcripts are, and what is left out of a trace.
 */
const KEPT = [
  'HOME',
  'USERPROFILE',
  'APPDATA',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'AGENT_STRACE_HOME',
  'AGENT_STRACE_MASK',
  'AGENT_TRACE_NO_REDACT',
  'CLAUDE_CONFIG_DIR',
  'CODEX_HOME',
  'COPILOT_HOME',
  'GEMINI_CLI_HOME',
  'ELECTRON_RUN_AS_NODE',
  'SystemRoot',
];

/** A sweep is over by then, whatever happens. */
const MAX_LIFE_MS = 3000;

/** When it looks, in ms after its start. */
const looksOf = (task: SweepTask): number[] => (task.ended ? [100, 500, 1800] : [100, 500]);

const MAX_BYTES_A_LOOK = 4 * 1_048_576;

/** Starts a detached sweep that holds neither the agent nor its pipes. Never throws. */
export function startSweep(task: SweepTask): void {
  try {
    const script = process.argv[1];
    const childProcess =
      process.getBuiltinModule?.('node:child_process') ??
      (process.mainModule?.require('node:child_process') as
        | typeof import('node:child_process')
        | undefined);
    if (childProcess === undefined || script === undefined) return;
    const env: NodeJS.ProcessEnv = {};
    for (const name of KEPT) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    const child = childProcess.spawn(process.execPath, [script, '--sweep', JSON.stringify(task)], {
      cwd: '/',
      detached: true,
      env,
      stdio: 'ignore',
      windowsHide: true,
    });
    child.on('error', () => {});
    child.unref();
  } catch {
    // The next hook, or a host, reads the rest.
  }
}

/** The sweep itself. */
export async function sweep(argument: string | undefined): Promise<void> {
  const task = parseTask(argument);
  if (task === undefined) return;
  const started = performance.now();
  setTimeout(() => process.exit(0), MAX_LIFE_MS).unref();
  for (const look of looksOf(task)) {
    const wait = look - (performance.now() - started);
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    let more = true;
    while (more && performance.now() - started < MAX_LIFE_MS - 500) {
      more = part('transcripts').appendTranscript({ ...task, maxBytes: MAX_BYTES_A_LOOK });
    }
  }
  pruneKept();
  pruneProcessMarks();
}

function parseTask(argument: string | undefined): SweepTask | undefined {
  try {
    const task = JSON.parse(argument ?? '') as Partial<SweepTask> | null;
    const { agent, session, transcript, traceDir, ended } = task ?? {};
    if (typeof session !== 'string' || typeof transcript !== 'string') return undefined;
    if (typeof traceDir !== 'string' || typeof ended !== 'boolean') return undefined;
    if (agent === undefined || !isAgentId(agent)) return undefined;
    return { agent, session, transcript, traceDir, ended };
  } catch {
    return undefined;
  }
}
