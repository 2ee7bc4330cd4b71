/** The recorders of all agents but Claude Code, as a bundle of its own: their hooks load it. */
import type { HookRecorder } from '../agents/agent.ts';

export const recorders: Record<string, HookRecorder> = Object.fromEntries(
  ([] as HookRecorder[]).map((recorder) => [recorder.agent, recorder]),
);
