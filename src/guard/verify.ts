/**
 * Which process may be signalled for a session: the one that our own hook saw, if it is still that one. What a
 * trace says of itself never counts here.
 */
import { AGENTS, isAgentId } from '../agents/agent.ts';
import {
  bootId,
  isAgentProcess,
  pidNamespace,
  readSessionRecord,
  type SessionRecord,
  sessionMarks,
} from '../agents/process.ts';
import { knownAgentName } from '../model/summary.ts';
import { checkOwnDirectory } from '../trace/files.ts';
import { realPath, stateHome } from '../trace/paths.ts';
import { isEditor } from './editors.ts';
import {
  chainOf,
  hasEnded,
  type ProcessEntry,
  type ProcessId,
  readEntry,
  readTable,
} from './processTable.ts';

type Env = Record<string, string | undefined>;

/** Why nothing was signalled, for people: what it is, why that matters, what to do. `{0}` is the agent's name. */
export const REFUSALS = {
  noRecord:
    'The recorder on this machine never saw this session, so the trace may come from elsewhere. Stop {0} in its own terminal.',
  otherFolder:
    'The session of this name is recorded in another folder; this trace is a copy. Use the folder that {0} works in.',
  unsafeState:
    'The folder ~/.agent-strace is a link or belongs to another user, so what it says is not believed. Make it a folder of your own (mode 0700).',
  noProcess: "Can't tell which process is the agent's. Stop {0} in its own terminal.",
  otherBoot: 'The machine was started anew since: {0} is no longer running.',
  otherNamespace:
    '{0} runs in another container, where its process has another number. Do this inside that container.',
  gone: '{0} is no longer running.',
  reused: '{0} is no longer running; its process number belongs to another program now.',
  otherUser: '{0} runs as another user. Do this as that user.',
  notAgent:
    'The process that was recorded is no known agent, so it is left alone. Stop {0} in its own terminal.',
  ourselves: 'That process is agent-strace itself.',
  ourAncestor:
    'This runs inside {0}: it would stop what it needs to go on. Do it from another terminal, or from VS Code.',
  inEditor:
    '{0} runs inside the editor, whose process is not to be stopped. Stop it where you started it, in the editor.',
  noSignals:
    'On this system a process cannot be paused or asked to end from outside. Stop {0} in its own terminal.',
  movedOn:
    '{0} ended this session and goes on with another one (after /clear, say). Use that session.',
  notPaused: '{0} is not paused.',
  notPausedHere:
    '{0} was not paused by agent-strace but stopped otherwise (Ctrl+Z, or kill -STOP). In its terminal type fg.',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

export interface Refusal {
  ok: false;
  reason: RefusalCode;
  /** A sentence or two for people. */
  message: string;
}

/** A process that may be signalled, as of the moment when that was found out. */
export interface Target {
  sessionId: string;
  agent: string;
  id: ProcessId;
  name: string;
  /** Lines of the environment that name the session. */
  marks: ReadonlySet<string>;
}

export type Verdict = { ok: true; target: Target } | Refusal;

/** What is known of the system when it is decided. */
export interface Facts {
  platform: NodeJS.Platform;
  /** Our user; undefined where there are no users. */
  uid: number | undefined;
  bootId: string;
  pidNamespace: string;
  /** We and what we run in, nearest first. */
  ourPids: readonly number[];
  read(pid: number): ProcessEntry | undefined;
  isAgent(agent: string, entry: ProcessEntry): boolean;
  isEditor(entry: ProcessEntry): boolean;
}

/** How an agent is called in sentences. */
export const nameOf = (agent: string | undefined): string =>
  knownAgentName(agent ?? '') ?? 'the agent';

export function refusal(reason: RefusalCode, agent?: string): Refusal {
  const message = REFUSALS[reason].replaceAll('{0}', nameOf(agent));
  return { ok: false, reason, message: message.charAt(0).toUpperCase() + message.slice(1) };
}

/** Judges a session's record by what the system says. Pure. */
export function judge(record: SessionRecord, facts: Facts): Verdict {
  const { agent } = record;
  const no = (reason: RefusalCode): Refusal => refusal(reason, agent);
  if (facts.platform === 'win32') return no('noSignals');
  const { pid, start_time: startTime, uid } = record;
  if (typeof pid !== 'number' || typeof startTime !== 'string' || startTime === '') {
    // Its hooks can wait all the same.
    return no(isAgentId(agent) && AGENTS[agent].inEditor ? 'inEditor' : 'noProcess');
  }
  if (!Number.isSafeInteger(pid) || pid <= 1) return no('noProcess');
  if (facts.platform === 'linux') {
    // The recorder writes both; a pid without them could be anybody's.
    if (!record.boot_id || !record.pid_ns || !facts.bootId || !facts.pidNamespace) {
      return no('noProcess');
    }
    if (record.boot_id !== facts.bootId) return no('otherBoot');
    if (record.pid_ns !== facts.pidNamespace) return no('otherNamespace');
  }
  if (facts.uid === undefined || (uid !== undefined && uid !== facts.uid)) return no('otherUser');
  const entry = facts.read(pid);
  if (entry === undefined || hasEnded(entry)) return no('gone');
  if (entry.startTime !== startTime) return no('reused');
  if (facts.ourPids[0] === pid) return no('ourselves');
  // An agent in the editor's own process is the editor's, whichever we run in.
  if (facts.isEditor(entry)) return no('inEditor');
  if (facts.ourPids.includes(pid)) return no('ourAncestor');
  if (entry.uid !== facts.uid) return no('otherUser');
  if (!facts.isAgent(agent, entry)) return no('notAgent');
  return {
    ok: true,
    target: {
      sessionId: record.session_id,
      agent,
      id: { pid, startTime },
      name: entry.name,
      marks: sessionMarks(agent, record.session_id),
    },
  };
}

function systemFacts(read: Facts['read'], self = process.pid): Facts {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    bootId: bootId(),
    pidNamespace: pidNamespace(),
    ourPids: chainOf(read, self).map(({ pid }) => pid),
    read,
    isAgent: (agent, entry) => isAgentProcess(agent, entry),
    isEditor,
  };
}

