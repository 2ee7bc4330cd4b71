import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ProcessState } from '../model/summary.ts';
import { readSmallFile, writeSmallFile } from '../trace/files.ts';
import { ensureStateFolder, isSafeSessionId, realPath, stateHome } from '../trace/paths.ts';

type Env = Record<string, string | undefined>;

/** How an agent's processes are told from others. */
interface ProcessMarks {
  /** Names of its executable. */
  names: readonly string[];
  /** Part of the executable's or, for Node, the script's path. */
  paths: readonly string[];
}

const MARKS: Record<string, ProcessMarks> = {
  claude: { names: ['claude'], paths: ['@anthropic-ai/claude-code', '/claude/versions/'] },
  codex: { names: ['codex'], paths: ['@openai/codex'] },
  gemini: { names: ['gemini'], paths: ['@google/gemini-cli'] },
  copilot: { names: ['copilot'], paths: ['@github/copilot'] },
  cursor: { names: ['cursor-agent'], paths: ['/cursor-agent/'] },
  opencode: { names: ['opencode'], paths: ['/opencode-ai/'] },
};

/** What agents call their session in the environment of what they run. */
const SESSION_NAMES: Record<string, readonly string[]> = {
  claude: ['CLAUDE_CODE_SESSION_ID'],
  gemini: ['GEMINI_SESSION_ID'],
  // In the shells that it runs; its hooks do not have it.
  cursor: ['CURSOR_CONVERSATION_ID'],
};

/** Lines of the environment (`NAME=value`) by which a process that an agent left behind is known. */
export function sessionMarks(agent: string, sessionId: string): ReadonlySet<string> {
  const names = Object.hasOwn(SESSION_NAMES, agent) ? SESSION_NAMES[agent]! : [];
  return new Set(names.map((name) => `${name}=${sessionId}`));
}

/** One process at one moment; the pid means nothing without the start time. */
export interface ProcessInfo {
  pid: number;
  ppid: number;
  /** Field 22 of /proc/<pid>/stat (clock ticks since boot), or `lstart` of ps in UTC. */
  startTime: string;
  /** Short name that the process gives itself. */
  name: string;
}

/** What is known of the agent's process behind a session: `~/.agent-strace/sessions/<id>.json`. */
export interface SessionRecord {
  version: 1;
  session_id: string;
  agent: string;
  pid?: number;
  start_time?: string;
  /** Pids of another namespace or boot are not ours to signal. */
  pid_ns?: string;
  boot_id?: string;
  /** Executable's file name. */
  exe?: string;
  uid?: number;
  trace_dir: string;
  project: string;
  /** Seconds since the epoch. */
  first_seen: number;
  /** The session whose agent started this one's. */
  parent?: string;
  /** What `AGENT_STRACE_MASK` says in the agent's environment: others write to its trace, too. */
  mask?: boolean;
}

const uid = process.getuid?.();

/** child_process costs a hook milliseconds: it loads only where the system has no /proc. */
function childProcess(): typeof import('node:child_process') | undefined {
  return (
    process.getBuiltinModule?.('node:child_process') ??
    (process.mainModule?.require('node:child_process') as
      | typeof import('node:child_process')
      | undefined)
  );
}

/** A process of any user; undefined where it is gone or cannot be seen. */
export function readProcess(pid: number): ProcessInfo | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    if (process.platform === 'linux')
      return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'));
    if (process.platform === 'win32') return undefined;
    const run = childProcess()?.spawnSync('ps', ['-o', 'ppid=,lstart=,ucomm=', '-p', `${pid}`], {
      encoding: 'utf8',
      env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/bin:/usr/bin' },
      timeout: 500,
    });
    return run?.status === 0 ? parsePs(pid, run.stdout) : undefined;
  } catch {
    return undefined;
  }
}

/** A name may hold spaces and parentheses: fields count from the last one. */
export function parseStat(pid: number, text: string): ProcessInfo | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const startTime = fields[19];
  if (startTime === undefined) return undefined;
  return { pid, ppid: Number(fields[1]), startTime, name: text.slice(open + 1, close) };
}

/** One line of `ps -o ppid=,lstart=,ucomm=`. */
export function parsePs(pid: number, text: string): ProcessInfo | undefined {
  const match = /^\s*(\d+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]{8}\s+\d{4})\s+(.+?)\s*$/.exec(text);
  if (match === null) return undefined;
  return {
    pid,
    ppid: Number(match[1]),
    startTime: match[2]!.replace(/\s+/g, ' '),
    name: match[3]!,
  };
}

