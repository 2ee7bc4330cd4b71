/** Finds the transcripts of this machine: what each session cost, and a session as a trace. */
import { closeSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Billing, isSidechain, responseRef } from '../../model/billing.ts';
import { shallow } from '../../model/depth.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import type { Price, Pricer, Usage } from '../../model/usage.ts';
import { addUsage, emptyUsage, usageOf } from '../../model/usage.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { codeOf, openRead, problemText } from '../../trace/files.ts';
import { LineSplitter } from '../lines.ts';
import { entriesOf, firstBytes, isSessionId, openOwn, readSmall } from '../ownFiles.ts';
import { asObject, asString, rowTime } from '../rows.ts';
import type { Environment, SubagentFile } from './files.ts';
import { besideIndex, configDirs, subagentFiles } from './files.ts';
import type { SubagentMeta, TranscriptStats } from './transcriptImport.ts';
import { TranscriptMapper } from './transcriptImport.ts';
import { Responses, replaces, usageData } from './usage.ts';

const CHUNK = 1024 * 1024;
const HEAD = 65_536;

export interface TranscriptFile {
  path: string;
  sessionId: string;
  /** The project's folder name, in which Claude Code writes `-` for every other character. */
  project: string;
  subagents: SubagentFile[];
  /** Time of the first row that has one, in seconds since the epoch; 0 where none has. */
  startedAt: number;
  /** Its first rows were copied from another session. */
  forked: boolean;
  /** When the file was made, in milliseconds since the epoch. */
  createdAtMs: number;
}

export interface FindOptions extends Environment {
  /** Claude's config folders; default: where this user's are. */
  configDirs?: readonly string[];
}

/** Every transcript, the session that began first first. */
export function findTranscripts(options: FindOptions = {}): TranscriptFile[] {
  const beside = besideIndex.pass();
  return [...transcriptHeads(options)]
    .map((head) => ({ ...head, subagents: subagentFiles(head.path, head.sessionId, beside) }))
    .sort(
      (a, b) =>
        a.startedAt - b.startedAt ||
        Number(a.forked) - Number(b.forked) ||
        a.createdAtMs - b.createdAtMs ||
        (a.path < b.path ? -1 : 1),
    );
}

