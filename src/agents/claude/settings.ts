/** Our entries in Claude Code's settings: which events, and since which version it knows them. */
import { getNodeValue } from 'jsonc-parser';
import type { Env } from '../agent.ts';
import { hookCommand, otherHomeCommand } from '../launcher.ts';
import { guardHookOf, timeoutOf } from '../setup/guardHook.ts';
import type { CommandGroup, HookFormat } from '../setup/hookFile.ts';
import { parseObject } from '../setup/jsonEdit.ts';
import type { PlanOptions } from '../setup/plan.ts';
import { isAtLeast } from '../setup/version.ts';

/** `matcher: "*"` for events about one tool; the others take none. */
interface HookEvent {
  name: string;
  /** First Claude Code that knows it. */
  since: string;
  tool?: boolean;
  /** Seconds. */
  timeout?: number;
}

/** An unknown event name made Claude before this version drop the whole settings file. */
const TOLERANT = '2.1.101';

/**
 * The events we record. Not WorktreeCreate (a hook there replaces git's own work) and not MessageDisplay
 * (called for every piece of text). Where no changelog names an event's first version, it is taken to be the
 * first that tolerates unknown names.
 */
const EVENTS: readonly HookEvent[] = [
  { name: 'PreToolUse', since: '1.0.38', tool: true },
  { name: 'PostToolUse', since: '1.0.38', tool: true },
  { name: 'PostToolUseFailure', since: TOLERANT, tool: true },
  { name: 'PostToolBatch', since: TOLERANT },
  { name: 'PermissionRequest', since: '2.0.45', tool: true },
  { name: 'PermissionDenied', since: '2.1.89', tool: true },
  { name: 'UserPromptSubmit', since: '1.0.54' },
  { name: 'Stop', since: '1.0.41' },
  { name: 'StopFailure', since: '2.1.78' },
  { name: 'SubagentStart', since: '2.0.43' },
  { name: 'SubagentStop', since: '1.0.41' },
  { name: 'SessionStart', since: '1.0.62' },
  // Without a timeout of its own this one is cut off after 1.5 s.
  { name: 'SessionEnd', since: '1.0.85', timeout: 5 },
  { name: 'Notification', since: '1.0.38' },
  { name: 'PreCompact', since: '1.0.48' },
  { name: 'PostCompact', since: '2.1.76' },
  { name: 'PreModelSwitch', since: TOLERANT },
  { name: 'PostModelSwitch', since: TOLERANT },
  { name: 'ConfigChange', since: '2.1.49' },
  { name: 'InstructionsLoaded', since: '2.1.69' },
  { name: 'CwdChanged', since: '2.1.83' },
  { name: 'TaskCreated', since: '2.1.84' },
  { name: 'TaskCompleted', since: '2.1.33' },
  { name: 'TeammateIdle', since: '2.1.33' },
  { name: 'Elicitation', since: '2.1.76' },
  { name: 'ElicitationResult', since: '2.1.76' },
];

/** What every Claude Code since August 2025 knows: for when the version is unknown. */
const SAFE_VERSION = '1.0.85';

export const toleratesUnknownEvents = (version: string | undefined): boolean =>
  version !== undefined && isAtLeast(version, TOLERANT);

export const CLAUDE_FORMAT: HookFormat = {
  agent: 'claude',
  events: EVENTS.map(({ name }) => name),
  grouped: true,
};

/** What to write, by event. @param version of the installed Claude Code; undefined: the oldest set */
export function wantedGroups(
  version: string | undefined,
  env: Env = process.env,
  options: Pick<PlanOptions, 'scope' | 'fail'> = { scope: 'user' },
): Map<string, CommandGroup> {
  const known = EVENTS.filter(({ since }) => isAtLeast(version ?? SAFE_VERSION, since));
  return new Map(
    known.map(({ name, tool, timeout }) => {
      const guard = guardHookOf('claude', name, options);
      const handler = {
        type: 'command',
        command: hookCommand('claude', name, env, guard),
        timeout: timeout ?? timeoutOf(guard),
        ...(guard?.closed === true && blocksOnFailure(version) && { onFailure: 'block' }),
      };
      const other =
        guard && options.scope !== 'project'
          ? otherHomeCommand('claude', name, env, guard)
          : undefined;
      const hooks = [handler, ...(other === undefined ? [] : [{ ...handler, command: other }])];
      return [name, { ...(tool === true && { matcher: '*' }), hooks }];
    }),
  );
}

/** A hook of older versions that is late, or crashes, lets the tool run, whatever its entry says. */
const BLOCKS_ON_FAILURE = '2.1.295';

export const blocksOnFailure = (version: string | undefined): boolean =>
  version !== undefined && isAtLeast(version, BLOCKS_ON_FAILURE);

/** Other things in the settings that the user should know of. @throws SettingsError */
export function settingsWarnings(text: string): string[] {
  const warnings: string[] = [];
  const settings = getNodeValue(parseObject(text)) as Record<string, unknown>;
  if (settings.disableAllHooks === true) {
    warnings.push('"disableAllHooks" is on: Claude Code runs no hook, so nothing will be recorded');
  }
  if (/agent-strace"?\s+hook\s/.test(JSON.stringify(settings.hooks ?? {}))) {
    warnings.push(
      'the hooks of the Python agent-strace are installed too: every session will be recorded twice',
    );
  }
  return warnings;
}
