import { dirname } from 'node:path';
import * as vscode from 'vscode';
import {
  type ChangeStatus,
  changedFiles,
  type ListedFile,
  type ListedStep,
  renumber,
} from '../history/changeList.ts';
import { isUntouched } from '../history/fileHistory.ts';
import { isTargetFolder, restoreTarget } from '../history/restoreTarget.ts';
import { type ChangeContents, contentAt } from './changeContents.ts';
import {
  fileDescription,
  linesText,
  stepDescription,
  stepLabel,
  unknownText,
} from './changeText.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { openFolders } from './openFolders.ts';
import { Pace } from './pace.ts';
import { plainLabel } from './plainText.ts';
import { restoreFile, restoreRoots } from './restoreFile.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';

const CHANGES_VIEW = 'agentStrace.changes';
/** Of the list's icons and letters; nothing opens it. */
const ITEM_SCHEME = 'agent-strace-change';
const REFRESHES_A_SECOND = 4;

/** A row of the view. Commands get it as their argument. */
export type ChangeItem =
  | { sessionKey: string; file: ListedFile; step?: undefined }
  | { sessionKey: string; file: ListedFile; step: ListedStep };

/** The list, and what it was made of. */
interface Listed {
  session: LiveSession;
  epoch: number;
  changeVersion: number;
  /** Steps that there were: their numbers are those of then. */
  steps: number;
  items: ChangeItem[];
}

const COLORS: Record<ChangeStatus, string> = {
  A: 'gitDecoration.addedResourceForeground',
  M: 'gitDecoration.modifiedResourceForeground',
  D: 'gitDecoration.deletedResourceForeground',
};

function statusText(status: ChangeStatus): string {
  if (status === 'A') return vscode.l10n.t('created by the agent');
  if (status === 'D') return vscode.l10n.t('deleted by the agent');
  return vscode.l10n.t('changed by the agent');
}

