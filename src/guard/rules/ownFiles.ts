/** Files that hold the guard up: settings with agents' hooks, rules, and what agent-strace keeps. */
import { readdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { homeOf } from '../../agents/setup/places.ts';
import { stateHome } from '../../trace/paths.ts';
import { PROJECT_FILES, ruleFolders, SCOPE_FILE, USER_FILES } from './places.ts';

type Env = Record<string, string | undefined>;

/** Settings of agents that hold our hooks, or could switch hooks off: in a project. */
export const PROJECT_HOOKS = [
  '.claude/settings*.json',
  '.codex/hooks.json',
  '.codex/config.toml',
  '.gemini/settings.json',
  '.cursor/hooks.json',
  '.github/hooks/**',
  '.github/copilot/settings*.json',
  '.opencode/plugin/**',
  '.opencode/plugins/**',
  '.opencode/opencode.json',
  '.opencode/opencode.jsonc',
  'opencode.json',
  'opencode.jsonc',
];

/** … and in the user's home, by the folders that agents keep them in. */
export function homeHooks(env: Env): [folder: string, names: string[]][] {
  const home = homeOf(env);
  const either = (given: string | undefined, usual: string): string[] =>
    given && isAbsolute(given) ? [given, usual] : [usual];
  const of = (folders: string[], names: string[]): [string, string[]][] =>
    folders.map((folder) => [folder, names]);
  const config = either(env.XDG_CONFIG_HOME, join(home, '.config')).map((each) =>
    join(each, 'opencode'),
  );
  return [
    ...of(either(env.CLAUDE_CONFIG_DIR, join(home, '.claude')), ['settings*.json']),
    ...of(either(env.CODEX_HOME, join(home, '.codex')), [
      'hooks.json',
      'config.toml',
      '*.config.toml',
    ]),
    ...of([join(home, '.gemini')], ['settings.json']),
    ...of([join(home, '.cursor')], ['hooks.json']),
    ...of(either(env.COPILOT_HOME, join(home, '.copilot')), [
      'hooks/**',
      'settings.json',
      'config.json',
    ]),
    ...of(env.OPENCODE_CONFIG_DIR ? [...config, env.OPENCODE_CONFIG_DIR] : config, [
      'plugin/**',
      'plugins/**',
      'opencode.json',
      'opencode.jsonc',
      'config.json',
    ]),
  ];
}

/** A star in a file's name here stands for these. */
const SPELLED: Record<string, string[]> = {
  'settings*.json': ['settings.json', 'settings.local.json'],
  '*.config.toml': [],
};

/**
 * The files themselves, absolute, some of which may not be there: whoever has another name of one of them (a hard link) has the file.
 * @param project absolute
 */
export function ownFiles(project: string, env: Env): string[] {
  const state = stateHome(env);
  const names = [...PROJECT_FILES, SCOPE_FILE, ...PROJECT_HOOKS];
  const plain = (folder: string, patterns: readonly string[]): string[] =>
    patterns.flatMap((pattern) => {
      const slash = pattern.lastIndexOf('/') + 1;
      const last = pattern.slice(slash);
      if (last === '**') return filesIn(join(folder, pattern.slice(0, slash)));
      return (SPELLED[last] ?? [last]).map((name) => join(folder, pattern.slice(0, slash), name));
    });
  return [
    ...plain(state, [...USER_FILES, 'config.json', 'guard/**', 'lib/**', 'bin/**']),
    ...ruleFolders(project).flatMap((folder) => plain(folder, names)),
    ...homeHooks(env).flatMap(([folder, patterns]) => plain(folder, patterns)),
  ];
}

const MAX_FILES = 60;

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .slice(0, MAX_FILES)
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}
