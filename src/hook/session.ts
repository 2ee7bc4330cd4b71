/** A session as the recorder keeps it: its record, its lines in the trace, its meta.json. */
import { AGENTS, type AgentId } from '../agents/agent.ts';
import { markProcess, startedBy } from '../agents/parentSession.ts';
import {
  identityOf,
  type ProcessInfo,
  readProcess,
  runsWithin,
  type SessionRecord,
  writeSessionRecord,
} from '../agents/process.ts';
import { asString as str } from '../agents/rows.ts';
import type { SessionMeta } from '../model/codec.ts';
import { isObject, type TraceEvent } from '../model/event.ts';
import { redactText } from '../redact/redact.ts';
import { appendEvents, hintActiveSession, updateMeta } from '../trace/append.ts';
import { homeTraceDir, placeTrace } from '../trace/paths.ts';
import { logProblem } from './log.ts';
import { recordingPolicy } from './policy.ts';

/** What a new {@link SessionRecord} is made of. */
export interface NewRecord {
  agent: AgentId;
  session: string;
  /** What was recorded of the session before. */
  known: SessionRecord | undefined;
  process: ProcessInfo | undefined;
  /** The agent's word for its project folder, where it has one. */
  projectDir?: string | undefined;
  /** The session's folder, absolute; empty where unknown. */
  cwd: string;
  /** Seconds since the epoch. */
  timestamp: number;
}

/** Writes a session's record: which folder it is traced into (that stays), and the agent's process. */
export function newRecord(of: NewRecord): SessionRecord {
  const { env } = process;
  const { known } = of;
  const held = known !== undefined && of.process !== undefined && holdsOn(known, of.process);
  const found = held ? undefined : of.process;
  const place =
    known === undefined
      ? placeTrace({ projectDir: of.projectDir, cwd: of.cwd, env })
      : { traceDir: known.trace_dir, project: known.project };
  const parent = known?.parent ?? (of.process && startedBy(of.process, of.session, env));
  const record: SessionRecord = {
    version: 1,
    session_id: of.session,
    agent: of.agent,
    ...(held ? identityIn(known) : found && identityOf(found)),
    trace_dir: place.traceDir,
    project: place.project,
    first_seen: known?.first_seen ?? of.timestamp,
    ...(parent !== undefined && { parent }),
    ...(/^[01]$/.test(env.AGENT_STRACE_MASK ?? '') && { mask: env.AGENT_STRACE_MASK === '1' }),
  };
  save(record);
  if (found !== undefined) markProcess(found, of.session, env);
  return record;
}

/** What the agent itself runs is not its session's new process, whatever it calls itself: a brake would miss the agent. */
function holdsOn({ pid, start_time: start }: SessionRecord, found: ProcessInfo): boolean {
  if (pid === undefined || pid === found.pid || !runsWithin(found, pid)) return false;
  return readProcess(pid)?.startTime === start;
}

const identityIn = (known: SessionRecord) =>
  Object.fromEntries(
    (['pid', 'start_time', 'pid_ns', 'boot_id', 'exe', 'uid'] as const).flatMap((name) =>
      known[name] === undefined ? [] : [[name, known[name]]],
    ),
  );

function save(record: SessionRecord): void {
  try {
    writeSessionRecord(record);
  } catch (error) {
    logProblem('session record', error);
  }
}

/** Problems of the folder, not of the moment: there the trace goes elsewhere. */
const FOLDER_PROBLEMS =
  /^(ESYMLINK|ENOTDIR|EOWNER|ENOTFILE|ELINKED|EISDIR|EACCES|EPERM|EROFS|ENOENT|ELOOP|ENXIO)$/;

/** Appends; a trace folder that cannot be used is left for one in the state home, for good. */
export function append(known: SessionRecord, events: readonly TraceEvent[]): boolean {
  let done = appendEvents(known.trace_dir, known.session_id, events);
  if (!done.ok && FOLDER_PROBLEMS.test(done.problem)) {
    logProblem(`trace folder not usable (${done.problem}): ${known.trace_dir}`);
    known.trace_dir = homeTraceDir(known.project);
    done = appendEvents(known.trace_dir, known.session_id, events);
    if (done.ok) save(known);
  }
  if (!done.ok) logProblem(`${events.length} events not written: ${done.problem}`);
  return done.ok;
}

/** The start or end of a session, for its meta.json. */
export interface MetaMoment {
  agent: AgentId;
  moment: 'session_start' | 'session_end';
  /** The session's folder; empty where unknown. */
  cwd: string;
  /** How it began: one lower-case word. */
  source: string;
  /** Seconds since the epoch. */
  timestamp: number;
}

/** Writes meta.json, and which session is under way. Never throws. */
export function writeMeta(known: SessionRecord, of: MetaMoment): void {
  const { traceName, programs } = AGENTS[of.agent];
  const cwd = redactText(of.cwd, {}, recordingPolicy());
  const problem = updateMeta(known.trace_dir, known.session_id, (before) => {
    const started = typeof before?.started_at === 'number' ? before.started_at : known.first_seen;
    const source = /^[a-z]{1,20}$/.exec(of.source)?.[0] ?? 'resume';
    const meta: SessionMeta = {
      session_id: known.session_id,
      started_at: started,
      agent_name: traceName,
      command: str(before?.command) || `${programs[0]} (${source})`,
      ...(known.parent !== undefined && { parent_session_id: known.parent }),
      attribution: isObject(before?.attribution)
        ? before.attribution
        : { agent_provider: of.agent, ...(cwd !== '' && { working_dir: cwd }) },
    };
    return of.moment === 'session_start'
      ? meta
      : { ...meta, ended_at: of.timestamp, total_duration_ms: (of.timestamp - started) * 1000 };
  });
  if (problem !== undefined) logProblem(`meta.json: ${problem}`);
  if (of.moment === 'session_start') hintActiveSession(known.trace_dir, known.session_id);
}
