/** Rules that come with the product: what a careful person would forbid any agent, and what protects the guard itself. */
import { join, resolve } from 'node:path';
import { gitRootOf, realPath, stateHome, TRACE_FOLDER, tracePlaces } from '../../trace/paths.ts';
import { agentCommands, ownCommands } from './builtinCommands.ts';
import { conditionText, parseCondition } from './conditions.ts';
import { homeHooks, PROJECT_HOOKS } from './ownFiles.ts';
import { PROJECT_FILES, ruleFolders, SCOPE_FILE, USER_FILES } from './places.ts';
import type { Action, Condition, Rule, TextPattern } from './rule.ts';
import { REASONS } from './words.ts';

type Env = Record<string, string | undefined>;

/** Environment files that hold what production is reached by. */
const PRODUCTION =
  '".env.production", ".env.production.local", ".env.prod", ".env.prod.local", "production.env", "prod.env", "*.production.env", "*.prod.env"';

/**
 * Git's own commands keep these files by themselves; only `git config` and `git init` are read as writing them. Deleting
 * is never theirs.
 */
const GIT_INTERNALS =
  'file_path deletes ".git/**" or ' +
  '(file_path writes ".git/hooks/**", ".git/objects/**", ".git/refs/**", ".git/logs/**", ".git/info/**", ".git/modules/**", ".git/worktrees/**", ".git/HEAD", ".git/index", ".git/packed-refs" ' +
  'and not command matches "git init") or ' +
  // Of repositories within this one: what runs by itself.
  '(file_path writes "**/.git/hooks/**" and not command matches "git init", "git clone") or ' +
  '(file_path writes ".git/config", "**/.git/config" and not command matches "git config", "git init", "git remote", "git submodule", "git clone") or ' +
  'command matches "git update-ref -d refs/heads/main", "git update-ref -d refs/heads/master"';

const FORCE_PUSH =
  'command matches "git push --force", "git push -f", "git push --mirror", "git push --prune", "git push +*", ' +
  '"git send-pack --force", "git send-pack -f", "git send-pack --mirror", "git send-pack +*", ' +
  ['main', 'master']
    .flatMap((branch) => [
      `"git push --delete ${branch}"`,
      `"git push -d ${branch}"`,
      `"git push :${branch}"`,
      `"git push :refs/heads/${branch}"`,
    ])
    .join(', ');

/** Keys and passwords of people, by their full names: public keys lie beside them. */
const KEYS = [
  ...['rsa', 'dsa', 'ecdsa', 'ed25519', 'ecdsa_sk', 'ed25519_sk'].map(
    (kind) => `~/.ssh/id_${kind}`,
  ),
  '~/.ssh/*.pem',
  '~/.ssh/*.key',
  '~/.aws/credentials',
  '~/.netrc',
  '~/_netrc',
  '~/.git-credentials',
  '~/.pgpass',
  '~/.pypirc',
  '~/.kube/config',
  '~/.docker/config.json',
  '~/.azure/*.json',
  '~/.config/gh/hosts.yml',
  '~/.config/gcloud/credentials.db',
  '~/.config/gcloud/application_default_credentials.json',
  '~/.gnupg/private-keys-v1.d/**',
  '~/.password-store/**',
];

interface Said {
  name: string;
  when: string;
  action: Action;
  message: string;
}

/** Asked for by another rule; or not at all, for nothing that these rules are about is in reach. */
const OF_OTHERS = new Set<string>(['pipedToShell', 'code']);

const SAFE: Said[] = [
  {
    name: 'no-secret-out',
    when: 'secret in outgoing call',
    action: 'deny',
    message:
      'This call would send a secret out. Refer to it by the name of its environment variable instead.',
  },
  {
    name: 'no-git-internals',
    when: GIT_INTERNALS,
    action: 'deny',
    message: 'Git keeps its own files: use git commands instead of writing into .git.',
  },
  {
    name: 'no-rm-outside',
    when: 'file_path deletes outside workspace',
    action: 'deny',
    message: 'Delete only what lies in this project, or ask the person to do it.',
  },
  {
    name: 'no-force-push',
    when: FORCE_PUSH,
    action: 'deny',
    message:
      'This would overwrite or delete what others have. Push to a new branch, or use --force-with-lease.',
  },
  {
    name: 'no-production-env',
    when: `file_path writes ${PRODUCTION}`,
    action: 'deny',
    message: 'Settings of production are changed by people. Say what should be changed instead.',
  },
  {
    name: 'ask-production-env',
    when: `file_path reads ${PRODUCTION}`,
    action: 'ask',
    message:
      'Settings of production hold secrets. Read the example file, or ask for what you need.',
  },
  {
    name: 'ask-read-keys',
    when: `file_path reads ${KEYS.map((path) => `"${path}"`).join(', ')}`,
    action: 'ask',
    message:
      'These are keys and passwords of a person. Programs that need them find them by themselves.',
  },
  {
    name: 'ask-pipe-to-shell',
    when: 'command unreadable: pipedToShell',
    action: 'ask',
    message:
      'What is piped into a shell cannot be checked. Download it to a file, and read it first.',
  },
  {
    name: 'ask-unreadable',
    when: `command unreadable: ${REASONS.filter((reason) => !OF_OTHERS.has(reason)).join(', ')}`,
    action: 'ask',
    message:
      'This command hides what it does. Use plain commands, or the tools for reading and editing files.',
  },
];

