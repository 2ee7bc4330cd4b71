/** Which agents are on this machine, in which version, and which are recorded in a folder. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { AGENT_IDS, AGENTS, type AgentId, type Env } from './agent.ts';
import { homeOf } from './setup/places.ts';
import type { FailMode } from './setup/plan.ts';
import { versionIn } from './setup/version.ts';
import { type RecordedBy, recordedBy } from './setupPlace.ts';

const run = promisify(execFile);

/** An agent that does not tell its version within this time is of an unknown one, ms. */
const VERSION_TIMEOUT_MS = 10_000;

export interface AgentState {
  agent: AgentId;
  /** Its program was found. */
  installed: boolean;
  /** What its `--version` printed, where it did. */
  says?: string | undefined;
  /** `2.1.330`. */
  version?: string | undefined;
  /** The settings files that record it in the folder. */
  recorded: RecordedBy[];
}

export interface LookOptions {
  env?: Env;
  /** Is told why a program did not answer. */
  note?: (message: string) => void;
  /** What the person chose for hooks that cannot be run: what is up to date depends on it. */
  fail?: FailMode;
  /** What is known without asking: what an agent's `--version` would say, undefined where it is not here. */
  known?: Partial<Record<AgentId, string | undefined>>;
}

/** Looks at all agents at once. @param folder absolute path */
export function lookAtAgents(
  folder: string,
  options: LookOptions = {},
  agents: readonly AgentId[] = AGENT_IDS,
): Promise<AgentState[]> {
  return Promise.all(
    agents.map(async (agent) => {
      const { known = {} } = options;
      const says = known[agent];
      const isKnown = Object.hasOwn(known, agent);
      const found = isKnown
        ? says === undefined
          ? undefined
          : { says }
        : await askVersion(agent, options);
      const recorded = recordedBy(agent, folder, {
        agentVersion: found?.says,
        env: options.env ?? process.env,
        ...(options.fail !== undefined && { fail: options.fail }),
      });
      return {
        agent,
        installed: found !== undefined,
        says: found?.says,
        version: versionIn(found?.says),
        recorded,
      };
    }),
  );
}

/** What the agent says of its version: which hook events it knows depends on it. Undefined: not known. */
export async function findAgentVersion(
  agent: AgentId,
  options: LookOptions = {},
): Promise<string | undefined> {
  return (await askVersion(agent, options))?.says;
}

/** @returns undefined where no program of it is found */
async function askVersion(
  agent: AgentId,
  { env = process.env, note }: LookOptions,
): Promise<{ says?: string } | undefined> {
  let found = false;
  for (const program of programsOf(agent, env)) {
    found = true;
    const packaged = packagedVersion(agent, program);
    if (packaged !== undefined) return { says: packaged };
    try {
      const { stdout } = await run(program, ['--version'], {
        env,
        timeout: VERSION_TIMEOUT_MS,
        windowsHide: true,
        // A script of npm's is no program there.
        shell: /\.(?:cmd|bat)$/i.test(program),
      });
      return { says: stdout };
    } catch (error) {
      note?.(`${program} --version: ${(error as Error).message}`);
    }
  }
  return found ? {} : undefined;
}

/** Packages of npm by agent. */
const PACKAGES: Partial<Record<AgentId, string>> = {
  claude: '@anthropic-ai/claude-code',
  codex: '@openai/codex',
  gemini: '@google/gemini-cli',
  copilot: '@github/copilot',
  opencode: 'opencode-ai',
};

/**
 * What stands in the package that a program is of: quicker than asking it, and without what agents do whenever
 * they start (Gemini CLI rewrites older settings, others unpack themselves).
 */
function packagedVersion(agent: AgentId, program: string): string | undefined {
  const name = PACKAGES[agent];
  if (name === undefined) return undefined;
  try {
    let folder = dirname(realpathSync(program));
    for (let up = 0; up < 4; up++, folder = dirname(folder)) {
      const file = join(folder, 'package.json');
      if (!isFile(file) || statSync(file).size > 1e6) continue;
      const read = JSON.parse(readFileSync(file, 'utf8'));
      if (read?.name === name) return versionIn(String(read.version));
    }
  } catch {
    // It is asked.
  }
  return undefined;
}

/** The agent's programs that are there: on the PATH, then where its installers put them. */
function programsOf(agent: AgentId, env: Env): string[] {
  const paths = (env.PATH ?? env.Path ?? '').split(delimiter).filter(isAbsolute);
  const windows = process.platform === 'win32';
  const endings = windows ? ['.exe', '.cmd', '.bat'] : [''];
  const names = AGENTS[agent].programs;
  const places = names.flatMap((name) => [
    ...paths.map((folder) => join(folder, name)),
    ...usualPlaces(agent, name, homeOf(env)),
  ]);
  const files = places.flatMap((place) => endings.map((ending) => place + ending));
  return [...new Set(files)].filter(isFile);
}

/** An editor started from a menu has a shorter PATH than a terminal. */
function usualPlaces(agent: AgentId, name: string, home: string): string[] {
  const app = APPS[name];
  return [
    join(home, '.local', 'bin', name),
    join(home, `.${agent}`, 'local', name),
    join(home, `.${agent}`, 'bin', name),
    `/opt/homebrew/bin/${name}`,
    `/usr/local/bin/${name}`,
    ...(app === undefined
      ? []
      : [
          `/Applications/${app}.app/Contents/Resources/app/bin/${name}`,
          join(home, 'Applications', `${app}.app`, 'Contents/Resources/app/bin', name),
          join(
            home,
            'AppData/Local/Programs',
            app === 'Cursor' ? 'cursor/resources/app' : app,
            'bin',
            name,
          ),
        ]),
  ];
}

/** Programs that come with an editor of that name. */
const APPS: Record<string, string> = {
  code: 'Visual Studio Code',
  cursor: 'Cursor',
};

function isFile(path: string): boolean {
  try {
    return existsSync(path) && statSync(path).isFile();
  } catch {
    return false;
  }
}
