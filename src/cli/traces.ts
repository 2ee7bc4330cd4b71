/** Which trace folder, which session, and reading it: what every reading command begins with. */
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { readSessionRecord } from '../agents/process.ts';
import { createPricer } from '../analysis/price.ts';
import { brakedState } from '../guard/brake.ts';
import type { BilledElsewhere } from '../model/billing.ts';
import { similar } from '../model/similar.ts';
import type { ProcessState } from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { sanitizeLine } from '../report/terminalText.ts';
import { problemText } from '../trace/files.ts';
import { latestSession } from '../trace/latest.ts';
import { fallbackDirs, placeTrace } from '../trace/paths.ts';
import { badLines, type SessionProblems, TraceSession } from '../trace/session.ts';
import {
  type SessionEntry,
  SessionNotFound,
  type StoreProblem,
  TraceStore,
} from '../trace/store.ts';
import { EXIT } from './exit.ts';
import { breathe, CliError, type Io, Progress, warn } from './io.ts';

export interface TraceOptions {
  traceDir?: string;
}

/** Bytes that are read before Ctrl-C is looked at. */
const STEP_BYTES = 8 * 1_048_576;

/**
 * The folders that are read: the one named, or where the recorder traces to (`placeTrace`), and beside it
 * those in the state folder that it uses when the project's own cannot be used.
 */
export function traceDirs(io: Io, options: TraceOptions): string[] {
  if (options.traceDir !== undefined) return [resolve(io.cwd, options.traceDir)];
  const { traceDir } = placeTrace({ cwd: io.cwd, env: io.env });
  if (io.env.AGENT_TRACE_DIR) return [traceDir];
  const aside = fallbackDirs(io.cwd, io.env).filter((dir) => existsSync(dir));
  return [...new Set([traceDir, ...aside])];
}

/** The project that a session started here would have: whose rules hold. Absolute. */
export const projectOf = (io: Io): string => placeTrace({ cwd: io.cwd, env: io.env }).project;

/** @throws CliError where none of the folders exists */
export function openStore(io: Io, options: TraceOptions): TraceStore {
  const dirs = traceDirs(io, options);
  const there = dirs.filter((dir) => existsSync(dir));
  if (there.length === 0) throw noFolder(io, dirs[0] ?? '', options);
  if (there.length === 1 && !statSync(there[0]!).isDirectory()) {
    throw new CliError(`${sanitizeLine(there[0]!)} is not a folder`, EXIT.usage);
  }
  return new TraceStore(dirs);
}

function noFolder(io: Io, dir: string, options: TraceOptions): CliError {
  const hint =
    options.traceDir !== undefined
      ? 'Check the path given with --trace-dir.'
      : io.env.AGENT_TRACE_DIR
        ? 'AGENT_TRACE_DIR names it. Change or unset that, or read another folder with --trace-dir DIR.'
        : 'Record the next session: agent-strace setup\n' +
          'Read past sessions:      agent-strace import --discover\n' +
          'Read another folder:     --trace-dir DIR, or AGENT_TRACE_DIR';
  return new CliError(`There is no trace folder ${sanitizeLine(dir)}`, EXIT.none, hint);
}

const LEFT_OUT = {
  link: 'a symbolic link',
  notAFolder: 'not a folder',
  unsafeName: 'not a session name',
  unreadable: 'not readable',
} as const satisfies Record<StoreProblem['reason'], string>;

/** A hostile folder may hold any number of them. */
const MOST_LEFT_OUT = 100;

/**
 * All sessions; what is passed over in the folder is told.
 *
 * @param each one line for each; else one for all
 */
export function listEntries(io: Io, store: TraceStore, each = false): SessionEntry[] {
  const { sessions, problems } = store.list();
  const shown = problems.slice(0, each ? MOST_LEFT_OUT : 1);
  for (const [at, { path, reason }] of shown.entries()) {
    const more = at === shown.length - 1 ? problems.length - shown.length : 0;
    const rest =
      more === 0 ? '' : ` and ${more} more${each ? '' : ' (agent-strace list names them)'}`;
    warn(io, `Left out: ${sanitizeLine(path)} (${LEFT_OUT[reason]})${rest}`);
  }
  return sessions;
}

/** A folder without a session. */
export const noSession = (store: TraceStore): CliError =>
  new CliError(
    `No session is recorded in ${sanitizeLine(store.traceDirs.join(', '))}`,
    EXIT.none,
    'Start your agent; if nothing appears, run: agent-strace setup\n' +
      'Read past sessions: agent-strace import --discover',
  );

