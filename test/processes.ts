import { type ChildProcess, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * Kills a child with all its descendants (agents give their shells a session of their own, so a process
 * group is not enough) and, on Linux, with every process whose HOME is `home`.
 */
export function killTree(child: ChildProcess | undefined, home?: string): void {
  const processes = listProcesses();
  const doomed = new Set<number>();
  const add = (pid: number) => {
    if (pid === process.pid || doomed.has(pid)) return;
    doomed.add(pid);
    for (const other of processes) if (other.parent === pid) add(other.pid);
  };
  const alive = child?.exitCode === null && child.signalCode === null;
  if (child?.pid !== undefined && alive) add(child.pid);
  if (home) for (const { pid } of processes) if (homeOf(pid) === home) add(pid);
  for (const pid of doomed) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Whether a process runs; one that has ended and waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return stateOf(pid)[0] !== 'Z';
}

function listProcesses(): { pid: number; parent: number }[] {
  if (process.platform === 'win32') return [];
  if (process.platform !== 'linux') {
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([pid = 0, parent = 0]) => ({ pid, parent }));
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const [, parent] = stateOf(Number(name));
      return parent === undefined ? [] : [{ pid: Number(name), parent: Number(parent) }];
    });
}

/** State and parent of a process on Linux: "pid (name) state ppid …", where the name may hold anything. */
function stateOf(pid: number): string[] {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(0, 2);
}

function homeOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const entries = readProc(`/proc/${pid}/environ`).split('\0');
  return entries.find((entry) => entry.startsWith('HOME='))?.slice('HOME='.length);
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
