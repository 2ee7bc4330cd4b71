/**
 * What opencode tells its plugin → events. opencode runs the plugin inside itself and tells of its messages as
 * they grow, each many times: an event is given once, when there is all of it.
 *
 * Pure but for what it remembers, and bounded: a server of opencode's can run for weeks.
 */
import { type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from '../../model/event.ts';
import { ids, randomEventId } from '../../model/ids.ts';
import type { HookTool, Moment } from '../agent.ts';
import { asObject, asString, pruned } from '../rows.ts';
import {
  agentOf,
  callEvent,
  endEvent,
  errorData,
  isAbort,
  laneEvent,
  messageEvents,
  promptEvent,
  promptText,
  retryEvent,
  subagentEndEvent,
  subagentEvent,
  textEvent,
  turnEndEvent,
  usageEvent,
} from './parts.ts';
import { forgetOldest, type Session, Sessions } from './sessions.ts';

const MAX_MESSAGES = 1000;
const MAX_PARTS = 2000;
const MAX_TOLD = 20_000;

/** What one hook call tells of one session. */
export interface Told {
  /** The session whose trace it belongs to. */
  sessionId: string;
  /** Its folder, absolute; empty where unknown. */
  cwd: string;
  moment?: Moment;
  /** How the session began: `startup`, `resume`, `fork`. */
  source?: string;
  /** Of `before_tool` and `after_tool`. */
  tool?: HookTool;
  events: TraceEvent[];
}

/** Events of opencode's that say nothing of a session's course, or say again what another one says. */
const SILENT =
  /^(server|tui|pty|lsp|mcp|ide|installation|project|vcs|workspace|worktree|plugin|catalog|reference|integration|models|file|todo|global|storage|account|tool|snapshot)\.|^(session\.(diff|updated|created|compacted|next\..*)|message\.(removed|part\.(delta|removed))|command\.executed)$/;

/** Maps the hooks of one opencode instance. Never throws for what opencode tells, whatever its shape. */
export class PluginMapper {
  readonly #sessions: Sessions;
  readonly #messages = new Map<string, { info: JsonObject; calls: string[]; trigger: string }>();
  /** Part id by session and call id. */
  readonly #parts = new Map<string, string>();
  /** What `tool.execute.after` said of calls whose part is not told as finished. */
  readonly #open = new Map<string, { part: JsonObject; sessionId: string }>();
  /** Ids of events that were given. */
  readonly #told = new Set<string>();

  /** @param directory the folder that this instance works in, absolute */
  constructor(directory: string) {
    this.#sessions = new Sessions(directory);
  }

  /** @param nowMs ms since the epoch */
  push(hook: string, input: unknown, output: unknown, nowMs: number): Told[] {
    switch (hook) {
      case 'event':
        return this.#event(asObject(input) ?? {}, nowMs);
      case 'chat.message':
        return this.#chat(asObject(output) ?? {}, nowMs);
      case 'tool.execute.before':
        return this.#before(asObject(input) ?? {}, asObject(asObject(output)?.args) ?? {}, nowMs);
      case 'tool.execute.after':
        return this.#after(asObject(input) ?? {}, asObject(output) ?? {}, nowMs);
      case 'dispose':
        return [...this.#sessions.all()].flatMap((session) => this.#end(session, nowMs));
      default:
        return [];
    }
  }

  #event(event: JsonObject, nowMs: number): Told[] {
    const type = asString(event.type);
    const properties = asObject(event.properties) ?? {};
    const info = asObject(properties.info);
    const sessionId = asString(properties.sessionID) || asString(info?.sessionID);
    switch (type) {
      case 'session.created':
      case 'session.updated':
        return this.#note(info ?? {}, type === 'session.created', nowMs);
      case 'session.deleted': {
        const session = this.#sessions.known(asString(info?.id) || sessionId);
        return session === undefined ? [] : this.#end(session, nowMs, 'deleted');
      }
      case 'session.idle':
        return this.#idle(sessionId, nowMs);
      case 'session.status':
        return this.#status(sessionId, asObject(properties.status) ?? {}, nowMs);
      case 'session.error': {
        const session = this.#sessions.known(sessionId);
        const error = asObject(properties.error);
        if (session !== undefined && error !== undefined) session.error = error;
        return [];
      }
      case 'message.updated':
        return info === undefined ? [] : this.#message(sessionId, info, nowMs);
      case 'message.part.updated':
        return this.#part(asObject(properties.part) ?? {}, nowMs);
      case 'permission.asked':
      case 'permission.updated':
      case 'permission.replied':
        return this.#permission(type, sessionId, properties, nowMs);
      case 'question.asked':
      case 'question.replied':
      case 'question.rejected': {
        const { sessionID: _, ...rest } = properties;
        return this.#decision(sessionId, nowMs, {
          event_subtype: 'elicitation',
          ...rest,
          phase: type === 'question.asked' ? 'requested' : 'answered',
        });
      }
      default:
        if (SILENT.test(type) || !this.#sessions.has(sessionId)) return [];
        // Of a newer opencode: kept whole.
        return this.#decision(sessionId, nowMs, {
          event_subtype: 'unknown_hook',
          hook_event_name: type,
          payload: properties,
        });
    }
  }

  #note(info: JsonObject, created: boolean, nowMs: number): Told[] {
    const id = asString(info.id);
    if (id === '') return [];
    // Sessions that only are renamed, shared or archived did nothing.
    const known = this.#sessions.has(id);
    const session = this.#sessions.get(id);
    session.parentId = asString(info.parentID) || session.parentId;
    session.title = asString(info.title) || session.title;
    session.version = asString(info.version) || session.version;
    session.cwd = asString(info.directory) || session.cwd;
    session.agentType = asString(info.agent) || session.agentType;
    if (!created || known) return [];
    const at = asObject(info.time)?.created;
    session.createdMs = typeof at === 'number' ? at : nowMs;
    session.isFork = / \(fork #\d+\)$/.test(session.title);
    return session.parentId === '' ? this.#begin(session, session.createdMs) : [];
  }

  #tell(session: Session, events: TraceEvent[], more: Partial<Told> = {}): Told {
    const root = this.#sessions.root(session);
    return { sessionId: root.id, cwd: root.cwd, events, ...more };
  }

  /** The start of a session, or of a subagent, at the first that is told of it. */
  #begin(session: Session, timeMs: number, prompt = ''): Told[] {
    if (session.started) return [];
    session.started = true;
    session.startedMs = timeMs;
    const root = this.#sessions.root(session);
    const before = root === session ? [] : this.#begin(root, timeMs);
    const lane = this.#sessions.lane(session);
    if (root !== session) {
      const event = subagentEvent(lane, timeMs, {
        description: session.title.replace(/ \(@\S+ subagent\)$/, ''),
        prompt,
        parentCall: session.parentCall,
      });
      return [...before, this.#tell(session, [event])];
    }
    const source = session.isFork ? 'fork' : session.createdMs > 0 ? 'startup' : 'resume';
    const event = laneEvent(lane, 'session_start', randomEventId(), timeMs, {
      trace_version: TRACE_VERSION,
      mode: 'opencode-hooks',
      source,
      ...(source !== 'startup' && { event_subtype: source }),
      ...pruned({ agent_version: session.version }),
    });
    return [this.#tell(session, [event], { moment: 'session_start', source })];
  }

  #end(session: Session, nowMs: number, reason = 'exit'): Told[] {
    if (!session.started) return [];
    const before = this.#idleAtLast(session, nowMs);
    session.started = false;
    const lane = this.#sessions.lane(session);
    if (lane.agentId !== '') return before;
    const events = this.#flush(session.id);
    const title = session.title;
    events.push(
      laneEvent(lane, 'session_end', randomEventId(), nowMs, {
        reason,
        ...pruned({ title: /^New session - /.test(title) ? '' : title }),
      }),
    );
    return [...before, this.#tell(session, events, { moment: 'session_end' })];
  }

  #once(event: TraceEvent | undefined): TraceEvent[] {
    if (event === undefined || this.#told.has(event.event_id)) return [];
    this.#told.add(event.event_id);
    if (this.#told.size > MAX_TOLD) this.#told.delete(this.#told.values().next().value as string);
    return [event];
  }

  #chat(output: JsonObject, nowMs: number): Told[] {
    const info = asObject(output.message) ?? {};
    const id = asString(info.sessionID);
    if (id === '') return [];
    const session = this.#sessions.get(id);
    const parts = listOf(output.parts);
    session.agentType = agentOf(info) || session.agentType;
    const begun = [
      ...this.#idleAtLast(session, nowMs),
      ...this.#begin(session, nowMs, promptText(parts)),
    ];
    const lane = this.#sessions.lane(session);
    // A subagent's prompt is its task, told by its start.
    const prompt = lane.agentId === '' ? this.#once(promptEvent(lane, info, parts)) : [];
    return [...begun, ...(prompt.length > 0 ? [this.#tell(session, prompt)] : [])];
  }

  #message(sessionId: string, info: JsonObject, nowMs: number): Told[] {
    const id = asString(info.id);
    if (id === '' || sessionId === '') return [];
    const session = this.#sessions.get(sessionId);
    if (this.#isCopy(session, info)) return [];
    const known = this.#messages.get(id);
    this.#messages.set(id, {
      info,
      calls: known?.calls ?? [],
      trigger: known?.trigger ?? '',
    });
    forgetOldest(this.#messages, MAX_MESSAGES);
    if (info.role !== 'assistant') return [];
    const { answer } = session;
    if (answer === undefined || createdOf(info) >= createdOf(answer)) session.answer = info;
    if (!isFinished(info)) return [];
    if (asObject(info.error) !== undefined) session.error = undefined;
    const trigger = this.#messages.get(asString(info.parentID))?.trigger ?? '';
    const events = messageEvents(this.#sessions.lane(session), info, trigger).flatMap((event) =>
      this.#once(event),
    );
    const told = events.length > 0 ? [this.#tell(session, events)] : [];
    const begun = events.length > 0 ? this.#begin(session, nowMs) : [];
    return [...begun, ...told, ...this.#idleAtLast(session, nowMs)];
  }

  /** A fork brings its parent's messages along, which are older than itself. They were told there. */
  #isCopy(session: Session, info: JsonObject): boolean {
    const created = asObject(info.time)?.created;
    return typeof created === 'number' && created < session.createdMs;
  }

  #part(part: JsonObject, nowMs: number): Told[] {
    const sessionId = asString(part.sessionID);
    const message = this.#messages.get(asString(part.messageID));
    if (sessionId === '') return [];
    const session = this.#sessions.get(sessionId);
    // Of a message that is not known nothing is new: it is a copy, or an old one that was pruned.
    if (message === undefined) return [];
    const lane = this.#sessions.lane(session);
    switch (part.type) {
      case 'tool':
        return this.#toolPart(session, part, message, nowMs);
      case 'text':
      case 'reasoning': {
        if (message.info.role === 'user' || typeof asObject(part.time)?.end !== 'number') return [];
        if (part.type === 'text') session.lastText = asString(part.text) || session.lastText;
        return this.#give(session, textEvent(lane, part, message.info), nowMs);
      }
      case 'step-finish': {
        const usage = usageEvent(lane, part, message.info, message.calls);
        message.calls = [];
        return this.#give(session, usage, nowMs);
      }
      case 'compaction':
        message.trigger = part.auto === true ? 'auto' : 'manual';
        return [];
      default:
        return [];
    }
  }

  #give(session: Session, event: TraceEvent | undefined, nowMs: number): Told[] {
    const events = this.#once(event);
    if (events.length === 0) return [];
    return [...this.#begin(session, nowMs), this.#tell(session, events)];
  }

  #toolPart(
    session: Session,
    part: JsonObject,
    message: { info: JsonObject; calls: string[] },
    nowMs: number,
  ): Told[] {
    const id = asString(part.id);
    const callId = asString(part.callID);
    const status = asObject(part.state)?.status;
    if (id === '') return [];
    const key = `${session.id}\n${callId}`;
    if (status === 'pending') {
      // Providers may give the same id to many calls: the latest is meant.
      this.#parts.delete(key);
      this.#parts.set(key, id);
      forgetOldest(this.#parts, MAX_PARTS);
      return [];
    }
    if (!this.#parts.has(key)) this.#parts.set(key, id);
    this.#child(session, part);
    if (!message.calls.includes(id)) message.calls.push(id);
    const lane = this.#sessions.lane(session);
    const events = this.#once(callEvent(lane, part, message.info));
    const end = endEvent(lane, part, message.info);
    const ended = this.#once(end);
    if (end !== undefined) this.#open.delete(id);
    events.push(...ended);
    if (events.length === 0) return [];
    const tool = this.#hookTool(session, part, message.info);
    return [
      ...this.#begin(session, nowMs),
      this.#tell(session, events, {
        ...(ended.length > 0 && { moment: 'after_tool' }),
        tool,
      }),
    ];
  }

  #hookTool(session: Session, part: JsonObject, info: JsonObject): HookTool {
    const state = asObject(part.state);
    const { metadata } = state ?? {};
    return {
      name: asString(part.tool),
      callId: asString(part.id),
      cwd: asString(asObject(info.path)?.cwd) || session.cwd,
      input: asObject(state?.input) ?? {},
      ...(metadata !== undefined && { response: metadata }),
    };
  }

  /** A task's part names the session of the subagent that it started, or goes on with. */
  #child(session: Session, part: JsonObject): void {
    const childId = asString(asObject(asObject(part.state)?.metadata)?.sessionId);
    if (childId === '' || childId === session.id || part.tool !== 'task') return;
    const child = this.#sessions.get(childId);
    if (child.parentId === '' && this.#sessions.root(session) !== child)
      child.parentId = session.id;
    if (child.parentCall === '') child.parentCall = asString(part.id);
  }

  #before(input: JsonObject, args: JsonObject, nowMs: number): Told[] {
    const part = this.#callPart(input, { status: 'running', input: args, time: { start: nowMs } });
    if (part === undefined) return [];
    const session = this.#sessions.get(asString(part.sessionID));
    const lane = this.#sessions.lane(session);
    const info = this.#infoOf(session);
    const events = this.#once(callEvent(lane, part, info));
    return [
      ...this.#begin(session, nowMs),
      this.#tell(session, events, {
        moment: 'before_tool',
        tool: this.#hookTool(session, part, info),
      }),
    ];
  }

  /** The part says the same, and when, a moment later; what it does not say by the turn's end is told then. */
  #after(input: JsonObject, output: JsonObject, nowMs: number): Told[] {
    const state: JsonObject = {
      status: 'completed',
      input: asObject(input.args) ?? {},
      output: asString(output.output),
      metadata: asObject(output.metadata) ?? {},
      time: { end: nowMs },
    };
    const part = this.#callPart(input, state);
    if (part === undefined) return [];
    const id = asString(part.id);
    const session = this.#sessions.get(asString(part.sessionID));
    if (this.#told.has(ids.result(this.#sessions.root(session).id, id))) return [];
    this.#open.set(id, { part, sessionId: session.id });
    forgetOldest(this.#open, MAX_MESSAGES);
    return [];
  }

  /** A part as a tool's hook tells of it. Its own id is known from the part that came before. */
  #callPart(input: JsonObject, state: JsonObject): JsonObject | undefined {
    const sessionID = asString(input.sessionID);
    const callID = asString(input.callID);
    if (sessionID === '' || callID === '') return undefined;
    const id = this.#parts.get(`${sessionID}\n${callID}`) ?? callID;
    return { id, callID, sessionID, type: 'tool', tool: asString(input.tool), state };
  }

  /** The answer that a session is at: the message of its calls. */
  #infoOf(session: Session): JsonObject {
    return session.answer ?? {};
  }

  /** Calls whose end was only told by `tool.execute.after`. */
  #flush(sessionId: string): TraceEvent[] {
    const events: TraceEvent[] = [];
    for (const [id, open] of this.#open) {
      if (open.sessionId !== sessionId) continue;
      this.#open.delete(id);
      const session = this.#sessions.get(sessionId);
      events.push(
        ...this.#once(endEvent(this.#sessions.lane(session), open.part, this.#infoOf(session))),
      );
    }
    return events;
  }

  /** The end of a turn that waited for the state of its last answer, or waited in vain. */
  #idleAtLast(session: Session, nowMs: number): Told[] {
    return session.isIdle ? this.#idle(session.id, nowMs, true) : [];
  }

  /** @param last nothing more is to be expected of the turn */
  #idle(sessionId: string, nowMs: number, last = false): Told[] {
    const session = this.#sessions.known(sessionId);
    if (session === undefined || !session.started) return [];
    // The state of an answer that failed comes a moment after.
    session.isIdle = !last && session.answer !== undefined && !isFinished(session.answer);
    if (session.isIdle) return [];
    const lane = this.#sessions.lane(session);
    const events = this.#flush(sessionId);
    const told = session.answer?.error;
    const error = session.error && errorData(session.error);
    if (error !== undefined && !isAbort({ error: session.error! })) {
      // Most errors are an answer's, too, and were told with it.
      const again = errorData(asObject(told) ?? {}).error === error.error;
      if (!again) {
        const data = { event_subtype: 'api', ...error };
        events.push(laneEvent(lane, 'error', randomEventId(), nowMs, data));
      }
    }
    session.error = undefined;
    if (lane.agentId !== '') {
      events.push(
        ...this.#once(subagentEndEvent(lane, session.startedMs, nowMs, session.lastText)),
      );
      return [this.#tell(session, events)];
    }
    const end = turnEndEvent(lane, session.answer ?? { id: randomEventId() }, nowMs);
    events.push(...this.#once(end));
    return [this.#tell(session, events, { moment: 'turn_end' })];
  }

  #status(sessionId: string, status: JsonObject, nowMs: number): Told[] {
    const session = this.#sessions.known(sessionId);
    if (session === undefined || status.type !== 'retry') return [];
    const attempt = typeof status.attempt === 'number' ? status.attempt : 0;
    const message = asString(session.answer?.id);
    const error = { error: asString(status.message) || 'the request failed' };
    const event = retryEvent(this.#sessions.lane(session), message, attempt, nowMs, error);
    return this.#give(session, event, nowMs);
  }

  #permission(type: string, sessionId: string, properties: JsonObject, nowMs: number): Told[] {
    const call = asString(asObject(properties.tool)?.callID) || asString(properties.callID);
    const asked = type !== 'permission.replied';
    const reply = asString(properties.reply) || asString(properties.response);
    const patterns = properties.patterns ?? properties.pattern ?? '';
    return this.#decision(sessionId, nowMs, {
      event_subtype: 'permission',
      permission: asked ? 'requested' : reply === 'reject' ? 'rejected' : 'granted',
      ...pruned({
        permission_id: asString(properties.requestID ?? properties.permissionID ?? properties.id),
        permission_type: asString(properties.permission) || asString(properties.type),
        patterns: asked ? patterns : '',
        title: asString(properties.title),
        reply,
        tool_use_id: this.#parts.get(`${sessionId}\n${call}`) ?? call,
      }),
    });
  }

  #decision(sessionId: string, nowMs: number, data: JsonObject): Told[] {
    if (sessionId === '') return [];
    const session = this.#sessions.get(sessionId);
    const event = laneEvent(this.#sessions.lane(session), 'decision', randomEventId(), nowMs, data);
    return [...this.#begin(session, nowMs), this.#tell(session, [event])];
  }
}

const createdOf = (info: JsonObject): number => {
  const created = asObject(info.time)?.created;
  return typeof created === 'number' ? created : 0;
};

const isFinished = (info: JsonObject): boolean =>
  asObject(info.error) !== undefined || typeof asObject(info.time)?.completed === 'number';

const listOf = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value) ? value.map(asObject).filter((item) => item !== undefined) : [];