/** The view "Changes of Session": every file that the agent changed, with its diffs and the way back. */
export class Changes
  implements vscode.TreeDataProvider<ChangeItem>, vscode.FileDecorationProvider, vscode.Disposable
{
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly contents: ChangeContents;
  private readonly view: vscode.TreeView<ChangeItem>;
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly pace = new Pace(() => this.refresh(), REFRESHES_A_SECOND);
  private readonly subscriptions: vscode.Disposable[];
  private stopListening: () => void;
  /** What is listed: rebuilt when the session or what it changed is another. */
  private listed: Listed | undefined;
  /** Folders, and whether files in them can be restored: as of when the list was made. */
  private readonly offered = new Map<string, boolean>();

  constructor(engine: Engine, focus: Focus, contents: ChangeContents) {
    this.engine = engine;
    this.focus = focus;
    this.contents = contents;
    this.view = vscode.window.createTreeView(CHANGES_VIEW, {
      treeDataProvider: this,
      showCollapseAll: true,
    });
    const listen = (): (() => void) => engine.live.onChange(() => this.pace.ask());
    this.stopListening = listen();
    const command = (id: string, work: (item: unknown) => unknown): vscode.Disposable =>
      vscode.commands.registerCommand(`agentStrace.${id}`, work);
    this.subscriptions = [
      this.view,
      this.changed,
      vscode.window.registerFileDecorationProvider(this),
      engine.onDidReplace(() => {
        this.stopListening();
        this.stopListening = listen();
        this.listed = undefined;
        this.pace.ask();
      }),
      focus.onDidChange(() => this.pace.ask()),
      this.view.onDidChangeVisibility(() => this.pace.ask()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.listed = undefined;
        this.contents.refresh();
        this.pace.ask();
      }),
      command('openChange', (item) => this.openChange(item)),
      command('openChangedFile', (item) => this.openFile(item)),
      command('restoreFile', (item) => this.restore(item)),
      command('restoreFileToStart', (item) => this.restore(item)),
      command('showChanges', (session) => this.show(session)),
      vscode.commands.registerCommand('agentStrace.showStepDiff', (key: unknown, step: unknown) =>
        this.showStepDiff(key, step),
      ),
    ];
    this.refresh();
  }

  /** Whatever has the form of a row of ours, in a session that is still there. */
  private itemOf(value: unknown): { item: ChangeItem; session: LiveSession } | undefined {
    const item = value as Partial<ChangeItem> | undefined;
    const session = this.engine.live.get(sessionKeyOf(item) ?? '');
    if (!session || typeof item?.file?.path !== 'string') return undefined;
    return { item: item as ChangeItem, session };
  }

  private refresh(): void {
    if (!this.view.visible) return;
    const before = this.listed;
    const session = this.focus.session;
    if (!session) {
      this.listed = undefined;
      this.view.description = '';
      // None: the view's own words of welcome.
      this.view.message = '';
      if (before) this.changed.fire(undefined);
      return;
    }
    const title = plainLabel(session.summary(Date.now()).title || session.id);
    if (title !== this.view.description) this.view.description = title;
    const { fold, epoch } = session.trace;
    const { changeVersion } = fold.files;
    const isSame = before?.session === session && before.epoch === epoch;
    if (isSame && before.changeVersion === changeVersion) {
      if (before.steps === fold.steps.length) return;
      before.steps = fold.steps.length;
      const files = before.items.map(({ file }) => file);
      if (renumber(fold, files)) this.changed.fire(undefined);
      return;
    }
    const items = changedFiles(fold, fold.session.cwd).map((file) => ({
      sessionKey: session.key,
      file,
    }));
    this.listed = { session, epoch, changeVersion, steps: fold.steps.length, items };
    this.offered.clear();
    this.view.message = messageOf(items.length, fold.files.unknownCommands);
    this.changed.fire(undefined);
  }

  getChildren(item?: ChangeItem): ChangeItem[] {
    if (item === undefined) return this.listed?.items ?? [];
    if (item.step !== undefined) return [];
    return item.file.steps.map((step) => ({ sessionKey: item.sessionKey, file: item.file, step }));
  }

  getParent(item: ChangeItem): ChangeItem | undefined {
    if (item.step === undefined) return undefined;
    return this.listed?.items.find(({ file }) => file.path === item.file.path);
  }

  getTreeItem(item: ChangeItem): vscode.TreeItem {
    const { file, step, sessionKey } = item;
    const restorable = this.isOffered(file.absolute) ? '.restorable' : '';
    const command = {
      command: 'agentStrace.openChange',
      title: vscode.l10n.t('Open Diff'),
      arguments: [item],
    };
    if (step !== undefined) {
      const row = new vscode.TreeItem(stepLabel(step));
      row.id = `${sessionKey}\n${file.path}\n${step.row}`;
      row.description = stepDescription(step);
      row.tooltip = `${stepLabel(step)} · ${stepDescription(step)}\n${plainLabel(file.absolute)}`;
      row.contextValue = `change.step${restorable}`;
      row.command = command;
      return row;
    }
    const row = new vscode.TreeItem(
      plainLabel(file.name),
      vscode.TreeItemCollapsibleState.Collapsed,
    );
    row.id = `${sessionKey}\n${file.path}`;
    row.description = fileDescription(file);
    row.tooltip = [plainLabel(file.absolute), statusText(file.status), linesText(file)]
      .filter(Boolean)
      .join('\n');
    // A scheme of its own: the letters of git, and ours in the Explorer, do not come on top.
    row.resourceUri = vscode.Uri.from({
      scheme: ITEM_SCHEME,
      path: `/${file.name}`,
      query: file.status,
    });
    row.iconPath = vscode.ThemeIcon.File;
    row.contextValue = `change.file${restorable}`;
    row.command = command;
    return row;
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    if (uri.scheme !== ITEM_SCHEME) return undefined;
    const status = uri.query as ChangeStatus;
    const color = new vscode.ThemeColor(COLORS[status] ?? COLORS.M);
    return new vscode.FileDecoration(status.slice(0, 1), statusText(status), color);
  }

  private async openChange(value: unknown): Promise<void> {
    const found = this.itemOf(value);
    if (!found) return;
    const { item, session } = found;
    await this.openDiff(session, item.file.path, item.step);
  }

  /**
   * Opens the diff of a file, over the session or one step.
   *
   * @param path as the trace names it
   */
  private async openDiff(
    session: LiveSession,
    path: string,
    step?: { row: number; step: number },
  ): Promise<void> {
    const course = await this.contents.course(session, path);
    if (!course) return;
    const name = plainLabel(course.path.split(/[/\\]/).at(-1) ?? '');
    if (step) {
      const before = contentAt(course, { at: 'before', row: step.row });
      const after = contentAt(course, { at: 'after', row: step.row });
      if (!before.known && !after.known) {
        // Two notes that say so make no diff. The step itself is known: the replay shows it.
        const replay = vscode.l10n.t('Open in Replay');
        const answer = await vscode.window.showInformationMessage(
          vscode.l10n.t(
            'What {0} held at step {1} is not known. {2}',
            name,
            step.step + 1,
            unknownText(before.why),
          ),
          replay,
        );
        if (answer === replay) {
          await vscode.commands.executeCommand('agentStrace.replay', session.key, step.step);
        }
        return;
      }
      await vscode.commands.executeCommand(
        'vscode.diff',
        this.contents.uri(session, path, { at: 'before', row: step.row }),
        this.contents.uri(session, path, { at: 'after', row: step.row }),
        vscode.l10n.t('{0} (step {1})', name, step.step + 1),
        { preview: true },
      );
      return;
    }
    const { disk } = course;
    const target = restoreTarget(course.path, openPaths());
    // The file itself, to go on with, where it is as the session left it.
    const now = target.ok && disk.known && disk.exists && isUntouched(course);
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.contents.uri(session, path, { at: 'before' }),
      now ? vscode.Uri.file(course.path) : this.contents.uri(session, path, { at: 'after' }),
      now
        ? vscode.l10n.t('{0} (before session ↔ now)', name)
        : vscode.l10n.t('{0} (before session ↔ after session)', name),
      { preview: true },
    );
  }

  /** Whether a file is offered to be restored: asked by folder, for a list may have thousands of files. */
  private isOffered(path: string): boolean {
    const folder = dirname(path);
    let offered = this.offered.get(folder);
    if (offered === undefined) {
      offered = isTargetFolder(folder, restoreRoots());
      this.offered.set(folder, offered);
    }
    return offered;
  }

  private async openFile(value: unknown): Promise<void> {
    const found = this.itemOf(value);
    if (!found) return;
    const { absolute, name } = found.item.file;
    const target = restoreTarget(absolute, openPaths());
    if (!target.ok || !target.exists) {
      const words = target.ok
        ? vscode.l10n.t('{0} is no longer there.', plainLabel(name))
        : vscode.l10n.t('{0} is not in an open folder.', plainLabel(name));
      void vscode.window.showInformationMessage(words);
      return;
    }
    await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(absolute));
  }

  private async restore(value: unknown): Promise<void> {
    const found = this.itemOf(value);
    if (!found) return;
    const { item, session } = found;
    const course = await this.contents.course(session, item.file.path);
    if (!course) return;
    const { step } = item;
    await restoreFile({
      path: course.path,
      name: item.file.name,
      moment: step
        ? vscode.l10n.t('before step {0}', step.step + 1)
        : vscode.l10n.t('before the session'),
      content: contentAt(course, step ? { at: 'before', row: step.row } : { at: 'before' }),
      after: contentAt(course, { at: 'after' }),
    });
  }

  private async show(argument: unknown): Promise<void> {
    const chosen = await sessionFor(this.engine, this.focus, argument, {
      title: vscode.l10n.t('Show the changes of which session?'),
      past: true,
    });
    if (!chosen) return;
    const { key } = chosen.session;
    if (this.focus.pinned !== undefined) this.focus.pin(key);
    this.focus.select(key);
    chosen.release();
    await vscode.commands.executeCommand(`${CHANGES_VIEW}.focus`);
    this.pace.ask();
  }

  /**
   * Opens the diff of one step; where it changed several files, of all of them.
   *
   * @param session key of the session
   * @param step its place in the list of steps, from 0
   */
  async showStepDiff(session: unknown, step: unknown): Promise<void> {
    const live = this.engine.live.get(sessionKeyOf(session) ?? '');
    if (!live || typeof step !== 'number') return;
    const { fold } = live.trace;
    const row = fold.steps.row(step);
    const ops = row < 0 ? [] : fold.files.opsOfStep(row).filter(({ kind }) => kind !== 'read');
    const paths = [...new Set(ops.map(({ path }) => path))];
    if (paths.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('This step changed no file that is known.'),
      );
      return;
    }
    const [path] = paths;
    if (paths.length > 1) {
      await vscode.commands.executeCommand('agentStrace.showRangeChanges', live.key, step, step);
    } else if (path !== undefined) await this.openDiff(live, path, { row, step });
  }

  dispose(): void {
    this.stopListening();
    this.pace.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }
}

const openPaths = (): string[] => openFolders().map(({ path }) => path);

/** What the list does not say. */
function messageOf(files: number, unknownCommands: number): string {
  const commands =
    unknownCommands === 1
      ? vscode.l10n.t('1 command may have changed files that are not listed.')
      : vscode.l10n.t('{0} commands may have changed files that are not listed.', unknownCommands);
  if (files === 0) {
    const none = vscode.l10n.t('No file was changed in this session.');
    return unknownCommands > 0 ? `${none} ${commands}` : none;
  }
  return unknownCommands > 0 ? commands : '';
}
