import { join } from 'node:path';
import * as vscode from 'vscode';
import { formatMoment } from '../model/format.ts';
import { visibleText } from '../model/visibleText.ts';
import { maskChosen } from '../trace/choices.ts';
import { wasImported } from '../trace/meta.ts';
import { MAX_NAME } from '../trace/names.ts';
import { removableFolder } from '../trace/removable.ts';
import type { Engine } from './engine.ts';
import type { Focus } from './focus.ts';
import type { LiveSession } from './liveSession.ts';
import { mayWrite, patiently } from './patiently.ts';
import { plainLabel } from './plainText.ts';
import { sessionFor, sessionKeyOf } from './sessionArgument.ts';
import type { ExportFormat } from './sessionExport.ts';
import { costText } from './statusText.ts';
import type { StreamView } from './streamView.ts';
import type { UnderstandHost } from './understandHost.ts';
import { whenRead } from './whenRead.ts';

/** What a person does with a recorded session: look, rename, export, reveal, delete. */
export class SessionCommands implements vscode.Disposable {
  private readonly engine: Engine;
  private readonly focus: Focus;
  private readonly stream: StreamView;
  private readonly understand: UnderstandHost;
  private readonly log: vscode.LogOutputChannel;
  private readonly registrations: vscode.Disposable[];

  constructor(
    engine: Engine,
    focus: Focus,
    stream: StreamView,
    understand: UnderstandHost,
    log: vscode.LogOutputChannel,
  ) {
    this.engine = engine;
    this.focus = focus;
    this.stream = stream;
    this.understand = understand;
    this.log = log;
    const command = (id: string, work: (argument: unknown) => Promise<void>): vscode.Disposable =>
      vscode.commands.registerCommand(`agentStrace.${id}`, (argument: unknown) =>
        work.call(this, argument),
      );
    this.registrations = [
      command('openSession', this.open),
      command('renameSession', this.rename),
      command('exportSession', this.export),
      command('revealSession', this.reveal),
      command('deleteSession', this.delete),
    ];
  }

  /** One that goes on is shown in the stream, one that is over in the replay. */
  private async open(argument: unknown): Promise<void> {
    const key = sessionKeyOf(argument);
    if (key === undefined) return;
    await this.bringUpToDate(key);
    const session = this.engine.live.get(key);
    if (session?.isActive(Date.now())) await this.stream.show(key, true);
    else await vscode.commands.executeCommand('agentStrace.replay', key);
  }

  /** One that was imported may have gone on in its agent's transcript: nobody recorded that. */
  private async bringUpToDate(key: string): Promise<void> {
    const { live, transcripts } = this.engine;
    const entry = live.all.find((one) => one.key === key)?.entry;
    if (!entry || !wasImported(entry) || !vscode.workspace.isTrusted) return;
    await transcripts.look();
    const grown = transcripts.grown(entry.id, entry.modifiedMs);
    if (!grown) return;
    const cancel = new AbortController();
    const importing = transcripts.import(grown.key, entry.traceDir, cancel.signal).then(
      ({ added }) => this.log.info(`added ${added} events to ${entry.directory}`),
      // It is shown as it is.
      (error: Error) => this.log.warn(`${entry.directory}: ${error.message}`),
    );
    await patiently(vscode.l10n.t('Importing the session'), cancel, importing);
    await live.look(entry.traceDir);
  }

  private async rename(argument: unknown): Promise<void> {
    if (!mayWrite()) return;
    await this.withSession(argument, vscode.l10n.t('Rename Session'), async (session) => {
      const cancel = new AbortController();
      // What it is called without a name is in its first events: of an old one they are yet to be read.
      const reading = vscode.l10n.t('Reading the session');
      if (!(await patiently(reading, cancel, whenRead(this.engine.live, session, cancel.signal)))) {
        return;
      }
      const title = visibleText(session.trace.fold.session.title);
      const name = await vscode.window.showInputBox({
        title: vscode.l10n.t('Rename Session'),
        prompt: vscode.l10n.t('Empty: it goes by its first prompt again.'),
        value: session.name ?? title.slice(0, MAX_NAME),
        ...(title === '' ? {} : { placeHolder: title.slice(0, MAX_NAME) }),
        validateInput: (value) =>
          value.length > MAX_NAME ? vscode.l10n.t('{0} characters at most.', MAX_NAME) : undefined,
      });
      if (name === undefined) return;
      this.engine.rename(session, name);
    });
  }

