/** Claude Code's transcripts of this machine: what a session cost, and a session as a trace. */
import { closeSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Billing, isSidechain, responseRef } from '../../model/billing.ts';
import { shallow } from '../../model/depth.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { Pricer } from '../../model/usage.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { codeOf, openRead, problemText } from '../../trace/files.ts';
import type { TranscriptFile } from '../agent.ts';
import { chunksOf, LineSplitter, linesOf } from '../lines.ts';
import { entriesOf, firstBytes, isSessionId, openOwn, readSmall } from '../ownFiles.ts';
import { asObject, rowTime } from '../rows.ts';
import {
  markCopies,
  type PricedSession,
  priceResponses,
  type Response,
  unpricedSession,
} from '../sessionPrices.ts';
import { EventList } from '../transcriptRows.ts';
import type { Environment, SubagentFile } from './files.ts';
import { besideIndex, configDirs, subagentFiles } from './files.ts';
import type { SubagentMeta, TranscriptStats } from './transcriptImport.ts';
import { TranscriptMapper } from './transcriptImport.ts';
import { Responses, replaces, usageData } from './usage.ts';

const CHUNK = 1024 * 1024;
const HEAD = 65_536;

export interface FindOptions extends Environment {
  /** Claude's config folders; default: where this user's are. */
  configDirs?: readonly string[];
}

/** What the beginning of a transcript says. */
export interface TranscriptHead {
  path: string;
  sessionId: string;
  /** The project's folder name, in which Claude Code writes `-` for every other character. */
  project: string;
  /** The folder that the session worked in first; empty where no row says. */
  cwd: string;
  /** Time of the first row that has one, in seconds since the epoch; 0 where none has. */
  startedAt: number;
  /** Its first rows were copied from another session. */
  forked: boolean;
  /** When the file was made, in milliseconds since the epoch. */
  createdAtMs: number;
}

/** The beginnings of all transcripts, read as they are asked for. */
export function* transcriptHeads(options: FindOptions = {}): Generator<TranscriptHead> {
  for (const dir of options.configDirs ?? configDirs(options)) {
    const projects = join(dir, 'projects');
    for (const project of entriesOf(projects)) {
      if (!project.isDirectory()) continue;
      const folder = join(projects, project.name);
      for (const file of entriesOf(folder)) {
        if (!file.isFile() || !file.name.endsWith('.jsonl')) continue;
        // Old subagents' files are counted with the session they belong to.
        if (file.name.startsWith('agent-')) continue;
        yield transcriptHead(join(folder, file.name), project.name);
      }
    }
  }
}

/** @param anyOwner a person named this file: it may belong to another user */
export function transcriptHead(path: string, project: string, anyOwner = false): TranscriptHead {
  const head = firstBytes(path, HEAD, anyOwner);
  const name = basename(path, '.jsonl');
  // A copy under another name is still the session that its rows name.
  const inside = /"sessionId":"([^"\\]+)"/.exec(head)?.[1] ?? '';
  const named = head.includes(`"sessionId":"${name}"`) || !isSessionId(inside);
  return {
    path,
    sessionId: named ? name : inside,
    project,
    cwd: firstCwd(head),
    startedAt: firstTime(head),
    forked: head.includes('"forkedFrom":') || (named && isSessionId(inside) && inside !== name),
    createdAtMs: statSync(path, { throwIfNoEntry: false })?.birthtimeMs ?? 0,
  };
}

/** A row's own key: in a text its quotes would be escaped. */
function firstCwd(head: string): string {
  const [, text = '""'] = /"cwd":("(?:[^"\\]|\\.)*")/.exec(head) ?? [];
  try {
    return JSON.parse(text) as string;
  } catch {
    return '';
  }
}

function firstTime(head: string): number {
  const ms = Date.parse(/"timestamp":"([^"\\]+)"/.exec(head)?.[1] ?? '');
  return Number.isFinite(ms) ? ms / 1000 : 0;
}

