/**
 * Copilot CLI's dialect of no. Measured with 1.0.102: the decision stands at the top; `continue: false` is ignored, and what a
 * hook says of a prompt, too.
 */
import type { Answerer } from '../agent.ts';

export const copilotAnswerer: Answerer = {
  canStop: false,
  promptEvents: [],
  canAsk: () => false,
  answer: (_kind, reason) => ({
    stdout: JSON.stringify({ permissionDecision: 'deny', permissionDecisionReason: reason }),
    exitCode: 0,
  }),
};
