/**
 * What a command changes, as a bundle of its own: only hooks of commands in a git repository pay for
 * loading it. The recorder requires it by its file, as a `Snapshot`.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { patchTextFiles } from '../agents/codex/patch.ts';
import { keepEdit } from '../history/keepEdit.ts';
import { type SnapshotCall, snapshotAfter, snapshotBefore } from '../history/snapshot.ts';
import { isObject, type Json, type JsonObject, type TraceEvent } from '../model/event.ts';
import { commandArgument, pathArgument, toolKind } from '../model/tools.ts';
import { EVENTS_FILE, readTail } from '../trace/append.ts';
import { BlobStore } from '../trace/blobs.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import type { CommandCall, Snapshot } from './commandFiles.ts';

/** Bytes of the trace's end in which others' changes are looked for. */
const TAIL_BYTES = 262_144;
/** Sessions beside this one in whose traces others' changes are looked for: the agent waits. */
const MAX_OTHERS = 8;
/** Of a trace folder. */
const MAX_SESSIONS = 2000;

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

/** Files that other calls of this time changed, or are about to: this agent's, and those of others in the project. */
function claimed(traceDir: string, call: SnapshotCall, sinceMs: number): Set<string> {
  const paths = new Set<string>();
  for (const session of [call.sessionId, ...othersSince(traceDir, call.sessionId, sinceMs)]) {
    const own = session === call.sessionId;
    for (const line of readTail(traceDir, session, TAIL_BYTES).bytes.toString().split('\n')) {
      if (!line.includes('"event_type":"tool_')) continue;
      try {
        const { timestamp, data } = JSON.parse(line) as TraceEvent;
        if (timestamp * 1000 < sinceMs || (own && data.tool_use_id === call.callId)) continue;
        for (const path of claimsOf(data, own ? '' : call.command)) {
          paths.add(resolve(call.cwd, path));
        }
      } catch {
        // Half a line.
      }
    }
  }
  return paths;
}

/**
 * Files that a call's data says it changes.
 *
 * @param command what another session's command saw change is not its own where this command names it: each of two
 *   commands sees what both do
 */
function claimsOf(
  { arguments: args, tool_name: tool, files }: JsonObject,
  command: string,
): string[] {
  const paths: string[] = [];
  if (isObject(args) && toolKind(String(tool)) === 'modify') {
    paths.push(pathArgument(args) ?? '');
    for (const text of Object.values(args)) {
      if (typeof text !== 'string' || !text.includes('*** Begin Patch')) continue;
      paths.push(...patchTextFiles(text, '').map((file) => file.path));
    }
  }
  for (const file of Array.isArray(files) ? files : []) {
    if (!isObject(file) || file.kind === 'read') continue;
    const path = String(file.path);
    if (file.source !== 'stat' || !command.includes(basename(path))) paths.push(path);
  }
  return paths.filter((path) => path !== '');
}

/** Other sessions of a trace folder that were written to since then, the latest first. */
function othersSince(traceDir: string, sessionId: string, sinceMs: number): string[] {
  const found: [id: string, mtimeMs: number][] = [];
  try {
    for (const entry of readdirSync(traceDir, { withFileTypes: true }).slice(0, MAX_SESSIONS)) {
      const { name } = entry;
      if (name === sessionId || !entry.isDirectory() || !isSafeSessionId(name)) continue;
      const stat = lstatSync(join(traceDir, name, EVENTS_FILE), { throwIfNoEntry: false });
      if (stat?.isFile() && stat.mtimeMs >= sinceMs) found.push([name, stat.mtimeMs]);
    }
  } catch {
    // What was found has to do.
  }
  return found
    .sort(([, a], [, b]) => b - a)
    .slice(0, MAX_OTHERS)
    .map(([id]) => id);
}

/** After a subagent's edit: keeps its texts. @throws what the file system throws */
export const edit: Snapshot['edit'] = ({ tool, sessionId }) =>
  keepEdit(sessionId, tool.callId, tool.response);

/** Takes contents away that nobody asked for longest. */
export function pruneBlobs(): void {
  new BlobStore().prune();
}
