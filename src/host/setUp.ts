import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { sep } from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { type InstallOptions, renewLauncher } from '../agents/launcher.ts';
import { applySetup, type SetupPlan, type SetupScope } from '../agents/registry.ts';

import { findAgentVersion, planSetupIn } from '../agents/setupPlace.ts';

export const SETUP_SCHEME = 'agent-strace-setup';

const run = promisify(execFile);

/** Set-up and removal: shows what would change, asks, does it, and says what to do next. */
export class SetUp implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly context: vscode.ExtensionContext;
  private readonly log: vscode.LogOutputChannel;
  private readonly registration: vscode.Disposable;
  private texts: Record<string, string> = {};
  private count = 0;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel) {
    this.context = context;
    this.log = log;
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SETUP_SCHEME, this);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts[uri.query] ?? '';
  }

  /** @param remove take our entries out instead */
  async run(remove: boolean): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      const manage = vscode.l10n.t('Manage Trust');
      const chosen = await vscode.window.showWarningMessage(
        vscode.l10n.t(
          'This folder is in restricted mode: Agent Strace only shows traces here. Trust the folder to change its recording.',
        ),
        manage,
      );
      if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
      return;
    }
    const folder = await pickFolder();
    if (!folder) return;
    const scope = await pickScope(remove);
    if (!scope) return;
    const plan = planSetupIn('claude', folder.uri.fsPath, {
      scope,
      remove,
      agentVersion: remove ? undefined : await this.agentVersion(),
    });
    for (const { severity, message } of plan.problems) this.log[severityLevel(severity)](message);
    const error = plan.problems.find(({ severity }) => severity === 'error');
    if (error) {
      await vscode.window.showErrorMessage(error.message);
      return;
    }
    if (!plan.changed) await this.nothingToDo(plan);
    else if (await this.confirm(plan)) await this.apply(plan);
  }

  private async nothingToDo(plan: SetupPlan): Promise<void> {
    if (plan.remove) {
      await vscode.window.showInformationMessage(
        vscode.l10n.t('Recording is not set up in {0}.', shownPath(plan.file)),
      );
      return;
    }
    // The recorder itself may be of an older version, or gone.
    if (!(await this.applyQuietly(plan))) return;
    await this.say(vscode.l10n.t('Recording is set up already, in {0}.', shownPath(plan.file)));
  }

  private async confirm(plan: SetupPlan): Promise<boolean> {
    const close = await this.showDiff(plan);
    const action = plan.remove
      ? vscode.l10n.t('Remove Recording')
      : vscode.l10n.t('Set Up Recording');
    const file = shownPath(plan.file);
    const warnings = plan.problems.map(({ message }) => sentence(message));
    const detail = [
      plan.remove
        ? vscode.l10n.t('The diff shows what is taken out of {0}. Traces stay.', file)
        : vscode.l10n.t(
            'The diff shows what is added to {0}: a hook that writes what the agent does to .agent-traces in this folder. Secrets are taken out before anything is written, and nothing leaves this machine.',
            file,
          ),
      ...warnings,
    ].join('\n\n');
    const question = plan.remove
      ? vscode.l10n.t('Stop recording Claude Code?')
      : vscode.l10n.t('Record Claude Code?');
    const chosen = await vscode.window.showInformationMessage(
      question,
      { modal: true, detail },
      action,
    );
    await close();
    return chosen === action;
  }

  /** @returns how to close it again */
  private async showDiff(plan: SetupPlan): Promise<() => Promise<void>> {
    const side = (name: string, text: string | undefined): vscode.Uri => {
      const query = `${name}-${this.count}`;
      this.texts[query] = text ?? '';
      const { path } = vscode.Uri.file(plan.file);
      return vscode.Uri.from({ scheme: SETUP_SCHEME, path, query });
    };
    this.count++;
    this.texts = {};
    const before = side('before', plan.before);
    const after = side('after', plan.after);
    const title = plan.remove
      ? vscode.l10n.t('{0}: without recording', shownPath(plan.file))
      : vscode.l10n.t('{0}: with recording', shownPath(plan.file));
    // Settings may hold comments; plain JSON would underline them.
    for (const uri of [before, after]) {
      const document = await vscode.workspace.openTextDocument(uri);
      await vscode.languages.setTextDocumentLanguage(document, 'jsonc');
    }
    await vscode.commands.executeCommand('vscode.diff', before, after, title, { preview: true });
    return async () => {
      const tabs = vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(
          ({ input }) =>
            input instanceof vscode.TabInputTextDiff &&
            input.modified.toString() === after.toString(),
        );
      await vscode.window.tabGroups.close(tabs);
    };
  }

  private async apply(plan: SetupPlan): Promise<void> {
    if (!(await this.applyQuietly(plan))) return;
    this.log.info(`${plan.remove ? 'recording removed from' : 'recording set up in'} ${plan.file}`);
    await this.say(
      plan.remove
        ? vscode.l10n.t('Recording is removed from {0}.', shownPath(plan.file))
        : vscode.l10n.t(
            'Recording is set up. Sessions that Claude Code starts in this folder from now on show up here.',
          ),
    );
  }

  /** After an update of the extension: the recorder that was set up becomes the new one. */
  async renew(): Promise<void> {
    try {
      // The Node that set-up found stays.
      const { version } = this.install;
      if (await renewLauncher(this.install)) this.log.info(`recorder renewed to ${version}`);
    } catch (error) {
      this.log.warn(`the recorder could not be renewed: ${(error as Error).message}`);
    }
  }

  private get install(): InstallOptions {
    const { extensionUri, extension } = this.context;
    return {
      hookBundle: vscode.Uri.joinPath(extensionUri, 'dist', 'hook.js').fsPath,
      version: String((extension.packageJSON as { version: unknown }).version),
      electronPath: process.execPath,
    };
  }

  private async applyQuietly(plan: SetupPlan): Promise<boolean> {
    try {
      applySetup(plan, { ...this.install, nodePath: await findNode() });
      return true;
    } catch (error) {
      this.log.error(error as Error);
      await vscode.window.showErrorMessage((error as Error).message);
      return false;
    }
  }

  private async say(message: string): Promise<void> {
    const show = vscode.l10n.t('Show Event Stream');
    const chosen = await vscode.window.showInformationMessage(message, show);
    if (chosen === show) await vscode.commands.executeCommand('agentStrace.openStream');
  }

  /** What the agent says of its version: which hook events it knows depends on it. */
  private async agentVersion(): Promise<string | undefined> {
    const found = await findAgentVersion('claude', { note: (message) => this.log.debug(message) });
    if (found !== undefined) return found;
    this.log.warn('Claude Code was not found, so its version is unknown');
    return undefined;
  }

  dispose(): void {
    this.registration.dispose();
  }
}

