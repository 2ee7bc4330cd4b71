/** Where Gemini CLI keeps its chats, and how they are found and read without trusting a path. */
import { closeSync, lstatSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { shallow } from '../../model/depth.ts';
import type { Json } from '../../model/event.ts';
import type { AgentPlaces, SessionFile, TranscriptFile, TranscriptSource } from '../agent.ts';
import { LineSplitter } from '../lines.ts';
import { entriesOf, firstBytes, isSessionId, openOwn, readSmall } from '../ownFiles.ts';
import { parseRow } from '../rowReader.ts';
import { asObject } from '../rows.ts';
import { ChatMapper } from './chatMapper.ts';

/** Bytes of a chat's beginning in which it says whose it is. */
const HEAD = 65_536;
const CHUNK = 1024 * 1024;
/** A document of older versions is read whole, bytes. */
const MAX_DOCUMENT = 256 * 1024 * 1024;
const MAX_SUBAGENTS = 2000;

const CHAT = /^session-[\w.-]{1,200}\.jsonl?$/;
const SUBAGENT = /^([A-Za-z0-9][\w-]{0,127})\.jsonl$/;

/** Gemini's own folders that may be in use; they need not exist. */
function geminiDirs({ dirs, env = process.env, home = homedir() }: AgentPlaces = {}): string[] {
  return dirs === undefined ? [join(env.GEMINI_CLI_HOME || home, '.gemini')] : [...dirs];
}

export const geminiTranscripts: TranscriptSource = {
  agent: 'gemini',
  find,
  recognise(path) {
    return describe(resolve(path), true);
  },
  filesOf({ path, sessionId }) {
    return [{ path, agentId: '' }, ...subagentsOf(dirname(path), sessionId)];
  },
  liveFilesOf(sessionId, transcriptPath, places) {
    const path = trustedChat(sessionId, transcriptPath, places);
    if (path === undefined) return [];
    return [{ path, agentId: '' }, ...subagentsOf(dirname(path), sessionId)];
  },
  mapper(options) {
    const { path, agentId } = options.file;
    const chats = agentId === '' ? dirname(path) : dirname(dirname(path));
    return new ChatMapper({ ...options, cwd: projectOf(dirname(chats)) });
  },
  rowsOf: (_, { path }) => (path.endsWith('.json') ? documentRows(path) : lineRows(path)),
};

function* find(places?: AgentPlaces): Generator<TranscriptFile> {
  for (const dir of geminiDirs(places)) {
    const tmp = join(dir, 'tmp');
    for (const slug of entriesOf(tmp)) {
      if (!slug.isDirectory()) continue;
      const folder = join(tmp, slug.name, 'chats');
      const files = entriesOf(folder).filter((file) => file.isFile() && CHAT.test(file.name));
      const names = new Set(files.map(({ name }) => name));
      for (const { name } of files) {
        // Taken up again, an old chat goes on in a copy of the new form.
        if (name.endsWith('.json') && names.has(`${name}l`)) continue;
        const found = describe(join(folder, name), false);
        if (found !== undefined) yield found;
      }
    }
  }
}

/** The session in a file; undefined where it is no chat of Gemini's. */
function describe(path: string, anyOwner: boolean): TranscriptFile | undefined {
  const head = firstBytes(path, HEAD, anyOwner);
  const sessionId = field(head, 'sessionId');
  if (!isSessionId(sessionId) || field(head, 'projectHash') === '') return undefined;
  const stats = statSync(path, { throwIfNoEntry: false });
  const slug = dirname(dirname(path));
  const cwd = projectOf(slug);
  const started = Date.parse(field(head, 'startTime') || field(head, 'timestamp'));
  return {
    agent: 'gemini',
    path,
    sessionId,
    project: cwd || basename(slug),
    cwd,
    startedAt: started > 0 ? started / 1000 : 0,
    createdAtMs: stats?.birthtimeMs ?? 0,
    modifiedAtMs: stats?.mtimeMs ?? 0,
    bytes: stats?.size ?? 0,
  };
}

/** First text of this name in JSON that may end anywhere, pretty or not. */
const field = (json: string, name: string): string =>
  new RegExp(`"${name}"\\s*:\\s*"([^"\\\\]*)"`).exec(json)?.[1] ?? '';

/** The project's folder, which Gemini notes down beside its chats; older versions only in a list of all. */
function projectOf(slugDir: string): string {
  const noted = readSmall(join(slugDir, '.project_root'), 4096)?.trim() ?? '';
  if (isAbsolute(noted)) return noted;
  try {
    const text = readSmall(join(slugDir, '..', '..', 'projects.json'), 1_048_576) ?? '';
    const projects = asObject(asObject(JSON.parse(text))?.projects) ?? {};
    const found = Object.entries(projects).find(([, slug]) => slug === basename(slugDir))?.[0];
    return found !== undefined && isAbsolute(found) ? found : '';
  } catch {
    return '';
  }
}

/** `chats/<session>/<subagent>.jsonl`, in a stable order. */
function subagentsOf(chats: string, sessionId: string): SessionFile[] {
  if (!isSessionId(sessionId)) return [];
  const folder = join(chats, sessionId);
  const found: SessionFile[] = [];
  for (const entry of entriesOf(folder)) {
    const agentId = entry.isFile() ? SUBAGENT.exec(entry.name)?.[1] : undefined;
    if (agentId !== undefined) found.push({ path: join(folder, entry.name), agentId });
    if (found.length >= MAX_SUBAGENTS) break;
  }
  return found;
}

/**
 * The real path of a session's chat: a plain file of ours in `<.gemini>/tmp/<project>/chats` that says it is this
 * session's, reached by no link below `tmp`. Undefined otherwise: the path may come from a hostile trace.
 */
function trustedChat(sessionId: string, path: string, places?: AgentPlaces): string | undefined {
  if (!isSessionId(sessionId) || !isAbsolute(path)) return undefined;
  const name = basename(path);
  if (!CHAT.test(name) || !name.endsWith('.jsonl')) return undefined;
  try {
    const chats = realpathSync(dirname(resolve(path)));
    for (const dir of geminiDirs(places)) {
      let tmp: string;
      try {
        tmp = realpathSync(join(dir, 'tmp'));
      } catch {
        continue;
      }
      if (basename(chats) !== 'chats' || dirname(dirname(chats)) !== tmp) continue;
      const file = join(chats, name);
      const stats = lstatSync(file);
      if (!stats.isFile() || stats.uid !== (process.getuid?.() ?? stats.uid)) return undefined;
      return field(firstBytes(file, HEAD), 'sessionId') === sessionId ? file : undefined;
    }
  } catch {
    // Not there (yet), or not ours to read.
  }
  return undefined;
}

function* lineRows(path: string): Generator<Json | undefined> {
  const file = openOwn(path, true);
  if (file === undefined) return;
  try {
    const lines = new LineSplitter();
    const buffer = Buffer.allocUnsafe(CHUNK);
    let rows: (Json | undefined)[] = [];
    const take = (line: string | undefined): void => {
      rows.push(line === undefined ? undefined : parseRow(line));
    };
    for (;;) {
      const count = readSync(file.fd, buffer, 0, CHUNK, null);
      // The last row may have no end.
      lines.push(count === 0 ? Buffer.from('\n') : buffer.subarray(0, count), take);
      if (count === 0 && rows.length === 1 && isEmpty(rows[0])) rows = [];
      yield* rows;
      rows = [];
      if (count === 0) return;
    }
  } finally {
    closeSync(file.fd);
  }
}

const isEmpty = (row: Json | undefined): boolean =>
  row !== undefined && JSON.stringify(row) === '{}';

/** One document with all messages, as older versions wrote it. @throws Error with a message for people */
function* documentRows(path: string): Generator<Json | undefined> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isFile()) throw new Error(`${path} cannot be read`);
  if (stats.size > MAX_DOCUMENT) throw new Error(`${path} is too long`);
  let chat: ReturnType<typeof asObject>;
  try {
    chat = asObject(shallow(JSON.parse(readFileSync(path, 'utf8')) as Json));
  } catch {
    throw new Error(`${path} is no whole JSON document`);
  }
  if (chat === undefined) throw new Error(`${path} is no chat`);
  const { messages, ...head } = chat;
  yield head;
  if (Array.isArray(messages)) yield* messages;
}
