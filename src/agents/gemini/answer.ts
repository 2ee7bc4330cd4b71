/** Gemini CLI's dialect of no. Measured with 0.61.0: `continue: false` stops before the tool and ends the run. */
import type { Answerer } from '../agent.ts';

export const geminiAnswerer: Answerer = {
  canStop: true,
  promptEvents: ['BeforeAgent'],
  canAsk: () => false,
  answer: (kind, reason) => ({
    stdout: JSON.stringify({
      decision: 'deny',
      reason,
      ...(kind === 'stop' && { continue: false, stopReason: reason }),
    }),
    exitCode: 0,
  }),
};
