import {
  closeSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { checkOwnDirectory, openRead, writeSmallFile } from './files.ts';
import { gitBlobId } from './gitBlobId.ts';
import { ensureStateFolder, stateHome } from './paths.ts';

type Env = Record<string, string | undefined>;

/** Longest content that is kept, bytes. */
export const MAX_BLOB_BYTES = 2 * 1_048_576;
/** All contents together, bytes: those that nobody asked for longest go first. */
const MAX_STORE_BYTES = 256 * 1_048_576;
/** A temporary file so old is nobody's, ms. */
const STALE_MS = 3_600_000;

const ID = /^[0-9a-f]{40}$/;

/** Whether a text has the form of a content's id. */
export const isBlobId = (id: unknown): id is string => typeof id === 'string' && ID.test(id);

/**
 * Contents of files by their git blob id, in `~/.agent-strace/blobs` (0700, each file 0600): what a file
 * held before a command changed it, where git does not have it.
 *
 * The caller keeps sensitive files out of it: see `isSensitivePath`.
 */
export class BlobStore {
  readonly #env: Env;
  readonly #maxBytes: number;

  /** @param maxBytes what {@link prune} leaves at most */
  constructor(env: Env = process.env, maxBytes = MAX_STORE_BYTES) {
    this.#env = env;
    this.#maxBytes = maxBytes;
  }

  get folder(): string {
    return join(stateHome(this.#env), 'blobs');
  }

  /**
   * Keeps a content. Never throws.
   *
   * @param id its git blob id, where it is known already
   * @returns the id; undefined where it is too long or cannot be kept
   */
  put(bytes: Uint8Array, id: string = gitBlobId(bytes)): string | undefined {
    if (bytes.length > MAX_BLOB_BYTES || !isBlobId(id)) return undefined;
    try {
      const { path, problem } = ensureStateFolder('blobs', this.#env);
      if (problem !== undefined) return undefined;
      const file = join(path, id);
      const known = lstatSync(file, { throwIfNoEntry: false });
      if (known?.isFile() && known.size === bytes.length) touch(file);
      else writeSmallFile(file, bytes);
      return id;
    } catch {
      return undefined;
    }
  }

  /** A content, checked against its id; undefined where it is not there, or not what it was. */
  get(id: string): Buffer | undefined {
    if (!isBlobId(id) || checkOwnDirectory(this.folder) !== undefined) return undefined;
    const file = join(this.folder, id);
    let fd: number;
    try {
      fd = openRead(file);
    } catch {
      return undefined;
    }
    try {
      if (fstatSync(fd).size > MAX_BLOB_BYTES) return undefined;
      const bytes = readFileSync(fd);
      if (gitBlobId(bytes) !== id) return undefined;
      touch(file);
      return bytes;
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  }

  /** Takes the contents away that were not used for longest, down to the limit. Never throws. */
  prune(nowMs = Date.now()): void {
    try {
      if (checkOwnDirectory(this.folder) !== undefined) return;
      let total = 0;
      const files: { file: string; size: number; usedMs: number }[] = [];
      for (const name of readdirSync(this.folder)) {
        const file = join(this.folder, name);
        const stat = lstatSync(file, { throwIfNoEntry: false });
        if (!stat?.isFile()) continue;
        if (ID.test(name)) {
          files.push({ file, size: stat.size, usedMs: stat.mtimeMs });
          total += stat.size;
        } else if (name.startsWith('.tmp-') && nowMs - stat.mtimeMs > STALE_MS) {
          rmSync(file, { force: true });
        }
      }
      files.sort((a, b) => a.usedMs - b.usedMs);
      for (const { file, size } of files) {
        if (total <= this.#maxBytes) break;
        rmSync(file, { force: true });
        total -= size;
      }
    } catch {
      // Another process prunes at the same time, or the folder is not ours.
    }
  }
}

function touch(file: string): void {
  try {
    const now = Date.now() / 1000;
    utimesSync(file, now, now);
  } catch {
    // It is only older than it might be.
  }
}
