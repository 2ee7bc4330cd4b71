/** The recorders of all agents but Claude Code, as a bundle of its own: their hooks load it. */
import type { HookRecorder } from '../agents/agent.ts';
import { codexRecorder } from '../agents/codex/hook.ts';

export const recorders: Record<string, HookRecorder> = Object.fromEntries(
  ([codexRecorder] as HookRecorder[]).map((recorder) => [recorder.agent, recorder]),
);
