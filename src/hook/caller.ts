/**
 * Which agent really runs a hook command. Settings name one agent, and others read them, too: Cursor, VS Code and the
 * Copilot CLI run the hooks of Claude's settings, VS Code those of Copilot's.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { AgentId, Env } from '../agents/agent.ts';
import { entriesOf, readSmall } from '../agents/claude/files.ts';
import { asString as str } from '../agents/claude/usage.ts';
import type { JsonObject } from '../model/event.ts';
import { gitRootOf } from '../trace/paths.ts';

/**
 * The agent that runs this hook. What the payload says counts first: the environment is inherited, and agents start
 * agents.
 *
 * @param named the agent that the command names
 */
export function callerOf(named: AgentId, payload: JsonObject, env: Env): AgentId {
  if (named === 'claude') return callerOfClaudes(payload, env);
  return named === 'copilot' || named === 'vscode' ? callerOfCopilots(named, payload, env) : named;
}

function callerOfClaudes(payload: JsonObject, env: Env): AgentId {
  if ('cursor_version' in payload || 'conversation_id' in payload) return 'cursor';
  const session = str(payload.session_id);
  if (session !== '' && env.CLAUDE_CODE_SESSION_ID === session) return 'claude';
  // Older versions do not name their session; their transcript bears its name.
  if (env.CLAUDECODE === '1' && CLAUDES_TRANSCRIPT.test(str(payload.transcript_path))) {
    return 'claude';
  }
  if (env.GEMINI_SESSION_ID && env.GEMINI_SESSION_ID === session) return 'gemini';
  // Claude's payloads have no time, and no key in this form.
  if ('timestamp' in payload || 'sessionId' in payload) {
    return callerOfCopilots('vscode', payload, env);
  }
  if (env.CURSOR_VERSION) return 'cursor';
  if (env.COPILOT_CLI) return 'copilot';
  return env.GEMINI_SESSION_ID ? 'gemini' : 'claude';
}

const CLAUDES_TRANSCRIPT = /[\\/]projects[\\/][^\\/]+[\\/][^\\/]+\.jsonl$/;
const COPILOTS_TRANSCRIPT = /[\\/]session-state[\\/][^\\/]+[\\/]events\.jsonl$/;

function callerOfCopilots(named: AgentId, payload: JsonObject, env: Env): AgentId {
  if ('hookEventName' in payload || 'tool_use_id' in payload || 'tool_response' in payload) {
    return 'vscode';
  }
  if ('sessionId' in payload || typeof payload.timestamp === 'number') return 'copilot';
  const transcript = str(payload.transcript_path);
  if (transcript !== '') return COPILOTS_TRANSCRIPT.test(transcript) ? 'copilot' : 'vscode';
  if (
    ['tool_result', 'stop_reason', 'initial_prompt', 'parent_agent_id'].some(
      (key) => key in payload,
    )
  ) {
    return 'copilot';
  }
  if (!('session_id' in payload) && !('timestamp' in payload)) return named;
  return env.COPILOT_CLI ? 'copilot' : 'vscode';
}

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
export function hasOwnHooks(
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