/**
 * The session of an id or prefix; the one active last where none is given.
 *
 * @throws CliError
 */
export function findSession(io: Io, store: TraceStore, prefix: string | undefined): SessionEntry {
  if (prefix === '') {
    throw new CliError(
      'The id of the session is empty',
      EXIT.usage,
      'Leave it out for the session active last. See all: agent-strace list',
    );
  }
  if (prefix === undefined) {
    const latest = latestSession(listEntries(io, store));
    if (latest !== undefined) return latest;
    throw noSession(store);
  }
  try {
    return store.find(prefix);
  } catch (error) {
    if (!(error instanceof SessionNotFound)) throw error;
    const all = store.list().sessions.map(({ id }) => id);
    const several = all.filter((id) => id.startsWith(prefix));
    const shown = sanitizeLine(prefix);
    if (several.length > 1) {
      const some = several.slice(0, 5).join('\n  ');
      throw new CliError(
        `"${shown}" fits ${several.length} sessions`,
        EXIT.none,
        `Give more of the id:\n  ${some}${several.length > 5 ? '\n  …' : ''}`,
      );
    }
    throw new CliError(
      `No session begins with "${shown}"`,
      EXIT.none,
      didYouMean(prefix, all) || 'See all: agent-strace list',
    );
  }
}

/** By their beginnings: nobody types a whole id. */
function didYouMean(prefix: string, ids: readonly string[]): string {
  const length = Math.max(4, prefix.length);
  const heads = new Map(ids.map((id) => [id.slice(0, length), id]));
  const near = similar(prefix, heads.keys()).map((head) => heads.get(head)!);
  if (near.length === 0) return '';
  return `Did you mean ${near.length > 1 ? 'one of ' : ''}${near.join(', ')}?`;
}

let pricer: Promise<Pricer> | undefined;
/** The price list, loaded when first asked for. */
export function sharedPricer(): Promise<Pricer> {
  pricer ??= createPricer();
  return pricer;
}

/**
 * Reads a session to its end, saying what could not be read.
 *
 * @throws CliError, Interrupted
 */
export async function readSession(
  io: Io,
  entry: SessionEntry,
  options: {
    billedElsewhere?: BilledElsewhere | undefined;
    /** This session as it was read a moment ago, with all that it was billed for. */
    known?: TraceSession | undefined;
  } = {},
): Promise<TraceSession> {
  const { billedElsewhere, known } = options;
  const isKnown = known !== undefined && (billedElsewhere?.size ?? 0) === 0;
  const session = isKnown
    ? known
    : new TraceSession(entry.directory, entry.id, {
        pricer: await sharedPricer(),
        billedElsewhere,
      });
  await readOn(io, session, entry.size);
  if (session.fold.newerVersion > 0) throw new CliError(NEWER, EXIT.usage);
  warnProblems(io, session);
  return session;
}

/** @param size bytes of the file, for the progress line */
export async function readOn(io: Io, session: TraceSession, size: number): Promise<void> {
  const progress = new Progress(io);
  try {
    while (session.update(STEP_BYTES)) {
      const share = size > 0 ? Math.min(99, Math.floor((session.bytesRead / size) * 100)) : 0;
      progress.show(`Reading ${share}% of ${session.id}`);
      await breathe(io);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(
      `The trace of ${session.id} cannot be read: ${problemText(code)}`,
      EXIT.usage,
    );
  } finally {
    progress.clear();
  }
}

export const NEWER = 'This trace was written by a newer version. Update agent-strace to open it.';

function warnProblems(io: Io, session: TraceSession): void {
  const text = problemsText(session.problems);
  if (text !== '') warn(io, `${session.id}: ${text}`);
}

/** `3 lines could not be read and were skipped (the first at byte 120).` */
export function problemsText(problems: SessionProblems): string {
  const bad = badLines(problems);
  if (bad === 0) return '';
  const at = problems.firstAt === undefined ? '' : ` (the first at byte ${problems.firstAt})`;
  const saved =
    problems.salvaged === 0
      ? ''
      : ` ${problems.salvaged} ${problems.salvaged === 1 ? 'event was' : 'events were'} saved from them.`;
  return bad === 1
    ? `1 line could not be read and was skipped${at}.${saved}`
    : `${bad} lines could not be read and were skipped${at}.${saved}`;
}

/** What is known of the agent's process behind a session. */
export function processState(io: Io, sessionId: string): ProcessState {
  return brakedState(readSessionRecord(sessionId, io.env), io.env);
}

/** A word as a POSIX shell reads it back. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A path as people write it: from the home folder where it is in it. */
export function homely(path: string): string {
  const home = homedir();
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}
