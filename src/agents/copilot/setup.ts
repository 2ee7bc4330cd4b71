/** How Copilot CLI and VS Code's own agent are set up: a file of ours that both of them read. */
import { join } from 'node:path';
import type { Env } from '../agent.ts';
import { hookCommand, windowsCommand } from '../launcher.ts';
import { guardHookOf, sharedWarnings, timeoutOf } from '../setup/guardHook.ts';
import { type HookFormat, hookFileEdit } from '../setup/hookFile.ts';
import { homeOf, lookInto } from '../setup/places.ts';
import type { AgentSetup, PlanOptions } from '../setup/plan.ts';

const FILE_NAME = 'agent-strace.json';

/**
 * Names in camel case are Copilot's own, and give payloads of its own. VS Code takes those that it knows for its
 * own events (not subagentStart and preCompact); names in Pascal case would run twice in Copilot CLI.
 */
const FORMAT: HookFormat = {
  agent: 'copilot',
  events: [
    'sessionStart',
    'sessionEnd',
    'userPromptSubmitted',
    'preToolUse',
    'permissionRequest',
    'postToolUse',
    'postToolUseFailure',
    'errorOccurred',
    'agentStop',
    'subagentStart',
    'subagentStop',
    'preCompact',
    'notification',
  ],
  grouped: false,
  versioned: true,
  ownFile: true,
};

function wanted(options: PlanOptions): Map<string, object> {
  const { scope, env } = options;
  return new Map(
    FORMAT.events.map((event) => {
      const guard = guardHookOf('copilot', event, options);
      const here = hookCommand('copilot', event, env, guard);
      const handler =
        process.platform === 'win32'
          ? { type: 'command', powershell: here }
          : {
              type: 'command',
              bash: here,
              // A repository's file is read on other systems, too.
              ...(scope === 'project' && {
                powershell: windowsCommand('powershell', 'copilot', event, env, guard),
              }),
            };
      return [event, { ...definedOnly(handler), timeoutSec: timeoutOf(guard) }];
    }),
  );
}

const definedOnly = (value: object): object =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined));

const copilotHome = (env: Env | undefined): string =>
  env?.COPILOT_HOME || join(homeOf(env), '.copilot');

export const copilotSetup: AgentSetup = {
  agent: 'copilot',
  scopes: ['user', 'project'],
  atRoot: () => true,
  file: ({ scope, projectDir, env }) =>
    scope === 'user'
      ? join(copilotHome(env), 'hooks', FILE_NAME)
      : join(projectDir, '.github', 'hooks', FILE_NAME),
  edit: (options) => hookFileEdit(FORMAT, wanted(options)),
  warnings(options) {
    const { projectDir, env } = options;
    const settings = [
      join(copilotHome(env), 'settings.json'),
      join(projectDir, '.github', 'copilot', 'settings.json'),
      join(projectDir, '.github', 'copilot', 'settings.local.json'),
    ];
    const off = settings.filter((path) => /"disableAllHooks"\s*:\s*true\b/.test(lookInto(path)));
    return [
      ...off.map((path) => `"disableAllHooks" is on in ${path}: Copilot CLI runs no hook of yours`),
      ...sharedWarnings(options),
    ];
  },
  next: ({ scope }, agents) => [
    ...(agents.includes('vscode')
      ? []
      : ["VS Code's own agent reads the hooks of Copilot CLI, and is recorded by them, too."]),
    ...(scope === 'project'
      ? ['Copilot CLI runs hooks of a repository only where its folder is trusted.']
      : []),
  ],
};
