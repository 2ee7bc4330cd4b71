import { normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LiveSession } from './liveSession.ts';

/** One session's part in a file, with the names by which its trace calls the file. */
export interface FileSource {
  session: LiveSession;
  names: readonly string[];
}

/** What one session is known to have touched. */
interface Known {
  session: LiveSession;
  epoch: number;
  cwd: string;
  /** How far its files were read. */
  told: number;
  names: Map<string, string[]>;
}

/**
 * The files that some sessions touched, by key. Only strings are compared: no file is looked at because
 * a trace names it.
 */
export class TouchedFiles {
  private known = new Map<string, Known>();

  /**
   * Takes in what is new; costs what happened since the last time.
   *
   * @param sessions whose files count
   * @returns keys of the files of which something is new, of files that no longer count as well
   */
  update(sessions: readonly LiveSession[]): Set<string> {
    const changed = new Set<string>();
    const now = new Map<string, Known>();
    for (const session of sessions) {
      const { fold, epoch } = session.trace;
      let known = this.known.get(session.key);
      const { cwd } = fold.session;
      if (known && (known.session !== session || known.epoch !== epoch || known.cwd !== cwd)) {
        for (const key of known.names.keys()) changed.add(key);
        known = undefined;
      }
      known ??= { session, epoch, cwd, told: 0, names: new Map() };
      now.set(session.key, known);
      for (const name of fold.files.toldSince(known.told)) {
        const key = fileKey(name, cwd);
        if (key === undefined) continue;
        changed.add(key);
        const names = known.names.get(key);
        if (!names) known.names.set(key, [name]);
        else if (!names.includes(name)) names.push(name);
      }
      known.told = fold.files.toldSoFar;
    }
    for (const [key, { names }] of this.known) {
      if (!now.has(key)) for (const file of names.keys()) changed.add(file);
    }
    this.known = now;
    return changed;
  }

  /** The sessions that touched a file. @param keys by which it may be known */
  sourcesOf(keys: readonly string[]): FileSource[] {
    const sources: FileSource[] = [];
    for (const { session, names } of this.known.values()) {
      const found = keys.flatMap((key) => names.get(key) ?? []);
      if (found.length > 0) sources.push({ session, names: found });
    }
    return sources;
  }
}

const FOLDS_CASE = process.platform === 'win32' || process.platform === 'darwin';

/**
 * By which a file is known however it is named.
 *
 * @param name as a trace has it: a path, or a `file:` address
 * @param cwd that relative names start from
 * @returns undefined: it names no file of this machine
 */
export function fileKey(name: string, cwd = ''): string | undefined {
  let path = name;
  if (name.startsWith('file:')) {
    try {
      path = fileURLToPath(name);
    } catch {
      return undefined;
    }
  }
  if (path.includes('\0')) return undefined;
  const whole = normalize(cwd === '' ? path : resolve(cwd, path));
  return FOLDS_CASE ? whole.toLowerCase() : whole;
}
