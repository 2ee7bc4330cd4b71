import { closeSync, fstatSync, lstatSync, readSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import type { FileOp } from '../model/event.ts';
import { toolKind } from '../model/tools.ts';
import { BlobStore } from '../trace/blobs.ts';
import { codeOf, openRead } from '../trace/files.ts';
import { gitRootOf, stateHome } from '../trace/paths.ts';
import type { TraceSession } from '../trace/session.ts';
import { type ChangedFile, type ContentRef, readChanges, type UnknownWhy } from './changeLog.ts';
import {
  type Content,
  contentOf,
  type LineEnd,
  lineEndOf,
  MAX_CONTENT_BYTES,
  noFile,
  sameContent,
  textContent,
  textIn,
  type UnknownReason,
  unknown,
  withLineEnds,
} from './content.ts';
import { type EditResult, type EditSide, editResult } from './editResult.ts';
import { readGitBlob, readGitHead } from './gitObjects.ts';
import { TranscriptEdits } from './transcriptEdits.ts';

/** One step that changed a file. */
export interface FileVersion {
  /** The step's row in the fold: its call. */
  row: number;
  timeMs: number;
  kind: FileOp['kind'];
  before: Content;
  after: Content;
}

/** A file's course through a session. */
export interface FileCourse {
  /** Absolute. */
  path: string;
  /** At least one, in the order of time. */
  versions: FileVersion[];
  /** What the file holds now. */
  disk: Content;
}

export interface FileHistoryOptions {
  /** Git may be run: the folder is trusted. */
  git: boolean;
  /**
   * Whether the file of this absolute path may be looked at: a trace can name any, on any machine. Default: all may.
   */
  mayLook?: (path: string) => boolean;
  /** Why the agent's transcripts are not read; undefined: they are. */
  noTranscripts?: 'untrusted' | 'off' | undefined;
  env?: Record<string, string | undefined>;
  /** Claude's config folders; default: where this user's are. */
  configDirs?: readonly string[];
}

/** Courses that are remembered. */
const MAX_COURSES = 20;

/**
 * What a session did to files, with their whole texts. These never come from the trace, which is redacted,
 * cut, and may have been written by anybody: only from the agent's own transcript, git, the contents that our
 * hook kept, and the disk.
 */
export class FileHistory {
  readonly #trace: TraceSession;
  readonly #options: FileHistoryOptions;
  readonly #edits: TranscriptEdits;
  readonly #store: BlobStore;
  readonly #courses = new Map<string, { key: string; course: Promise<FileCourse | undefined> }>();
  #changes: { key: string; byCall: ReturnType<typeof readChanges> } | undefined;

  constructor(trace: TraceSession, options: FileHistoryOptions) {
    this.#trace = trace;
    this.#options = options;
    this.#store = new BlobStore(options.env);
    this.#edits = new TranscriptEdits({
      sessionId: trace.id,
      path: trace.fold.session.transcriptPath,
      ...(options.configDirs && { configDirs: options.configDirs }),
    });
  }

  /** A path of the trace, made absolute. */
  absolute(path: string): string {
    return normalize(isAbsolute(path) ? path : resolve(this.#trace.fold.session.cwd || '/', path));
  }

  /**
   * The course of a file; undefined where the session did not change it.
   *
   * @param path as the trace names it
   * @throws the signal's reason when it is aborted
   */
  async course(path: string, signal?: AbortSignal): Promise<FileCourse | undefined> {
    const { fold, epoch } = this.#trace;
    const ops = fold.files.opsOf(path).filter(({ kind }) => kind !== 'read');
    if (ops.length === 0) return undefined;
    const absolute = this.absolute(path);
    const last = ops.at(-1)!;
    const key = [
      epoch,
      ops.length,
      last.row,
      last.timeMs,
      this.#stampOf(absolute),
      this.#logStamp(),
    ];
    const known = this.#courses.get(path);
    this.#courses.delete(path);
    if (known?.key === key.join()) {
      this.#courses.set(path, known);
      return await known.course;
    }
    const course = this.#build(absolute, ops, signal);
    this.#courses.set(path, { key: key.join(), course });
    // What was given up is asked again.
    course.catch(() => this.#courses.delete(path));
    for (const oldest of this.#courses.keys()) {
      if (this.#courses.size <= MAX_COURSES) break;
      this.#courses.delete(oldest);
    }
    const made = await course;
    // A transcript that has not caught up may know more in a moment.
    if (made.versions.some(({ after }) => !after.known && after.why === 'noRecord')) {
      this.#courses.delete(path);
    }
    return made;
  }

  /**
   * What a file held when a step was over, whether the session changed it or not.
   *
   * @param path as the trace names it
   * @param row the step's row in the fold
   */
  async asOf(
    path: string,
    row: number,
    signal?: AbortSignal,
  ): Promise<{ content: Content; course?: FileCourse }> {
    const course = await this.course(path, signal);
    const { timeMs } = this.#trace.fold.columns;
    if (course) return { content: courseAsOf(course, timeMs[row] ?? 0, row), course };
    const absolute = this.absolute(path);
    if (!this.#mayLook(absolute)) return { content: unknown('outside') };
    // It is as it was if nobody has written it since. (What goes back in time with its file does not count.)
    const modifiedMs = lstatSync(absolute, { throwIfNoEntry: false })?.mtimeMs;
    const same = modifiedMs !== undefined && modifiedMs <= (timeMs[row] ?? 0);
    return { content: same ? readDisk(absolute) : unknown('changedLater') };
  }

  async #build(
    path: string,
    ops: readonly { row: number; timeMs: number; kind: FileOp['kind'] }[],
    signal: AbortSignal | undefined,
  ): Promise<FileCourse> {
    const events = this.#trace.readEvents(ops.map(({ row }) => row));
    const disk = this.#mayLook(path) ? readDisk(path) : unknown('outside');
    const found: Found[] = [];
    for (const [at, { row, timeMs, kind }] of ops.entries()) {
      signal?.throwIfAborted();
      const data = events[at]?.data;
      // As the recorder named it.
      const id = data?.call_key ?? data?.tool_use_id;
      const call = typeof id === 'string' ? id : '';
      const command = toolKind(String(data?.tool_name ?? '')) === 'run';
      const step = { row, timeMs, kind };
      const kept = await this.#kept(call, path, signal);
      if (kept || command) found.push({ ...step, ...kept });
      else found.push({ ...step, edit: await this.#ofEdit(call, path, signal) });
    }
    const whole = found.some(({ edit }) => edit?.before?.text !== undefined && isWhole(edit));
    const inGit = whole ? await this.#endInGit(path, signal) : undefined;
    const versions = joined(found, disk, inGit);
    const why = this.#options.noTranscripts;
    if (why !== undefined) {
      for (const version of versions) {
        for (const side of ['before', 'after'] as const) {
          const content = version[side];
          if (!content.known && content.why === 'noRecord') version[side] = unknown(why);
        }
      }
    }
    return { path, versions, disk };
  }

  /** How the lines of a file end in the last commit. */
  async #endInGit(path: string, signal: AbortSignal | undefined): Promise<LineEnd | undefined> {
    const root = this.#options.git && this.#mayLook(path) ? gitRootOf(dirname(path)) : undefined;
    const bytes = root === undefined ? undefined : await readGitHead(root, path, signal);
    return bytes && told(contentOf(bytes, 'git'));
  }

  async #ofEdit(
    call: string,
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<EditResult | undefined> {
    if (call === '' || this.#options.noTranscripts !== undefined) return undefined;
    const edit = editResult(await this.#edits.result(call, signal));
    // A trace cannot give one file the text of another.
    return edit !== undefined && this.absolute(edit.path) === path ? edit : undefined;
  }

  /** What our hook kept of a step: a command's, or a subagent's. */
  async #kept(
    call: string,
    path: string,
    signal: AbortSignal | undefined,
  ): Promise<{ before: Content; after: Content } | undefined> {
    const changes = this.#changesOf().get(call);
    const file = changes?.files.find((changed) => normalize(changed.path) === path);
    if (changes === undefined || file === undefined) return undefined;
    const get = (side: keyof ChangedFile & ('before' | 'after')): Promise<Content> =>
      this.#contentAt(file[side], changes.root, signal);
    return { before: await get('before'), after: await get('after') };
  }

  async #contentAt(
    ref: ContentRef,
    root: string,
    signal: AbortSignal | undefined,
  ): Promise<Content> {
    if (ref.at === 'none') return noFile;
    if (ref.at === 'unknown') return unknown(REASONS[ref.why] ?? 'unreadable');
    if (ref.at === 'blob') {
      const bytes = this.#store.get(ref.id);
      return bytes === undefined ? unknown('gone') : contentOf(bytes, 'blob');
    }
    if (!this.#options.git) return unknown('untrusted');
    const bytes = await readGitBlob(root, ref.id, signal);
    signal?.throwIfAborted();
    if (bytes === undefined) return unknown('gone');
    const content = contentOf(bytes, 'git');
    if (bytes.length === ref.size || !content.known || !content.exists) return content;
    // Git took the line ends away, or another filter was at work.
    const text = withLineEnds(content.text, '\r\n');
    return Buffer.byteLength(text) === ref.size ? textContent(text, 'git') : unknown('filtered');
  }

  #mayLook(path: string): boolean {
    return this.#options.mayLook?.(path) ?? true;
  }

  #stampOf(path: string): string {
    return this.#mayLook(path) ? stampOf(path) : '';
  }

  #logPath(): string {
    return join(stateHome(this.#options.env), 'state', this.#trace.id, 'changes.ndjson');
  }

  #logStamp(): string {
    return stampOf(this.#logPath());
  }

  #changesOf(): ReturnType<typeof readChanges> {
    const key = this.#logStamp();
    if (this.#changes?.key !== key) {
      this.#changes = { key, byCall: readChanges(this.#trace.id, this.#options.env) };
    }
    return this.#changes.byCall;
  }
}

const REASONS: Record<UnknownWhy, UnknownReason> = {
  time: 'late',
  large: 'large',
  sensitive: 'sensitive',
  unreadable: 'unreadable',
  untracked: 'untracked',
};

/** A step, with what its own record says. */
interface Found {
  row: number;
  timeMs: number;
  kind: FileOp['kind'];
  edit?: EditResult | undefined;
  before?: Content;
  after?: Content;
}

/** The steps' contents, each helped by its neighbours. */
function joined(steps: readonly Found[], disk: Content, inGit: LineEnd | undefined): FileVersion[] {
  const ends = lineEnds(steps, disk, inGit);
  const versions: FileVersion[] = [];
  for (const [at, { row, timeMs, kind, edit, before, after }] of steps.entries()) {
    const version: FileVersion = {
      row,
      timeMs,
      kind,
      before: before ?? sideOf(edit?.before, ends[at]!),
      after: after ?? sideOf(edit?.after, ends[at]!),
    };
    const previous = versions.at(-1)?.after;
    if (!version.before.known && edit?.change && previous) derive(version, edit, previous);
    versions.push(version);
  }
  return versions;
}

/** The record holds the change only: it is tried on what the step before left. */
function derive(version: FileVersion, { change }: EditResult, previous: Content): void {
  const text = textIn(previous);
  if (text === undefined) return;
  const after = change?.(text.replaceAll('\r\n', '\n'));
  if (after === undefined) return;
  version.before = textContent(text, 'derived');
  version.after = textContent(withLineEnds(after, lineEndOf(text)), 'derived');
}

function sideOf(side: EditSide | undefined, end: LineEnd): Content {
  if (side === undefined) return unknown('noRecord');
  if (side.text === undefined) return noFile;
  if (side.text.length > MAX_CONTENT_BYTES) return unknown('large');
  return textContent(side.plainEnds ? withLineEnds(side.text, end) : side.text, 'transcript');
}

/**
 * How the lines ended at each step whose record does not say: as in the nearest content that tells, of a
 * later step, the disk, an earlier one, or git. An edit leaves them as they are; only a whole new text changes them.
 */
function lineEnds(steps: readonly Found[], disk: Content, inGit: LineEnd | undefined): LineEnd[] {
  const ends: LineEnd[] = [];
  let later = told(disk);
  for (let at = steps.length - 1; at >= 0; at--) {
    const { edit, before, after } = steps[at]!;
    if (before !== undefined || after !== undefined) {
      ends[at] = told(before) ?? told(after) ?? later ?? '\n';
      later = told(before);
    } else if (edit !== undefined && isWhole(edit)) {
      // What was before a whole new text: an earlier step may know, or git.
      ends[at] = toldBefore(steps, at) ?? inGit ?? lineEndOf(edit.after?.text ?? '');
      later = ends[at];
    } else ends[at] = later ?? toldBefore(steps, at) ?? '\n';
  }
  return ends;
}

/** An edit that wrote the whole text, line ends and all. */
const isWhole = ({ after }: EditResult): boolean => after?.plainEnds === false;

const told = (content: Content | undefined): LineEnd | undefined => {
  const text = textIn(content);
  return text?.includes('\n') ? lineEndOf(text) : undefined;
};

function toldBefore(steps: readonly Found[], from: number): LineEnd | undefined {
  for (let at = from - 1; at >= 0; at--) {
    const { edit, after } = steps[at]!;
    const end = told(after);
    if (end !== undefined) return end;
    if (edit !== undefined && isWhole(edit)) return lineEndOf(edit.after?.text ?? '');
  }
  return undefined;
}

/** What a file holds now; follows no link in its last component. */
export function readDisk(path: string): Content {
  try {
    const fd = openRead(path);
    try {
      const bytes = readAtMost(fd, MAX_CONTENT_BYTES);
      return bytes === undefined ? unknown('large') : contentOf(bytes, 'disk');
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? noFile : unknown('unreadable');
  }
}

/** The system has files that say they are empty and have no end. @returns undefined where there is more */
function readAtMost(fd: number, maxBytes: number): Buffer | undefined {
  const { size } = fstatSync(fd);
  if (size > maxBytes) return undefined;
  const bytes = Buffer.allocUnsafe((size === 0 ? maxBytes : size) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(fd, bytes, length, bytes.length - length, null);
    length += read;
    if (length === bytes.length) return undefined;
    if (read === 0) return bytes.subarray(0, length);
  }
}

/**
 * What a file held when the step of a row was over: what the last change until then left, else what was there before the
 * first one.
 *
 * @param timeMs of that step
 */
function courseAsOf({ versions }: FileCourse, timeMs: number, row: number): Content {
  const next = versions.findIndex(
    (version) => version.timeMs > timeMs || (version.timeMs === timeMs && version.row > row),
  );
  const last = next === -1 ? versions.at(-1) : versions[next - 1];
  if (last?.after.known) return last.after;
  const before = versions[next]?.before;
  return before?.known ? before : (last?.after ?? before ?? unknown('noRecord'));
}

/** The file as the session left it: what the last step left, else what is on disk. */
export function sessionAfter({ versions, disk }: FileCourse): Content {
  const { after } = versions.at(-1)!;
  return after.known ? after : disk;
}

/** Whether the file is as the session left it. */
export const isUntouched = (course: FileCourse): boolean =>
  sameContent(sessionAfter(course), course.disk);

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return '';
  }
}
