/** The sessions that the Copilot CLI writes down: `session-state/<id>/events.jsonl` in its folder. */
import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { JsonObject } from '../../model/event.ts';
import { isSafeSessionId } from '../../trace/paths.ts';
import type {
  AgentId,
  AgentPlaces,
  SessionFile,
  TranscriptFile,
  TranscriptSource,
} from '../agent.ts';
import { entriesOf, firstBytes } from '../ownFiles.ts';
import { asObject, asString } from '../rows.ts';
import { CopilotEventMapper } from './eventMapper.ts';
import { copilotDirs, EVENTS_FILE, eventsPath, sessionIn, trustedFile } from './places.ts';

/** Bytes in which a session's first row stands. */
const HEAD_BYTES = 65_536;

/** The facts of a session's first row; undefined where it is none of this form. */
export function firstRow(path: string, anyOwner = false): JsonObject | undefined {
  const [line = ''] = firstBytes(path, HEAD_BYTES, anyOwner).split('\n', 1);
  try {
    const row = asObject(JSON.parse(line.replace(/^\ufeff/, '')));
    const data = asObject(row?.data);
    return row?.type === 'session.start' && data?.producer === 'copilot-agent' ? data : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A session by its file; undefined where the file is not there.
 *
 * @param first its first row's data
 */
export function transcriptAt(
  agent: AgentId,
  path: string,
  sessionId: string,
  first: JsonObject | undefined,
  cwd: string,
): TranscriptFile | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isFile()) return undefined;
  const started = Date.parse(asString(first?.startTime));
  const origin = asString(first?.sessionId);
  const parent = asString(first?.detachedFromSpawningParentSessionId);
  const folder = asString(asObject(first?.context)?.cwd) || cwd;
  return {
    agent,
    path,
    sessionId,
    project: basename(folder) || folder,
    cwd: folder,
    startedAt: started > 0 ? started / 1000 : 0,
    createdAtMs: stats.birthtimeMs || stats.mtimeMs,
    modifiedAtMs: stats.mtimeMs,
    bytes: stats.size,
    ...(origin !== '' && origin !== sessionId && { forked: true }),
    ...(parent !== '' && { parentId: parent }),
  };
}

/** The folder that `workspace.yaml` beside the events names: the first row says it, but for old sessions. */
function workspaceFolder(path: string): string {
  const text = firstBytes(join(dirname(path), 'workspace.yaml'), 4096);
  const value = /^cwd: *(.+?) *$/m.exec(text)?.[1] ?? '';
  return value.replace(/^(['"])(.*)\1$/, '$2');
}

function* find(places?: AgentPlaces): Iterable<TranscriptFile> {
  for (const dir of copilotDirs(places)) {
    for (const entry of entriesOf(join(dir, 'session-state'))) {
      if (!entry.isDirectory() || !isSafeSessionId(entry.name)) continue;
      const path = eventsPath(dir, entry.name);
      const first = firstRow(path);
      const cwd = first?.context === undefined ? workspaceFolder(path) : '';
      const found = transcriptAt('copilot', path, entry.name, first, cwd);
      if (found !== undefined && found.bytes > 0) yield found;
    }
  }
}

function recognise(path: string): TranscriptFile | undefined {
  const first = firstRow(path, true);
  // VS Code's own agent writes the same form.
  if (first === undefined || first.vscodeVersion !== undefined) return undefined;
  const folder = basename(dirname(path));
  const inPlace = basename(path) === EVENTS_FILE && isSafeSessionId(folder);
  const id = inPlace ? folder : asString(first.sessionId);
  return isSafeSessionId(id) ? transcriptAt('copilot', path, id, first, '') : undefined;
}

function liveFilesOf(
  sessionId: string,
  transcriptPath: string,
  places?: AgentPlaces,
): SessionFile[] {
  if (!isSafeSessionId(sessionId)) return [];
  const dirs = copilotDirs(places);
  const named = sessionIn(transcriptPath) === sessionId;
  if (transcriptPath !== '' && !named) return [];
  const roots = dirs.map((dir) => join(dir, 'session-state'));
  const paths = named ? [transcriptPath] : dirs.map((dir) => eventsPath(dir, sessionId));
  for (const path of paths) {
    const file = trustedFile(path, roots, 2);
    if (file !== undefined) return [{ path: file, agentId: '' }];
  }
  return [];
}

/** The Copilot CLI's sessions. Subagents' rows stand in the same file. */
export const copilotTranscripts: TranscriptSource = {
  agent: 'copilot',
  find,
  recognise,
  filesOf: ({ path }) => [{ path, agentId: '' }],
  liveFilesOf,
  mapper: (options) => new CopilotEventMapper({ ...options, provider: 'copilot' }),
};
