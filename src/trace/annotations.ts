/**
 * Notes that people make on a session, beside its trace: `annotations.jsonl`, one JSON object a line, as the Python
 * `agent-strace` reads and writes it. Append-only: a line with the id of an earlier one replaces it, one with `"deleted": true` takes it away.
 */
import { closeSync, fstatSync, lstatSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { asciiJson } from '../model/codec.ts';
import { isObject, type Json, type JsonObject } from '../model/event.ts';
import { randomEventId } from '../model/ids.ts';
import { MAX_LABEL, MAX_NOTE } from '../model/notes.ts';
import {
  checkOwnDirectory,
  codeOf,
  type FileProblem,
  openAppend,
  openRead,
  problemText,
} from './files.ts';

export const ANNOTATIONS_FILE = 'annotations.jsonl';

/** UTF-16 units; what is longer is cut when read, and refused when written. */
export const MAX_AUTHOR = 80;
/** Annotations of one session. */
const MAX_ANNOTATIONS = 10_000;
/** Bytes of the file that are read: it lies in a folder that anybody may have sent. */
const MAX_BYTES = 16 * 1_048_576;
/** A line that we write is far below: six bytes a character. */
const MAX_LINE = 131_072;

export interface Annotation {
  /** 12 hex digits. */
  id: string;
  /** The event that it is about; empty: none of this trace. */
  eventId: string;
  /** Seconds after the session's start. */
  offsetSeconds: number;
  label: string;
  note: string;
  author: string;
  /** ms since the epoch. */
  createdAtMs: number;
}

/** What a person says of a step. One of label and note must not be empty. */
export interface NewAnnotation {
  eventId: string;
  /** Seconds after the session's start. */
  offsetSeconds: number;
  label: string;
  note: string;
  author?: string | undefined;
}

/** Why a note could not be kept, in words for people. */
export class AnnotationError extends Error {
  /** A code of the system, where the file is the reason. */
  readonly code: FileProblem | undefined;
  constructor(message: string, code?: FileProblem) {
    super(message);
    this.name = 'AnnotationError';
    this.code = code;
  }
}

/**
 * The annotations of a session as they stand, in the order in which they were made. A file that is not there, cannot be
 * read or holds nonsense has none: lines that are no annotation are passed over.
 *
 * @param directory the session's folder
 */
export function readAnnotations(directory: string): Annotation[] {
  return [...readLines(directory).values()].map(({ annotation }) => annotation);
}

/**
 * Changes when the annotations of a session may have changed; empty where there are none. One stat.
 *
 * @param directory the session's folder
 */
export function annotationsStamp(directory: string): string {
  try {
    // What a link leads to is not read, and it may lead in a circle.
    const stat = lstatSync(join(directory, ANNOTATIONS_FILE), { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
  } catch {
    return '';
  }
}

/**
 * Adds an annotation, with one write.
 *
 * @param directory the session's folder; it must be there
 * @param nowMs ms since the epoch
 * @throws {AnnotationError}
 */
export function addAnnotation(
  directory: string,
  sessionId: string,
  added: NewAnnotation,
  nowMs: number = Date.now(),
): Annotation {
  const annotation: Annotation = {
    id: randomEventId(),
    eventId: added.eventId,
    offsetSeconds: Number.isFinite(added.offsetSeconds) ? added.offsetSeconds : 0,
    label: oneLineOf(added.label),
    note: textOf(added.note),
    author: oneLineOf(added.author ?? ''),
    createdAtMs: nowMs,
  };
  check(annotation);
  if (readLines(directory).size >= MAX_ANNOTATIONS) {
    throw new AnnotationError(
      `A session holds at most ${MAX_ANNOTATIONS} annotations. Delete some that are not needed any more.`,
    );
  }
  append(directory, lineOf(annotation, sessionId, {}));
  return annotation;
}

/**
 * Changes the words of an annotation; its step, author and time stay.
 *
 * @returns the annotation as it is now; undefined: there is none of this id
 * @throws {AnnotationError}
 */
export function changeAnnotation(
  directory: string,
  id: string,
  change: Partial<Pick<Annotation, 'label' | 'note'>>,
): Annotation | undefined {
  const known = readLines(directory).get(id);
  if (known === undefined) return undefined;
  const annotation: Annotation = {
    ...known.annotation,
    label: oneLineOf(change.label ?? known.annotation.label),
    note: textOf(change.note ?? known.annotation.note),
  };
  check(annotation);
  append(directory, lineOf(annotation, known.sessionId, known.extra));
  return annotation;
}

/**
 * Takes an annotation away. Its line stays in the file, and a line more says that it is gone: nothing is
 * lost where two write at once. The Python tool, which knows no such line, goes on showing it.
 *
 * @returns whether there was one of this id
 * @throws {AnnotationError}
 */
export function removeAnnotation(directory: string, id: string): boolean {
  const known = readLines(directory).get(id);
  if (known === undefined) return false;
  // What a reader that does not know `deleted` shows of this line should say the same.
  const gone = { ...known.annotation, label: 'deleted', note: '' };
  append(directory, lineOf(gone, known.sessionId, { ...known.extra, deleted: true }));
  return true;
}

interface KnownLine {
  annotation: Annotation;
  sessionId: string;
  /** Keys that others wrote and we do not know: a change keeps them. */
  extra: JsonObject;
}

const OWN_KEYS = new Set([
  'annotation_id',
  'session_id',
  'event_id',
  'offset_seconds',
  'label',
  'note',
  'author',
  'created_at',
  'deleted',
]);

function readLines(directory: string): Map<string, KnownLine> {
  const known = new Map<string, KnownLine>();
  for (const line of linesOf(join(directory, ANNOTATIONS_FILE))) {
    const read = parseLine(line);
    if (read === undefined) continue;
    const { id } = read.line.annotation;
    if (read.deleted) known.delete(id);
    else if (known.has(id) || known.size < MAX_ANNOTATIONS) known.set(id, read.line);
  }
  return known;
}

function parseLine(text: string): { line: KnownLine; deleted: boolean } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { annotation_id: id, created_at: at, offset_seconds: offset } = value;
  // Anything beyond what ids look like would be an id only of a hostile file.
  if (typeof id !== 'string' || !/^[0-9A-Za-z_-]{1,64}$/.test(id)) return undefined;
  const annotation: Annotation = {
    id,
    eventId: wordOf(value.event_id, 128),
    offsetSeconds: typeof offset === 'number' && Number.isFinite(offset) ? offset : 0,
    label: oneLineOf(wordOf(value.label, MAX_LABEL)),
    note: wordOf(value.note, MAX_NOTE),
    author: oneLineOf(wordOf(value.author, MAX_AUTHOR)),
    createdAtMs: typeof at === 'number' && Number.isFinite(at) ? at * 1000 : 0,
  };
  const deleted = value.deleted === true;
  if (!deleted && annotation.label === '' && annotation.note === '') return undefined;
  const extra: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    if (!OWN_KEYS.has(key) && key !== '__proto__') extra[key] = each;
  }
  return { line: { annotation, sessionId: wordOf(value.session_id, 128), extra }, deleted };
}

/** The lines of the file that are whole and not too long; none where it cannot be read. */
function linesOf(path: string): string[] {
  let file: number;
  try {
    file = openRead(path);
  } catch {
    return [];
  }
  try {
    const size = Math.min(fstatSync(file).size, MAX_BYTES);
    const bytes = Buffer.allocUnsafe(size);
    const read = readSync(file, bytes, 0, size, 0);
    return bytes
      .subarray(0, read)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '' && line.length <= MAX_LINE);
  } catch {
    return [];
  } finally {
    closeSync(file);
  }
}

