/**
 * Copies of agents' transcripts, for agents delete their own (Claude Code after 30 days). Copies only ever come
 * to; what the agent deletes stays here. They are raw, as the agent keeps them: nothing is redacted.
 */
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  codeOf,
  ensureOwnDirectory,
  openRead,
  problemText,
  readSmallFile,
  writeSmallFile,
} from '../trace/files.ts';
import { ensureStateFolder, isBelow, isSafeSessionId } from '../trace/paths.ts';
import type { AgentId, AgentPlaces, Env, TranscriptFile, TranscriptSource } from './agent.ts';
import {
  type ArchivedFile,
  type ArchivedSession,
  archiveHome,
  type FileVersion,
  readIndex,
  writeIndex,
} from './archiveIndex.ts';
import { transcriptsOf } from './pastSessions.ts';
import { type Breathe, Slices } from './transcriptRows.ts';

const CHUNK = 256 * 1024;
/** Bytes before a copy's end by which a file is known to be the same one, grown. */
const ANCHOR = 4096;
/** What copies leave of the disk, bytes. */
const KEPT_FREE = 256 * 1024 * 1024;
const DAY_MS = 24 * 3_600_000;
const LAST_FILE = 'last';

export interface ArchiveOptions {
  sources: readonly TranscriptSource[];
  places?: AgentPlaces;
  env?: Env;
  /** Only say what would be copied. */
  dryRun?: boolean;
  breathe: Breathe;
  /** ms since the epoch. */
  nowMs: number;
  /** Called for each session that was looked at. */
  onProgress?(sessions: number): void;
  /** What could not be copied, and why. */
  problem(message: string): void;
}

export interface Copied {
  agent: AgentId;
  sessionId: string;
  from: string;
  to: string;
  bytes: number;
  /** It was rewritten shorter: the copy from before stays beside this one. */
  rewritten: boolean;
}

export interface ArchiveResult {
  /** Sessions that were looked at. */
  sessions: number;
  copied: Copied[];
  /** Of what was copied. */
  bytes: number;
  /** Databases that were left out: their agents delete nothing by themselves, and a copy of one in use may be torn. */
  databases: string[];
  /** Files that could not be copied. */
  failed: number;
}

/**
 * Copies what is new or has grown.
 *
 * @throws Error with a message for people where there is no place to copy to; what `breathe` does
 */
export async function archiveTranscripts(options: ArchiveOptions): Promise<ArchiveResult> {
  const { env = process.env, dryRun = false } = options;
  if (!dryRun) ensureHome(env);
  const result: ArchiveResult = { sessions: 0, copied: [], bytes: 0, databases: [], failed: 0 };
  const slices = new Slices(options.breathe);
  for (const source of options.sources) {
    const index = readIndex(source.agent, env);
    const before = result.copied.length;
    try {
      for (const transcript of transcriptsOf(source, options)) {
        await archiveSession(source, transcript, index, result, { ...options, env, slices });
        // Databases stay where they are, and are named.
        if (!isDatabase(transcript.path)) result.sessions++;
        options.onProgress?.(result.sessions);
        await slices.turn();
      }
    } finally {
      // Also what was copied before somebody lost patience.
      if (!dryRun && result.copied.length > before) writeIndex(source.agent, index, env);
    }
  }
  return result;
}

function ensureHome(env: Env): void {
  const { path, problem } = ensureStateFolder('archive', env);
  if (problem !== undefined) throw new Error(`${path} cannot be used: ${problemText(problem)}`);
}

