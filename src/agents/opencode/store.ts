/**
 * Where opencode keeps its sessions: a SQLite database, before version 1.2 a file for each message and part, and what
 * `opencode export` writes. All are only read, and the database is neither changed nor locked.
 */
import { type Dirent, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { shallow } from '../../model/depth.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { isSafeSessionId } from '../../trace/paths.ts';
import type {
  AgentPlaces,
  RowMapper,
  RowMapperOptions,
  SessionFile,
  TranscriptFile,
  TranscriptSource,
} from '../agent.ts';
import { asObject, asString } from '../rows.ts';
import { isDatabase, openDatabase, type SessionDatabase, withDatabase } from './database.ts';
import { idPrefix } from './parts.ts';
import { OpencodeMapper } from './transcript.ts';

const DATABASE = /^opencode(-[\w.-]+)?\.db$/;
/** What stands in one part or message; of one that is longer nothing is read. */
const DATA = 'case when octet_length(data) <= 67108864 then data end data';
const MAX_DEPTH = 8;
const MAX_CHILDREN = 2000;
/** Between the time in a message's id and the time of the message. */
const NEAR_MS = 5000;
/** A session that was exported to one JSON document. */
const MAX_EXPORT_BYTES = 512 * 1024 * 1024;

/** opencode's folders that may hold sessions; they need not exist. */
function dataDirs({ env = process.env, home = homedir(), dirs }: AgentPlaces = {}): string[] {
  if (dirs !== undefined) return dirs.map((dir) => resolve(dir));
  const data = env.XDG_DATA_HOME;
  return [join(data || join(home, '.local', 'share'), 'opencode')];
}

/** opencode's own sessions of this machine. */
export const opencodeTranscripts: TranscriptSource = {
  agent: 'opencode',

  *find(places) {
    let problem: unknown;
    for (const dir of dataDirs(places)) {
      const seen = new Set<string>();
      for (const { name } of entriesOf(dir).filter((entry) => entry.isFile())) {
        if (!DATABASE.test(name)) continue;
        let sessions: TranscriptFile[] = [];
        try {
          sessions = sessionsIn(join(dir, name));
        } catch (error) {
          problem ??= error;
        }
        for (const file of sessions) {
          seen.add(file.sessionId);
          yield file;
        }
      }
      // Sessions that were taken over into the database may still lie there.
      for (const file of oldSessions(join(dir, 'storage'))) {
        if (!seen.has(file.sessionId)) yield file;
      }
    }
    // Of several the first is told, when all else was.
    if (problem !== undefined) throw problem;
  },

  recognise(named) {
    const [, path, id] = /^(.*?)(?:#([\w.-]+))?$/s.exec(named) as unknown as [
      string,
      string,
      string?,
    ];
    if (isDatabase(path)) {
      const sessions = sessionsIn(path);
      if (id !== undefined) return sessions.find(({ sessionId }) => sessionId === id);
      return sessions.reduce<TranscriptFile | undefined>(
        (latest, file) => (latest && latest.modifiedAtMs >= file.modifiedAtMs ? latest : file),
        undefined,
      );
    }
    if (!path.endsWith('.json')) return undefined;
    return oldSession(path) ?? exportedSession(path);
  },

  filesOf({ path, sessionId }) {
    const main: SessionFile = { path, agentId: '' };
    const children = isDatabase(path)
      ? withDatabase(path, (db) => descendants(sessionId, (id) => childrenIn(db, id)))
      : descendants(sessionId, (id) => oldChildren(path, id));
    return [main, ...children.map((agentId): SessionFile => ({ path, agentId }))];
  },

  // The plugin tells everything as it happens: nothing is to be read meanwhile.
  liveFilesOf: () => [],

  mapper: (options: RowMapperOptions): RowMapper => new OpencodeMapper(options),

  *rowsOf(transcript, file) {
    const id = file.agentId || transcript.sessionId;
    if (isDatabase(file.path)) yield* databaseRows(file.path, id);
    else if (oldSession(file.path) !== undefined) yield* oldRows(file.path, id);
    else yield* exportedRows(file.path);
  },
};

/** All sessions below one, which its subagents (and theirs) worked in. */
function descendants(sessionId: string, childrenOf: (id: string) => string[]): string[] {
  const found = new Set<string>();
  let level = [sessionId];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    level = level.flatMap(childrenOf).filter((id) => id !== sessionId && !found.has(id));
    for (const id of level) if (found.size < MAX_CHILDREN) found.add(id);
  }
  return [...found];
}

const numberOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;

const projectOf = (directory: string, fallback: string): string =>
  basename(directory) || fallback || 'opencode';

// --- The database

function sessionsIn(path: string): TranscriptFile[] {
  return withDatabase(path, (db) => {
    const found: TranscriptFile[] = [];
    for (const row of db.all(
      `select id, directory, title, time_created, time_updated,
         (select coalesce(sum(octet_length(data)), 0) from part where session_id = session.id) bytes
       from session where parent_id is null order by time_created`,
    )) {
      const sessionId = asString(row.id);
      if (!isSafeSessionId(sessionId)) continue;
      const directory = asString(row.directory);
      const created = numberOf(row.time_created);
      found.push({
        agent: 'opencode',
        path,
        sessionId,
        project: projectOf(directory, ''),
        cwd: directory,
        startedAt: created / 1000,
        createdAtMs: created,
        modifiedAtMs: numberOf(row.time_updated),
        bytes: numberOf(row.bytes),
        ...(isForkTitle(asString(row.title)) && { forked: true }),
      });
    }
    return found;
  });
}

const isForkTitle = (title: string): boolean => / \(fork #\d+\)$/.test(title);

const childrenIn = (db: SessionDatabase, id: string): string[] =>
  db
    .all('select id from session where parent_id = ? order by time_created', id)
    .map((row) => asString(row.id))
    .filter(isSafeSessionId);

function* databaseRows(path: string, id: string): Iterable<Json | undefined> {
  const db = openDatabase(path);
  try {
    const session = db.all('select * from session where id = ?', id)[0];
    if (session === undefined) throw new Error(`${path} has no session ${id}.`);
    yield sessionRow(db, session);
    const created = numberOf(session.time_created);
    for (const { id: message } of db.all(
      'select id from message where session_id = ? order by time_created, id',
      id,
    )) {
      yield* messageRows(db, id, created, asString(message));
    }
  } finally {
    db.close();
  }
}

/** A message with its parts; before it, an undefined row for each that is torn. */
function* messageRows(
  db: SessionDatabase,
  sessionID: string,
  created: number,
  id: string,
): Iterable<Json | undefined> {
  const info = parsed(db.all(`select ${DATA} from message where id = ?`, id)[0]?.data);
  if (info === undefined) {
    yield undefined;
    return;
  }
  const parts: Json[] = [];
  for (const part of db.all(`select id, ${DATA} from part where message_id = ? order by id`, id)) {
    const data = parsed(part.data);
    if (data === undefined) yield undefined;
    else parts.push({ ...data, id: asString(part.id), messageID: id });
  }
  const origin = originOf(db, sessionID, created, info);
  yield { info: { ...info, id, sessionID }, parts, ...(origin !== '' && { origin }) };
}

function sessionRow(db: SessionDatabase, session: JsonObject): JsonObject {
  const parent = asString(session.parent_id);
  const call =
    parent === ''
      ? undefined
      : db.all(
          `select id from part where session_id = ? and json_valid(data)
             and json_extract(data, '$.tool') = 'task'
             and json_extract(data, '$.state.metadata.sessionId') = ? order by id limit 1`,
          parent,
          asString(session.id),
        )[0];
  return {
    session: {
      id: session.id ?? '',
      parentID: parent,
      title: session.title ?? '',
      directory: session.directory ?? '',
      version: session.version ?? '',
      agent: session.agent ?? '',
      cost: session.cost ?? 0,
      time: { created: session.time_created ?? 0, updated: session.time_updated ?? 0 },
    },
    call: asString(call?.id),
  };
}

/**
 * The session that a message was copied from: it is older than its own session, a fork. Where the original is gone
 * the copy is all there is, and its own.
 */
function originOf(db: SessionDatabase, id: string, created: number, info: JsonObject): string {
  const at = numberOf(asObject(info.time)?.created);
  if (at === 0 || at >= created) return '';
  // An id is given a moment before or after that.
  const found = db.all(
    `select session_id from message
     where id >= ? and id < ? and session_id <> ? and json_valid(data)
       and json_extract(data, '$.time.created') = ${Math.floor(at)} order by id limit 1`,
    idPrefix('msg', at - NEAR_MS),
    idPrefix('msg', at + NEAR_MS),
    id,
  )[0];
  return asString(found?.session_id);
}

function parsed(text: unknown): JsonObject | undefined {
  try {
    return typeof text === 'string' ? asObject(shallow(JSON.parse(text) as Json)) : undefined;
  } catch {
    return undefined;
  }
}

// --- Before the database: storage/{session/<project>,message/<session>,part/<message>}/<id>.json

function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function readJson(path: string, maxBytes = 64 * 1024 * 1024): JsonObject | undefined {
  try {
    const stat = lstatSync(path);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    return parsed(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const jsonFiles = (dir: string): string[] =>
  entriesOf(dir)
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map(({ name }) => join(dir, name));

function* oldSessions(storage: string): Iterable<TranscriptFile> {
  for (const project of entriesOf(join(storage, 'session'))) {
    if (!project.isDirectory()) continue;
    for (const path of jsonFiles(join(storage, 'session', project.name))) {
      const file = oldSession(path);
      if (file !== undefined && asString(readJson(path)?.parentID) === '') yield file;
    }
  }
}

/** `storage` of a session's file `storage/session/<project>/<id>.json`. */
const storageOf = (path: string): string => dirname(dirname(dirname(resolve(path))));

function oldSession(path: string): TranscriptFile | undefined {
  const info = basename(dirname(dirname(resolve(path)))) === 'session' ? readJson(path) : undefined;
  const sessionId = asString(info?.id);
  if (info === undefined || !isSafeSessionId(sessionId)) return undefined;
  if (basename(path) !== `${sessionId}.json`) return undefined;
  const time = asObject(info.time);
  const directory = asString(info.directory);
  const created = numberOf(time?.created);
  return {
    agent: 'opencode',
    path,
    sessionId,
    project: projectOf(directory, basename(dirname(path))),
    cwd: directory,
    startedAt: created / 1000,
    createdAtMs: created,
    modifiedAtMs: numberOf(time?.updated) || created,
    bytes: statSync(path).size,
  };
}

const oldChildren = (path: string, id: string): string[] =>
  oldSession(path) === undefined
    ? []
    : jsonFiles(dirname(path))
        .map(readOne)
        .filter((info) => asString(info?.parentID) === id)
        .map((info) => asString(info?.id))
        .filter(isSafeSessionId);

const readOne = (path: string): JsonObject | undefined => readJson(path);

function* oldRows(path: string, id: string): Iterable<Json | undefined> {
  const storage = storageOf(path);
  const info = readJson(join(dirname(path), `${id}.json`));
  if (info === undefined) throw new Error(`${path} cannot be read.`);
  yield { session: info, call: '' };
  const messages = jsonFiles(join(storage, 'message', id)).map(readOne);
  messages.sort((a, b) => createdAt(a) - createdAt(b));
  for (const message of messages) {
    const messageId = asString(message?.id);
    if (message === undefined || !isSafeSessionId(messageId)) yield undefined;
    else {
      const parts = jsonFiles(join(storage, 'part', messageId)).map(readOne);
      for (const part of parts) if (part === undefined) yield undefined;
      yield { info: message, parts: parts.filter((part) => part !== undefined) };
    }
  }
}

const createdAt = (info: JsonObject | undefined): number => numberOf(asObject(info?.time)?.created);

// --- `opencode export <session>`

function exportedSession(path: string): TranscriptFile | undefined {
  const head = readJson(path, MAX_EXPORT_BYTES);
  const info = asObject(head?.info);
  const sessionId = asString(info?.id);
  if (info === undefined || !Array.isArray(head?.messages) || !/^ses_/.test(sessionId)) {
    return undefined;
  }
  if (!isSafeSessionId(sessionId)) return undefined;
  const stat = statSync(path);
  const directory = asString(info.directory);
  const time = asObject(info.time);
  const created = numberOf(time?.created);
  return {
    agent: 'opencode',
    path,
    sessionId,
    project: projectOf(directory, ''),
    cwd: directory,
    startedAt: created / 1000,
    createdAtMs: created,
    modifiedAtMs: stat.mtimeMs,
    bytes: stat.size,
  };
}

function* exportedRows(path: string): Iterable<Json | undefined> {
  const whole = readJson(path, MAX_EXPORT_BYTES);
  const info = asObject(whole?.info);
  if (info === undefined || !Array.isArray(whole?.messages)) {
    throw new Error(`${path} is no session that opencode exported.`);
  }
  yield { session: info, call: '' };
  for (const message of whole.messages) yield message;
}