/** Path of the executable; empty where it cannot be seen. */
function executableOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

/** Whether a process is one of `agent`'s. Command lines are looked at, never kept. */
export function isAgentProcess(agent: string, info: ProcessInfo): boolean {
  const marks = Object.hasOwn(MARKS, agent) ? MARKS[agent] : undefined;
  if (marks === undefined) return false;
  const exe = executableOf(info.pid);
  const name = basename(exe).replace(/\.exe$/i, '');
  if (marks.names.includes(info.name) || marks.names.includes(name)) return true;
  if (marks.paths.some((part) => exe.includes(part))) return true;
  if (!/^(node|bun|MainThread)/.test(name || info.name)) return false;
  try {
    const script = readFileSync(`/proc/${info.pid}/cmdline`, 'utf8').split('\0').slice(1, 8);
    return script.some(
      (argument) =>
        marks.paths.some((part) => argument.includes(part)) ||
        (/\/\.?bin\//.test(argument) && marks.names.includes(basename(argument))),
    );
  } catch {
    return false;
  }
}

const MAX_ANCESTORS = 32;

function ancestors(pid: number): ProcessInfo[] {
  const found: ProcessInfo[] = [];
  for (let info = readProcess(pid); info !== undefined; info = readProcess(info.ppid)) {
    found.push(info);
    if (info.ppid <= 1 || found.length >= MAX_ANCESTORS) break;
  }
  return found;
}

/** Whether a process runs within another one, however far below. */
export const runsWithin = ({ ppid }: ProcessInfo, pid: number): boolean =>
  ancestors(ppid).some((above) => above.pid === pid);

function isOurs(pid: number): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return statSync(`/proc/${pid}`).uid === uid;
  } catch {
    return false;
  }
}

/**
 * The process of the agent that runs this hook: the one that the agent names (`named`), where it is an
 * ancestor of ours, else the nearest ancestor that is this agent. An agent of two processes (a launcher
 * and its child) is the upper one. Never one above: agents run agents.
 */
export function findAgentProcess(
  agent: string,
  named: number | undefined,
  from: number = process.ppid,
): ProcessInfo | undefined {
  const chain = ancestors(from);
  let at = chain.findIndex(({ pid }) => pid === named);
  if (at < 0) {
    at = chain.findIndex((info) => isAgentProcess(agent, info));
    if (at < 0) return undefined;
    while (at + 1 < chain.length && isAgentProcess(agent, chain[at + 1]!)) at += 1;
  }
  const info = chain[at]!;
  return isOurs(info.pid) ? info : undefined;
}

/**
 * What agents say of themselves in the environment of what they run; a program that left its parents still has them. Only
 * names: values are never read.
 */
const AGENT_MARKS: Record<string, readonly string[]> = {
  claude: ['CLAUDECODE', 'CLAUDE_CODE_SESSION_ID'],
  codex: ['CODEX_THREAD_ID', 'CODEX_SANDBOX'],
  gemini: ['GEMINI_CLI', 'GEMINI_SESSION_ID'],
  copilot: ['COPILOT_CLI'],
  cursor: ['CURSOR_AGENT', 'CURSOR_CONVERSATION_ID'],
  opencode: ['OPENCODE'],
};

/** The agent that this process was started by, however far above; `how`: for people. Undefined: none is seen. */
export function agentAbove(
  env: Env,
  from: number = process.ppid,
): { agent: string; how: string } | undefined {
  for (const info of ancestors(from)) {
    const agent = Object.keys(MARKS).find((name) => isAgentProcess(name, info));
    if (agent !== undefined) return { agent, how: `process ${info.pid}` };
  }
  for (const [agent, names] of Object.entries(AGENT_MARKS)) {
    const name = names.find((mark) => (env[mark] ?? '') !== '');
    if (name !== undefined) return { agent, how: `${name} is set` };
  }
  return undefined;
}

