/** One hook call of one agent: from its payload to lines in the trace. */
import { isAbsolute } from 'node:path';
import { mapClaudeHook } from '../agents/claude/hook.ts';
import { asString as str } from '../agents/claude/usage.ts';
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
import { policyOf, readyEvent } from '../redact/event.ts';
import { redactText } from '../redact/redact.ts';
import { appendEvents, hintActiveSession, readTail, updateMeta } from '../trace/append.ts';
import { maskChosen } from '../trace/choices.ts';
import { homeTraceDir, isSafeSessionId, placeTrace } from '../trace/paths.ts';
import { BOUNDLESS, bounded } from './bound.ts';
import { afterCommand, beforeCommand } from './commandFiles.ts';
import { logProblem } from './log.ts';
import { readStdin } from './stdin.ts';
import { startSweep } from './sweep.ts';
import { appendTranscript } from './transcript.ts';

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

/** Reads standard input and records it. @throws nothing that a caller need tell the agent */
export function recordClaude(event: string, timestamp: number): void {
  const { env } = process;
  const { bytes, tooLong } = readStdin();
  const parsed = tooLong ? undefined : parse(bytes);
  if (parsed === undefined) {
    if (bytes.length === 0) return;
    recordUnreadable(event, timestamp, tooLong ? 'longer than 64 MB' : 'not a JSON object');
    return;
  }
  if (isForeignHost(parsed, env)) return;
  const session = str(parsed.session_id) || str(env.CLAUDE_CODE_SESSION_ID);
  if (!isSafeSessionId(session)) {
    logProblem(`${event}: no usable session id`);
    return;
  }
  const whole = bytes.length <= BOUNDLESS;
  record(whole ? parsed : bounded(parsed), session, event, timestamp, whole);
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
function recordUnreadable(event: string, timestamp: number, why: string): void {
  const session = str(process.env.CLAUDE_CODE_SESSION_ID);
  logProblem(`${event}: payload ${why}`);
  if (!isSafeSessionId(session)) return;
  const known = openSession({}, session, timestamp);
  append(known, [
    {
      event_type: 'error',
      timestamp,
      event_id: randomEventId(),
      session_id: session,
      data: {
        event_subtype: 'recorder',
        provider: 'claude',
        recorded_by: 'hook',
        hook_event_name: event,
        error: `hook payload ${why}`,
      },
    },
  ]);
}

function record(
  payload: JsonObject,
  session: string,
  event: string,
  timestamp: number,
  whole: boolean,
): void {
  const { env } = process;
  const name = str(payload.hook_event_name) || event;
  const known = openSession(payload, session, timestamp, name === 'SessionStart');
  let tail: ReturnType<typeof readTail> | undefined;
  const events = mapClaudeHook(payload, {
    sessionId: session,
    event,
    timestamp,
    agentVersion: versionOf(env.AI_AGENT),
    entrypoint: env.CLAUDE_CODE_ENTRYPOINT,
    recorded: (id) => {
      tail ??= readTail(known.trace_dir, session, TAIL_BYTES);
      if (tail.bytes.includes(`"event_id":"${id}"`)) return 'yes';
      return tail.whole ? 'no' : 'unknown';
    },
  });
  if (name === 'PostToolUse' || name === 'PostToolUseFailure') {
    afterCommand(payload, session, known.trace_dir, events, whole);
  }
  const redact = policyOf(env, maskChosen);
  append(
    known,
    events.map((event) => readyEvent(event, redact)),
  );
  if (name === 'PreToolUse') {
    waitWhilePaused(session);
    // After the wait: people may have changed files meanwhile.
    beforeCommand(payload, session);
  }
  // Taken up again some other time, it would wait for a pause that nobody remembers.
  if (name === 'SessionEnd') endPause(session);
  if (name === 'SessionStart' || name === 'SessionEnd') {
    writeMeta(known, name, payload, timestamp);
  }
  if (name === 'Stop' || name === 'SubagentStop' || name === 'SessionEnd') {
    const transcript = str(payload.transcript_path);
    if (!isAbsolute(transcript)) return;
    const more = appendTranscript(known.trace_dir, session, transcript, MAX_TRANSCRIPT_BYTES);
    // The agent writes its last rows after it has called the hook.
    if (more || name !== 'SubagentStop') {
      startSweep({
        session,
        transcript,
        traceDir: known.trace_dir,
        ended: name === 'SessionEnd',
      });
    }
  }
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

function versionOf(aiAgent: string | undefined): string | undefined {
  return /^claude-code_(\d+)-(\d+)-(\d+)/
    .exec(aiAgent ?? '')
    ?.slice(1)
    .join('.');
}

/**
 * The session's record: which folder it is traced into, and the agent's process. Written at first
 * sight, at the session's start, and when the process is another one.
 */
function openSession(
  payload: JsonObject,
  session: string,
  timestamp: number,
  starting = false,
): SessionRecord {
  const { env } = process;
  const known = readSessionRecord(session, env);
  const named = Number(env.CLAUDE_PID) || undefined;
  if (known !== undefined && !starting && (named === undefined || named === known.pid)) {
    if (isSameProcess(known) || (known.pid === undefined && named === undefined)) return known;
  }
  const place =
    known === undefined
      ? placeTrace({ projectDir: env.CLAUDE_PROJECT_DIR, cwd: str(payload.cwd), env })
      : { traceDir: known.trace_dir, project: known.project };
  const agent = findAgentProcess('claude', named);
  const record: SessionRecord = {
    version: 1,
    session_id: session,
    agent: 'claude',
    ...(agent !== undefined && identityOf(agent)),
    trace_dir: place.traceDir,
    project: place.project,
    first_seen: known?.first_seen ?? timestamp,
  };
  save(record);
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
  name: string,
  payload: JsonObject,
  timestamp: number,
): void {
  const cwd = redactText(str(payload.cwd), {}, policyOf(process.env, maskChosen));
  const problem = updateMeta(known.trace_dir, known.session_id, (before) => {
    const started = typeof before?.started_at === 'number' ? before.started_at : known.first_seen;
    const source = /^[a-z]{1,20}$/.exec(str(payload.source))?.[0] ?? 'resume';
    const meta: SessionMeta = {
      session_id: known.session_id,
      started_at: started,
      agent_name: 'claude-code',
      command: str(before?.command) || `claude (${source})`,
      attribution: isObject(before?.attribution)
        ? before.attribution
        : { agent_provider: 'claude', ...(cwd !== '' && { working_dir: cwd }) },
    };
    return name === 'SessionStart'
      ? meta
      : { ...meta, ended_at: timestamp, total_duration_ms: (timestamp - started) * 1000 };
  });
  if (problem !== undefined) logProblem(`meta.json: ${problem}`);
  if (name === 'SessionStart') hintActiveSession(known.trace_dir, known.session_id);
}
