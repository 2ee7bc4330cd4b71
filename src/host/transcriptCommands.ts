import { basename, dirname, join } from 'node:path';
import * as vscode from 'vscode';
import type { ArchiveResult } from '../agents/archive.ts';
import { archiveHome } from '../agents/archiveIndex.ts';
import { formatCount, formatMoment, plural } from '../model/format.ts';
import { importPlace, realPath } from '../trace/paths.ts';
import { archivedText } from './dailyArchive.ts';
import type { Engine } from './engine.ts';
import { keyOf } from './liveSessions.ts';
import { mayWrite, patiently } from './patiently.ts';
import { plainLabel } from './plainText.ts';
import { sessionKeyOf } from './sessionArgument.ts';
import type { SessionsTree } from './sessionsTree.ts';
import type { TranscriptSession } from './transcriptSessions.ts';

/** Commands that come here, and what they are called when they fail. */
const TITLES = {
  openTranscript: vscode.l10n.t('Open Session'),
  importSession: vscode.l10n.t('Import Session'),
  importAllSessions: vscode.l10n.t('Import Past Sessions'),
  revealTranscript: vscode.l10n.t('Reveal Transcript'),
  openStarter: vscode.l10n.t('Go to the Session That Started It'),
  archiveTranscripts: vscode.l10n.t('Archive Transcripts'),
};

export type TranscriptCommand = keyof typeof TITLES;

/** What a person does with sessions that were not recorded: open, import, reveal; and the archive of transcripts. */
export class TranscriptCommands {
  private readonly engine: Engine;
  private readonly tree: SessionsTree;
  private readonly log: vscode.LogOutputChannel;

  constructor(engine: Engine, tree: SessionsTree, log: vscode.LogOutputChannel) {
    this.engine = engine;
    this.tree = tree;
    this.log = log;
  }

  /** Errors are told: a command that fails must not look as if it had worked. */
  async run(command: TranscriptCommand, argument: unknown): Promise<void> {
    try {
      await this.work(command, argument);
    } catch (error) {
      this.log.error(error as Error);
      const message = plainLabel((error as Error).message);
      void vscode.window.showErrorMessage(`${TITLES[command]}: ${message}`);
    }
  }

  private work(command: TranscriptCommand, argument: unknown): Promise<void> {
    switch (command) {
      case 'openTranscript':
        return this.open(argument);
      case 'importSession':
        return this.importOne(argument);
      case 'importAllSessions':
        return this.importAll();
      case 'revealTranscript':
        return this.reveal(argument);
      case 'openStarter':
        return this.openStarter(argument);
      case 'archiveTranscripts':
        return this.archive();
    }
  }

  /** It is recorded, and then shown. */
  private async open(argument: unknown): Promise<void> {
    const session = await this.sessionOf(argument);
    if (!session) return;
    const key = await this.import(session);
    if (key !== undefined) await vscode.commands.executeCommand('agentStrace.replay', key);
  }

  private async importOne(argument: unknown): Promise<void> {
    const session = await this.sessionOf(argument);
    const key = session && (await this.import(session));
    if (key !== undefined) await this.tree.reveal(key);
  }

  /** @returns the key of the recorded session; undefined where a person cancelled it */
  private async import(session: TranscriptSession): Promise<string | undefined> {
    const traceDir = placeOf(session);
    const cancel = new AbortController();
    const { transcripts, live } = this.engine;
    const done = await patiently(
      vscode.l10n.t('Importing the session'),
      cancel,
      transcripts.import(session.key, traceDir, cancel.signal).then(({ added }) => {
        this.log.info(`imported ${plural(added, 'event')} of ${session.key} into ${traceDir}`);
      }),
    );
    if (!done) return undefined;
    await live.look(traceDir);
    return keyOf(traceDir, session.id);
  }

