/**
 * Cursor's dialect of no, by its documentation. Never `ask`: before any tool it is not obeyed, and before a command it runs
 * unasked in Cursor's Auto-review mode, as its users report.
 */
import type { Answerer } from '../agent.ts';

export const cursorAnswerer: Answerer = {
  canStop: false,
  promptEvents: ['beforeSubmitPrompt'],
  canAsk: () => false,
  answer: (_kind, reason, event) => ({
    stdout: JSON.stringify(
      event === 'beforeSubmitPrompt'
        ? { continue: false, user_message: reason }
        : { permission: 'deny', user_message: reason, agent_message: reason },
    ),
    exitCode: 0,
  }),
};
