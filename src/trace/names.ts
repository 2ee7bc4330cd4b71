import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile, writeSmallFile } from './files.ts';
import { ensureStateFolder, realPath, stateHome } from './paths.ts';

type Env = Record<string, string | undefined>;

const VERSION = 1;
const MAX_BYTES = 4 * 1_048_576;
/** A name is a title, not a text. */
export const MAX_NAME = 120;
/** The file is looked at again after so long: another window, or the command line, may have written it, ms. */
const LOOK_MS = 1000;

/**
 * The names that a person gave to sessions: `names.json` in the state folder, so that a name
 * survives the window, is the same in the editor and on the command line, and never comes from a
 * trace, which may be anybody's.
 */
export class SessionNames {
  private readonly path: string;
  private readonly env: Env;
  private names = new Map<string, string>();
  private lookedMs = Number.NEGATIVE_INFINITY;
  private stamp = '';
  private readonly real = new Map<string, string>();

  constructor(env: Env = process.env) {
    this.env = env;
    this.path = join(stateHome(env), 'names.json');
  }

  /** The name of a session; undefined: it has none. Looks at the file at most once a second. */
  get(traceDir: string, id: string): string | undefined {
    const nowMs = performance.now();
    if (nowMs - this.lookedMs > LOOK_MS) {
      this.lookedMs = nowMs;
      const stamp = stampOf(this.path);
      if (stamp !== this.stamp) {
        this.stamp = stamp;
        this.names = this.read() ?? new Map();
      }
    }
    return this.names.size === 0 ? undefined : this.names.get(this.key(traceDir, id));
  }

  /**
   * @param name one line; empty takes the name away
   * @throws {Error} in words for people, when it cannot be kept; the file is then as it was
   */
  set(traceDir: string, id: string, name: string): void {
    const problem = ensureStateFolder('cache', this.env).problem;
    if (problem !== undefined) throw new Error(`${stateHome(this.env)}: ${problem}`);
    // Read anew: another window may have named another session.
    const names = this.read();
    if (!names) throw new Error(`${this.path} cannot be read. Mend it or move it away.`);
    const key = this.key(traceDir, id);
    const line = name.replace(/\s+/g, ' ').trim().slice(0, MAX_NAME);
    if (line === '') names.delete(key);
    else names.set(key, line);
    writeSmallFile(
      this.path,
      `${JSON.stringify({ version: VERSION, names: Object.fromEntries(names) }, null, 1)}\n`,
    );
    this.names = names;
    this.stamp = stampOf(this.path);
  }

  /** Undefined: there is a file, and it is not one of ours. */
  private read(): Map<string, string> | undefined {
    const text = readSmallFile(this.path, MAX_BYTES);
    if (text === undefined) return existsSync(this.path) ? undefined : new Map();
    try {
      const saved = JSON.parse(text) as { version?: unknown; names?: unknown } | null;
      if (saved?.version !== VERSION || typeof saved.names !== 'object' || !saved.names) {
        return undefined;
      }
      return new Map(
        Object.entries(saved.names).filter((entry): entry is [string, string] => {
          return typeof entry[1] === 'string';
        }),
      );
    } catch {
      return undefined;
    }
  }

  /** Two paths of one folder are one session. */
  private key(traceDir: string, id: string): string {
    let real = this.real.get(traceDir);
    if (real === undefined) {
      real = realPath(traceDir);
      this.real.set(traceDir, real);
    }
    return `${real}/${id}`;
  }
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
}