/** What the beginning of a transcript says. */
export interface TranscriptHead extends Omit<TranscriptFile, 'subagents'> {
  /** The folder that the session worked in first; empty where no row says. */
  cwd: string;
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

function describe(path: string, project: string, anyOwner: boolean): TranscriptFile {
  const head = transcriptHead(path, project, anyOwner);
  return { ...head, subagents: subagentFiles(path, head.sessionId) };
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

export interface ModelCost {
  model: string;
  usage: Usage;
  /** Responses. */
  responses: number;
  nanoUsd: number;
  unpriced: number;
}

export interface PricedSession {
  path: string;
  sessionId: string;
  project: string;
  /** Seconds since the epoch; 0 where no response has a time. */
  startedAt: number;
  endedAt: number;
  models: ModelCost[];
  usage: Usage;
  nanoUsd: number;
  /** Responses with a price. */
  priced: number;
  /** Responses without one, by reason. */
  unpriced: Record<string, number>;
  /** Rows of responses that were counted already, here or in another session. */
  deduplicated: number;
  /** Of these: responses that a session before this one has. */
  inOtherSessions: number;
  /** Ids of those sessions, the one with the most first. */
  billedIn: string[];
  /** Lines that are no JSON or too long. */
  unreadable: number;
  bytes: number;
}

export interface DiscoverProgress {
  sessions: number;
  total: number;
  bytes: number;
}

export interface DiscoverOptions extends FindOptions {
  pricer: Pricer;
  onProgress?: (progress: DiscoverProgress) => void;
  signal?: AbortSignal;
}

/**
 * Prices every session, one after the other. A response that several files have (resumed and
 * forked sessions copy rows) is counted once, for the session that began first; a fork, which
 * begins with the same rows, comes after the session it was made from.
 */
export async function* discoverPriced(options: DiscoverOptions): AsyncGenerator<PricedSession> {
  const files = findTranscripts(options);
  const billing = new Billing();
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    if (options.signal?.aborted === true) return;
    const session = priceSession(file, options.pricer, billing);
    bytes += session.bytes;
    options.onProgress?.({ sessions: index + 1, total: files.length, bytes });
    yield session;
    // Long runs leave room for what else the process has to do.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A model response of a session that is priced. */
export interface Response {
  data: JsonObject;
  /** Seconds since the epoch. */
  time: number;
}

/** A session of which nothing is priced yet. */
export const unpricedSession = (
  file: Pick<TranscriptFile, 'path' | 'sessionId' | 'project' | 'startedAt'>,
): PricedSession => ({
  path: file.path,
  sessionId: file.sessionId,
  project: file.project,
  startedAt: file.startedAt,
  endedAt: file.startedAt,
  models: [],
  usage: emptyUsage(),
  nanoUsd: 0,
  priced: 0,
  unpriced: {},
  deduplicated: 0,
  inOtherSessions: 0,
  billedIn: [],
  unreadable: 0,
  bytes: 0,
});

function priceSession(file: TranscriptFile, pricer: Pricer, billing: Billing): PricedSession {
  const responses = new Responses<Response>();
  const session = unpricedSession(file);
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
  for (const { path, agentId } of [{ path: file.path, agentId: '' }, ...file.subagents]) {
    const read = scanUsage(path, (row) => take(row, agentId));
    session.bytes += read.bytes;
    session.unreadable += read.unreadable;
    session.endedAt = Math.max(session.endedAt, read.lastTime);
  }
  priceResponses(session, responses.values(), elsewhere, pricer, billing, 'claude');
  return session;
}

/**
 * Prices a session's responses, each once.
 *
 * @param elsewhere responses that other sessions were billed for, by their refs
 * @param provider the agent, as a hint whose price list it is
 */
export function priceResponses(
  session: PricedSession,
  responses: Iterable<Response>,
  elsewhere: ReadonlyMap<string, string>,
  pricer: Pricer,
  billing: Billing,
  provider: string,
): void {
  session.inOtherSessions = elsewhere.size;
  session.billedIn = mostFirst(elsewhere.values());
  const models = new Map<string, ModelCost>();
  for (const { data, time } of responses) {
    billing.bill(responseRef(data), session.sessionId);
    session.endedAt = Math.max(session.endedAt, time);
    const usage = usageOf(data);
    if (usage === undefined) continue;
    const model = asString(data.model);
    const cost = models.get(model) ?? newModelCost(model);
    models.set(model, cost);
    cost.responses += 1;
    addUsage(cost.usage, usage);
    addUsage(session.usage, usage);
    // The agent's own figure, where an old row has one, as in a trace.
    const own = data.agent_cost_usd;
    let price: Price =
      typeof own === 'number'
        ? { status: 'reported', nanoUsd: Math.round(own * 1e9) }
        : pricer.price(model, usage, time * 1000, {
            provider,
            speed: asString(data.speed),
            serviceTier: asString(data.service_tier),
            inferenceGeo: asString(data.inference_geo),
            webSearchRequests: Number(data.web_search_requests ?? 0),
          });
    // … and where no price is known, what the agent reckoned.
    const told = data.cost_usd;
    if (price.status === 'unpriced' && typeof told === 'number' && told > 0 && told < 1e6) {
      price = { status: 'reported', nanoUsd: Math.round(told * 1e9) };
    }
    if (price.status === 'unpriced') {
      cost.unpriced += 1;
      session.unpriced[price.reason] = (session.unpriced[price.reason] ?? 0) + 1;
    } else {
      cost.nanoUsd += price.nanoUsd;
      session.nanoUsd += price.nanoUsd;
      session.priced += 1;
    }
  }
  session.models = [...models.values()];
}

function mostFirst(ids: Iterable<string>): string[] {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([id]) => id);
}

const newModelCost = (model: string): ModelCost => ({
  model,
  usage: emptyUsage(),
  responses: 0,
  nanoUsd: 0,
  unpriced: 0,
});

const USAGE_KEY = Buffer.from('"usage"');

/**
 * Calls `take` with the rows that can hold a usage. Others are not even cut into lines: most of a
 * transcript is file contents. (Inside a JSON text the quotes of `"usage"` are escaped.)
 */
export function scanUsage(
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
  const file = describe(path, basename(dirname(path)), anyOwner);
  const sessionId = options.sessionId ?? file.sessionId;
  if (!isSessionId(sessionId)) throw new Error(`${path} does not name a session that can be used.`);
  const mapper = new TranscriptMapper({ sessionId, redact: options.redact });
  const events = new Map<string, TraceEvent>();
  const add = (event: TraceEvent): void => {
    const known = events.get(event.event_id);
    // A tool call told twice keeps its time; the later word on the rest stands.
    if (known !== undefined) event.timestamp = Math.min(known.timestamp, event.timestamp);
    events.set(event.event_id, event);
  };
  const main = readRows(path, (row) => mapper.push(row, { file: path }).forEach(add), anyOwner);
  if (main === undefined) throw new Error(`${path} cannot be read: ${whyNot(path)}`);
  let unreadable = main;
  const subagents =
    options.sessionId === undefined ? file.subagents : subagentFiles(path, sessionId);
  for (const { path: own, agentId } of subagents) {
    mapper.describe(agentId, readMeta(own));
    unreadable +=
      readRows(own, (row) => mapper.push(row, { file: own, agentId }).forEach(add), anyOwner) ?? 0;
  }
  mapper.finish().forEach(add);
  const order = [...events.values()].sort((a, b) => a.timestamp - b.timestamp || rank(a) - rank(b));
  if (options.billing !== undefined) markCopies(order, sessionId, options.billing);
  return { sessionId, events: order, stats: mapper.stats, unreadable };
}

/** Not every agent says of a row that it is a copy: an older transcript with the same response does. */
export function markCopies(
  events: readonly TraceEvent[],
  sessionId: string,
  billing: Billing,
): void {
  const responses = events.filter(({ event_type }) => event_type === 'llm_response');
  for (const { data } of responses) {
    const owner = billing.billedIn(responseRef(data), isSidechain(data));
    if (owner !== undefined && owner !== sessionId) data.copied_from ??= owner;
  }
  for (const { data } of responses) {
    if (data.copied_from === undefined) billing.bill(responseRef(data), sessionId);
  }
}

/** At one instant the session's start comes first and its end last. */
const rank = (event: TraceEvent): number =>
  event.event_type === 'session_start' ? -1 : event.event_type === 'session_end' ? 1 : 0;

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
  const each = (line: string | undefined): void => {
    if (line?.trim() === '') return;
    let row: unknown;
    try {
      row = line === undefined ? undefined : shallow(JSON.parse(line) as Json);
    } catch {
      // A torn line: counted below.
    }
    if (row === undefined) unreadable += 1;
    else take(row);
  };
  try {
    const lines = new LineSplitter();
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      const count = readSync(file.fd, buffer, 0, CHUNK, null);
      if (count === 0) break;
      lines.push(buffer.subarray(0, count), each);
    }
    // The last row may have no newline and be whole all the same.
    if (lines.pending > 0) lines.push(Buffer.from('\n'), each);
  } finally {
    closeSync(file.fd);
  }
  return unreadable;
}

/**
 * The events that a trace does not have yet. Where hooks recorded the session, its start and end
 * are theirs; what both tell has the same id.
 *
 * @param eventsFile text of the trace's `events.ndjson`, empty where there is none
 */
export function missingEvents(events: readonly TraceEvent[], eventsFile: string): TraceEvent[] {
  const known = new Set<string>();
  const types = new Set<string>();
  for (const line of eventsFile.split('\n')) {
    const id = /"event_id": ?"([0-9a-f]{1,32})"/.exec(line)?.[1];
    if (id !== undefined) known.add(id);
    const type = /^\{"event_type": ?"(session_(?:start|end))"/.exec(line)?.[1];
    if (type !== undefined) types.add(type);
  }
  return events.filter((event) => !known.has(event.event_id) && !types.has(event.event_type));
}
