/** What follows from a decision: it is written down where it can be trusted, told in the trace, and acted upon. */
import { hookEvent } from '../agents/hookEvents.ts';
import { readProcess } from '../agents/process.ts';
import type { GuardedCall } from '../guard/decision/guardedCall.ts';
import type { Fired, Verdict } from '../guard/decision/verdict.ts';
import type { Action, Rule, RuleSet } from '../guard/rules/rule.ts';
import { openTrip, type Trip, tripId } from '../guard/trips.ts';
import { appendVerdict, type CallVerdict, verdictsOf } from '../guard/verdicts.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { eventId, ids, randomEventId } from '../model/ids.ts';
import { commandArgument, pathArgument } from '../model/tools.ts';
import { readyEvent } from '../redact/event.ts';
import { writeTask } from './actTasks.ts';
import { startDetached } from './detached.ts';
import type { ActTask, BeforeTool, GuardMoment } from './guardMoment.ts';
import { safeWords } from './guardWords.ts';
import { logProblem } from './log.ts';
import { recordingPolicy } from './policy.ts';
import { append } from './session.ts';

export interface At extends GuardMoment {
  tool?: BeforeTool['tool'] | undefined;
  call?: BeforeTool['call'] | undefined;
}

/** The moment of a decision, with what it may write. */
export class Act {
  readonly #at: At;
  readonly #rules: RuleSet;
  readonly #call: GuardedCall | undefined;
  #target: string | undefined;

  /** @param target of a call that is not at hand, as it was redacted before */
  constructor(at: At, rules: RuleSet, call?: GuardedCall, target = '') {
    this.#at = at;
    this.#rules = rules;
    this.#call = call;
    this.#target = call === undefined ? target : undefined;
  }

  /** What the call is about: redacted, at most 200 characters. */
  get target(): string {
    this.#target ??= this.#call === undefined ? '' : safeWords(targetOf(this.#at, this.#call), 200);
    return this.#target;
  }

