/**
 * Codex' dialect of no. It takes no key that its schema does not have; `ask` is in the schema and not obeyed, and
 * `continue: false` is ignored before a tool: its process is interrupted after the hook.
 */
import type { Answerer } from '../agent.ts';

export const codexAnswerer: Answerer = {
  canStop: false,
  promptEvents: ['UserPromptSubmit'],
  canAsk: () => false,
  answer: (_kind, reason, event) => ({
    stdout: JSON.stringify(
      event === 'PreToolUse'
        ? {
            hookSpecificOutput: {
              hookEventName: 'PreToolUse',
              permissionDecision: 'deny',
              permissionDecisionReason: reason,
            },
          }
        : { decision: 'block', reason },
    ),
    exitCode: 0,
  }),
};
