/** Keeps both texts of a subagent's edit: its transcript, unlike the main one, does not hold them. */
import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSensitivePath } from '../redact/sensitivePath.ts';
import { BlobStore } from '../trace/blobs.ts';
import { ensureOwnDirectory, openRead } from '../trace/files.ts';
import { ensureStateFolder, isSafeSessionId } from '../trace/paths.ts';
import { appendChanges, type ContentRef } from './changeLog.ts';
import { lineEndOf, withLineEnds } from './content.ts';
import { type EditSide, editResult } from './editResult.ts';

/** Longer texts are not kept while the agent waits, UTF-16 units. */
const MAX_TEXT = 512 * 1024;

/**
 * @param response the tool's own, whole
 * @throws what the file system throws
 */
export function keepEdit(sessionId: string, callId: string, response: unknown): void {
  const edit = editResult(response);
  if (edit?.before === undefined || edit.after === undefined || callId === '') return;
  if (!isSafeSessionId(sessionId) || isSensitivePath(edit.path)) return;
  const { path, problem } = ensureStateFolder('state');
  if (problem !== undefined || ensureOwnDirectory(join(path, sessionId)) !== undefined) return;
  // The response has plain line ends only; the file, as it is now, has its own.
  const disk = readText(edit.path);
  const plain = (text: string | undefined): string | undefined => text?.replaceAll('\r\n', '\n');
  const own = plain(disk) === plain(edit.after.text) ? disk : undefined;
  const end = own === undefined || !edit.after.plainEnds ? '\n' : lineEndOf(own);
  const store = new BlobStore();
  const keep = ({ text, plainEnds }: EditSide): ContentRef => {
    if (text === undefined) return { at: 'none' };
    if (text.length > MAX_TEXT) return { at: 'unknown', why: 'large' };
    const id = store.put(Buffer.from(plainEnds ? withLineEnds(text, end) : text));
    return id === undefined ? { at: 'unknown', why: 'unreadable' } : { at: 'blob', id };
  };
  const before = keep(edit.before);
  const after = keep(edit.after);
  const kind = before.at === 'none' ? 'create' : 'write';
  appendChanges(sessionId, {
    call: callId,
    root: '',
    files: [{ path: edit.path, kind, before, after }],
  });
}

function readText(path: string): string | undefined {
  try {
    const fd = openRead(path);
    try {
      return fstatSync(fd).size > MAX_TEXT ? undefined : readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
