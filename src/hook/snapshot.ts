/**
 * What a command changes, as a bundle of its own: only hooks of commands in a git repository pay for
 * loading it. The recorder requires it by its file, as a `Snapshot`.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { keepEdit } from '../history/keepEdit.ts';
import { type SnapshotCall, snapshotAfter, snapshotBefore } from '../history/snapshot.ts';
import { isObject, type Json, type JsonObject, type TraceEvent } from '../model/event.ts';
import { patchPaths } from '../model/patchText.ts';
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
/** A call that began so long before a command, and has no end, is taken to be under way still, ms. */
const UNDER_WAY_MS = 60_000;

function callOf({ tool, sessionId, startedAt }: CommandCall): SnapshotCall {
  const { callId, cwd, input } = tool;
  return { sessionId, callId, cwd, command: commandArgument(input) ?? '', startedAt };
}

/** Before a command runs. @throws what the file system throws */
export const before: Snapshot['before'] = (call) => snapshotBefore(callOf(call));

/** After a command: adds what it changed to its result's data. @throws what the file system throws */
export const after: Snapshot['after'] = (from, traceDir, data) => {
  const call = callOf(from);
  const found = snapshotAfter(call, (sinceMs) => {
    const { own, others, seen } = claimsSince(traceDir, call, sinceMs);
    return new Set([...own, ...others, ...seen]);
  });
  // A command that still runs in the background may change more.
  if (found === undefined || found.unknown || data.task_id !== undefined) {
    data.changed_files = 'unknown';
  }
  // What the agent itself says of a file has its lines, and stands; but it, too, only saw that the file changed.
  const told = Array.isArray(data.files) ? data.files : [];
  const files = told.some(isChange) ? withoutOthers(told, traceDir, call) : told;
  const paths = new Set(told.map((file) => isObject(file) && file.path));
  const more = (found?.files ?? []).filter(({ path }) => !paths.has(path));
  if (more.length > 0 || files.length < told.length) {
    data.files = [...files, ...(more as unknown as Json[])];
  }
};

const isChange = (file: Json): file is JsonObject => isObject(file) && file.kind !== 'read';

/** Without files that another agent's tools changed while the command ran. */
function withoutOthers(told: Json[], traceDir: string, call: SnapshotCall): Json[] {
  const { sessionId, callId } = call;
  const started = callsOf(traceDir, sessionId).findLast(
    ({ event_type: type, data }) =>
      type === 'tool_call' && (data.tool_use_id === callId || data.call_key === callId),
  );
  if (started === undefined) return told;
  const { others } = claimsSince(traceDir, call, started.timestamp * 1000);
  return told.filter((file) => !isChange(file) || !others.has(String(file.path)));
}

/** Files that calls changed, or are about to. Absolute. */
interface Claims {
  /** Calls of this agent. */
  own: Set<string>;
  /** Tools of others in the project, which say what they change. */
  others: Set<string>;
  /** Commands of others, which see all that changes: but for files that this command names. */
  seen: Set<string>;
}

function claimsSince(traceDir: string, call: SnapshotCall, sinceMs: number): Claims {
  const claims: Claims = { own: new Set(), others: new Set(), seen: new Set() };
  const { sessionId, callId, command, cwd } = call;
  for (const session of [sessionId, ...othersSince(traceDir, sessionId, sinceMs - UNDER_WAY_MS)]) {
    const own = session === sessionId;
    for (const { data } of callsDuring(traceDir, session, sinceMs)) {
      if (own && data.tool_use_id === callId) continue;
      const isCommand = toolKind(String(data.tool_name)) === 'run';
      const kind = own ? 'own' : isCommand ? 'seen' : 'others';
      for (const path of changesOf(data)) {
        if (kind !== 'seen' || !command.includes(basename(path))) {
          claims[kind].add(resolve(cwd, path));
        }
      }
    }
  }
  return claims;
}

/** The calls of a session that were under way then, and all calls and results since. */
function callsDuring(traceDir: string, session: string, sinceMs: number): TraceEvent[] {
  const open: TraceEvent[] = [];
  const since: TraceEvent[] = [];
  const idOf = ({ data }: TraceEvent): Json | undefined => data.tool_use_id ?? data.call_key;
  for (const event of callsOf(traceDir, session, sinceMs - UNDER_WAY_MS)) {
    if (event.timestamp * 1000 >= sinceMs) since.push(event);
    else if (event.event_type === 'tool_call') open.push(event);
    else {
      const at = open.findIndex((call) => idOf(call) === idOf(event));
      if (at >= 0) open.splice(at, 1);
    }
  }
  return [...open, ...since];
}

/** Our writer's order of keys: most lines are older, and need not be parsed. */
const HEAD = /^\{"event_type":"tool_[a-z]+","timestamp":([\d.]+)/;

/** The last calls of a session, and their results, since then. */
function callsOf(traceDir: string, session: string, sinceMs = 0): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (const line of readTail(traceDir, session, TAIL_BYTES).bytes.toString().split('\n')) {
    const seconds = HEAD.exec(line)?.[1];
    if (seconds === undefined || Number(seconds) * 1000 < sinceMs) continue;
    try {
      const event = JSON.parse(line) as TraceEvent;
      if (isObject(event.data)) events.push(event);
    } catch {
      // Half a line.
    }
  }
  return events;
}

/** Files that a call, or its result, says it changes. */
function changesOf({ arguments: args, tool_name: tool, files }: JsonObject): string[] {
  const paths: string[] = [];
  if (isObject(args) && toolKind(String(tool)) === 'modify') {
    paths.push(pathArgument(args) ?? '');
    for (const text of Object.values(args)) {
      if (typeof text === 'string') paths.push(...patchPaths(text));
    }
  }
  for (const file of Array.isArray(files) ? files : []) {
    if (isChange(file)) paths.push(String(file.path));
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