function readText(read: () => string): string | undefined {
  try {
    return read().trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The identity of a process, for a {@link SessionRecord}. Holds no command line and no environment. */
export function identityOf(
  info: ProcessInfo,
): Pick<SessionRecord, 'pid' | 'start_time' | 'pid_ns' | 'boot_id' | 'exe' | 'uid'> {
  const space = pidNamespace();
  const boot = bootId();
  return {
    pid: info.pid,
    start_time: info.startTime,
    ...(space !== '' && { pid_ns: space }),
    ...(boot !== '' && { boot_id: boot }),
    exe: basename(executableOf(info.pid)) || info.name,
    ...(uid !== undefined && { uid }),
  };
}

/** Whether a record's process is still the one that it was. */
export function isSameProcess(record: SessionRecord): boolean {
  if (record.pid === undefined) return false;
  // Without /proc a look costs a process: there the pid has to do.
  if (process.platform !== 'linux') return true;
  return readProcess(record.pid)?.startTime === record.start_time;
}

/**
 * Whether a session's agent is still there. Looks at files only: it starts no process.
 *
 * @param record what {@link readSessionRecord} or {@link ownRecord} found
 */
export function processState(record: SessionRecord | undefined): ProcessState {
  if (record?.pid === undefined) return 'unknown';
  if (process.platform !== 'linux') {
    try {
      process.kill(record.pid, 0);
      // Another process may have its number by now.
      return 'unknown';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'unknown';
    }
  }
  if (record.boot_id !== undefined) {
    const boot = bootId();
    if (boot !== '' && boot !== record.boot_id) return 'gone';
  }
  if (record.pid_ns !== undefined) {
    const space = pidNamespace();
    if (space !== '' && space !== record.pid_ns) return 'unknown';
  }
  const stat = readText(() => readFileSync(`/proc/${record.pid}/stat`, 'utf8'));
  if (stat === undefined) return 'gone';
  if (parseStat(record.pid, stat)?.startTime !== record.start_time) return 'gone';
  const letter = stat.charAt(stat.lastIndexOf(')') + 2);
  if (letter === 'Z' || letter === 'X') return 'gone';
  return letter === 'T' ? 'stopped' : 'alive';
}

/** The system as it is since it was started, and the space of pids that we see; empty where it does not say. */
export const bootId = (): string =>
  readText(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')) ?? '';
export const pidNamespace = (): string => readText(() => readlinkSync('/proc/self/ns/pid')) ?? '';

const recordPath = (sessionId: string, env: Env): string =>
  join(stateHome(env), 'sessions', `${sessionId}.json`);

/** What was written of a session; undefined where there is nothing, or nothing sensible. */
export function readSessionRecord(
  sessionId: string,
  env: Env = process.env,
): SessionRecord | undefined {
  if (!isSafeSessionId(sessionId)) return undefined;
  const text = readSmallFile(recordPath(sessionId, env));
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<SessionRecord> | null;
    if (typeof value !== 'object' || value === null || value.version !== 1) return undefined;
    if (value.session_id !== sessionId || typeof value.trace_dir !== 'string') return undefined;
    if (typeof value.project !== 'string' || value.trace_dir === '') return undefined;
    if (typeof value.agent !== 'string') return undefined;
    return value as SessionRecord;
  } catch {
    return undefined;
  }
}

/**
 * What our own hook wrote of a session that is traced into this folder, by whatever path; undefined
 * where it never saw it: such a trace came from elsewhere, whatever it says of itself.
 */
export function ownRecord(
  traceDir: string,
  sessionId: string,
  env: Env = process.env,
): SessionRecord | undefined {
  const record = readSessionRecord(sessionId, env);
  return record && realPath(record.trace_dir) === realPath(traceDir) ? record : undefined;
}

/**
 * The session that a record's process went on with (after `/clear`, say): its record is newer, for it is written
 * when a session starts. Undefined: it is still this one.
 */
export function laterSession(record: SessionRecord, env: Env = process.env): string | undefined {
  const folder = join(stateHome(env), 'sessions');
  try {
    const { mtimeMs } = lstatSync(recordPath(record.session_id, env));
    for (const name of readdirSync(folder)) {
      const id = name.endsWith('.json') ? name.slice(0, -5) : '';
      if (id === record.session_id || !isSafeSessionId(id)) continue;
      const stat = lstatSync(join(folder, name), { throwIfNoEntry: false });
      if (stat === undefined || stat.mtimeMs <= mtimeMs) continue;
      const other = readSessionRecord(id, env);
      if (other?.pid === record.pid && other?.start_time === record.start_time) return id;
    }
  } catch {
    // The folder is not there any more.
  }
  return undefined;
}

/** @throws a system error, or one with the code of {@link ensureStateFolder}'s problem */
export function writeSessionRecord(record: SessionRecord, env: Env = process.env): void {
  const { problem } = ensureStateFolder('sessions', env);
  if (problem !== undefined) throw Object.assign(new Error(problem), { code: problem });
  writeSmallFile(recordPath(record.session_id, env), JSON.stringify(record, null, 1));
}