  private async reveal(argument: unknown): Promise<void> {
    await this.withSession(argument, vscode.l10n.t('Reveal Trace'), async (session) => {
      const { directory } = session.entry;
      const local = vscode.env.uiKind === vscode.UIKind.Desktop && !vscode.env.remoteName;
      if (local) {
        await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(directory));
        return;
      }
      // The folder is on another machine than the screen: there is no file manager to show it.
      await vscode.env.clipboard.writeText(directory);
      void vscode.window.showInformationMessage(
        vscode.l10n.t('The path of the trace is copied: {0}', directory),
      );
    });
  }

  private async export(argument: unknown): Promise<void> {
    await this.withSession(argument, vscode.l10n.t('Export Session'), async (session) => {
      const format = await pickFormat();
      if (format === undefined) return;
      const { exportName, exportSession } = (await this.understand.load()).exports;
      const [folder] = vscode.workspace.workspaceFolders ?? [];
      const title = session.summary(Date.now()).title;
      const name = exportName(title, session.id, format);
      const target = await vscode.window.showSaveDialog({
        title: vscode.l10n.t('Export Session'),
        ...(folder ? { defaultUri: vscode.Uri.joinPath(folder.uri, name) } : {}),
        filters: { [format.toUpperCase()]: [format] },
      });
      if (target === undefined) return;
      if (target.scheme !== 'file') {
        void vscode.window.showErrorMessage(
          vscode.l10n.t('Sessions are exported to the machine that the trace is on.'),
        );
        return;
      }
      const cancel = new AbortController();
      const done = await patiently(
        vscode.l10n.t('Exporting the session'),
        cancel,
        whenRead(this.engine.live, session, cancel.signal).then(() =>
          exportSession(session, format, target.fsPath, cancel.signal, maskChosen()),
        ),
      );
      if (!done) return;
      const show = vscode.l10n.t('Open');
      const answer = await vscode.window.showInformationMessage(
        vscode.l10n.t('The session is exported to {0}', target.fsPath),
        show,
      );
      if (answer === show) await vscode.window.showTextDocument(target);
    });
  }

  private async delete(argument: unknown): Promise<void> {
    if (!mayWrite()) return;
    await this.withSession(
      argument,
      vscode.l10n.t('Delete Session'),
      async (session, release) => {
        const cancel = new AbortController();
        // Only the whole trace tells whether it is over.
        const read = await patiently(
          vscode.l10n.t('Reading the session'),
          cancel,
          whenRead(this.engine.live, session, cancel.signal),
        );
        if (!read || !this.isOver(session)) return;
        const summary = session.summary(Date.now());
        const trash = vscode.env.remoteName === undefined;
        const yes = trash ? vscode.l10n.t('Move to Trash') : vscode.l10n.t('Delete');
        const answer = await vscode.window.showWarningMessage(
          vscode.l10n.t('Delete the session "{0}"?', plainLabel(summary.title || session.id, 80)),
          {
            modal: true,
            detail: [
              `${plainLabel(summary.agent, 80)} · ${costText(summary)} · ${formatMoment(summary.startedAtMs)}`,
              vscode.l10n.t('Its trace, {0}, goes. Files that the agent changed stay.', session.id),
              ...(trash ? [] : [vscode.l10n.t('This cannot be undone.')]),
            ].join('\n'),
          },
          yes,
        );
        // It may have gone on while the question stood.
        if (answer !== yes || !this.isOver(session)) return;
        release();
        if (!(await this.remove(session, trash))) return;
        this.engine.names.set(session.traceDir, session.id, '');
      },
      {
        fits: (session) => !session.isActive(Date.now()),
        none: vscode.l10n.t('No session here is over yet.'),
      },
    );
  }

  private isOver(session: LiveSession): boolean {
    session.lookAtProcess();
    if (!session.isActive(Date.now())) return true;
    void vscode.window.showWarningMessage(
      vscode.l10n.t('This session is still going on. Stop its agent first.'),
    );
    return false;
  }

  private async remove(
    session: { traceDir: string; id: string },
    useTrash: boolean,
  ): Promise<boolean> {
    // As late as can be: an agent can write to its trace folder.
    const { path, problem } = removableFolder(session.traceDir, session.id);
    if (problem !== undefined) {
      void vscode.window.showErrorMessage(
        problem === 'ENOENT'
          ? vscode.l10n.t('This session is no longer there.')
          : vscode.l10n.t(
              'Not deleted: {0} is no folder of yours ({1}).',
              join(session.traceDir, session.id),
              problem,
            ),
      );
      return false;
    }
    const target = vscode.Uri.file(path);
    try {
      await vscode.workspace.fs.delete(target, { recursive: true, useTrash });
      this.log.info(`deleted ${path}${useTrash ? ' (to the trash)' : ''}`);
      return true;
    } catch (error) {
      if (!useTrash) throw error;
      const yes = vscode.l10n.t('Delete');
      const answer = await vscode.window.showWarningMessage(
        vscode.l10n.t('It cannot be moved to the trash. Delete it for good?'),
        { modal: true, detail: (error as Error).message },
        yes,
      );
      return answer === yes ? await this.remove(session, false) : false;
    }
  }

  /** Errors are told: a command that fails must not look as if it had worked. */
  private async withSession(
    argument: unknown,
    title: string,
    work: (session: LiveSession, release: () => void) => Promise<void>,
    choice: { fits?: (session: LiveSession) => boolean; none?: string } = {},
  ): Promise<void> {
    const found = await sessionFor(this.engine, this.focus, argument, {
      title,
      past: true,
      ...choice,
    });
    if (!found) return;
    try {
      await work(found.session, found.release);
    } catch (error) {
      this.log.error(error as Error);
      void vscode.window.showErrorMessage(`${title}: ${plainLabel((error as Error).message)}`);
    } finally {
      found.release();
    }
  }

  dispose(): void {
    for (const registration of this.registrations) registration.dispose();
  }
}

async function pickFormat(): Promise<ExportFormat | undefined> {
  const items: (vscode.QuickPickItem & { format: ExportFormat })[] = [
    {
      format: 'md',
      label: vscode.l10n.t('Summary'),
      description: vscode.l10n.t('Markdown: cost, prompts, files, errors'),
    },
    {
      format: 'json',
      label: vscode.l10n.t('Numbers'),
      description: vscode.l10n.t('JSON: the same, for programs'),
    },
    {
      format: 'ndjson',
      label: vscode.l10n.t('Whole trace'),
      description: vscode.l10n.t('NDJSON: every event as recorded'),
    },
  ];
  const title = vscode.l10n.t('Export Session');
  return (await vscode.window.showQuickPick(items, { title }))?.format;
}