  private async importAll(): Promise<void> {
    if (!mayWrite()) return;
    await this.engine.transcripts.look();
    const all = this.tree.unrecorded;
    if (all.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No session of this folder is left to import.'),
      );
      return;
    }
    const places = [...new Set(all.map(placeOf))];
    const yes = vscode.l10n.t('Import');
    const answer = await vscode.window.showInformationMessage(
      vscode.l10n.t('Import {0} from agents’ transcripts?', plural(all.length, 'session')),
      {
        modal: true,
        detail: vscode.l10n.t(
          'They are added to {0}, without the secrets in them. The transcripts stay as they are.',
          places.join(', '),
        ),
      },
      yes,
    );
    if (answer !== yes) return;
    const cancel = new AbortController();
    let imported = 0;
    let failed = 0;
    await patiently(vscode.l10n.t('Importing sessions'), cancel, async (say) => {
      for (const [at, session] of all.entries()) {
        say(`${formatCount(at + 1)} / ${formatCount(all.length)}`);
        try {
          await this.engine.transcripts.import(session.key, placeOf(session), cancel.signal);
          imported++;
        } catch (error) {
          cancel.signal.throwIfAborted();
          failed++;
          this.log.warn(`not imported: ${(error as Error).message}`);
        }
      }
    });
    for (const traceDir of places) await this.engine.live.look(traceDir);
    const left =
      failed > 0 ? vscode.l10n.t(' {0} could not be; the log says why.', formatCount(failed)) : '';
    void vscode.window.showInformationMessage(
      `${vscode.l10n.t('Imported {0}.', plural(imported, 'session'))}${left}`,
    );
  }

  private async reveal(argument: unknown): Promise<void> {
    const session = await this.sessionOf(argument);
    if (!session) return;
    const local = vscode.env.uiKind === vscode.UIKind.Desktop && !vscode.env.remoteName;
    if (local) {
      await vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(session.path));
      return;
    }
    // The file is on another machine than the screen: there is no file manager to show it.
    await vscode.env.clipboard.writeText(session.path);
    void vscode.window.showInformationMessage(
      vscode.l10n.t('The path of the transcript is copied: {0}', session.path),
    );
  }

  private async openStarter(argument: unknown): Promise<void> {
    const key = this.tree.starterOf(sessionKeyOf(argument) ?? '');
    if (key === undefined) return;
    await this.tree.reveal(key);
    const command = this.engine.transcripts.get(key) ? 'openTranscript' : 'openSession';
    await vscode.commands.executeCommand(`agentStrace.${command}`, key);
  }

  /** The session that a command is about: the one that is named, or the one that the person picks. */
  private async sessionOf(argument: unknown): Promise<TranscriptSession | undefined> {
    if (!mayWrite()) return undefined;
    const named = this.engine.transcripts.get(sessionKeyOf(argument) ?? '');
    if (named) return named;
    await this.engine.transcripts.look();
    const items = this.tree.unrecorded.map((session) => ({
      label: plainLabel(session.title || session.id),
      detail: `${session.agent} · ${plainLabel(session.folder.name)} · ${formatMoment(session.lastMs)}`,
      session,
    }));
    if (items.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('No session of this folder is left to import.'),
      );
      return undefined;
    }
    const title = vscode.l10n.t('Sessions in Agents’ Transcripts');
    const options = { title, matchOnDetail: true };
    return (await vscode.window.showQuickPick(items, options))?.session;
  }

  private async archive(): Promise<void> {
    if (!mayWrite()) return;
    const cancel = new AbortController();
    let result: ArchiveResult | undefined;
    const title = vscode.l10n.t('Archiving transcripts');
    const done = await patiently(title, cancel, async () => {
      result = await this.engine.transcripts.archive(false, cancel.signal);
    });
    if (!done || !result) return;
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Transcripts in {0}: {1}.', archiveHome(), archivedText(result)),
    );
  }
}

/** Its trace folder, as the watcher knows it. */
function placeOf({ folder }: TranscriptSession): string {
  const place = importPlace(realPath(folder.paths[0]!));
  return join(realPath(dirname(place)), basename(place));
}