/**
 * What a session cost. Looks at the rows with tokens only, which is many times as quick as an import.
 *
 * @param subagents its subagents' files
 * @param billing of the sessions that began before
 */
export function priceTranscript(
  transcript: TranscriptFile,
  subagents: readonly SubagentFile[],
  pricer: Pricer,
  billing: Billing,
): PricedSession {
  const responses = new Responses<Response>();
  const session = unpricedSession(transcript);
  const elsewhere = new Map<string, string>();
  const take = (row: JsonObject, agentId: string): void => {
    const data = usageData(row);
    if (data === undefined) return;
    const ref = responseRef(data);
    const owner = billing.billedIn(ref, isSidechain(data));
    if (owner !== undefined) {
      session.deduplicated += 1;
      elsewhere.set(ref, owner);
      return;
    }
    if (agentId !== '') data.agent_id = agentId;
    const time = rowTime(row);
    const before = responses.find(data);
    if (before === undefined) {
      responses.put({ data, time });
      return;
    }
    session.deduplicated += 1;
    responses.put(
      {
        data: replaces(data, before.data) ? data : before.data,
        time: Math.min(before.time, time),
      },
      before,
    );
  };
  for (const { path, agentId } of [{ path: transcript.path, agentId: '' }, ...subagents]) {
    const read = scanUsage(path, (row) => take(row, agentId));
    session.bytes += read.bytes;
    session.unreadable += read.unreadable;
    session.endedAt = Math.max(session.endedAt, read.lastTime);
  }
  priceResponses(session, responses.values(), elsewhere, pricer, billing);
  return session;
}

const USAGE_KEY = Buffer.from('"usage"');

/**
 * Calls `take` with the rows that can hold a usage. Others are not even cut into lines: most of a
 * transcript is file contents. (Inside a JSON text the quotes of `"usage"` are escaped.)
 */
function scanUsage(
  path: string,
  take: (row: JsonObject) => void,
): { bytes: number; unreadable: number; lastTime: number } {
  const result = { bytes: 0, unreadable: 0, lastTime: 0 };
  const file = openOwn(path);
  if (file === undefined) return result;
  try {
    const lines = new LineSplitter();
    const parse = (line: string | undefined): void => {
      if (line === undefined) {
        result.unreadable += 1;
        return;
      }
      if (!line.includes('"usage"')) return;
      try {
        const row = asObject(JSON.parse(line));
        if (row !== undefined) take(row);
      } catch {
        result.unreadable += 1;
      }
    };
    const buffer = Buffer.allocUnsafe(CHUNK);
    let tail = '';
    for (;;) {
      const count = readSync(file.fd, buffer, 0, CHUNK, null);
      if (count === 0) break;
      result.bytes += count;
      const chunk = buffer.subarray(0, count);
      tail = chunk.toString('latin1', Math.max(0, count - 8192));
      takeLines(chunk, lines, parse);
    }
    // The last row may have no newline and be whole all the same; if not, it is still being written.
    const { unreadable } = result;
    if (lines.pending > 0) lines.push(Buffer.from('\n'), parse);
    result.unreadable = unreadable;
    const last = tail.lastIndexOf('"timestamp":"');
    const ms = last < 0 ? Number.NaN : Date.parse(tail.slice(last + 13, last + 37));
    result.lastTime = Number.isFinite(ms) ? ms / 1000 : 0;
  } catch {
    // What was read so far counts.
  } finally {
    closeSync(file.fd);
  }
  return result;
}

