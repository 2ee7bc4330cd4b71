/** One hook call of one agent: from its payload to lines in the trace. */
import { isAbsolute } from 'node:path';
import {
  AGENTS,
  type AgentId,
  type HookAnswer,
  type HookRecorder,
  type HookTool,
  isAgentId,
} from '../agents/agent.ts';
import { claudeRecorder } from '../agents/claude/recorder.ts';
import {
  findAgentProcess,
  isSameProcess,
  readSessionRecord,
  type SessionRecord,
} from '../agents/process.ts';
import { isMarkedPaused, unmarkPaused } from '../guard/pauseMark.ts';
import { shallow } from '../model/depth.ts';
import { isObject, type JsonObject, type TraceEvent } from '../model/event.ts';
import { randomEventId } from '../model/ids.ts';
import { readyEvent } from '../redact/event.ts';
import { isSafeSessionId, placeTrace } from '../trace/paths.ts';
import { BOUNDLESS, bounded } from './bound.ts';
import { callerOf } from './caller.ts';
import { afterCommand, beforeCommand } from './commandFiles.ts';
import { startDetached } from './detached.ts';
import { endOfTrace } from './endOfTrace.ts';
import {
  afterGuardedSession,
  afterGuardedTool,
  beforeGuardedEvent,
  beforeGuardedTool,
  isClosed,
} from './guarded.ts';
import type { GuardMoment } from './guardMoment.ts';
import { logProblem } from './log.ts';
import { part } from './parts.ts';
import { recordingPolicy } from './policy.ts';
import { append, newRecord, writeMeta } from './session.ts';
import { readStdin } from './stdin.ts';
import type { SweepTask } from './sweep.ts';

/** Bytes of transcript that a hook reads at most; the sweep reads on. */
const MAX_TRANSCRIPT_BYTES = 1_048_576;

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
  /** As it was given, its depths cut off: what decides must see all of it. */
  given: JsonObject;
  installed: Installed;
}

/** How set-up installed this hook. */
interface Installed {
  /** How long it may wait for a person, ms from the process' start. */
  holdMs: number;
  /** Its failure means no. */
  closed: boolean;
}

/** @throws where the bundle that has it is not there */
const recorderOf = (agent: AgentId): HookRecorder | undefined =>
  agent === 'claude' ? claudeRecorder : part('agents').recorders[agent];

/**
 * Reads standard input and records it.
 *
 * @param named the agent whose settings name this hook
 * @returns what the guard has to say to the agent
 * @throws nothing that a caller need tell the agent, but that a tool which waits for a word may get none
 */
