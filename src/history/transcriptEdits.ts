/**
 * Finds edits in a session's transcripts, which can be hundreds of megabytes: where each stands is remembered,
 * what it says is read when it is asked for.
 */

import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { configDirs, subagentFiles, trustedTranscript } from '../agents/claude/files.ts';
import { entriesOf } from '../agents/ownFiles.ts';

const CHUNK = 1_048_576;
/** A longer row is passed over, bytes. */
const MAX_ROW = 64 * 1_048_576;
/** Rows without these words are no edits. */
const WORDS = ['"toolUseResult"', '"originalFile'].map((word) => Buffer.from(word));
const NOTEBOOK = Buffer.from('"original_file"');

interface Place {
  path: string;
  offset: number;
  size: number;
}

/** How far one file was read. */
interface Progress {
  dev: number;
  ino: number;
  offset: number;
}

export interface TranscriptOptions {
  sessionId: string;
  /** What the trace says; anything may come. */
  path: string;
  /** Claude's config folders; default: where this user's are. */
  configDirs?: readonly string[];
}

/** The edits of one session, by the ids of their calls. */
export class TranscriptEdits {
  readonly #options: TranscriptOptions;
  readonly #places = new Map<string, Place>();
  readonly #files = new Map<string, Progress>();
  #reading: Promise<void> | undefined;

  constructor(options: TranscriptOptions) {
    this.#options = options;
  }

  /**
   * The `toolUseResult` of a call; undefined where the transcripts have none, or are gone.
   *
   * @throws the signal's reason when it is aborted
   */
  async result(callId: string, signal?: AbortSignal): Promise<unknown> {
    const known = await this.#read(callId);
    if (known !== undefined) return known;
    await this.#update(signal);
    const found = await this.#read(callId);
    if (found !== undefined || !this.#places.has(callId)) return found;
    // It is not where it was: the agent has written the file anew.
    this.#places.clear();
    this.#files.clear();
    await this.#update(signal);
    return await this.#read(callId);
  }

  async #read(callId: string): Promise<unknown> {
    const place = this.#places.get(callId);
    if (place === undefined) return undefined;
    try {
      const file = await openOwn(place.path);
      try {
        const bytes = Buffer.allocUnsafe(place.size);
        const { bytesRead } = await file.read(bytes, 0, place.size, place.offset);
        if (bytesRead !== place.size) return undefined;
        const row = JSON.parse(bytes.toString('utf8')) as Row;
        return idOf(row) === callId ? (row.toolUseResult ?? undefined) : undefined;
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  /** Reads on in all files: one reader at a time. */
  async #update(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    signal?.throwIfAborted();
  }

  async #readOn(): Promise<void> {
    const main = findTranscript(this.#options);
    if (main === undefined) return;
    const others = subagentFiles(main, this.#options.sessionId);
    for (const path of [main, ...others.map((file) => file.path)]) {
      try {
        await this.#readFile(path);
      } catch {
        // Gone, or not ours to read: what was found stays.
      }
    }
  }

  async #readFile(path: string): Promise<void> {
    const file = await openOwn(path);
    try {
      const { dev, ino, size } = await file.stat();
      const known = this.#files.get(path);
      const same = known?.dev === dev && known.ino === ino && known.offset <= size;
      let offset = same ? known.offset : 0;
      let at = offset;
      let parts: Buffer[] = [];
      while (at < size) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
        const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
        if (bytesRead === 0) break;
        const bytes = chunk.subarray(0, bytesRead);
        let from = 0;
        for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
          const part = bytes.subarray(from, end);
          const length = at + end - offset;
          if (length <= MAX_ROW) {
            const row = parts.length === 0 ? part : Buffer.concat([...parts, part]);
            this.#note(path, row, offset);
          }
          parts = [];
          from = end + 1;
          offset = at + from;
        }
        at += bytesRead;
        if (from < bytes.length && at - offset <= MAX_ROW) parts.push(bytes.subarray(from));
        else if (at - offset > MAX_ROW) parts = [];
      }
      this.#files.set(path, { dev, ino, offset });
    } finally {
      await file.close();
    }
  }

  #note(path: string, row: Buffer, offset: number): void {
    if (!row.includes(WORDS[0]!)) return;
    if (!row.includes(WORDS[1]!) && !row.includes(NOTEBOOK)) return;
    try {
      const id = idOf(JSON.parse(row.toString('utf8')) as Row);
      if (id !== undefined) this.#places.set(id, { path, offset, size: row.length });
    } catch {
      // Half a row, or torn.
    }
  }
}

interface Row {
  message?: { content?: { type?: unknown; tool_use_id?: unknown }[] };
  toolUseResult?: unknown;
}

function idOf(row: Row): string | undefined {
  const blocks = row.message?.content;
  if (!Array.isArray(blocks)) return undefined;
  const id = blocks.find((block) => block?.type === 'tool_result')?.tool_use_id;
  return typeof id === 'string' ? id : undefined;
}

async function openOwn(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  const file = await open(
    path,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  );
  const stat = await file.stat();
  if (stat.isFile() && stat.uid === (process.getuid?.() ?? stat.uid)) return file;
  await file.close();
  throw new Error('not a file of ours');
}

/** The session's own transcript: where the trace says, else in any project's folder. */
function findTranscript(options: TranscriptOptions): string | undefined {
  const { sessionId, path, configDirs: dirs = configDirs() } = options;
  const named = path === '' ? undefined : trustedTranscript(path, sessionId, dirs);
  if (named !== undefined) return named;
  for (const dir of dirs) {
    for (const project of entriesOf(join(dir, 'projects'))) {
      if (!project.isDirectory()) continue;
      const file = join(dir, 'projects', project.name, `${sessionId}.jsonl`);
      if (lstatSync(file, { throwIfNoEntry: false }) === undefined) continue;
      const found = trustedTranscript(file, sessionId, dirs);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
