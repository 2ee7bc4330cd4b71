/** Claude Code's dialect of no. Measured with 2.1.330. */
import type { JsonObject } from '../../model/event.ts';
import type { Answerer, AnswerKind, Env, HookAnswer } from '../agent.ts';
import { asString as str } from '../rows.ts';

/** Sessions with a person in front of them; `sdk-cli` is `claude -p`. */
const WITH_PERSON = new Set(['cli', 'claude-vscode']);
/** Modes in which nothing is asked: what happens to a question of ours there is not known. */
const SILENT_MODES = new Set(['bypassPermissions', 'dontAsk', 'auto']);

/** A subagent may run in the background, where a question is a no. */
export const mayAsk = (payload: JsonObject): boolean =>
  str(payload.agent_id) === '' && !SILENT_MODES.has(str(payload.permission_mode));

const printed = (value: JsonObject): HookAnswer => ({ stdout: JSON.stringify(value), exitCode: 0 });

/** `continue: false` alone lets the tool run; with a denial it does not, and the session ends. */
export function claudeAnswer(kind: AnswerKind, reason: string, event: string): HookAnswer {
  const ends: JsonObject = kind === 'stop' ? { continue: false, stopReason: reason } : {};
  if (event !== 'PreToolUse') return printed({ decision: 'block', reason, ...ends });
  return printed({
    ...ends,
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: kind === 'ask' ? 'ask' : 'deny',
      permissionDecisionReason: reason,
    },
  });
}

export const claudeAnswerer: Answerer = {
  canStop: true,
  promptEvents: ['UserPromptSubmit'],
  canAsk: (payload: JsonObject, env: Env) =>
    WITH_PERSON.has(env.CLAUDE_CODE_ENTRYPOINT ?? '') && mayAsk(payload),
  answer: claudeAnswer,
};
