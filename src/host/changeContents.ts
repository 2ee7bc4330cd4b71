import { relative, sep } from 'node:path';
import * as vscode from 'vscode';
import { type Content, textIn } from '../history/content.ts';
import { compareContents, END_SOURCES, type EndedSession } from '../history/endContents.ts';
import {
  type FileCourse,
  FileHistory,
  type FileHistoryOptions,
  sessionAfter,
} from '../history/fileHistory.ts';
import { restoreTarget } from '../history/restoreTarget.ts';
import { BlobStore } from '../trace/blobs.ts';
import { isBelow } from '../trace/paths.ts';
import { unknownText } from './changeText.ts';
import type { Engine } from './engine.ts';
import type { LiveSession } from './liveSession.ts';
import { openFolders } from './openFolders.ts';
import { readSettings } from './settings.ts';
import type { TraceDocuments } from './traceDocuments.ts';

/** Of the documents with what a file held. */
export const FILE_KIND = 'file';

/** The window has its start behind it, ms. */
const PRUNE_AFTER_MS = 60_000;

/** Which moment of a file: the session's ends, the sides of a step that changed it (its row), or when any step was over. */
export type ChangeSide =
  | { at: 'before' | 'after' }
  | { at: 'before' | 'after'; row: number }
  | { at: 'asOf'; row: number };

/** Knows the courses of files, and shows them as documents. */
export class ChangeContents implements vscode.Disposable {
  private readonly engine: Engine;
  private readonly documents: TraceDocuments;
  private readonly histories = new WeakMap<LiveSession, { key: string; history: FileHistory }>();
  private readonly pruning: ReturnType<typeof setTimeout>;
  private readonly closing = new AbortController();

  constructor(engine: Engine, documents: TraceDocuments) {
    this.engine = engine;
    this.documents = documents;
    // Once a window: the recorder has no time for it.
    this.pruning = setTimeout(() => new BlobStore().prune(), PRUNE_AFTER_MS);
    documents.provide(FILE_KIND, (query) => this.textOf(query));
  }

  /** The course of a file; undefined where the session did not change it. @param path as in the trace */
  course(session: LiveSession, path: string): Promise<FileCourse | undefined> {
    return this.historyOf(session).course(path, this.closing.signal);
  }

  /** What a file held when a step was over. @param row the step's row @param path as in the trace */
  asOf(session: LiveSession, path: string, row: number): ReturnType<FileHistory['asOf']> {
    return this.historyOf(session).asOf(path, row, this.closing.signal);
  }

  /** Whether these files ended the same in both sessions, where that is known. @param paths as a comparison has them */
  compareEnds(
    a: LiveSession,
    b: LiveSession,
    paths: readonly string[],
  ): ReturnType<typeof compareContents> {
    const ended = ({ trace }: LiveSession): EndedSession => ({
      cwd: trace.fold.session.cwd,
      history: new FileHistory(trace, { ...END_SOURCES, noTranscripts: noTranscripts() }),
    });
    return compareContents(
      ended(a),
      ended(b),
      paths,
      () => new Promise((resolve) => setImmediate(resolve)),
    );
  }

  private historyOf(session: LiveSession): FileHistory {
    const { isTrusted } = vscode.workspace;
    const reason = noTranscripts();
    const key = `${session.trace.epoch} ${isTrusted} ${reason}`;
    const known = this.histories.get(session);
    if (known?.key === key) return known.history;
    const mayLook = (path: string): boolean =>
      session.record !== undefined ||
      restoreTarget(
        path,
        openFolders().map((folder) => folder.path),
      ).ok;
    const history = new FileHistory(session.trace, {
      git: isTrusted,
      noTranscripts: reason,
      mayLook,
    });
    this.histories.set(session, { key, history });
    return history;
  }

  /** The document of a moment. */
  uri(session: LiveSession, path: string, side: ChangeSide): vscode.Uri {
    const values = {
      session: session.key,
      path,
      at: side.at,
      ...('row' in side && { row: `${side.row}` }),
    };
    // The name decides the language; where several are shown at once their folders are, too.
    const { cwd } = session.trace.fold.session;
    const absolute = this.historyOf(session).absolute(path);
    const shown = cwd !== '' && isBelow(absolute, cwd) ? relative(cwd, absolute) : absolute;
    return this.documents.uri(FILE_KIND, shown.replaceAll(sep, '/'), values);
  }

  private async textOf(query: URLSearchParams): Promise<string> {
    const session = this.engine.live.get(query.get('session') ?? '');
    if (!session) return `${vscode.l10n.t('This session is no longer open.')}\n`;
    const path = query.get('path') ?? '';
    const at = query.get('at');
    const row = query.get('row');
    if (at === 'asOf') {
      const { content, course } = await this.asOf(session, path, Number(row));
      return content.known ? (textIn(content) ?? '') : unknownAsOf(session, content, course);
    }
    const course = await this.course(session, path);
    if (!course) return `${vscode.l10n.t('This session is no longer open.')}\n`;
    const after = at === 'after';
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
    this.documents.refreshAll(FILE_KIND);
  }

  dispose(): void {
    clearTimeout(this.pruning);
    this.closing.abort();
  }
}

/** Why transcripts are not read; undefined: they are. */
function noTranscripts(): FileHistoryOptions['noTranscripts'] {
  if (!vscode.workspace.isTrusted) return 'untrusted';
  return readSettings().readTranscripts ? undefined : 'off';
}

/** Moments that are named. */
const MAX_NAMED = 20;

/** What is known of a file instead, by the numbers of steps. */
function unknownAsOf(
  { trace: { fold } }: LiveSession,
  content: Extract<Content, { known: false }>,
  course: FileCourse | undefined,
): string {
  const moments = (course?.versions ?? []).flatMap(({ row, before, after }) => {
    const step = fold.steps.stepOf(row) + 1;
    if (step === 0) return [];
    return [
      ...(before.known ? [vscode.l10n.t('before step {0}', step)] : []),
      ...(after.known ? [vscode.l10n.t('after step {0}', step)] : []),
    ];
  });
  const lines = [
    vscode.l10n.t('Agent Strace does not know what this file held then.'),
    unknownText(content.why),
    ...(moments.length > 0
      ? [vscode.l10n.t('Known: {0}.', moments.slice(0, MAX_NAMED).join(', '))]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** What a file held at the ends of the session, or at the sides of a step that changed it. */
export function contentAt(course: FileCourse, side: Exclude<ChangeSide, { at: 'asOf' }>): Content {
  if (!('row' in side)) {
    return side.at === 'before' ? course.versions[0]!.before : sessionAfter(course);
  }
  const version = course.versions.find(({ row }) => row === side.row);
  return version?.[side.at] ?? { known: false, why: 'noRecord' };
}
