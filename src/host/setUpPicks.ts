/** What a person is asked before set-up: which folder, which agents, and for whom. */
import { homedir } from 'node:os';
import { sep } from 'node:path';
import * as vscode from 'vscode';
import { AGENTS, type AgentId } from '../agents/agent.ts';
import type { AgentState } from '../agents/installed.ts';
import { SETUPS } from '../agents/registry.ts';
import type { SetupScope } from '../agents/setup/plan.ts';
import { wasChosen } from '../guard/guardHome.ts';

/** One agent's settings that are to be changed. */
export interface Wish {
  agent: AgentId;
  scope: SetupScope;
  /** What its `--version` printed. */
  says?: string | undefined;
}

/** Things in a row, as the person's language has it: `a, b, and c`. Each but once. */
export const listed = (things: readonly string[]): string =>
  new Intl.ListFormat(vscode.env.language, { type: 'conjunction' }).format(new Set(things));

export const namesOf = (agents: readonly AgentId[]): string =>
  listed(agents.map((agent) => AGENTS[agent].name));

/** A path as people write it. */
export function shownPath(path: string): string {
  const home = homedir();
  const shown = vscode.workspace.asRelativePath(path, false);
  return shown.startsWith(home + sep) ? `~${shown.slice(home.length)}` : shown;
}

/** What an extension knows of the agents that live in its own editor. */
export function agentsOfEditor(): Partial<Record<AgentId, string | undefined>> {
  if (/cursor/i.test(vscode.env.appName)) return { cursor: '' };
  // VS Code without Copilot's extension has no agent of its own.
  const hasAgent = vscode.extensions.getExtension('github.copilot-chat') !== undefined;
  return { vscode: hasAgent ? vscode.version : undefined };
}

export async function pickFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(
    ({ uri }) => uri.scheme === 'file',
  );
  if (folders.length === 0) {
    await vscode.window.showInformationMessage(
      vscode.l10n.t('No folder is open. Open the one your agent works in.'),
    );
  }
  if (folders.length < 2) return folders[0];
  return vscode.window.showWorkspaceFolderPick({
    placeHolder: vscode.l10n.t('Which folder does the agent work in?'),
  });
}

interface AgentItem extends vscode.QuickPickItem {
  state?: AgentState;
}

/** Which agents are to be recorded, and for whom. @returns undefined where the person left */
export async function pickNew(
  states: Promise<AgentState[]>,
  folder: string,
): Promise<Wish[] | undefined> {
  const items: Promise<readonly AgentItem[]> = states.then(agentItems);
  const picked = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t('Set Up Recording'),
    placeHolder: vscode.l10n.t('Which agents are to be recorded?'),
    matchOnDescription: true,
  });
  const chosen = (picked ?? []).flatMap(({ state }) => (state === undefined ? [] : [state]));
  if (chosen.length === 0) return undefined;
  const agents = chosen.map(({ agent }) => agent);
  const scope = await pickScope(agents, folder);
  if (scope === undefined) return undefined;
  return chosen.map(({ agent, says }) => ({ agent, says, scope: scopeOf(agent, scope) }));
}

function agentItems(states: readonly AgentState[]): AgentItem[] {
  const item = (state: AgentState): AgentItem => ({
    state,
    label: AGENTS[state.agent].name,
    description: factsOf(state),
    picked: state.installed,
  });
  const here = states.filter(({ installed }) => installed).map(item);
  const missing = states.filter(({ installed }) => !installed).map(item);
  const line: AgentItem = {
    label: vscode.l10n.t('not found on this machine'),
    kind: vscode.QuickPickItemKind.Separator,
  };
  return missing.length > 0 ? [...here, line, ...missing] : here;
}

function factsOf({ installed, version, recorded }: AgentState): string {
  const facts = [
    ...(installed
      ? [
          version === undefined
            ? vscode.l10n.t('installed')
            : vscode.l10n.t('installed {0}', version),
        ]
      : []),
  ];
  if (recorded.length > 0) {
    const where = listed(recorded.map(({ scope }) => scopeWords(scope)));
    facts.push(
      recorded.every(({ current }) => current)
        ? vscode.l10n.t('recorded ({0})', where)
        : vscode.l10n.t('recorded ({0}), by an older entry', where),
    );
  }
  return facts.join(' · ');
}

