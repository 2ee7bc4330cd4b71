/** The agents that can be recorded, and how their hooks are set up. Adding an agent is adding a folder. */
import { problemText } from '../trace/files.ts';
import { ensureTraceFolder, placeTrace } from '../trace/paths.ts';
import type { AgentId } from './agent.ts';
import { claudeSetup } from './claude/setup.ts';
import { codexSetup } from './codex/setup.ts';
import { copilotSetup } from './copilot/setup.ts';
import { cursorSetup } from './cursor/setup.ts';
import { geminiSetup } from './gemini/setup.ts';
import { type InstallOptions, installLauncher } from './launcher.ts';
import { opencodeSetup } from './opencode/setup.ts';
import type { AgentSetup, PlanOptions, SetupPlan } from './setup/plan.ts';
import { applySettings, checkSettings, planSettings } from './setup/settingsFile.ts';
import { vscodeSetup } from './vscode/setup.ts';

export const SETUPS: Record<AgentId, AgentSetup> = {
  claude: claudeSetup,
  codex: codexSetup,
  gemini: geminiSetup,
  cursor: cursorSetup,
  copilot: copilotSetup,
  vscode: vscodeSetup,
  opencode: opencodeSetup,
};

/** What set-up would do; changes nothing. The agent must have the scope. */
export function planSetup(agent: AgentId, options: PlanOptions): SetupPlan {
  return planSettings(agent, SETUPS[agent], options);
}

/**
 * Does what a plan says: the project's trace folder first, which is what can fail; then the launcher and the hook,
 * then the settings, so that no setting ever names what is not there. On removal the launcher stays: other projects
 * may use it.
 *
 * @throws Error with a message for people; a plan with an error is refused
 */
export function applySetup(plan: SetupPlan, install: InstallOptions): void {
  const error = plan.problems.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(error.message);
  if (!plan.remove) {
    const { traceDir } = placeTrace({
      projectDir: plan.projectDir,
      ...(install.env !== undefined && { env: install.env }),
    });
    const problem = ensureTraceFolder(traceDir, install.env);
    if (problem !== undefined)
      throw new Error(`${traceDir} cannot be used: ${problemText(problem)}`);
    checkSettings(plan);
    installLauncher(install);
  }
  applySettings(plan, SETUPS[plan.agent], install.env);
}