  /** Of the call in the trace; empty without one. */
  get #callEvent(): string {
    return this.#at.call?.event_id ?? '';
  }

  /**
   * @param cause what makes it another trip of the same rule, where it has no limit; default: the call
   * @returns its id, and whether nobody told of it before
   */
  trip(
    { rule, action, detail, value, limit }: Fired,
    line: Trip['line'] = 'prevent',
    cause = this.#callEvent || this.#at.tool?.callId || '',
  ): { id: string; isNew: boolean } {
    const { agent, known, tool } = this.#at;
    const call = line === 'verify' ? cause : this.#callEvent || tool?.callId || '';
    const id = tripId({ session: known.session_id, rule: rule.name, line, limit, call: cause });
    const trip: Trip = {
      version: 1,
      id,
      session: known.session_id,
      agent,
      traceDir: known.trace_dir,
      project: known.project,
      rule: ruleFacts(rule),
      action,
      detail: safeWords(detail, 300),
      ...(value !== undefined && { value }),
      ...(limit !== undefined && { limit }),
      line,
      at: Date.now() / 1000,
      ...(tool && { call: { tool: tool.name, target: this.target, id: call } }),
      ...(this.#rules.dryRun === true && { dryRun: true }),
      state: 'open',
    };
    const opened = openTrip(trip);
    if (typeof opened === 'object') logProblem(`trip not written: ${opened.problem}`);
    return { id, isNew: opened !== 'known' };
  }

  /** Before the agent is answered: who verifies goes by it. */
  verdict(said: CallVerdict['said'], fired?: Fired, trip?: string): void {
    const { tool, known } = this.#at;
    if (tool === undefined) return;
    try {
      appendVerdict(known.session_id, {
        at: Date.now() / 1000,
        call: tool.callId,
        ...(this.#callEvent !== '' && { event: this.#callEvent }),
        tool: tool.name,
        said,
        ...(fired && { action: fired.action, rule: fired.rule.name }),
        ...(trip !== undefined && { trip }),
        ...(this.target !== '' && { target: this.target }),
      });
    } catch (error) {
      logProblem('verdict not written', error);
    }
  }

  /** The last word holds: a call that was denied, and is asked for again by the same id, may run now. */
  allowed(): void {
    const { tool, known } = this.#at;
    if (tool === undefined) return;
    if (verdictsOf(known.session_id, tool.callId).length > 0) this.verdict('allow');
  }

  /** One event in the trace for each thing that was decided. */
  tell(fired: Fired, more: JsonObject = {}): void {
    this.#write([this.#notice(fired, more)]);
  }

  /** … and the call is closed: most agents tell no more of it. */
  tellDenied(fired: Fired, reason: string, more: JsonObject = {}): void {
    const close = this.#denial(fired, reason);
    this.#write([this.#notice(fired, more), ...(close ? [close] : [])]);
  }

  #notice({ rule, action, detail, value, limit }: Fired, more: JsonObject): TraceEvent {
    const { known, tool } = this.#at;
    const data: JsonObject = {
      event_subtype: 'guard',
      action,
      rule: rule.name,
      detail: safeWords(detail, 300),
      scope: rule.scope,
      ...(value !== undefined && { value }),
      ...(limit !== undefined && { limit }),
      ...(tool && { call: this.#callEvent || tool.callId }),
      ...(this.#rules.dryRun === true && { dry_run: true }),
      ...more,
    };
    const of = this.#callEvent || randomEventId();
    const id = eventId(known.session_id, 'guard', of, rule.name, String(more.outcome ?? ''));
    return hookEvent(this.#frame(), 'decision', id, data);
  }

  #denial({ rule }: Fired, reason: string): TraceEvent | undefined {
    const { call, known } = this.#at;
    if (call === undefined) return undefined;
    const { tool_name = '', tool_use_id: useId, call_key: key } = call.data;
    const session = known.session_id;
    const named = typeof useId === 'string' && useId !== '';
    // As its own end would be called: one that comes all the same takes the place of this.
    const own = named && call.event_id === ids.call(session, useId);
    const id = own ? ids.result(session, useId) : eventId(session, 'denied', call.event_id);
    return hookEvent(
      this.#frame(),
      'error',
      id,
      {
        event_subtype: 'denied',
        tool_name,
        ...(named && { tool_use_id: useId }),
        ...(typeof key === 'string' && { call_key: key }),
        error: reason,
        is_error: true,
        denied_by: 'guard',
        rule: rule.name,
        closed_by: 'guard',
      },
      { parent_id: call.event_id },
    );
  }

  #frame() {
    const { agent, known, call } = this.#at;
    const { agent_id, prompt_id } = call?.data ?? {};
    return {
      provider: agent,
      sessionId: known.session_id,
      timestamp: Date.now() / 1000,
      common: { agent_id, prompt_id },
    };
  }

  #write(events: TraceEvent[]): void {
    if (this.#at.silent) return;
    try {
      const policy = recordingPolicy();
      append(
        this.#at.known,
        events.map((event) => readyEvent(event, policy)),
      );
    } catch (error) {
      logProblem('guard event not written', error);
    }
  }

  /** What cannot be done within the agent's own hook is done by a process of its own, after it. */
  after(action: 'pause' | 'stop' | 'kill', trip: string): void {
    const { known } = this.#at;
    const hook = readProcess(process.pid);
    const task: ActTask = {
      action,
      session: known.session_id,
      traceDir: known.trace_dir,
      trip,
      // Inside opencode this process is the agent itself.
      ...(hook && hook.pid !== known.pid && { hook: { pid: hook.pid, startTime: hook.startTime } }),
    };
    try {
      writeTask(task);
    } catch (error) {
      logProblem(`guard: ${action} not written down`, error);
      return;
    }
    if (!startDetached('--act', { trip }))
      logProblem(`guard: nothing started to ${action} the agent`);
  }
}

export const ruleFacts = (rule: Rule): Trip['rule'] => ({
  name: rule.name,
  text: safeWords(rule.text, 300),
  scope: rule.scope,
  ...(rule.file !== undefined && { file: rule.file }),
  ...(rule.line !== undefined && { line: rule.line }),
  ...(rule.message !== undefined && { message: safeWords(rule.message, 300) }),
});

function targetOf({ tool }: At, call: GuardedCall): string {
  if (call.command !== undefined) return call.command;
  const input = tool?.input ?? {};
  return commandArgument(input) ?? pathArgument(input) ?? call.hosts[0] ?? '';
}

/** What stands for a rule where none was asked: the guard itself failed, or its settings were attacked. */
export function builtIn(name: string, action: Action, detail: string, project: string): Fired {
  const rule: Rule = {
    name,
    // Never asked.
    when: { kind: 'or', of: [] },
    action,
    scope: 'builtin',
    text: name,
    root: project,
  };
  return { rule, action, detail };
}

/** The first that has the verdict's action. */
export const leadOf = ({ fired, action }: Verdict): Fired | undefined =>
  fired.find((each) => each.action === action);
