/** Whether an agent has hooks of ours in settings of its own: see `caller.ts`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AgentId, Env } from '../agents/agent.ts';
import { readHookCommand } from '../agents/hookEntry.ts';
import { entriesOf, readSmall } from '../agents/ownFiles.ts';
import { asObject, asString } from '../agents/rows.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { gitRootOf, stateHome } from '../trace/paths.ts';

/** Longest file of settings that is looked into, bytes. */
const MAX_SETTINGS = 1_048_576;
/** Files of one folder of hooks. */
const MAX_FILES = 50;

/** Settings of an agent's own, in a project and in the user's home. A name with `*` is a folder of `.json` files. */
const SETTINGS: Partial<Record<AgentId, { project: string[]; home: string[] }>> = {
  codex: {
    project: ['.codex/hooks.json', '.codex/config.toml'],
    home: ['hooks.json', 'config.toml'],
  },
  gemini: { project: ['.gemini/settings.json'], home: ['settings.json'] },
  cursor: { project: ['.cursor/hooks.json'], home: ['hooks.json'] },
  copilot: {
    project: [
      '.github/hooks/*',
      '.github/copilot/settings.json',
      '.github/copilot/settings.local.json',
    ],
    home: ['hooks/*', 'settings.json'],
  },
  vscode: { project: ['.github/hooks/*'], home: ['hooks/*'] },
};

function homeOf(agent: AgentId, home: string, env: Env): string {
  if (agent === 'codex') return env.CODEX_HOME || join(home, '.codex');
  if (agent === 'copilot') return env.COPILOT_HOME || join(home, '.copilot');
  // VS Code reads Copilot's, where they usually are.
  return join(home, agent === 'vscode' ? '.copilot' : `.${agent}`);
}

/**
 * Whether an agent has a hook of ours in settings of its own. Then it records its sessions by that, and what it runs of
 * another agent's settings would tell everything twice.
 *
 * @param cwd absolute path of the session's folder; empty where unknown
 */
export function isSetUp(
  agent: AgentId,
  cwd: string,
  home: string = homedir(),
  env: Env = process.env,
): boolean {
  const places = Object.hasOwn(SETTINGS, agent) ? SETTINGS[agent] : undefined;
  if (places === undefined) return false;
  const projects = cwd === '' ? [] : [...new Set([cwd, gitRootOf(cwd) ?? cwd])];
  const launcher = join(stateHome(env), 'bin', 'agent-strace-hook');
  const inProject = (text: string): boolean => tellsOfTools(text, agent, launcher);
  const inHome = (text: string): boolean => namesHook(text, agent);
  return (
    projects.some((folder) =>
      places.project.some((file) => textsOf(join(folder, file)).some(inProject)),
    ) || places.home.some((file) => textsOf(join(homeOf(agent, home, env), file)).some(inHome))
  );
}

/** Texts of the settings at a place that name our hook at all. */
function textsOf(place: string): string[] {
  const files = !place.endsWith('*')
    ? [place]
    : entriesOf(place.slice(0, -2))
        .filter(({ name }) => name.endsWith('.json'))
        .slice(0, MAX_FILES)
        .map(({ name }) => join(place.slice(0, -2), name));
  return files
    .map((file) => readSmall(file, MAX_SETTINGS, false, true) ?? '')
    .filter((text) => text.includes('agent-strace-hook'));
}

/** Before a tool and after it, by any agent's names. */
const TOOL_EVENTS = [
  ['preToolUse', 'PreToolUse', 'BeforeTool'],
  ['postToolUse', 'PostToolUse', 'AfterTool'],
];

/**
 * A repository can write what it likes, and must not silence the recorder by a word of it: its settings count where they
 * would run our launcher, and nothing else, for all tools.
 */
function tellsOfTools(text: string, agent: AgentId, launcher: string): boolean {
  if (process.platform === 'win32') return namesHook(text, agent);
  let hooks: JsonObject | undefined;
  try {
    hooks = asObject(asObject(JSON.parse(text))?.hooks);
  } catch {
    // A TOML, or one with comments: rather twice than never.
    return false;
  }
  const runs = (entry: Json, event: string): boolean => {
    const handler = asObject(entry);
    if (handler === undefined || !['', '*'].includes(asString(handler.matcher))) return false;
    if (Array.isArray(handler.hooks)) return handler.hooks.some((inner) => runs(inner, event));
    if ((handler.type ?? 'command') !== 'command') return false;
    const ours = readHookCommand(asString(handler.bash) || asString(handler.command));
    return ours?.event === event && ours.path === launcher && namesOf(agent).includes(ours.agent);
  };
  return TOOL_EVENTS.every((names) =>
    names.some((event) => {
      const entries = hooks !== undefined && Object.hasOwn(hooks, event) ? hooks[event] : [];
      return Array.isArray(entries) && entries.some((entry) => runs(entry, event));
    }),
  );
}

/** VS Code reads Copilot's settings. */
const namesOf = (agent: AgentId): readonly string[] =>
  agent === 'vscode' || agent === 'copilot' ? ['copilot', 'vscode'] : [agent];

function namesHook(text: string, agent: AgentId): boolean {
  const names = `(?:${namesOf(agent).join('|')})`;
  // Between them stand the quotes of a shell, and the backslashes of JSON.
  return new RegExp(`agent-strace-hook(?:\\.cmd)?[\\\\"']*\\s+--agent\\s+${names}\\b`).test(text);
}
