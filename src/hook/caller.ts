/**
 * Which agent really runs a hook command. Settings name one agent, and others read them, too: Cursor, VS Code and the
 * Copilot CLI run the hooks of Claude's settings, VS Code those of Copilot's.
 */
import type { AgentId, Env } from '../agents/agent.ts';
import { asString as str } from '../agents/rows.ts';
import type { JsonObject } from '../model/event.ts';

/**
 * The agent that runs this hook. What the payload says counts first: the environment is inherited, and agents start
 * agents.
 *
 * @param named the agent that the command names
 */
export function callerOf(named: AgentId, payload: JsonObject, env: Env): AgentId {
  if (named === 'claude') return callerOfClaudes(payload, env);
  return named === 'copilot' || named === 'vscode' ? callerOfCopilots(named, payload, env) : named;
}

function callerOfClaudes(payload: JsonObject, env: Env): AgentId {
  if ('cursor_version' in payload || 'conversation_id' in payload) return 'cursor';
  const session = str(payload.session_id);
  if (session !== '' && env.CLAUDE_CODE_SESSION_ID === session) return 'claude';
  // Older versions do not name their session; their transcript bears its name.
  if (env.CLAUDECODE === '1' && CLAUDES_TRANSCRIPT.test(str(payload.transcript_path))) {
    return 'claude';
  }
  if (env.GEMINI_SESSION_ID && env.GEMINI_SESSION_ID === session) return 'gemini';
  // Claude's payloads have no time, and no key in this form.
  if ('timestamp' in payload || 'sessionId' in payload) {
    return callerOfCopilots('vscode', payload, env);
  }
  if (env.CURSOR_VERSION) return 'cursor';
  if (env.COPILOT_CLI) return 'copilot';
  return env.GEMINI_SESSION_ID ? 'gemini' : 'claude';
}

const CLAUDES_TRANSCRIPT = /[\\/]projects[\\/][^\\/]+[\\/][^\\/]+\.jsonl$/;
const COPILOTS_TRANSCRIPT = /[\\/]session-state[\\/][^\\/]+[\\/]events\.jsonl$/;

function callerOfCopilots(named: AgentId, payload: JsonObject, env: Env): AgentId {
  if ('hookEventName' in payload || 'tool_use_id' in payload || 'tool_response' in payload) {
    return 'vscode';
  }
  if ('sessionId' in payload || typeof payload.timestamp === 'number') return 'copilot';
  const transcript = str(payload.transcript_path);
  if (transcript !== '') return COPILOTS_TRANSCRIPT.test(transcript) ? 'copilot' : 'vscode';
  if (
    ['tool_result', 'stop_reason', 'initial_prompt', 'parent_agent_id'].some(
      (key) => key in payload,
    )
  ) {
    return 'copilot';
  }
  if (!('session_id' in payload) && !('timestamp' in payload)) return named;
  return env.COPILOT_CLI ? 'copilot' : 'vscode';
}
