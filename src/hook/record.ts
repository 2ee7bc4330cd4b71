/** One hook call of one agent: from its payload to lines in the trace. */
import { isAbsolute } from 'node:path';
import { AGENTS, type AgentId, type HookRecorder, isAgentId } from '../agents/agent.ts';
import { claudeRecorder } from '../agents/claude/recorder.ts';
import { asString as str } from '../agents/claude/usage.ts';
import { markProcess, startedBy } from '../agents/parentSession.ts';
import {
  findAgentProcess,
  identityOf,
  isSameProcess,
  readSessionRecord,
  type SessionRecord,
  writeSessionRecord,
} from '../agents/process.ts';
import { isMarkedPaused, MAX_HOLD_MS, unmarkPaused } from '../guard/pauseMark.ts';
import type { SessionMeta } from '../model/codec.ts';
import { isObject, type JsonObject, type TraceEvent } from '../model/event.ts';
import { randomEventId } from '../model/ids.ts';
import { readyEvent } from '../redact/event.ts';
import { redactText } from '../redact/redact.ts';
import { appendEvents, hintActiveSession, readTail, updateMeta } from '../trace/append.ts';
import { homeTraceDir, isSafeSessionId, placeTrace } from '../trace/paths.ts';
import { BOUNDLESS, bounded } from './bound.ts';
import { afterCommand, beforeCommand } from './commandFiles.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';
import { recordingPolicy } from './policy.ts';
import { readStdin } from './stdin.ts';
import { startSweep } from './sweep.ts';

/** Bytes of the trace's end that PostToolBatch looks at. */
const TAIL_BYTES = 1_048_576;
/** Bytes of transcript that a hook reads at most; the sweep reads on. */
const MAX_TRANSCRIPT_BYTES = 1_048_576;

/**
 * True where a Claude-format hook is being run by some other program (Cursor, Copilot and Gemini read
 * Claude's settings too): that session is recorded by its own agent's hooks, once.
 */
export function isForeignHost(payload: JsonObject, env: NodeJS.ProcessEnv): boolean {
  if ('cursor_version' in payload || 'conversation_id' in payload) return true;
  const session = str(payload.session_id);
  if (session !== '' && env.CLAUDE_CODE_SESSION_ID === session) return false;
  const foreign = ['CURSOR_VERSION', 'COPILOT_CLI', 'GEMINI_SESSION_ID'].some((name) => env[name]);
  const isoTime = /^\d{4}-\d\d-\d\dT/.test(str(payload.timestamp));
  if (!foreign && !isoTime) return false;
  // An older Claude may run inside one of them; its transcript bears the session's name.
  return (
    env.CLAUDECODE !== '1' ||
    !/[\\/]projects[\\/][^\\/]+[\\/][^\\/]+\.jsonl$/.test(str(payload.transcript_path))
  );
}

/** One hook call. */
interface HookCall {
  recorder: HookRecorder;
  payload: JsonObject;
  session: string;
  /** The event's name on the command line. */
  event: string;
  /** Seconds since the epoch. */
  timestamp: number;
  /** Nothing of the payload was cut. */
  whole: boolean;
}

/** @throws where the bundle that has it is not there */
const recorderOf = (agent: AgentId): HookRecorder | undefined =>
  agent === 'claude' ? claudeRecorder : part('agents').recorders[agent];

/**
 * Reads standard input and records it.
 *
 * @param named the agent whose settings name this hook
 * @throws nothing that a caller need tell the agent
 */
export function recordHook(named: string, event: string, timestamp: number): void {
  const { bytes, tooLong } = readStdin();
  const recorder = isAgentId(named) ? recorderOf(named) : undefined;
  if (recorder === undefined) {
    logProblem(`no recorder for the agent ${JSON.stringify(named).slice(0, 50)}`);
    return;
  }
  const parsed = tooLong ? undefined : parse(bytes);
  if (parsed === undefined) {
    if (bytes.length === 0) return;
    recordUnreadable(
      recorder,
      event,
      timestamp,
      tooLong ? 'longer than 64 MB' : 'not a JSON object',
    );
    return;
  }
  if (named === 'claude' && isForeignHost(parsed, process.env)) return;
  const session = recorder.sessionOf(parsed, process.env);
  if (!isSafeSessionId(session)) {
    logProblem(`${event}: no usable session id`);
    return;
  }
  const whole = bytes.length <= BOUNDLESS;
  const payload = whole ? parsed : bounded(parsed);
  record({ recorder, payload, session, event, timestamp, whole });
}