function scopeWords(scope: SetupScope): string {
  if (scope === 'user') return vscode.l10n.t('all folders');
  return scope === 'local'
    ? vscode.l10n.t('this folder')
    : vscode.l10n.t('this folder, for everybody');
}

/** An agent without settings of a person's own for one folder has them for all. */
const scopeOf = (agent: AgentId, scope: SetupScope): SetupScope =>
  SETUPS[agent].scopes.includes(scope) ? scope : 'user';

async function pickScope(
  agents: readonly AgentId[],
  folder: string,
): Promise<SetupScope | undefined> {
  const files = (scope: SetupScope): string => {
    const paths = agents.map((agent) => {
      const own = scopeOf(agent, scope);
      return shownPath(SETUPS[agent].file({ scope: own, projectDir: folder, env: process.env }));
    });
    return [...new Set(paths)].join(', ');
  };
  const elsewhere = agents.filter((agent) => !SETUPS[agent].scopes.includes('local'));
  const local = {
    scope: 'local' as const,
    label: vscode.l10n.t('Just me, in this folder'),
    description: files('local'),
    ...(elsewhere.length > 0 && {
      detail: vscode.l10n.t(
        '{0}: in all folders, having no settings of yours for just one',
        namesOf(elsewhere),
      ),
    }),
  };
  const project = {
    scope: 'project' as const,
    label: vscode.l10n.t('Everybody who works on this folder'),
    description: files('project'),
  };
  const user = {
    scope: 'user' as const,
    label: vscode.l10n.t('Just me, in all folders'),
    description: files('user'),
  };
  const picked = await vscode.window.showQuickPick<vscode.QuickPickItem & { scope: SetupScope }>(
    elsewhere.length < agents.length ? [local, project, user] : [user, project],
    {
      title: vscode.l10n.t('Record {0}', namesOf(agents)),
      placeHolder: vscode.l10n.t('For whom?'),
    },
  );
  return picked?.scope;
}

/**
 * Whether dangerous calls are to be stopped, too: asked of a person who never said.
 *
 * @returns `keep`: they have said before; undefined: they left
 */
export async function pickGuard(agents: readonly AgentId[]): Promise<boolean | 'keep' | undefined> {
  if (wasChosen()) return 'keep';
  const picked = await vscode.window.showQuickPick<vscode.QuickPickItem & { safe: boolean }>(
    [
      {
        safe: true,
        label: vscode.l10n.t('Stop the worst, too'),
        description: vscode.l10n.t('in all folders'),
        detail: vscode.l10n.t(
          'Sending secrets out, writing into .git, rm outside the project, force-push, production env files',
        ),
      },
      {
        safe: false,
        label: vscode.l10n.t('Only record'),
        detail: vscode.l10n.t('Nothing is stopped. To change that later: agent-strace guard on'),
      },
    ],
    {
      title: vscode.l10n.t('Record {0}', namesOf(agents)),
      placeHolder: vscode.l10n.t('Stop dangerous calls before they run?'),
    },
  );
  return picked?.safe;
}

/** Which of the settings that record an agent here are to be changed back. */
export async function pickRecorded(states: Promise<AgentState[]>): Promise<Wish[] | undefined> {
  const places = new Map<string, { agents: AgentId[]; scope: SetupScope }>();
  for (const { agent, recorded } of await states) {
    for (const { file, scope } of recorded) {
      const known = places.get(file);
      if (known === undefined) places.set(file, { agents: [agent], scope });
      else known.agents.push(agent);
    }
  }
  const items = [...places].map(([file, { agents, scope }]) => ({
    agents,
    scope,
    label: namesOf(agents),
    description: `${shownPath(file)} · ${scopeWords(scope)}`,
    picked: true,
  }));
  if (items.length === 0) {
    await vscode.window.showInformationMessage(
      vscode.l10n.t('No agent is recorded in this folder: there is nothing to remove.'),
    );
    return undefined;
  }
  const picked =
    items.length === 1
      ? items
      : await vscode.window.showQuickPick(items, {
          canPickMany: true,
          title: vscode.l10n.t('Remove Recording'),
          placeHolder: vscode.l10n.t('Which agents are not to be recorded any more?'),
        });
  if (picked === undefined || picked.length === 0) return undefined;
  return picked.flatMap(({ agents, scope }) => agents.map((agent) => ({ agent, scope })));
}
