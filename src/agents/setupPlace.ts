/** What the doors of set-up (editor, command line) share: where it belongs, and what is set up there already. */
import { projectFolders } from '../trace/paths.ts';
import type { AgentId } from './agent.ts';
import { planSetup, SETUPS } from './registry.ts';
import type { PlanOptions, SetupPlan, SetupScope } from './setup/plan.ts';
import { findOurs } from './setup/settingsFile.ts';

/**
 * What set-up, or its removal, would do for an agent that works in `folder`. Most agents read a project's settings at
 * the root of the repository; Claude Code reads shared settings where it is started, a person's own also at the
 * root, where one entry serves all its folders. Removal takes the nearest settings with our entries, from
 * the folder up to the root: whichever door wrote them.
 *
 * @param folder absolute path
 */
export function planSetupIn(
  agent: AgentId,
  folder: string,
  options: Omit<PlanOptions, 'projectDir'>,
): SetupPlan {
  const folders = projectFolders(folder);
  const root = folders.at(-1) ?? folder;
  const plan = (projectDir: string): SetupPlan => planSetup(agent, { ...options, projectDir });
  if (options.remove === true) {
    const plans = folders.map(plan);
    return plans.find(({ changed }) => changed) ?? plans[0] ?? plan(folder);
  }
  return plan(SETUPS[agent].atRoot(options) ? root : folder);
}

/** One settings file that records an agent in a folder. */
export interface RecordedBy {
  scope: SetupScope;
  file: string;
  /** It is what set-up would write today. */
  current: boolean;
}

/** The settings files that record an agent in a folder: nothing, mostly one. */
export function recordedBy(
  agent: AgentId,
  folder: string,
  options: Omit<PlanOptions, 'projectDir' | 'scope'>,
): RecordedBy[] {
  const setup = SETUPS[agent];
  const found = new Map<string, RecordedBy>();
  for (const scope of setup.scopes) {
    for (const projectDir of projectFolders(folder)) {
      const ours = findOurs(setup, { ...options, scope, projectDir });
      if (ours !== undefined && !found.has(ours.file)) found.set(ours.file, ours);
    }
  }
  return [...found.values()];
}

/** Plans for one file that several agents read: the first agent's does for all of them. */
export interface SharedPlan {
  agents: AgentId[];
  plan: SetupPlan;
}

/** Plans by the file that they change. The second of two agents with one file has nothing to add. */
export function sharePlans(plans: readonly SetupPlan[]): SharedPlan[] {
  const shared: SharedPlan[] = [];
  for (const plan of plans) {
    const same = shared.find((each) => each.plan.target === plan.target);
    if (same === undefined) shared.push({ agents: [plan.agent], plan });
    else {
      same.agents.push(plan.agent);
      const known = new Set(same.plan.problems.map(({ message }) => message));
      same.plan.problems.push(...plan.problems.filter(({ message }) => !known.has(message)));
    }
  }
  return shared;
}

/** What to do once plans are carried out: each agent's sentences, without those about agents that are in it. */
export const nextSteps = ({ agents, plan }: SharedPlan): string[] =>
  agents.flatMap((agent) => SETUPS[agent].next?.(plan, agents) ?? []);
