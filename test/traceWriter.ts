import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEvent } from '../src/model/codec.ts';
import type { JsonObject, TraceEvent } from '../src/model/event.ts';
import { ids } from '../src/model/ids.ts';

/** Writes a session's events as a recorder does: whole lines, appended. */
export class TraceWriter {
  readonly file: string;
  readonly sessionId: string;
  /** Of the next event; goes on by a tenth of a second with each. ms since the epoch. */
  nowMs: number;
  private readonly cwd: string;
  private calls = 0;
  private responses = 0;

  constructor(
    traceDir: string,
    sessionId: string,
    options: { startMs?: number; cwd?: string } = {},
  ) {
    const folder = join(traceDir, sessionId);
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, 'events.ndjson');
    this.sessionId = sessionId;
    this.nowMs = options.startMs ?? Date.now();
    this.cwd = options.cwd ?? '/project';
  }

  write(...events: TraceEvent[]): void {
    appendFileSync(this.file, events.map(encodeEvent).join(''));
  }

  event(event_type: string, data: JsonObject, rest: Partial<TraceEvent> = {}): TraceEvent {
    this.nowMs += 100;
    return {
      event_type,
      timestamp: this.nowMs / 1000,
      event_id: ids.prompt(this.sessionId, `${event_type}-${this.nowMs}-${Math.random()}`),
      session_id: this.sessionId,
      data: { recorded_by: 'hook', provider: 'claude', ...data },
      ...rest,
    };
  }

  start(): this {
    this.write(
      this.event('session_start', { agent_name: 'claude-code', cwd: this.cwd, trace_version: 1 }),
    );
    return this;
  }

  prompt(prompt: string): this {
    this.write(this.event('user_prompt', { prompt }));
    return this;
  }

  /** The event id of a call. */
  callId(id: string): string {
    return ids.call(this.sessionId, id);
  }

  /** A call without its result: it runs. @returns its id */
  call(tool_name: string, args: JsonObject, data: JsonObject = {}): string {
    const id = `toolu_${this.sessionId}_${++this.calls}`;
    this.write(
      this.event(
        'tool_call',
        { tool_name, tool_use_id: id, arguments: args, ...data },
        { event_id: ids.call(this.sessionId, id) },
      ),
    );
    return id;
  }

  result(id: string, data: JsonObject = {}): this {
    this.write(
      this.event(
        'tool_result',
        { tool_use_id: id, result: 'ok', ...data },
        { event_id: ids.result(this.sessionId, id), parent_id: ids.call(this.sessionId, id) },
      ),
    );
    return this;
  }

  /** A model response that asked for these calls. */
  usage(calls: string[], model = 'claude-sonnet-4-5', tokens: JsonObject = {}): this {
    const message = `msg_${this.sessionId}_${++this.responses}`;
    this.write(
      this.event(
        'llm_response',
        {
          event_subtype: 'usage',
          recorded_by: 'transcript',
          model,
          message_id: message,
          request_id: '',
          tool_use_ids: calls,
          usage: {
            input_tokens: 30_000,
            output_tokens: 400,
            cache_read_input_tokens: 24_000,
            cache_write_input_tokens: 5_000,
            ...tokens,
          },
        },
        { event_id: ids.usage(this.sessionId, message, '') },
      ),
    );
    return this;
  }

  turnEnd(): this {
    this.write(this.event('decision', { event_subtype: 'turn_end' }));
    return this;
  }

  ask(message: string): this {
    this.write(
      this.event('decision', {
        event_subtype: 'notification',
        notification_type: 'permission_prompt',
        message,
      }),
    );
    return this;
  }

  end(): this {
    this.write(this.event('session_end', { reason: 'other' }));
    return this;
  }
}
