/** What the system says of processes at one moment. Command lines and environments are looked at, never kept. */
import { execFile } from 'node:child_process';
import { closeSync, openSync, read, readdirSync, readFileSync, statSync } from 'node:fs';
import { promisify } from 'node:util';

/** A process of any user at one moment. */
export interface ProcessEntry {
  pid: number;
  ppid: number;
  /** Process group. */
  pgid: number;
  /** Session; 0 where the system does not tell. */
  session: number;
  /** Controlling terminal; empty: none. */
  tty: string;
  /** Group that has the terminal. */
  foreground: number;
  uid: number;
  /** As in {@link import('../agents/process.ts').ProcessInfo}: with the pid it names a process for good. */
  startTime: string;
  name: string;
  /** One letter: `R` runs, `S` and `D` sleep, `T` is stopped, `Z` has ended. */
  state: string;
}

/** A process for good: a pid alone is somebody else's one day. */
export type ProcessId = Pick<ProcessEntry, 'pid' | 'startTime'>;

export const isSame = (a: ProcessId | undefined, b: ProcessId): boolean =>
  a !== undefined && a.pid === b.pid && a.startTime === b.startTime;

export const hasEnded = (entry: ProcessEntry | undefined): boolean =>
  entry === undefined || entry.state === 'Z' || entry.state === 'X';

/** The host's thread is given back after so long, ms. */
const SLICE_MS = 2;
const PS_ENV = { LC_ALL: 'C', TZ: 'UTC', PATH: '/bin:/usr/bin:/usr/sbin' };
const PS_FIELDS = 'pid=,ppid=,pgid=,sess=,tpgid=,uid=,stat=,tty=,lstart=,ucomm=';
const PS_OPTIONS = { encoding: 'utf8', env: PS_ENV, timeout: 2000, maxBuffer: 16 << 20 } as const;

const run = promisify(execFile);
const readAsync = promisify(read);

/** One process, from Linux's /proc; undefined where it is gone, or cannot be seen. */
export function readEntry(pid: number): ProcessEntry | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    const { uid } = statSync(`/proc/${pid}`);
    return parseEntry(pid, uid, readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** A line of /proc/<pid>/stat. A name may hold spaces and parentheses: fields count from the last one. */
export function parseEntry(pid: number, uid: number, text: string): ProcessEntry | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const [state = '', ppid, pgid, session, tty, foreground, ...rest] = text
    .slice(close + 2)
    .split(' ');
  const startTime = rest[13];
  if (startTime === undefined) return undefined;
  return {
    pid,
    ppid: Number(ppid),
    pgid: Number(pgid),
    session: Number(session),
    tty: tty === '0' ? '' : (tty ?? ''),
    foreground: Number(foreground),
    uid,
    startTime,
    name: text.slice(open + 1, close),
    // `t`: stopped by a debugger, which is as still.
    state: state.toUpperCase(),
  };
}

/** A line of `ps -o` with {@link PS_FIELDS}. */
export function parsePsLine(line: string): ProcessEntry | undefined {
  const match =
    /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\w+)\s+(-?\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]{8}\s+\d{4})\s+(.+?)\s*$/.exec(
      line,
    );
  if (match === null) return undefined;
  const [, pid, ppid, pgid, , foreground, uid, state = '', tty = '', start = '', name = ''] = match;
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    pgid: Number(pgid),
    session: 0,
    tty: /^\?+$/.test(tty) ? '' : tty,
    foreground: Number(foreground),
    uid: Number(uid),
    startTime: start.replace(/\s+/g, ' '),
    name,
    state: state.charAt(0),
  };
}

async function ps(args: string[]): Promise<ProcessEntry[]> {
  const { stdout } = await run('ps', [...args, '-o', PS_FIELDS], PS_OPTIONS).catch(
    // It exits with 1 where one of the pids is gone, and has told of the others.
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  return stdout.split('\n').flatMap((line) => parsePsLine(line) ?? []);
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Does something for each, giving the thread back every few ms. */
async function sliced<T>(items: readonly T[], work: (item: T) => void): Promise<void> {
  let from = performance.now();
  for (const item of items) {
    work(item);
    if (performance.now() - from < SLICE_MS) continue;
    await nextTurn();
    from = performance.now();
  }
}

/** All processes there are, once. */
export async function readTable(): Promise<Map<number, ProcessEntry>> {
  const table = new Map<number, ProcessEntry>();
  const add = (entry: ProcessEntry | undefined): void => {
    if (entry) table.set(entry.pid, entry);
  };
  if (process.platform === 'linux') {
    const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    await sliced(names, (name) => add(readEntry(Number(name))));
  } else if (process.platform !== 'win32') {
    for (const entry of await ps(['-ax'])) add(entry);
  }
  return table;
}

/** Some processes as they are now; those that are gone are not in it. */
export async function lookAt(pids: readonly number[]): Promise<Map<number, ProcessEntry>> {
  if (pids.length === 0 || process.platform === 'win32') return new Map();
  const found =
    process.platform === 'linux'
      ? pids.flatMap((pid) => readEntry(pid) ?? [])
      : await ps(['-p', pids.join(',')]);
  return new Map(found.map((entry) => [entry.pid, entry]));
}

/** From a process up to the first, itself included. */
export function chainOf(
  read: (pid: number) => ProcessEntry | undefined,
  pid: number,
): ProcessEntry[] {
  const chain: ProcessEntry[] = [];
  for (let entry = read(pid); entry !== undefined; entry = read(entry.ppid)) {
    if (chain.some((known) => known.pid === entry?.pid)) break;
    chain.push(entry);
  }
  return chain;
}

/** Its words; empty where they cannot be seen. Never to be kept or logged: they may hold secrets. */
export function commandWords(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/**
 * Whether the environment that a process was started with has one of these lines (`NAME=value`). Not read
 * on the host's thread: a process that hangs in a dead file system hangs whoever reads this of it.
 */
export async function hasEnvironment(pid: number, lines: ReadonlySet<string>): Promise<boolean> {
  try {
    if (process.platform === 'linux') {
      const text = await readEnvironment(pid);
      return text.split('\0').some((line) => lines.has(line));
    }
    const { stdout } = await run('ps', ['-Eww', '-o', 'command=', '-p', `${pid}`], PS_OPTIONS);
    return stdout.split(/\s+/).some((word) => lines.has(word));
  } catch {
    return false;
  }
}

const ENVIRONMENT_BYTES = 65_536;

/** In one read where it fits: a whole `readFile` is five errands to other threads. */
async function readEnvironment(pid: number): Promise<string> {
  const fd = openSync(`/proc/${pid}/environ`, 'r');
  try {
    let text = '';
    for (;;) {
      const buffer = Buffer.allocUnsafe(ENVIRONMENT_BYTES);
      const { bytesRead } = await readAsync(fd, buffer, 0, ENVIRONMENT_BYTES, null);
      text += buffer.toString('latin1', 0, bytesRead);
      if (bytesRead < ENVIRONMENT_BYTES) return text;
    }
  } finally {
    closeSync(fd);
  }
}
