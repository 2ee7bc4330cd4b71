/** What the doors of set-up (editor, command line) share: where it belongs, and which agent is there. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolders } from '../trace/paths.ts';
import type { AgentId } from './agent.ts';
import { isAtLeast, versionIn } from './claude/settings.ts';
import { type PlanOptions, planSetup, type SetupPlan } from './registry.ts';

type Env = Record<string, string | undefined>;

const run = promisify(execFile);

/** An agent that does not tell its version within this time is of an unknown one, ms. */
const VERSION_TIMEOUT_MS = 10_000;

/** From here on Claude Code reads a person's own settings at the repository's root, wherever it is started. */
const LOCAL_AT_ROOT = '2.1.330';

/**
 * What set-up, or its removal, would do for an agent that works in `folder`. Claude Code reads shared
 * settings where it is started; a person's own also at the root of the repository, where one entry
 * serves all its folders. Removal takes the nearest settings with our entries, from the folder up to
 * the root: whichever door wrote them.
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
  const version = versionIn(options.agentVersion);
  const atRoot =
    options.scope === 'local' && version !== undefined && isAtLeast(version, LOCAL_AT_ROOT);
  return plan(atRoot ? root : folder);
}

/**
 * What the agent says of its version: which hook events it knows depends on it. Undefined: not found.
 *
 * @param note is told why a program did not answer
 */
export async function findAgentVersion(
  agent: AgentId,
  { env = process.env, note }: { env?: Env; note?: (message: string) => void } = {},
): Promise<string | undefined> {
  for (const program of programsOf(agent, env)) {
    try {
      const { stdout } = await run(program, ['--version'], {
        env,
        timeout: VERSION_TIMEOUT_MS,
        windowsHide: true,
      });
      return stdout;
    } catch (error) {
      note?.(`${program} --version: ${(error as Error).message}`);
    }
  }
  return undefined;
}

/** By name, then where its installers put it: an editor started from a menu has a shorter PATH. */
function programsOf(agent: AgentId, env: Env): string[] {
  const home = env.HOME || homedir();
  return [
    agent,
    join(home, '.local', 'bin', agent),
    join(home, `.${agent}`, 'local', agent),
    `/opt/homebrew/bin/${agent}`,
    `/usr/local/bin/${agent}`,
  ];
}