function parse(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A payload that cannot be read leaves a mark in the trace: the reader knows that something is missing. */
function recordUnreadable(
  recorder: HookRecorder,
  event: string,
  timestamp: number,
  why: string,
): void {
  const session = recorder.sessionOf({}, process.env);
  logProblem(`${event}: payload ${why}`);
  if (!isSafeSessionId(session)) return;
  const known = openSession({ recorder, payload: {}, session, event, timestamp, whole: false });
  append(known, [
    {
      event_type: 'error',
      timestamp,
      event_id: randomEventId(),
      session_id: session,
      data: {
        event_subtype: 'recorder',
        provider: recorder.agent,
        recorded_by: 'hook',
        hook_event_name: event,
        error: `hook payload ${why}`,
      },
    },
  ]);
}

function record(call: HookCall): void {
  const { recorder, payload, session, event, timestamp, whole } = call;
  const { env } = process;
  const moment = recorder.momentOf(recorder.eventOf(payload, event), payload);
  const known = openSession(call, moment === 'session_start');
  let tail: ReturnType<typeof readTail> | undefined;
  const events = recorder.map(payload, {
    sessionId: session,
    event,
    timestamp,
    agentVersion: recorder.versionOf?.(payload, env),
    entrypoint: env.CLAUDE_CODE_ENTRYPOINT,
    recorded: (id) => {
      tail ??= readTail(known.trace_dir, session, TAIL_BYTES);
      if (tail.bytes.includes(`"event_id":"${id}"`)) return 'yes';
      return tail.whole ? 'no' : 'unknown';
    },
  });
  const tool =
    moment === 'before_tool' || moment === 'after_tool' ? recorder.toolOf(payload) : undefined;
  const subagent = str(payload.agent_id) !== '';
  if (tool !== undefined && moment === 'after_tool') {
    afterCommand({ tool, sessionId: session, subagent, whole }, known.trace_dir, events);
  }
  if (known.parent !== undefined) {
    for (const { event_type: type, data } of events) {
      if (type === 'session_start') data.parent_session_id ??= known.parent;
    }
  }
  const redact = recordingPolicy();
  append(
    known,
    events.map((event) => readyEvent(event, redact)),
  );
  if (moment === 'before_tool') {
    waitWhilePaused(session);
    // After the wait: people may have changed files meanwhile.
    if (tool !== undefined) beforeCommand({ tool, sessionId: session, subagent, whole });
  }
  // Taken up again some other time, it would wait for a pause that nobody remembers.
  if (moment === 'session_end') endPause(session);
  if (moment === 'session_start' || moment === 'session_end') writeMeta(known, call, moment);
  if (moment === 'turn_end' || moment === 'subagent_end' || moment === 'session_end') {
    readTranscript(known, call, moment);
  }
}

/** What only the agent's transcript knows, as far as there is time for it; a process of its own reads the rest. */
function readTranscript(
  known: SessionRecord,
  { recorder, payload, session }: HookCall,
  moment: 'turn_end' | 'subagent_end' | 'session_end',
): void {
  const transcript = recorder.transcriptOf?.(payload, process.env) ?? '';
  if (transcript !== '' && !isAbsolute(transcript)) return;
  // Claude Code always names it.
  if (transcript === '' && recorder.agent === 'claude') return;
  const task = { agent: recorder.agent, session, transcript, traceDir: known.trace_dir };
  let more = true;
  try {
    more = part('transcripts').appendTranscript({ ...task, maxBytes: MAX_TRANSCRIPT_BYTES });
  } catch (error) {
    logProblem('transcript', error);
    return;
  }
  // The agent writes its last rows after it has called the hook.
  if (more || moment !== 'subagent_end') startSweep({ ...task, ended: moment === 'session_end' });
}

/** The tool runs when its hook ends. */
function waitWhilePaused(session: string): void {
  while (isMarkedPaused(session) && process.uptime() * 1000 < MAX_HOLD_MS) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

function endPause(session: string): void {
  try {
    unmarkPaused(session);
  } catch (error) {
    logProblem('mark of a pause', error);
  }
}

/**
 * The session's record: which folder it is traced into, and the agent's process. Written at first
 * sight, at the session's start, and when the process is another one.
 */
function openSession(
  { recorder, payload, session, timestamp }: HookCall,
  starting = false,
): SessionRecord {
  const { env } = process;
  const known = readSessionRecord(session, env);
  const named = recorder.pidOf?.(env);
  if (known !== undefined && !starting && (named === undefined || named === known.pid)) {
    if (isSameProcess(known) || (known.pid === undefined && named === undefined)) return known;
  }
  const place =
    known === undefined
      ? placeTrace({
          projectDir: recorder.projectOf?.(payload, env),
          cwd: recorder.cwdOf(payload),
          env,
        })
      : { traceDir: known.trace_dir, project: known.project };
  const agent = AGENTS[recorder.agent].inEditor
    ? undefined
    : findAgentProcess(recorder.agent, named);
  const parent = known?.parent ?? (agent && startedBy(agent, session, env));
  const record: SessionRecord = {
    version: 1,
    session_id: session,
    agent: recorder.agent,
    ...(agent !== undefined && identityOf(agent)),
    trace_dir: place.traceDir,
    project: place.project,
    first_seen: known?.first_seen ?? timestamp,
    ...(parent !== undefined && { parent }),
    ...(/^[01]$/.test(env.AGENT_STRACE_MASK ?? '') && { mask: env.AGENT_STRACE_MASK === '1' }),
  };
  save(record);
  if (agent !== undefined) markProcess(agent, session, env);
  return record;
}

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
function append(known: SessionRecord, events: readonly TraceEvent[]): boolean {
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

function writeMeta(
  known: SessionRecord,
  { recorder, payload, timestamp }: HookCall,
  moment: 'session_start' | 'session_end',
): void {
  const { traceName, programs } = AGENTS[recorder.agent];
  const cwd = redactText(recorder.cwdOf(payload), {}, recordingPolicy());
  const problem = updateMeta(known.trace_dir, known.session_id, (before) => {
    const started = typeof before?.started_at === 'number' ? before.started_at : known.first_seen;
    const source = /^[a-z]{1,20}$/.exec(recorder.sourceOf?.(payload) ?? '')?.[0] ?? 'resume';
    const meta: SessionMeta = {
      session_id: known.session_id,
      started_at: started,
      agent_name: traceName,
      command: str(before?.command) || `${programs[0]} (${source})`,
      ...(known.parent !== undefined && { parent_session_id: known.parent }),
      attribution: isObject(before?.attribution)
        ? before.attribution
        : { agent_provider: recorder.agent, ...(cwd !== '' && { working_dir: cwd }) },
    };
    return moment === 'session_start'
      ? meta
      : { ...meta, ended_at: timestamp, total_duration_ms: (timestamp - started) * 1000 };
  });
  if (problem !== undefined) logProblem(`meta.json: ${problem}`);
  if (moment === 'session_start') hintActiveSession(known.trace_dir, known.session_id);
}
