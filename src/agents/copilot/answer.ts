/**
 * Copilot CLI's dialect of no. Measured with 1.0.102: the decision stands at the top; `continue: false` is ignored; a prompt is
 * stopped by `decision: block` alone.
 */
import type { Answerer } from '../agent.ts';

const PROMPT = 'userPromptSubmitted';

export const copilotAnswerer: Answerer = {
  canStop: false,
  promptEvents: [PROMPT],
  canAsk: () => false,
  answer: (_kind, reason, event) => ({
    stdout: JSON.stringify(
      event === PROMPT
        ? { decision: 'block', reason }
        : { permissionDecision: 'deny', permissionDecisionReason: reason },
    ),
    exitCode: 0,
  }),
};
