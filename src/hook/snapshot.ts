/**
 * What a command changes, as a bundle of its own: only hooks of commands in a git repository pay for
 * loading it. The recorder requires it by its file, as a `Snapshot`.
 */
import { keepEdit } from '../history/keepEdit.ts';
import { type SnapshotCall, snapshotAfter, snapshotBefore } from '../history/snapshot.ts';
import { isObject, type Json, type TraceEvent } from '../model/event.ts';
import { commandArgument, pathArgument, toolKind } from '../model/tools.ts';
import { readTail } from '../trace/append.ts';
import { BlobStore } from '../trace/blobs.ts';
import type { CommandCall, Snapshot } from './commandFiles.ts';

/** Bytes of the trace's end in which others' changes are looked for. */
const TAIL_BYTES = 262_144;

function callOf({ tool, sessionId, startedAt }: CommandCall): SnapshotCall {
  const { callId, cwd, input } = tool;
  return { sessionId, callId, cwd, command: commandArgument(input) ?? '', startedAt };
}

/** Before a command runs. @throws what the file system throws */
export const before: Snapshot['before'] = (call) => snapshotBefore(callOf(call));

/** After a command: adds what it changed to its result's data. @throws what the file system throws */
export const after: Snapshot['after'] = (from, traceDir, data) => {
  const call = callOf(from);
  const found = snapshotAfter(call, (sinceMs) => claimed(traceDir, call, sinceMs));
  // A command that still runs in the background may change more.
  if (found === undefined || found.unknown || data.task_id !== undefined) {
    data.changed_files = 'unknown';
  }
  // What the agent itself says of a file has its lines, and stands.
  const told = Array.isArray(data.files) ? data.files : [];
  const paths = new Set(told.map((file) => isObject(file) && file.path));
  const more = (found?.files ?? []).filter(({ path }) => !paths.has(path));
  if (more.length > 0) data.files = [...told, ...(more as unknown as Json[])];
};

/** Files that other calls of this time changed, or are about to. */
function claimed(
  traceDir: string,
  { sessionId, callId }: SnapshotCall,
  sinceMs: number,
): Set<string> {
  const paths = new Set<string>();
  for (const line of readTail(traceDir, sessionId, TAIL_BYTES).bytes.toString().split('\n')) {
    if (!line.includes('"event_type":"tool_')) continue;
    try {
      const { timestamp, data } = JSON.parse(line) as TraceEvent;
      if (timestamp * 1000 < sinceMs || data.tool_use_id === callId) continue;
      const { arguments: args, files } = data;
      if (isObject(args) && toolKind(String(data.tool_name)) === 'modify') {
        paths.add(pathArgument(args) ?? '');
      }
      for (const file of Array.isArray(files) ? files : []) {
        if (isObject(file) && file.kind !== 'read') paths.add(String(file.path));
      }
    } catch {
      // Half a line.
    }
  }
  return paths;
}

/** After a subagent's edit: keeps its texts. @throws what the file system throws */
export const edit: Snapshot['edit'] = ({ tool, sessionId }) =>
  keepEdit(sessionId, tool.callId, tool.response);

/** Takes contents away that nobody asked for longest. */
export function pruneBlobs(): void {
  new BlobStore().prune();
}
