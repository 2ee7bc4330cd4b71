/** Claude Code's hooks. */
import { isObject, type JsonObject } from '../../model/event.ts';
import type { HookRecorder, Moment } from '../agent.ts';
import { lookUp } from '../hookEvents.ts';
import { asString as str } from '../rows.ts';
import { claudeAnswerer } from './answer.ts';
import { mapClaudeHook } from './hook.ts';

const MOMENTS: Record<string, Moment> = {
  SessionStart: 'session_start',
  SessionEnd: 'session_end',
  Stop: 'turn_end',
  SubagentStop: 'subagent_end',
  PreToolUse: 'before_tool',
  PostToolUse: 'after_tool',
  PostToolUseFailure: 'after_tool',
};

const inputOf = ({ tool_input: input }: JsonObject): JsonObject => (isObject(input) ? input : {});

export const claudeRecorder: HookRecorder = {
  agent: 'claude',
  answerer: claudeAnswerer,
  sessionOf: (payload, env) => str(payload.session_id) || str(env.CLAUDE_CODE_SESSION_ID),
  eventOf: (payload, event) => str(payload.hook_event_name) || event,
  momentOf: (event) => lookUp(MOMENTS, event),
  map: mapClaudeHook,
  toolOf: (payload) => ({
    name: str(payload.tool_name),
    callId: str(payload.tool_use_id),
    cwd: str(payload.cwd),
    input: inputOf(payload),
    subagent: str(payload.agent_id) !== '',
    ...(payload.tool_response !== undefined && { response: payload.tool_response }),
  }),
  cwdOf: ({ cwd }) => str(cwd),
  projectOf: (_, env) => env.CLAUDE_PROJECT_DIR,
  pidOf: (env) => Number(env.CLAUDE_PID) || undefined,
  transcriptOf: (payload) => str(payload.transcript_path),
  versionOf: (_, env) =>
    /^claude-code_(\d+)-(\d+)-(\d+)/
      .exec(env.AI_AGENT ?? '')
      ?.slice(1)
      .join('.'),
  sourceOf: (payload) => str(payload.source),
};
