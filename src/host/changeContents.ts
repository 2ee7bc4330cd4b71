import { basename } from 'node:path';
import * as vscode from 'vscode';
import { type Content, textIn } from '../history/content.ts';
import { type FileCourse, FileHistory, sessionAfter } from '../history/fileHistory.ts';
import { restoreTarget } from '../history/restoreTarget.ts';
import { BlobStore } from '../trace/blobs.ts';
import { unknownText } from './changeText.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import { openFolders } from './openFolders.ts';
import { readSettings } from './settings.ts';

/** Read-only documents with what a file held. */
export const CHANGE_SCHEME = 'agent-strace-file';

/** The window has its start behind it, ms. */
const PRUNE_AFTER_MS = 60_000;

/** Which moment of a file: the session's ends, or the sides of a step (its row). */
export type ChangeSide = { at: 'before' | 'after' } | { at: 'before' | 'after'; row: number };

/** Knows the courses of files, and shows them as documents. */
export class ChangeContents implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly engine: Engine;
  private readonly histories = new WeakMap<LiveSession, { key: string; history: FileHistory }>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration: vscode.Disposable;
  private readonly pruning: ReturnType<typeof setTimeout>;
  private readonly closing = new AbortController();

  constructor(engine: Engine) {
    this.engine = engine;
    // Once a window: the recorder has no time for it.
    this.pruning = setTimeout(() => new BlobStore().prune(), PRUNE_AFTER_MS);
    this.registration = vscode.workspace.registerTextDocumentContentProvider(CHANGE_SCHEME, this);
  }

  /** The course of a file; undefined where the session did not change it. @param path as in the trace */
  course(session: LiveSession, path: string): Promise<FileCourse | undefined> {
    const { isTrusted } = vscode.workspace;
    const reads = readSettings().readTranscripts;
    const key = `${session.trace.epoch} ${isTrusted} ${reads}`;
    let known = this.histories.get(session);
    if (known?.key !== key) {
      const noTranscripts = !isTrusted ? 'untrusted' : reads ? undefined : 'off';
      const mayLook = (path: string): boolean =>
        session.record !== undefined ||
        restoreTarget(
          path,
          openFolders().map((folder) => folder.path),
        ).ok;
      known = {
        key,
        history: new FileHistory(session.trace, { git: isTrusted, noTranscripts, mayLook }),
      };
      this.histories.set(session, known);
    }
    return known.history.course(path, this.closing.signal);
  }

  /** The document of a moment. */
  uri(session: LiveSession, path: string, side: ChangeSide): vscode.Uri {
    const query = new URLSearchParams({ session: session.key, path, at: side.at });
    if ('row' in side) query.set('row', `${side.row}`);
    // The name decides the language.
    return vscode.Uri.from({
      scheme: CHANGE_SCHEME,
      path: `/${basename(path)}`,
      query: query.toString(),
    });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const query = new URLSearchParams(uri.query);
    const session = this.engine.live.get(query.get('session') ?? '');
    const course = session && (await this.course(session, query.get('path') ?? ''));
    if (!course) return `${vscode.l10n.t('This session is no longer open.')}\n`;
    const after = query.get('at') === 'after';
    const row = query.get('row');
    const content = contentAt(course, {
      at: after ? 'after' : 'before',
      ...(row !== null && { row: Number(row) }),
    });
    if (!content.known) {
      const words = after
        ? vscode.l10n.t('Agent Strace does not know what this file held after this step.')
        : vscode.l10n.t('Agent Strace does not know what this file held before this step.');
      return `${words}\n${unknownText(content.why)}\n`;
    }
    return textIn(content) ?? '';
  }

  /** What was shown may be known better now. */
  refresh(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === CHANGE_SCHEME) this.changed.fire(uri);
    }
  }

  dispose(): void {
    clearTimeout(this.pruning);
    this.closing.abort();
    this.registration.dispose();
    this.changed.dispose();
  }
}

/** What a file held at a moment. */
export function contentAt(course: FileCourse, side: ChangeSide): Content {
  if (!('row' in side)) {
    return side.at === 'before' ? course.versions[0]!.before : sessionAfter(course);
  }
  const version = course.versions.find(({ row }) => row === side.row);
  return version?.[side.at] ?? { known: false, why: 'noRecord' };
}
