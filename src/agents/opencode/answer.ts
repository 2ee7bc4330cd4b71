/**
 * How opencode is told no: `tool.execute.before` throws, and the message is what the model reads. In process, so nothing
 * is printed. Nothing else of it can be denied, and it has no prompt of its own that a hook could bring up.
 */
import type { Answerer } from '../agent.ts';

/** The plugin lets nothing through that was thrown but this. */
export class DeniedByGuard extends Error {
  readonly agentStraceDenies = true;
}

export const opencodeAnswerer: Answerer = {
  canStop: false,
  promptEvents: [],
  canAsk: () => false,
  answer: (_kind, reason) => ({ stdout: reason, exitCode: 0 }),
};