const severityLevel = (severity: 'error' | 'warning'): 'error' | 'warn' =>
  severity === 'error' ? 'error' : 'warn';

/** A path as people write it. */
function shownPath(path: string): string {
  const home = homedir();
  const shown = vscode.workspace.asRelativePath(path, false);
  return shown.startsWith(home + sep) ? `~${shown.slice(home.length)}` : shown;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

async function pickFolder(): Promise<vscode.WorkspaceFolder | undefined> {
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

async function pickScope(remove: boolean): Promise<SetupScope | undefined> {
  const scopes: (vscode.QuickPickItem & { scope: SetupScope })[] = [
    {
      scope: 'local',
      label: vscode.l10n.t('Just me, in this folder'),
      description: '.claude/settings.local.json',
    },
    {
      scope: 'project',
      label: vscode.l10n.t('Everybody who works on this folder'),
      description: '.claude/settings.json',
    },
    {
      scope: 'user',
      label: vscode.l10n.t('Just me, in all folders'),
      description: '~/.claude/settings.json',
    },
  ];
  const picked = await vscode.window.showQuickPick(scopes, {
    title: remove
      ? vscode.l10n.t('Remove recording of Claude Code')
      : vscode.l10n.t('Record Claude Code'),
    placeHolder: remove ? vscode.l10n.t('For whom was it set up?') : vscode.l10n.t('For whom?'),
  });
  return picked?.scope;
}

/** A Node that stays where it is when the editor is updated; undefined where there is none. */
async function findNode(): Promise<string | undefined> {
  try {
    const { stdout } = await run(
      'node',
      ['-p', 'process.execPath + "\\n" + process.versions.node'],
      {
        timeout: 5000,
      },
    );
    const [path = '', version = ''] = stdout.trim().split('\n');
    if (Number.parseInt(version, 10) >= 20) return path;
  } catch {
    // The launcher looks again each time.
  }
  return process.versions.electron === undefined ? process.execPath : undefined;
}
