/** What the guard is here: what is in force, by whose word, and what each agent obeys. For people who ask. */
import { AGENT_IDS, type AgentId, type Answerer } from '../agents/agent.ts';
import { claudeAnswerer } from '../agents/claude/answer.ts';
import { codexAnswerer } from '../agents/codex/answer.ts';
import { copilotAnswerer } from '../agents/copilot/answer.ts';
import { cursorAnswerer } from '../agents/cursor/answer.ts';
import { geminiAnswerer } from '../agents/gemini/answer.ts';
import { guardIn, OLD_HOLD_MS } from '../agents/hookEntry.ts';
import type { AgentState } from '../agents/installed.ts';
import { opencodeAnswerer } from '../agents/opencode/answer.ts';
import { lookInto } from '../agents/setup/places.ts';
import type { SetupScope } from '../agents/setup/plan.ts';
import { vscodeAnswerer } from '../agents/vscode/answer.ts';
import { realPath } from '../trace/paths.ts';
import { type GuardChoices, readChoices } from './guardHome.ts';
import { safeSet } from './rules/builtin.ts';
import type { RuleSet } from './rules/rule.ts';
import { rulesFor } from './rules/rulesFor.ts';
import { readTrips, type Trip } from './trips.ts';

type Env = Record<string, string | undefined>;

const ANSWERERS: Record<AgentId, Answerer> = {
  claude: claudeAnswerer,
  codex: codexAnswerer,
  gemini: geminiAnswerer,
  cursor: cursorAnswerer,
  copilot: copilotAnswerer,
  vscode: vscodeAnswerer,
  opencode: opencodeAnswerer,
};

/** Agents whose own prompt a hook can bring up. */
const OWN_PROMPT: ReadonlySet<AgentId> = new Set(['claude', 'vscode']);

/** What an agent does when its hook says so. */
export interface Obeys {
  /** A call that is denied does not run. */
  deny: true;
  /** `agent`: it has a prompt of its own, which is used where a person is in front of it; `editor`: VS Code asks. */
  ask: 'agent' | 'editor';
  /** `itself`: it ends when told; `signal`: it is denied, and its process is ended; `never`: it lives in an editor. */
  stop: 'itself' | 'signal' | 'never';
  /** A prompt can be denied before the model is asked. */
  prompts: boolean;
  /** `tests`: seen with the real agent; `documentation`: nobody has seen it here. */
  knownBy: 'tests' | 'documentation';
}

const BY_DOCUMENTATION: ReadonlySet<AgentId> = new Set(['cursor', 'vscode']);

function obeysOf(agent: AgentId): Obeys {
  const { canStop, promptEvents } = ANSWERERS[agent];
  return {
    deny: true,
    ask: OWN_PROMPT.has(agent) ? 'agent' : 'editor',
    stop: canStop ? 'itself' : agent === 'cursor' ? 'never' : 'signal',
    prompts: promptEvents.length > 0,
    knownBy: BY_DOCUMENTATION.has(agent) ? 'documentation' : 'tests',
  };
}

/** One settings file by which an agent is guarded here. */
export interface GuardedBy {
  file: string;
  scope: SetupScope;
  /** It is what set-up would write today. */
  current: boolean;
  /** A no of ours reaches the agent. */
  denies: boolean;
  /** How long a question may wait, ms. */
  holdMs: number;
  /** Where the recorder is missing, no tool runs. */
  closed: boolean;
}

export interface AgentGuard {
  agent: AgentId;
  installed: boolean;
  /** Empty: its hooks are not set up, and nothing stops it. */
  files: GuardedBy[];
  obeys: Obeys;
}

export interface GuardStatus {
  /** Absolute: the folder whose rules these are. */
  project: string;
  /** Some rule is in force. */
  on: boolean;
  choices: GuardChoices;
  rules: RuleSet;
  /**
   * Rules that a person switched off. One may not be `known` any more, or be in force all the same: while a file of rules
   * cannot be read, and never could, the whole safe set is.
   */
  off: { name: string; known: boolean; inForce: boolean }[];
  agents: AgentGuard[];
  /** Of this project, the newest first, at most 10. */
  trips: Trip[];
}

const MOST_TRIPS = 10;

/**
 * Looks at all that matters for a project.
 *
 * @param project absolute path
 * @param states of agents, as `lookAtAgents` saw them
 */
export function guardStatus(
  project: string,
  states: readonly AgentState[],
  env: Env = process.env,
): GuardStatus {
  const choices = readChoices(env);
  const rules = rulesFor({ project, env });
  const known = new Set(safeSet(project).map(({ name }) => name));
  const builtin = new Set(
    rules.rules.flatMap(({ name, scope }) => (scope === 'builtin' ? [name] : [])),
  );
  return {
    project,
    on: rules.rules.length > 0,
    choices,
    rules,
    off: choices.off.map((name) => ({
      name,
      known: known.has(name),
      inForce: builtin.has(name),
    })),
    agents: states.map(agentGuard).sort((a, b) => placeOf(a) - placeOf(b)),
    trips: tripsOf(project, env),
  };
}

const placeOf = ({ agent }: AgentGuard): number => AGENT_IDS.indexOf(agent);

function agentGuard({ agent, installed, recorded }: AgentState): AgentGuard {
  const files = recorded.map(({ file, scope, current }): GuardedBy => {
    const entry = guardIn(agent, lookInto(file));
    return {
      file,
      scope,
      current,
      denies: entry !== undefined,
      holdMs: entry?.holdMs ?? OLD_HOLD_MS,
      closed: entry?.closed === true,
    };
  });
  return { agent, installed, files, obeys: obeysOf(agent) };
}

function tripsOf(project: string, env: Env): Trip[] {
  const real = realPath(project);
  return readTrips(env)
    .filter((trip) => realPath(trip.project) === real)
    .slice(0, MOST_TRIPS);
}
