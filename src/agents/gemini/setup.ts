/** How Gemini CLI is set up: `hooks` in its settings.json. */
import { join } from 'node:path';
import { getNodeValue } from 'jsonc-parser';
import { hookCommand } from '../launcher.ts';
import { guardHookOf, sharedWarnings, timeoutOf } from '../setup/guardHook.ts';
import { type CommandGroup, type HookFormat, hookFileEdit } from '../setup/hookFile.ts';
import { parseObject } from '../setup/jsonEdit.ts';
import { homeOf, lookInto } from '../setup/places.ts';
import type { AgentSetup, PlanOptions } from '../setup/plan.ts';

/** How our hooks are called in Gemini's `/hooks` panel. */
const NAME = 'agent-strace';

/**
 * Not AfterModel (a process for every piece of a streamed answer), BeforeModel, BeforeToolSelection and PreCompress
 * (before every request to the model): the log of the chat tells the same.
 */
const FORMAT: HookFormat = {
  agent: 'gemini',
  events: [
    'SessionStart',
    'SessionEnd',
    'BeforeAgent',
    'AfterAgent',
    'BeforeTool',
    'AfterTool',
    'Notification',
  ],
  grouped: true,
  // With a comma at the end of a list it does not even start.
  dialect: 'comments',
};

function wanted(options: PlanOptions): Map<string, CommandGroup> {
  return new Map(
    FORMAT.events.map((event) => {
      const guard = guardHookOf('gemini', event, options);
      const handler = {
        type: 'command',
        name: NAME,
        command: hookCommand('gemini', event, options.env, guard),
        // Gemini counts in milliseconds.
        timeout: timeoutOf(guard) * 1000,
      };
      return [event, { ...(event.endsWith('Tool') && { matcher: '*' }), hooks: [handler] }];
    }),
  );
}

const userFile = (options: PlanOptions): string =>
  join(homeOf(options.env), '.gemini', 'settings.json');

export const geminiSetup: AgentSetup = {
  agent: 'gemini',
  scopes: ['user', 'project'],
  atRoot: () => false,
  file: (options) =>
    options.scope === 'user'
      ? userFile(options)
      : join(options.projectDir, '.gemini', 'settings.json'),
  edit: (options) => hookFileEdit(FORMAT, wanted(options)),
  warnings(options, text) {
    const own = options.scope === 'user' ? '' : lookInto(userFile(options));
    return [...[text ?? '', own].flatMap(offWarnings).slice(0, 1), ...sharedWarnings(options)];
  },
  next: ({ scope }) =>
    scope === 'project'
      ? [
          'Gemini CLI reads hooks of a folder only where that folder is trusted (/permissions trust).',
        ]
      : [],
};

/** What keeps our hooks from running. */
function offWarnings(text: string): string[] {
  if (text.trim() === '') return [];
  let settings: { hooksConfig?: { enabled?: unknown; disabled?: unknown } };
  try {
    settings = getNodeValue(parseObject(text)) as typeof settings;
  } catch {
    // Whoever edits it will say what is wrong with it.
    return [];
  }
  const { enabled, disabled } = settings.hooksConfig ?? {};
  if (enabled === false) {
    return ['"hooksConfig.enabled" is off: Gemini CLI runs no hook, so nothing will be recorded'];
  }
  if (Array.isArray(disabled) && disabled.includes(NAME)) {
    return [
      `"hooksConfig.disabled" names "${NAME}": Gemini CLI does not run the recorder (/hooks enable ${NAME})`,
    ];
  }
  return [];
}
