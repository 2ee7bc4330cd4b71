/** What Cursor's `afterFileEdit` says of an edit, and which call it belongs to: it names none. */
import { diffArrays } from 'diff';
import type { FileOp, Json, TraceEvent } from '../../model/event.ts';
import { pathArgument, toolKind } from '../../model/tools.ts';
import type { HookContext } from '../agent.ts';
import { absolutePath } from '../claude/searchHits.ts';
import { lineCount } from '../fileHunks.ts';
import { asObject, asString as str } from '../rows.ts';

/** Edits of one call that are counted. */
const MAX_EDITS = 1000;
/** Texts that differ by more lines are all changed. */
const MAX_CHANGES = 500;

/**
 * Lines added and removed. Where in the file they are is not told: an edit is a text and what stands in its place, and the
 * recorder reads no file.
 */
export function editedFile(path: string, edits: Json | undefined): FileOp {
  const op: FileOp = { path, kind: 'write', ranges: [] };
  if (!Array.isArray(edits) || edits.length === 0 || edits.length > MAX_EDITS) return op;
  let added = 0;
  let removed = 0;
  for (const item of edits) {
    const edit = asObject(item);
    if (typeof edit?.old_string !== 'string' || typeof edit.new_string !== 'string') return op;
    const lines = changed(edit.old_string, edit.new_string);
    added += lines.added;
    removed += lines.removed;
  }
  const { ranges: _, ...whole } = op;
  return isWhole(edits) ? { ...whole, added, removed } : { ...op, added, removed };
}

/** The whole file was written: there was none, or nothing in it. */
const isWhole = (edits: Json[]): boolean =>
  edits.length === 1 && asObject(edits[0])?.old_string === '';

function changed(before: string, after: string): { added: number; removed: number } {
  // A file that was not there, or had nothing in it.
  if (before === '') return { added: lineCount(after), removed: 0 };
  const old = before.split('\n');
  const now = after.split('\n');
  const changes = diffArrays(old, now, { maxEditLength: MAX_CHANGES });
  if (changes === undefined) return { added: now.length, removed: old.length };
  let added = 0;
  let removed = 0;
  for (const change of changes) {
    if (change.added) added += change.value.length;
    if (change.removed) removed += change.value.length;
  }
  return { added, removed };
}

/** The call that an edit belongs to. */
export type EditedBy =
  | { call: TraceEvent }
  /** `told`: an edit of it is known already. `none`: no call is known that changed this file. */
  | 'told'
  | 'none';

/**
 * The latest call of this turn that changes this file, has not failed, and of which no edit is known. Calls come before
 * their edits, for Cursor waits for `preToolUse`.
 *
 * @param path absolute
 * @param turn `prompt_id`
 * @param cwd absolute; paths of calls can be relative to it
 */
export function editedBy(path: string, turn: string, cwd: string, context: HookContext): EditedBy {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  const told = context.recent?.(name) ?? [];
  const calls = told.filter(({ event_type, data }) => {
    if (event_type !== 'tool_call' || toolKind(str(data.tool_name)) !== 'modify') return false;
    if (str(data.prompt_id) !== turn) return false;
    const named = pathArgument(asObject(data.arguments) ?? {});
    return named !== undefined && absolutePath(named, cwd) === path;
  });
  if (calls.length === 0) return 'none';
  const call = calls.findLast(({ event_id, data }) => {
    // Calls of older versions have no id that could name them here.
    if (str(data.tool_use_id) === '') return false;
    const ends = context.recent?.(event_id).filter(({ parent_id }) => parent_id === event_id) ?? [];
    return !ends.some(({ event_type, data }) => event_type === 'error' || 'edits' in data);
  });
  return call === undefined ? 'told' : { call };
}

/** Edits as they are kept: what was written as a whole stands in its call. */
export function keptEdits(edits: Json | undefined): Json {
  return Array.isArray(edits) && !isWhole(edits) ? edits : [];
}
