/** How Claude Code is set up: which settings file, and what to know of it. */
import { join } from 'node:path';
import { isClosed, sharedWarnings } from '../setup/guardHook.ts';
import { hookFileEdit } from '../setup/hookFile.ts';
import { homeOf } from '../setup/places.ts';
import type { AgentSetup, PlanOptions } from '../setup/plan.ts';
import { isAtLeast, versionIn } from '../setup/version.ts';
import {
  blocksOnFailure,
  CLAUDE_FORMAT,
  settingsWarnings,
  toleratesUnknownEvents,
  wantedGroups,
} from './settings.ts';

/** From here on Claude Code reads a person's own settings at the repository's root, wherever it is started. */
const LOCAL_AT_ROOT = '2.1.330';

export const claudeSetup: AgentSetup = {
  agent: 'claude',
  scopes: ['local', 'project', 'user'],
  atRoot({ scope, agentVersion }) {
    const version = versionIn(agentVersion);
    return scope === 'local' && version !== undefined && isAtLeast(version, LOCAL_AT_ROOT);
  },
  runsTwinsOnce: true,
  file({ scope, projectDir, env = process.env }) {
    if (scope === 'user')
      return join(env.CLAUDE_CONFIG_DIR || join(homeOf(env), '.claude'), 'settings.json');
    return join(projectDir, '.claude', scope === 'local' ? 'settings.local.json' : 'settings.json');
  },
  edit: (options) =>
    hookFileEdit(
      CLAUDE_FORMAT,
      wantedGroups(versionIn(options.agentVersion), options.env, options),
    ),
  warnings: (options, text) => [
    ...versionWarnings(options),
    ...sharedWarnings(options),
    ...(text === undefined ? [] : settingsWarnings(text)),
  ],
};

function versionWarnings({ scope, agentVersion, fail }: PlanOptions): string[] {
  const version = versionIn(agentVersion);
  const late =
    isClosed({ scope, fail }) && version !== undefined && !blocksOnFailure(version)
      ? [
          `Claude Code ${version} lets a tool run whose hook is late: from 2.1.295 on it is denied, as you chose`,
        ]
      : [];
  if (version === undefined) {
    return [
      'the version of Claude Code is unknown, so only the events that every version knows are recorded: ' +
        'failed and denied calls, permissions and subagents show late or not at all',
    ];
  }
  if (scope !== 'project' || !toleratesUnknownEvents(version)) return late;
  return [
    'everybody who works on this project needs Claude Code 2.1.101 or newer: older ones drop a ' +
      'settings file that names events they do not know',
  ];
}
