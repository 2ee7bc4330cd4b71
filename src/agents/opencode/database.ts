/** opencode's SQLite database, read and nothing else. Loads SQLite when it is first used: it is Node's own. */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Json, JsonObject } from '../../model/event.ts';

type Sqlite = typeof import('node:sqlite');

/** An open database. */
export interface SessionDatabase {
  /** The rows of a query. @throws what SQLite says */
  all(sql: string, ...values: string[]): JsonObject[];
  /** Never throws. */
  close(): void;
}

/**
 * Tables of ours that are none, or have columns that are computed: reading what anybody may have written as a query
 * could take for ever.
 */
const COMPUTED = `select name from sqlite_schema where lower(name) in ('session', 'message', 'part') and (
  type <> 'table' or rootpage = 0 or
  exists (select 1 from pragma_table_xinfo(sqlite_schema.name) where hidden <> 0))`;
const NOT_PLAIN = 'its tables are not those that opencode makes.';

const HEADER = 'SQLite format 3\0';

/** Whether a file begins as a SQLite database does. */
export function isDatabase(path: string): boolean {
  let fd: number;
  try {
    // A pipe would never answer.
    if (!statSync(path).isFile()) return false;
    fd = openSync(path, 'r');
  } catch {
    return false;
  }
  try {
    const head = Buffer.alloc(HEADER.length);
    return (
      fstatSync(fd).isFile() &&
      readSync(fd, head, 0, head.length, 0) === head.length &&
      head.toString('latin1') === HEADER
    );
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}

/**
 * Node's SQLite, without the warning that it is young: that would stand in the middle of a table.
 * Undefined where this Node has none.
 */
function loadSqlite(): Sqlite | undefined {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule?.('node:sqlite');
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * Opens a database as it is at this moment, to read.
 *
 * @throws Error with a message for people, as do its queries
 */
export function openDatabase(path: string): SessionDatabase {
  const sqlite = loadSqlite();
  if (sqlite === undefined) {
    throw new Error(
      `${path} is a SQLite database, which Node ${process.versions.node} cannot read. Use Node 22.13 or newer, ` +
        'or write the session to a file with "opencode export <session> > session.json" and import that.',
    );
  }
  const named = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw new Error(`${path} cannot be read: ${reason(error)}`, { cause: error });
    }
  };
  const db = named(() => open(sqlite, path));
  const opened: SessionDatabase = {
    all: (sql, ...values) =>
      named(() => db.prepare(sql).all(...values) as unknown as Record<string, Json>[]),
    close: () => {
      try {
        db.close();
      } catch {
        // What was to be read was read.
      }
    },
  };
  try {
    // All queries see one state, whatever opencode writes meanwhile.
    named(() => db.exec('pragma trusted_schema = off; begin'));
    const strange = named(() => db.prepare(COMPUTED).get());
    if (strange !== undefined) throw new Error(`${path} cannot be read: ${NOT_PLAIN}`);
  } catch (error) {
    opened.close();
    throw error;
  }
  return opened;
}

/** Runs queries on a database. @throws Error with a message for people */
export function withDatabase<T>(path: string, work: (db: SessionDatabase) => T): T {
  const db = openDatabase(path);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

/**
 * Opens a database to read. What belongs to one that is in use lies beside it (`-wal`, `-shm`, `-journal`). One without
 * may be opened as a file that nobody changes: then SQLite creates nothing beside it, and locks nothing.
 */
function open(sqlite: Sqlite, path: string): InstanceType<Sqlite['DatabaseSync']> {
  const options = { readOnly: true, timeout: 1000, allowExtension: false };
  const inUse = ['-wal', '-shm', '-journal'].some((ending) => existsSync(path + ending));
  if (inUse) return new sqlite.DatabaseSync(path, options);
  const url = new URL(`${pathToFileURL(path).href}?immutable=1`);
  return new sqlite.DatabaseSync(url, options);
}

function reason(error: unknown): string {
  const { errcode, message } = (error ?? {}) as { errcode?: number; message?: string };
  // Extended codes have the plain one in their lowest byte.
  switch (errcode === undefined ? undefined : errcode & 0xff) {
    case 5:
    case 6:
      return 'another program has locked it. Try again in a moment.';
    case 11:
    case 26:
      return 'it is damaged, or not written to its end.';
    case 14:
      return 'it cannot be opened (is its folder writable?).';
    case 1:
      return `it is of an opencode that is not known (${message ?? ''}).`;
    default:
      return message ?? 'unknown reason';
  }
}