/** Names of the rules of the safe set. */
export const SAFE_NAMES: readonly string[] = SAFE.map(({ name }) => name);

/** What a careful person would forbid any agent. @param root the project, absolute */
export function safeSet(root: string): Rule[] {
  // `.git` lies at the top of the repository, which may be above.
  const top = gitRootOf(root) ?? root;
  return SAFE.map(({ name, when, action, message }) => {
    const parsed = parseCondition(when);
    if (!parsed.ok) throw new Error(`${name}: ${parsed.message}`);
    const text = conditionText(parsed.condition);
    return { name, when: parsed.condition, action, scope: 'builtin', text, message, root: top };
  });
}

/** What protects the guard itself: in force as long as any rule is. Reading is not denied. @param project absolute */
export function fixedSet(project: string, env: Env = process.env): Rule[] {
  const folders = ruleFolders(project);
  const rule = (name: string, when: Condition, text: string, message: string): Rule => ({
    name,
    when,
    action: 'deny',
    scope: 'builtin',
    text,
    message,
    root: project,
    fixed: true,
  });
  const writes = (patterns: TextPattern[]): Condition => ({
    kind: 'path',
    access: 'write',
    patterns,
  });
  const ruleNames = [...PROJECT_FILES, SCOPE_FILE];
  const ruleFiles = [
    ...folders.flatMap((folder) => below(folder, ruleNames)),
    // Without it nobody would know that the folders above belong to the project.
    ...folders.slice(1).flatMap((folder) => below(folder, ['.git'])),
    ...[
      ...folders.map((folder) => [folder, ruleNames] as const),
      [stateHome(env), USER_FILES] as const,
    ].flatMap(([folder, names]) => names.flatMap((name) => linkOf(join(folder, name)))),
  ];
  const hooks = [
    ...folders.flatMap((folder) => below(folder, PROJECT_HOOKS)),
    // An agent may be started in any folder.
    ...below(
      folders.at(-1) ?? project,
      PROJECT_HOOKS.filter((name) => name.includes('/')).map((name) => `**/${name}`),
    ),
    ...homeHooks(env).flatMap(([folder, names]) => below(folder, names)),
  ];
  const traces = [
    ...new Set([
      ...folders.map((folder) => join(folder, TRACE_FOLDER)),
      ...tracePlaces(project, env),
    ]),
  ].flatMap((folder) => below(resolve(project, folder), ['**']));
  return [
    rule(
      'guard-rules',
      writes(unique(ruleFiles)),
      'writes files of rules',
      'Rules are written by people. Say which rule stands in your way and why.',
    ),
    rule(
      'guard-hooks',
      writes(unique(hooks)),
      "writes settings that hold agents' hooks",
      "Settings of agents' hooks are changed by people while the guard is on. Say what should be changed.",
    ),
    rule(
      'guard-traces',
      writes(unique(traces)),
      'writes recorded traces',
      'What was recorded stays as it is.',
    ),
    rule(
      'guard-state',
      writes(unique(below(stateHome(env), ['**']))),
      'writes the state of agent-strace',
      'What agent-strace keeps stays as it is. Ask the person to change it.',
    ),
    rule(
      'guard-commands',
      ownCommands(),
      'runs commands that change the guard',
      'The guard is changed by people. Say what should be changed and why.',
    ),
    {
      ...rule(
        'guard-agents',
        agentCommands(),
        'starts an agent that leaves the guard behind',
        'Agents are held to the same rules: start it with the settings of this machine, and with its hooks.',
      ),
      action: 'ask',
    },
  ];
}

/** Names in a folder, as patterns: by the folder's own path, and by the one without links. */
const below = (folder: string, names: readonly string[]): TextPattern[] =>
  [...new Set([resolve(folder), realPath(folder)])].flatMap((base) =>
    names.map((name) => ({ glob: `${literal(base).replace(/\/$/, '')}/${name}` })),
  );

/** Where a file really lies, if it is a link. */
function linkOf(path: string): TextPattern[] {
  const real = realPath(path);
  return real === path ? [] : [{ glob: literal(real) }];
}

/** A path that means itself in a glob. */
const literal = (path: string): string => path.replace(/[*?[\]{}\\]/g, '\\$&');

function unique(patterns: readonly TextPattern[]): TextPattern[] {
  return [...new Map(patterns.map((pattern) => [JSON.stringify(pattern), pattern])).values()];
}