/** Gives the splitter only the lines of a chunk that hold the key, and those at its two ends. */
function takeLines(chunk: Buffer, lines: LineSplitter, parse: (line: string | undefined) => void) {
  const last = chunk.lastIndexOf(0x0a);
  if (last < 0) {
    lines.push(chunk, parse);
    return;
  }
  const first = chunk.indexOf(0x0a);
  lines.push(chunk.subarray(0, first + 1), parse);
  let at = first + 1;
  while (at <= last) {
    const hit = chunk.indexOf(USAGE_KEY, at);
    if (hit < 0 || hit > last) break;
    const start = chunk.lastIndexOf(0x0a, hit) + 1;
    const end = chunk.indexOf(0x0a, hit) + 1;
    lines.push(chunk.subarray(start, end), parse);
    at = end;
  }
  lines.push(chunk.subarray(last + 1), parse);
}

export interface ImportOptions {
  /** False: secrets stay. */
  redact?: RedactPolicy | undefined;
  /** Default: as the file's rows say. */
  sessionId?: string;
  /** Of the transcripts that were imported before: what they were billed for is marked as theirs. */
  billing?: Billing;
  /** A person named this file: it may belong to another user. */
  named?: boolean;
}

export interface ImportedTranscript {
  sessionId: string;
  /** In time order; ids are the same every time, and those that a hook would have given. */
  events: TraceEvent[];
  stats: TranscriptStats;
  /** Lines that are no JSON, or are too long. */
  unreadable: number;
}

/**
 * The events of a whole transcript and its subagents' files.
 * @throws where the file cannot be read or names no session
 */
export function importTranscript(path: string, options: ImportOptions = {}): ImportedTranscript {
  const anyOwner = options.named === true;
  const head = transcriptHead(path, basename(dirname(path)), anyOwner);
  const sessionId = options.sessionId ?? head.sessionId;
  if (!isSessionId(sessionId)) throw new Error(`${path} does not name a session that can be used.`);
  const mapper = new TranscriptMapper({ sessionId, redact: options.redact });
  const list = new EventList();
  const { add } = list;
  const main = readRows(path, (row) => mapper.push(row, { file: path }).forEach(add), anyOwner);
  if (main === undefined) throw new Error(`${path} cannot be read: ${whyNot(path)}`);
  let unreadable = main;
  for (const { path: own, agentId } of subagentFiles(path, sessionId, besideIndex.find)) {
    mapper.describe(agentId, readMeta(own));
    unreadable +=
      readRows(own, (row) => mapper.push(row, { file: own, agentId }).forEach(add), anyOwner) ?? 0;
  }
  mapper.finish().forEach(add);
  const events = list.inOrder();
  if (options.billing !== undefined) markCopies(events, sessionId, options.billing);
  return { sessionId, events, stats: mapper.stats, unreadable };
}

/** What stands beside a subagent's file. */
export function readMeta(path: string): SubagentMeta {
  try {
    const meta = asObject(JSON.parse(readSmall(path.replace(/\.jsonl$/, '.meta.json')) ?? ''));
    const { agentType, description, toolUseId } = meta ?? {};
    return {
      ...(typeof agentType === 'string' && { agentType }),
      ...(typeof description === 'string' && { description }),
      ...(typeof toolUseId === 'string' && { toolUseId }),
    };
  } catch {
    return {};
  }
}

/** Why a file cannot be read, in words. */
function whyNot(path: string): string {
  try {
    closeSync(openRead(path));
    return 'it was not there a moment ago';
  } catch (error) {
    return problemText(codeOf(error));
  }
}

/** Calls `take` with every row; returns the lines that are none, undefined where there is no file. */
function readRows(
  path: string,
  take: (row: unknown) => void,
  anyOwner = false,
): number | undefined {
  const file = openOwn(path, anyOwner);
  if (file === undefined) return undefined;
  let unreadable = 0;
  try {
    for (const line of linesOf(chunksOf(file.fd))) {
      let row: unknown;
      try {
        row = line === undefined ? undefined : shallow(JSON.parse(line) as Json);
      } catch {
        // A torn line: counted below.
      }
      if (row === undefined) unreadable += 1;
      else take(row);
    }
  } finally {
    closeSync(file.fd);
  }
  return unreadable;
}
