/** Whether an agent has hooks of ours in settings of its own: see `caller.ts`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AgentId, Env } from '../agents/agent.ts';
import { entriesOf, readSmall } from '../agents/ownFiles.ts';
import { gitRootOf } from '../trace/paths.ts';

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
  const files = [
    ...projects.flatMap((folder) => places.project.map((file) => join(folder, file))),
    ...places.home.map((file) => join(homeOf(agent, home, env), file)),
  ];
  return files.some((file) =>
    file.endsWith('*') ? inFolder(file.slice(0, -2), agent) : inFile(file, agent),
  );
}

const inFolder = (folder: string, agent: AgentId): boolean =>
  entriesOf(folder)
    .filter(({ name }) => name.endsWith('.json'))
    .slice(0, MAX_FILES)
    .some(({ name }) => inFile(join(folder, name), agent));

function inFile(path: string, agent: AgentId): boolean {
  const text = readSmall(path, MAX_SETTINGS, false, true) ?? '';
  if (!text.includes('agent-strace-hook')) return false;
  const names = agent === 'vscode' || agent === 'copilot' ? '(?:copilot|vscode)' : agent;
  // Between them stand the quotes of a shell, and the backslashes of JSON.
  return new RegExp(`agent-strace-hook(?:\\.cmd)?[\\\\"']*\\s+--agent\\s+${names}\\b`).test(text);
}