async function archiveSession(
  source: TranscriptSource,
  transcript: TranscriptFile,
  index: Map<string, ArchivedSession>,
  result: ArchiveResult,
  options: ArchiveOptions & { env: Env; slices: Slices },
): Promise<void> {
  const { agent, sessionId } = transcript;
  if (!isSafeSessionId(sessionId)) return;
  if (isDatabase(transcript.path)) {
    if (!result.databases.includes(transcript.path)) result.databases.push(transcript.path);
    return;
  }
  const known = index.get(sessionId);
  const files = new Map(known?.files.map((file) => [file.from, file]));
  let changed = false;
  for (const from of withNotes(source.filesOf(transcript).map(({ path }) => resolve(path)))) {
    try {
      const copy = await archiveFile(from, files.get(from), agent, options);
      if (copy === undefined) continue;
      const { to, bytes } = copy.file.versions.at(-1)!;
      result.copied.push({ agent, sessionId, from, to, bytes, rewritten: copy.rewritten });
      result.bytes += bytes;
      files.set(from, copy.file);
      changed = true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      result.failed++;
      options.problem(`${from}: ${problemText(codeOf(error))}`);
      if (['ENOSPC', 'EDQUOT', 'EROFS'].includes(codeOf(error))) {
        throw new Error(`Nothing more can be archived: ${problemText(codeOf(error))}`);
      }
    }
  }
  const main = files.get(resolve(transcript.path));
  if (!changed || main === undefined) return;
  const longest = main.versions.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  index.set(sessionId, {
    transcript: { ...transcript, path: longest.to, bytes: longest.bytes },
    from: main.from,
    files: [...files.values()],
    archivedAtMs: options.nowMs,
  });
}

/** Small notes beside a subagent's file say which call started it. */
function* withNotes(paths: readonly string[]): Generator<string> {
  for (const path of paths) {
    yield path;
    const notes = path.replace(/\.jsonl$/, '.meta.json');
    if (notes !== path && lstatSync(notes, { throwIfNoEntry: false })?.isFile()) yield notes;
  }
}

function isDatabase(path: string): boolean {
  try {
    const fd = openRead(path);
    try {
      const head = Buffer.alloc(16);
      readSync(fd, head, 0, 16, 0);
      return head.toString('latin1').startsWith('SQLite format 3');
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** Where a file's copy lies: the way from the home folder, so that it can be put back as it was. */
function placeOf(
  from: string,
  agent: AgentId,
  { env = process.env, places }: ArchiveOptions,
): string {
  const home = resolve(places?.home ?? homedir());
  const way = isBelow(from, home)
    ? relative(home, from)
    : join('root', from.replace(/^([A-Za-z]):/, '$1').replace(/^[\\/]+/, ''));
  return join(archiveHome(env), agent, way);
}

/** @returns undefined where the archive has it as it is. @throws a system error */
async function archiveFile(
  from: string,
  known: ArchivedFile | undefined,
  agent: AgentId,
  options: ArchiveOptions & { slices: Slices },
): Promise<{ file: ArchivedFile; rewritten: boolean } | undefined> {
  const stat = lstatSync(from, { throwIfNoEntry: false });
  // A subagent's file that is not there yet, or a link.
  if (stat === undefined || !stat.isFile()) return undefined;
  const base = placeOf(from, agent, options);
  const versions = known?.versions.length ? known.versions : onDisk(base);
  if (known?.bytes === stat.size && known.modifiedAtMs === stat.mtimeMs && versions.length > 0) {
    return undefined;
  }
  const last = versions.at(-1);
  const fd = openRead(from);
  try {
    const rewritten = last !== undefined && !goesOn(fd, last, from);
    const to = rewritten ? `${base}.${versions.length + 1}` : (last?.to ?? base);
    const { size: bytes, mtimeMs: modifiedAtMs } = fstatSync(fd);
    if (options.dryRun !== true) await copy(fd, bytes, modifiedAtMs, to, options);
    const before = rewritten ? versions : versions.slice(0, -1);
    return {
      file: { from, modifiedAtMs, bytes, versions: [...before, { to, bytes }] },
      rewritten,
    };
  } finally {
    closeSync(fd);
  }
}

/** A copy that the index does not know of: another window made it at this moment. */
function onDisk(base: string): FileVersion[] {
  const stat = lstatSync(base, { throwIfNoEntry: false });
  return stat?.isFile() ? [{ to: base, bytes: stat.size }] : [];
}

/** Whether a file is what was copied, and perhaps more. Of one that is no list of rows its length decides. */
function goesOn(fd: number, copied: FileVersion, from: string): boolean {
  if (fstatSync(fd).size < copied.bytes) return false;
  if (!from.endsWith('.jsonl')) return true;
  let other: number;
  try {
    other = openRead(copied.to);
  } catch {
    // The copy is gone: it is made anew.
    return true;
  }
  try {
    return tailOf(fd, copied.bytes).equals(tailOf(other, copied.bytes));
  } finally {
    closeSync(other);
  }
}

function tailOf(fd: number, end: number): Buffer {
  const bytes = Buffer.alloc(Math.min(ANCHOR, end));
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, end - bytes.length));
}

/** An agent can make a file of any length that takes no room. */
function hasRoom(folder: string, bytes: number): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize - bytes > KEPT_FREE;
}

