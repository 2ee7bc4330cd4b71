/**
 * The recorder that opencode loads into itself, by the plugin that set-up wrote: the same code that records other
 * agents in a process a hook, without a process. It prints nothing and takes a moment at most; only a
 * paused session's tools wait, and those that a person is asked about. It throws nothing but the guard's no.
 *
 * Environment: as for the hook (`main.ts`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HookTool } from '../agents/agent.ts';
import { holdMs } from '../agents/hookEntry.ts';
import { DeniedByGuard, opencodeAnswerer } from '../agents/opencode/answer.ts';
import { PluginMapper, type Told } from '../agents/opencode/hook.ts';
import {
  isSameProcess,
  readProcess,
  readSessionRecord,
  type SessionRecord,
} from '../agents/process.ts';
import { isMarkedPaused, unmarkPaused } from '../guard/pauseMark.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { readyEvent } from '../redact/event.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import { bounded } from './bound.ts';
import { afterCommand, beforeCommand } from './commandFiles.ts';
import { afterGuardedSession, afterGuardedTool, beforeGuardedToolAside } from './guarded.ts';
import type { GuardMoment } from './guardMoment.ts';
import { logProblem } from './log.ts';
import { recordingPolicy } from './policy.ts';
import { append, newRecord, writeMeta } from './session.ts';

type Hook = (input: unknown, output?: unknown) => Promise<void>;

/** Instances of opencode that are being recorded: two plugin files (a person's and a project's) are one recorder. */
const KEY = Symbol.for('agent-strace.opencode');

const recorded = (): WeakSet<object> => {
  const holder = globalThis as { [KEY]?: WeakSet<object> };
  holder[KEY] ??= new WeakSet();
  return holder[KEY];
};

/**
 * The hooks of one instance of opencode.
 *
 * @param input what opencode gives a plugin
 */
export function hooks(
  input: { directory?: unknown; client?: unknown } | undefined,
): Record<string, Hook> {
  if (process.env.AGENT_STRACE_DISABLE === '1') return {};
  const directory = typeof input?.directory === 'string' ? input.directory : process.cwd();
  // Each instance has a client of its own, which all its plugins are given.
  const client = input?.client;
  const instance = typeof client === 'object' && client !== null ? client : {};
  if (recorded().has(instance)) return {};
  recorded().add(instance);
  const recorder = new InstanceRecorder(directory);
  const record = async (name: string, first: unknown, second?: unknown): Promise<void> => {
    try {
      await recorder.record(name, first, second);
    } catch (error) {
      if (error instanceof DeniedByGuard) throw error;
      logProblem(`opencode: ${name}`, error);
    }
  };
  return {
    event: (given) => record('event', (given as { event?: unknown } | undefined)?.event),
    'chat.message': (given, output) => record('chat.message', given, output),
    'tool.execute.before': (given, output) => record('tool.execute.before', given, output),
    'tool.execute.after': (given, output) => record('tool.execute.after', given, output),
    dispose: async () => {
      await record('dispose', undefined);
      recorded().delete(instance);
    },
  };
}

class InstanceRecorder {
  readonly #mapper: PluginMapper;
  readonly #records = new Map<string, SessionRecord>();

  constructor(directory: string) {
    this.#mapper = new PluginMapper(directory);
  }

  /** Writes before it returns; only the wait of a paused session comes after. */
  async record(hook: string, input: unknown, output: unknown): Promise<void> {
    for (const told of this.#mapper.push(hook, input, output, Date.now())) {
      if (!isSafeSessionId(told.sessionId)) continue;
      const known = this.#write(told);
      const { moment, tool, events } = told;
      if (moment === 'after_tool' && tool !== undefined) {
        const result = events.find(({ event_type: type }) => type === 'tool_result');
        if (result !== undefined) afterGuardedTool({ ...guardMoment(known, tool), tool, result });
      }
      if (moment === 'session_end') afterGuardedSession(guardMoment(known, NO_TOOL));
      if (moment !== 'before_tool') continue;
      await waitWhilePaused(told.sessionId);
      if (tool === undefined) continue;
      const call = events.find(({ event_type: type }) => type === 'tool_call');
      const reason = await beforeGuardedToolAside({ ...guardMoment(known, tool), tool, call });
      if (reason !== undefined) throw new DeniedByGuard(reason);
      // After the wait: people may have changed files meanwhile.
      beforeCommand(toolHook(told, tool));
    }
  }

  #write(told: Told): SessionRecord {
    const timestamp = Date.now() / 1000;
    const { moment, sessionId } = told;
    const known = this.#open(told, timestamp);
    const redact = recordingPolicy();
    if (moment === 'after_tool' && told.tool !== undefined) {
      afterCommand(toolHook(told, told.tool), known.trace_dir, told.events.slice(-1));
    }
    append(
      known,
      told.events.map((event) => readyEvent(shortened(event), redact)),
    );
    if (moment === 'session_start' || moment === 'session_end') {
      const { cwd, source = '' } = told;
      writeMeta(known, { agent: 'opencode', moment, cwd, source, timestamp });
    }
    if (moment === 'session_end') {
      this.#records.delete(sessionId);
      endPause(sessionId);
    }
    return known;
  }

  #open({ sessionId, cwd, moment }: Told, timestamp: number): SessionRecord {
    let record = this.#records.get(sessionId);
    if (record !== undefined && moment !== 'session_start') return record;
    const known = readSessionRecord(sessionId);
    record =
      known !== undefined && moment !== 'session_start' && isOwn(known)
        ? known
        : newRecord({
            agent: 'opencode',
            session: sessionId,
            known,
            process: readProcess(process.pid),
            cwd,
            timestamp,
          });
    this.#records.set(sessionId, record);
    if (this.#records.size > 500) {
      this.#records.delete(this.#records.keys().next().value as string);
    }
    return record;
  }
}

const NO_TOOL: HookTool = { name: '', callId: '', cwd: '', input: {} };

/** opencode waits for its plugins for as long as they take. */
const guardMoment = (known: SessionRecord, { subagent, input }: HookTool): GuardMoment => ({
  agent: 'opencode',
  answerer: opencodeAnswerer,
  known,
  payload: { tool_input: input, ...(subagent === true && { agent_id: 'subagent' }) },
  event: 'tool.execute.before',
  holdMs: process.uptime() * 1000 + holdMs('opencode'),
  closed: false,
  transcript: '',
});

/** What an edit did is in its diff: its texts need not be kept (`whole`). */
const toolHook = ({ sessionId }: Told, tool: HookTool) => ({ tool, sessionId, whole: false });

const isOwn = (record: SessionRecord): boolean =>
  record.pid === process.pid && isSameProcess(record);

/** Texts cut down, so that redaction of a huge one does not keep the agent. */
const shortened = (event: TraceEvent): TraceEvent => ({
  ...event,
  data: bounded(event.data) as JsonObject,
});

/** opencode waits for this hook for as long as it takes. */
async function waitWhilePaused(session: string): Promise<void> {
  while (isMarkedPaused(session)) await sleep(100);
}

function endPause(session: string): void {
  try {
    unmarkPaused(session);
  } catch (error) {
    logProblem('mark of a pause', error);
  }
}
