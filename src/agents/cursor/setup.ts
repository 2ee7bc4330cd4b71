/** How Cursor is set up: its hooks.json. Known from its documentation only. */
import { join } from 'node:path';
import { hookCommand } from '../launcher.ts';
import { guardHookOf, sharedWarnings, timeoutOf } from '../setup/guardHook.ts';
import { type HookFormat, hookFileEdit } from '../setup/hookFile.ts';
import { homeOf } from '../setup/places.ts';
import type { AgentSetup, PlanOptions } from '../setup/plan.ts';

/**
 * Not beforeShellExecution, beforeMCPExecution, beforeReadFile and their kin: preToolUse tells of the same calls, with
 * an id, and its word holds for all of them. afterFileEdit stays for the edited text.
 */
const FORMAT: HookFormat = {
  agent: 'cursor',
  events: [
    'sessionStart',
    'sessionEnd',
    'beforeSubmitPrompt',
    'preToolUse',
    'postToolUse',
    'postToolUseFailure',
    'afterFileEdit',
    'subagentStart',
    'subagentStop',
    'afterAgentResponse',
    'afterAgentThought',
    'preCompact',
    'stop',
  ],
  grouped: false,
  versioned: true,
};

const wanted = (options: PlanOptions): Map<string, object> =>
  new Map(
    FORMAT.events.map((event) => {
      const guard = guardHookOf('cursor', event, options);
      const command = hookCommand('cursor', event, options.env, guard);
      return [event, { command, timeout: timeoutOf(guard) }];
    }),
  );

export const cursorSetup: AgentSetup = {
  agent: 'cursor',
  scopes: ['user', 'project'],
  atRoot: () => false,
  file: ({ scope, projectDir, env }) =>
    join(scope === 'user' ? homeOf(env) : projectDir, '.cursor', 'hooks.json'),
  edit: (options) => hookFileEdit(FORMAT, wanted(options)),
  warnings: (options) => [
    'the recorder follows Cursor’s documentation and is not tested with a real Cursor',
    ...sharedWarnings(options),
  ],
  next: ({ scope }) =>
    scope === 'project' ? ['Cursor runs hooks of a project only where it is trusted.'] : [],
};