/** Keys in the order of the Python tool, those of others behind them. */
function lineOf(annotation: Annotation, sessionId: string, extra: JsonObject): string {
  const line: Record<string, Json> = {
    annotation_id: annotation.id,
    session_id: sessionId,
    event_id: annotation.eventId,
    offset_seconds: annotation.offsetSeconds,
    label: annotation.label,
    note: annotation.note,
    author: annotation.author,
    created_at: annotation.createdAtMs / 1000,
    ...extra,
  };
  const text = asciiJson(line);
  // Others' keys may be of any size; ours matter more.
  return `${text.length <= MAX_LINE ? text : asciiJson({ ...line, ...blanked(extra) })}\n`;
}

const blanked = (extra: JsonObject): JsonObject =>
  Object.fromEntries(Object.keys(extra).map((key) => [key, key === 'deleted' ? true : null]));

function check({ label, note, author }: Annotation): void {
  if (label === '' && note === '') {
    throw new AnnotationError('Nothing to keep: an annotation needs a note or a label.');
  }
  if (note.length > MAX_NOTE) throw tooLong('note', note.length, MAX_NOTE);
  if (label.length > MAX_LABEL) throw tooLong('label', label.length, MAX_LABEL);
  if (author.length > MAX_AUTHOR) throw tooLong('author', author.length, MAX_AUTHOR);
}

const tooLong = (what: string, length: number, most: number): AnnotationError =>
  new AnnotationError(
    `The ${what} has ${length} characters; at most ${most} are kept. Shorten it.`,
  );

function append(directory: string, line: string): void {
  const path = join(directory, ANNOTATIONS_FILE);
  const problem = checkOwnDirectory(directory);
  if (problem !== undefined) {
    throw new AnnotationError(
      `The annotation cannot be kept in ${directory}: ${problemText(problem)}`,
      problem,
    );
  }
  try {
    const file = openAppend(path);
    try {
      // A torn last line of somebody else must not swallow ours.
      const whole = Buffer.from(endsTorn(path) ? `\n${line}` : line, 'latin1');
      if (fstatSync(file).size + whole.length > MAX_BYTES) {
        throw new AnnotationError(
          `${path} is full (${MAX_BYTES / 1_048_576} MB). Move it away to begin a new one.`,
        );
      }
      if (writeSync(file, whole) !== whole.length) {
        throw Object.assign(new Error('ESHORT'), { code: 'ESHORT' });
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof AnnotationError) throw error;
    const code = codeOf(error);
    throw new AnnotationError(
      `The annotation cannot be kept in ${path}: ${problemText(code)}`,
      code,
    );
  }
}

function endsTorn(path: string): boolean {
  let file: number;
  try {
    file = openRead(path);
  } catch {
    return false;
  }
  try {
    const { size } = fstatSync(file);
    if (size === 0) return false;
    const last = Buffer.alloc(1);
    return readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}

const wordOf = (value: Json | undefined, most: number): string =>
  typeof value === 'string' ? value.slice(0, most) : '';
/** A lone surrogate is no text: other readers fail over it. */
const textOf = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    .replace(/\p{Cs}/gu, '\ufffd')
    .trim();
const oneLineOf = (text: string): string => textOf(text).replace(/\s+/g, ' ');