/** The first `bytes` of a file, into a temporary one, then in place. @throws a system error */
async function copy(
  fd: number,
  bytes: number,
  modifiedAtMs: number,
  to: string,
  { env = process.env, slices }: ArchiveOptions & { slices: Slices },
): Promise<void> {
  ensureFolders(dirname(to), archiveHome(env));
  if (!hasRoom(dirname(to), bytes)) {
    throw Object.assign(new Error(`${to}: ENOROOM`), { code: 'ENOROOM' });
  }
  const temporary = join(
    dirname(to),
    `.tmp-${process.pid.toString(36)}${Math.random().toString(36).slice(2, 8)}`,
  );
  const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW = 0 } = constants;
  const out = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      const buffer = Buffer.allocUnsafe(CHUNK);
      for (let at = 0; at < bytes; ) {
        const read = readSync(fd, buffer, 0, Math.min(CHUNK, bytes - at), at);
        if (read === 0) break;
        for (let done = 0; done < read; ) done += writeSync(out, buffer, done, read - done);
        at += read;
        await slices.turn();
      }
      futimesSync(out, modifiedAtMs / 1000, modifiedAtMs / 1000);
    } finally {
      closeSync(out);
    }
    renameSync(temporary, to);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Each folder below the archive is a real one of ours (0700), or made. @throws with the code of what is wrong */
function ensureFolders(folder: string, root: string): void {
  let at = root;
  for (const part of relative(root, folder).split(sep)) {
    at = join(at, part);
    const problem = ensureOwnDirectory(at);
    if (problem !== undefined)
      throw Object.assign(new Error(`${at}: ${problem}`), { code: problem });
  }
}

/**
 * A source whose sessions are also those of the archive: of a session that both have the longer one. Where a person
 * names folders, only those count.
 */
export function withArchive(source: TranscriptSource, env: Env = process.env): TranscriptSource {
  const archived = (): Map<string, ArchivedSession> => {
    const index = readIndex(source.agent, env);
    // A person may have cleared some of it away.
    for (const [id, { transcript }] of index) {
      if (!lstatSync(transcript.path, { throwIfNoEntry: false })?.isFile()) index.delete(id);
    }
    return index;
  };
  const { rowsOf } = source;
  return {
    agent: source.agent,
    *find(places) {
      if (places?.dirs !== undefined) {
        yield* source.find(places);
        return;
      }
      const copies = archived();
      for (const own of source.find(places)) {
        const copy = copies.get(own.sessionId)?.transcript;
        copies.delete(own.sessionId);
        yield copy !== undefined && copy.bytes > own.bytes ? copy : own;
      }
      for (const { transcript } of copies.values()) yield transcript;
    },
    recognise: (path) => source.recognise(path),
    filesOf: (transcript) => source.filesOf(transcript),
    liveFilesOf: (id, path, places) => source.liveFilesOf(id, path, places),
    mapper: (options) => source.mapper(options),
    ...(rowsOf && { rowsOf: (transcript, file) => rowsOf.call(source, transcript, file) }),
  };
}

/** Whether a day has passed since the last time; if so, this is the time. */
export function takeTurnOfDay(nowMs: number, env: Env = process.env): boolean {
  const path = join(archiveHome(env), LAST_FILE);
  const last = Number(readSmallFile(path, 64) ?? 0);
  if (nowMs - last < DAY_MS && last <= nowMs) return false;
  ensureHome(env);
  writeSmallFile(path, `${nowMs}\n`);
  return true;
}