export function recordHook(
  named: string,
  event: string,
  timestamp: number,
  installed: Installed,
): HookAnswer | undefined {
  const { bytes, tooLong } = readStdin();
  const parsed = tooLong ? undefined : parse(bytes);
  const caller = isAgentId(named) ? callerOf(named, parsed ?? {}, process.env) : undefined;
  const recorder = caller && recorderOf(caller);
  if (recorder === undefined) {
    // Another agent that reads these settings may have none.
    if (caller === undefined || caller === named) {
      logProblem(`no recorder for the agent ${JSON.stringify(named).slice(0, 50)}`);
    }
    return undefined;
  }
  if (parsed === undefined) {
    const isBefore = recorder.momentOf(recorder.eventOf({}, event), {}) === 'before_tool';
    // Another Node has read it before this one; or somebody tries to be unreadable.
    if (isBefore && isClosed(installed.closed)) throw new Error('no payload to decide by');
    if (bytes.length === 0) return undefined;
    recordUnreadable(
      recorder,
      event,
      timestamp,
      tooLong ? 'longer than 64 MB' : 'not a JSON object',
    );
    return undefined;
  }
  // Told by its own hooks, too; Copilot's settings are VS Code's own.
  if (caller !== named && named === 'claude') {
    if (part('agents').hasOwnHooks(recorder.agent, recorder.cwdOf(parsed))) return undefined;
  }
  const session = recorder.sessionOf(parsed, process.env);
  if (!isSafeSessionId(session)) {
    logProblem(`${event}: no usable session id`);
    const isBefore = recorder.momentOf(recorder.eventOf(parsed, event), parsed) === 'before_tool';
    if (isBefore && isClosed(installed.closed)) throw new Error('no session to decide by');
    return undefined;
  }
  const given = shallow(parsed);
  if (process.env.AGENT_STRACE_DISABLE === '1') {
    return guardSilently({ recorder, session, event, timestamp, given, installed });
  }
  const payload = bytes.length <= BOUNDLESS ? given : bounded(parsed);
  const whole = payload === parsed;
  return record({ recorder, payload, session, event, timestamp, whole, given, installed });
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
  const known = openSession({ recorder, payload: {}, session, timestamp });
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

function record(call: HookCall): HookAnswer | undefined {
  const { recorder, payload, session, event, timestamp, whole } = call;
  const moment = recorder.momentOf(recorder.eventOf(payload, event), payload);
  const known = openSession(call, moment === 'session_start');
  const tool =
    moment === 'before_tool' || moment === 'after_tool' ? recorder.toolOf(payload) : undefined;
  let events: TraceEvent[] = [];
  try {
    events = recordEvents(call, known, moment === 'after_tool' ? tool : undefined);
  } catch (error) {
    // What cannot be written down is decided upon all the same.
    if (moment !== 'before_tool') throw error;
    logProblem('call not recorded', error);
  }
  if (moment === 'before_tool') {
    waitWhilePaused(session, call.installed.holdMs);
    const answer = guardTool(call, known, events);
    if (answer !== undefined) return answer;
    // After the wait: people may have changed files meanwhile.
    if (tool !== undefined) beforeCommand({ tool, sessionId: session, whole });
  }
  if (moment === 'after_tool' && tool !== undefined) {
    const result = events.find(
      ({ event_type: type }) => type === 'tool_result' || type === 'error',
    );
    if (result !== undefined) afterGuardedTool({ ...guardMoment(call, known), tool, result });
  }
  if (moment === 'session_end') {
    // Anybody can say so: as long as its agent runs, a pause is for a person to end. Else, taken up again some other time, it
    // would wait for a pause that nobody remembers.
    if (!isSameProcess(known)) endPause(session);
    afterGuardedSession(guardMoment(call, known));
  }
  const starts = events.some(({ event_type }) => event_type === 'session_start');
  if (moment === 'session_start' || moment === 'session_end' || starts) {
    writeMeta(known, {
      agent: recorder.agent,
      moment: moment === 'session_end' ? moment : 'session_start',
      cwd: recorder.cwdOf(payload),
      source: recorder.sourceOf?.(payload) ?? '',
      timestamp,
    });
  }
  if (moment === 'turn_end' || moment === 'subagent_end' || moment === 'session_end') {
    readTranscript(known, call, moment);
  }
  return beforeGuardedEvent(guardMoment(call, known));
}

/** @param tool the call that has ended */
function recordEvents(
  { recorder, payload, session, event, timestamp, whole }: HookCall,
  known: SessionRecord,
  tool: HookTool | undefined,
): TraceEvent[] {
  const { env } = process;
  const events = recorder.map(payload, {
    sessionId: session,
    event,
    timestamp,
    agentVersion: recorder.versionOf?.(payload, env),
    entrypoint: env.CLAUDE_CODE_ENTRYPOINT,
    isFirst: known.first_seen === timestamp,
    ...endOfTrace(known.trace_dir, session),
  });
  if (tool !== undefined) {
    afterCommand({ tool, sessionId: session, whole }, known.trace_dir, events);
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
  return events;
}

function guardTool(
  call: HookCall,
  known: SessionRecord,
  events: readonly TraceEvent[],
): HookAnswer | undefined {
  const tool = call.recorder.toolOf(call.given);
  if (tool === undefined) return undefined;
  const recorded = events.find(({ event_type: type }) => type === 'tool_call');
  return beforeGuardedTool({ ...guardMoment(call, known), tool, call: recorded });
}

/** Nothing is recorded, and what rules say of the call itself holds. */
function guardSilently(call: Unrecorded): HookAnswer | undefined {
  const { recorder, session, given, timestamp } = call;
  const { env } = process;
  const place = placeTrace({
    projectDir: recorder.projectOf?.(given, env),
    cwd: recorder.cwdOf(given),
    env,
  });
  const known: SessionRecord = {
    version: 1,
    session_id: session,
    agent: recorder.agent,
    trace_dir: place.traceDir,
    project: place.project,
    first_seen: timestamp,
  };
  const tool = recorder.toolOf(given);
  return (
    tool && beforeGuardedTool({ ...guardMoment(call, known), tool, call: undefined, silent: true })
  );
}

type Unrecorded = Omit<HookCall, 'payload' | 'whole'>;

const guardMoment = (
  { recorder, given, event, installed }: Unrecorded,
  known: SessionRecord,
): GuardMoment => ({
  agent: recorder.agent,
  answerer: recorder.answerer,
  known,
  payload: given,
  event: recorder.eventOf(given, event),
  ...installed,
  transcript: recorder.transcriptOf?.(given, process.env) ?? '',
});

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
  if (more || moment !== 'subagent_end') {
    const sweep: SweepTask = { ...task, ended: moment === 'session_end' };
    // Without it the next hook, or a host, reads the rest.
    startDetached('--sweep', sweep);
  }
}

/** The tool runs when its hook ends. */
function waitWhilePaused(session: string, holdMs: number): void {
  while (isMarkedPaused(session) && process.uptime() * 1000 < holdMs) {
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

type Opened = Pick<HookCall, 'recorder' | 'payload' | 'session' | 'timestamp'>;

/**
 * The session's record: which folder it is traced into, and the agent's process. Written at first
 * sight, at the session's start, and when the process is another one.
 */
function openSession(
  { recorder, payload, session, timestamp }: Opened,
  starting = false,
): SessionRecord {
  const { env } = process;
  const known = readSessionRecord(session, env);
  const named = recorder.pidOf?.(env);
  if (known !== undefined && !starting && (named === undefined || named === known.pid)) {
    if (isSameProcess(known) || (known.pid === undefined && named === undefined)) return known;
  }
  const inEditor = recorder.inEditor?.(env) ?? AGENTS[recorder.agent].inEditor;
  const record = newRecord({
    agent: recorder.agent,
    session,
    known,
    process: inEditor ? undefined : findAgentProcess(recorder.agent, named),
    projectDir: recorder.projectOf?.(payload, env),
    cwd: recorder.cwdOf(payload),
    timestamp,
  });
  // Its agent has ended, and the pause with it.
  if (known?.pid !== undefined && !isSameProcess(known)) endPause(session);
  return record;
}
