/** How Codex is set up: `hooks.json` beside its `config.toml`. */
import { join } from 'node:path';
import { getNodeValue } from 'jsonc-parser';
import { hookCommand, windowsCommand } from '../launcher.ts';
import { guardHookOf, sharedWarnings, timeoutOf } from '../setup/guardHook.ts';
import { type CommandGroup, type HookFormat, hookFileEdit } from '../setup/hookFile.ts';
import { parseObject } from '../setup/jsonEdit.ts';
import { homeOf, lookInto } from '../setup/places.ts';
import type { AgentSetup, PlanOptions } from '../setup/plan.ts';
import { isAtLeast, versionIn } from '../setup/version.ts';

/** Codex gives these no more than 3 s, and says so at every start where more is asked for. */
const SHORT = new Set(['SessionEnd', 'Interrupt']);
const SHORT_TIMEOUT_S = 3;

/** From here on hooks are on without a word in config.toml. */
const HOOKS_ON = '0.124.0';

/**
 * Not PreModelRequest and PostModelRequest: a process for each request, and the rollout tells the same usage with
 * the response's id. No matchers: without one all tools match.
 */
const FORMAT: HookFormat = {
  agent: 'codex',
  events: [
    'SessionStart',
    'SessionEnd',
    'UserPromptSubmit',
    'PreToolUse',
    'PermissionRequest',
    'PostToolUse',
    'PreCompact',
    'PostCompact',
    'SubagentStart',
    'SubagentStop',
    'Stop',
    'Interrupt',
  ],
  grouped: true,
  dialect: 'json',
};

/** Codex remembers by a hash of each entry that a person trusts it: what changes here asks all of them again. */
function wanted(options: PlanOptions): Map<string, CommandGroup> {
  const { scope, env } = options;
  return new Map(
    FORMAT.events.map((event) => {
      const guard = guardHookOf('codex', event, options);
      const shared = scope === 'project' && process.platform !== 'win32';
      const commandWindows = shared ? windowsCommand('cmd', 'codex', event, env, guard) : undefined;
      const handler = {
        type: 'command',
        command: hookCommand('codex', event, env, guard),
        ...(commandWindows !== undefined && { commandWindows }),
        timeout: SHORT.has(event) ? SHORT_TIMEOUT_S : timeoutOf(guard),
      };
      return [event, { hooks: [handler] }];
    }),
  );
}

const codexHome = (options: PlanOptions): string =>
  options.env?.CODEX_HOME || join(homeOf(options.env), '.codex');

export const codexSetup: AgentSetup = {
  agent: 'codex',
  scopes: ['user', 'project'],
  atRoot: () => true,
  file: (options) =>
    options.scope === 'user'
      ? join(codexHome(options), 'hooks.json')
      : join(options.projectDir, '.codex', 'hooks.json'),
  edit: (options) => hookFileEdit(FORMAT, wanted(options)),
  warnings(options, text) {
    const version = versionIn(options.agentVersion);
    const tables = [join(codexHome(options), 'config.toml')];
    if (options.scope === 'project') tables.push(join(options.projectDir, '.codex', 'config.toml'));
    return [
      ...(version !== undefined && !isAtLeast(version, HOOKS_ON)
        ? [
            `Codex ${version} may run no hooks: they are on without a setting from ${HOOKS_ON} on, before that ` +
              'with "hooks = true" under [features] in config.toml',
          ]
        : []),
      ...(text === undefined ? [] : rootWarnings(text)),
      ...sharedWarnings(options),
      ...tables.flatMap(tomlWarnings),
    ];
  },
  next: ({ scope }) => [
    'Codex runs no new hook before you have reviewed it: start codex, type /hooks, and trust those of ' +
      'agent-strace. It asks again when an entry changes. (codex exec: --dangerously-bypass-hook-trust)',
    ...(scope === 'project'
      ? ['It reads hooks of a project only where that project is trusted, too.']
      : []),
  ],
};

/** Names at the root that make Codex refuse the whole file. @throws SettingsError */
function rootWarnings(text: string): string[] {
  const names = Object.keys(getNodeValue(parseObject(text, 'json')) as object);
  const odd = names.filter((name) => name !== 'hooks' && name !== 'description');
  if (odd.length === 0) return [];
  const shown = odd.slice(0, 3).map((name) => `"${name}"`);
  return [
    `Codex reads no hooks.json with other names than "hooks" and "description" in it: ${shown.join(', ')} ` +
      'must go, or no hook of the file runs',
  ];
}

/** Lines of a TOML file as far as they matter here: each with the table that it is in. */
function* tomlLines(text: string): Generator<{ table: string; line: string }> {
  let table = '';
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line)?.[1];
    if (header !== undefined) table = header.replaceAll(/["'\s]/g, '');
    yield { table, line };
  }
}

function tomlWarnings(path: string): string[] {
  const warnings = new Set<string>();
  for (const { table, line } of tomlLines(lookInto(path))) {
    const named = table === '' ? line : `${table}.${line.trim()}`;
    if (/^\s*features\.(?:codex_)?hooks\s*=\s*false\b/.test(named)) {
      warnings.add(`hooks are off in ${path}: Codex runs none, so nothing will be recorded`);
    }
    // Its own notes of what is trusted stand there, too.
    if (/^hooks\.(?!state\b)/.test(table)) {
      warnings.add(
        `${path} has hooks of its own: Codex runs both, and says at every start that it prefers one place`,
      );
    }
  }
  return [...warnings];
}
