/** What the calls of VS Code's own tools say of files: its results are texts. */
import type { FileOp, JsonObject } from '../../model/event.ts';
import { shownLines } from '../../model/fileOps.ts';
import { lineCount } from '../fileHunks.ts';
import { asObject, asString } from '../rows.ts';

const MAX_FILES = 100;

/** Files of a call that went well. */
export function filesOfCall(tool: string, input: JsonObject): FileOp[] {
  const path = asString(input.filePath);
  switch (tool) {
    case 'read_file':
    case 'view_image': {
      if (path === '') return [];
      const shown = shownLines(input);
      return [{ path, kind: 'read', ...(shown !== undefined && { ranges: [shown] }) }];
    }
    case 'create_file': {
      if (path === '') return [];
      if (typeof input.content !== 'string') return [{ path, kind: 'create' }];
      const lines = lineCount(input.content);
      return [{ path, kind: 'create', added: lines, removed: 0, total_lines: lines }];
    }
    case 'replace_string_in_file':
    case 'insert_edit_into_file':
    case 'edit_notebook_file':
      return path === '' ? [] : [{ path, kind: 'write' }];
    case 'multi_replace_string_in_file': {
      const items = Array.isArray(input.replacements) ? input.replacements : [];
      return written(items.map((item) => asString(asObject(item)?.filePath)));
    }
    case 'apply_patch':
      return patched(asString(input.input));
    default:
      return [];
  }
}

const written = (paths: readonly string[]): FileOp[] =>
  [...new Set(paths)]
    .filter((path) => path !== '')
    .slice(0, MAX_FILES)
    .map((path) => ({ path, kind: 'write' }));

const PATCHED: Record<string, FileOp['kind']> = {
  Add: 'create',
  Update: 'write',
  Delete: 'delete',
};

function patched(patch: string): FileOp[] {
  const ops: FileOp[] = [];
  for (const [, verb = '', path = ''] of patch.matchAll(
    /^\*\*\* (Add|Update|Delete) File: (.+)$/gm,
  )) {
    if (ops.length < MAX_FILES) ops.push({ path: path.trim(), kind: PATCHED[verb] ?? 'write' });
  }
  return ops;
}

/** How a terminal's command ended: nothing is said where it ended well. */
export function terminalExit(text: string): number | undefined {
  const code = /(?:^|\n)Command exited with code (\d{1,10})\s*$/.exec(text.slice(-300))?.[1];
  return code === undefined ? undefined : Number(code);
}
