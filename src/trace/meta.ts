import { join } from 'node:path';
import { META_FILE } from './append.ts';
import { readSmallFile } from './files.ts';
import { isSafeSessionId } from './paths.ts';
import type { SessionEntry } from './store.ts';

/** A session's meta.json as it stands; undefined where there is none that can be read. */
export function readMeta(entry: SessionEntry): Record<string, unknown> | undefined {
  const text = readSmallFile(join(entry.directory, META_FILE), 1_048_576);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The session that started this one, where another writer made subagents sessions of their own. */
export function metaParent(entry: SessionEntry): string | undefined {
  const parent = readMeta(entry)?.parent_session_id;
  return isSafeSessionId(parent) && parent !== entry.id ? parent : undefined;
}

/** Id of the event of that session that started this one, where meta.json tells. */
export function metaParentEvent(entry: SessionEntry): string | undefined {
  const id = readMeta(entry)?.parent_event_id;
  return typeof id === 'string' && /^[0-9a-f]{12}$/.test(id) ? id : undefined;
}

const IMPORTED = 'imported from ';

/** What meta.json says of a session that was imported. @param file name of the transcript */
export const importedCommand = (file: string): string => `${IMPORTED}${file}`;

/** Whether a trace came from a transcript alone, by its own word. */
export function wasImported(entry: SessionEntry): boolean {
  const command = readMeta(entry)?.command;
  return typeof command === 'string' && command.startsWith(IMPORTED);
}
