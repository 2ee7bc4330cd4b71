/** Files that are programs by another name: `node …/agent-strace/dist/cli.js` is `agent-strace`. */

/** Where agents and agent-strace look for their settings. */
export const SETTINGS_VARIABLES =
  /^(HOME|XDG_CONFIG_HOME|AGENT_STRACE_HOME|CLAUDE_CONFIG_DIR|CLAUDE_CODE_S(AFE_MODE|IMPLE)|CODEX_HOME|COPILOT_HOME|GEMINI_CLI_(HOME|SYSTEM_SETTINGS_PATH)|OPENCODE_(CONFIG_DIR|PURE)|CURSOR_CONFIG_DIR)$/;

const FILES: [RegExp, name: string][] = [
  [/\/agent-strace[^/]*\/(dist\/)?cli\.[cm]?js$/, 'agent-strace'],
  [/\/\.agent-strace\/(lib\/[^/]+\.[cm]?js|bin\/[^/]+)$/, 'agent-strace-hook'],
  [/\/agent-strace-hook$/, 'agent-strace-hook'],
  [/\/@anthropic-ai\/claude-code\//, 'claude'],
  [/\/@openai\/codex\//, 'codex'],
  [/\/@google\/gemini-cli\//, 'gemini'],
  [/\/@github\/copilot\//, 'copilot'],
  [/\/opencode-ai\//, 'opencode'],
];

/** @param path absolute */
export function programOfFile(
  path: string,
  env: Record<string, string | undefined> = {},
): string | undefined {
  const state = env.AGENT_STRACE_HOME;
  if (state && /^(lib|bin)\//.test(path.slice(state.length + 1)) && path.startsWith(`${state}/`))
    return 'agent-strace-hook';
  return FILES.find(([pattern]) => pattern.test(path))?.[1];
}