/**
 * The record of a session that is traced into this folder, or why there is none to go by.
 *
 * @param traceDir absolute path of the trace folder
 */
export function recordFor(
  traceDir: string,
  sessionId: string,
  env: Env = process.env,
): SessionRecord | Refusal {
  const home = stateHome(env);
  for (const folder of [home, `${home}/sessions`]) {
    const problem = checkOwnDirectory(folder);
    if (problem === 'ENOENT') return refusal('noRecord');
    if (problem !== undefined) return refusal('unsafeState');
  }
  const record = readSessionRecord(sessionId, env);
  if (record === undefined) return refusal('noRecord');
  return realPath(record.trace_dir) === realPath(traceDir)
    ? record
    : refusal('otherFolder', record.agent);
}

/**
 * Which process may be signalled for this session. Never throws for what it finds.
 *
 * @param traceDir absolute path of the trace folder
 */
export async function verify(
  traceDir: string,
  sessionId: string,
  env: Env = process.env,
): Promise<Verdict> {
  const record = recordFor(traceDir, sessionId, env);
  if ('ok' in record) return record;
  if (process.platform === 'linux') return judge(record, systemFacts(readEntry));
  const table = await readTable();
  return judge(
    record,
    systemFacts((pid) => table.get(pid)),
  );
}

/** As {@link verify}, at once; undefined where the system cannot be asked without a process. */
export function verifyNow(
  traceDir: string,
  sessionId: string,
  env: Env = process.env,
): Verdict | undefined {
  if (process.platform !== 'linux' && process.platform !== 'win32') return undefined;
  const record = recordFor(traceDir, sessionId, env);
  return 'ok' in record ? record : judge(record, systemFacts(readEntry));
}
