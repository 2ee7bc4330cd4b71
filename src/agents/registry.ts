/** The agents that can be recorded, and how their hooks are set up. Adding an agent is adding a folder. */
import { problemText } from '../trace/files.ts';
import { ensureTraceFolder, placeTrace } from '../trace/paths.ts';
import type { AgentId, Env } from './agent.ts';
import type { Step } from './claude/settings.ts';
import { applyClaude, checkClaude, planClaude } from './claude/setup.ts';
import { type InstallOptions, installLauncher } from './launcher.ts';

/** Whose settings: the user's own for one project, a project's (shared), or the user's for all. */
export type SetupScope = 'local' | 'project' | 'user';

export interface PlanOptions {
  scope: SetupScope;
  /** Absolute path. */
  projectDir: string;
  /** Take our entries out instead. */
  remove?: boolean;
  /** What the agent's `--version` printed, where it could be run. */
  agentVersion?: string | undefined;
  env?: Env;
}

export interface SetupProblem {
  /** `error`: nothing will be changed. */
  severity: 'error' | 'warning';
  message: string;
}

/** What set-up would change in one settings file. */
export interface SetupPlan {
  agent: AgentId;
  scope: SetupScope;
  projectDir: string;
  remove: boolean;
  /** The settings file by its usual name. */
  file: string;
  /** The file that is written: `file`, or what it links to. */
  target: string;
  /** Its text; undefined: there is none. */
  before: string | undefined;
  after: string | undefined;
  changed: boolean;
  problems: SetupProblem[];
  /** The agent's events that will be recorded. */
  events: string[];
  /** How `after` is made `before` again. */
  undo?: { existed: boolean; steps: Step[] };
}

interface AgentSetup {
  plan(options: PlanOptions): SetupPlan;
  /** @throws Error where the settings could not be written */
  check(plan: SetupPlan): void;
  apply(plan: SetupPlan, env?: Env): void;
}

const SETUPS: Partial<Record<AgentId, AgentSetup>> = {
  claude: { plan: planClaude, check: checkClaude, apply: applyClaude },
};

const setupOf = (agent: AgentId): AgentSetup => {
  const setup = SETUPS[agent];
  if (setup === undefined) throw new Error(`${agent} cannot be set up`);
  return setup;
};

/** What set-up would do; changes nothing. */
export function planSetup(agent: AgentId, options: PlanOptions): SetupPlan {
  return setupOf(agent).plan(options);
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
    setupOf(plan.agent).check(plan);
    installLauncher(install);
  }
  setupOf(plan.agent).apply(plan, install.env);
}
