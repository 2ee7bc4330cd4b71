/** The recorders of all agents but Claude Code, as a bundle of its own: their hooks load it. */
import type { AgentId, HookRecorder } from '../agents/agent.ts';
import { codexRecorder } from '../agents/codex/hook.ts';
import { copilotRecorder } from '../agents/copilot/hook.ts';
import { cursorRecorder } from '../agents/cursor/hook.ts';
import { geminiRecorder } from '../agents/gemini/hook.ts';
import { vscodeRecorder } from '../agents/vscode/hook.ts';
import { isSetUp } from './ownHooks.ts';

export const recorders: Record<string, HookRecorder> = Object.fromEntries(
  [codexRecorder, geminiRecorder, cursorRecorder, copilotRecorder, vscodeRecorder].map(
    (recorder) => [recorder.agent, recorder],
  ),
);

/** See {@link isSetUp}. */
export const hasOwnHooks = (agent: AgentId, cwd: string): boolean => isSetUp(agent, cwd);
