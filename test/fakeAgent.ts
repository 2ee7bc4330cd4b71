import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  identityOf,
  readProcess,
  type SessionRecord,
  writeSessionRecord,
} from '../src/agents/process.ts';
import { type ProcessEntry, readEntry, readTable } from '../src/guard/processTable.ts';

export interface FakeAgentOptions {
  /** Folder for its program and its signs of life. */
  folder: string;
  sessionId: string;
  /** Bash; by default it works, has a child that works, and one that left the tree. */
  script?: string;
  /** Words after the script. */
  words?: string[];
  /** Name of its program. */
  name?: string;
  /** Runs it by another program: `['setpriv', …]`. */
  by?: string[];
}

/** Each works by adding to a file of its name, fifty times a second. */
const WORK = `
"$FOLDER/work" child &
( setsid "$FOLDER/work" stray & )
trap 'exit 0' TERM
while :; do printf x >> "$FOLDER/agent"; sleep 0.02; done`;

/** A harmless tree of processes that looks like an agent at work. Linux only. */
export class FakeAgent {
  readonly child: ChildProcess;
  readonly sessionId: string;
  private readonly folder: string;

  constructor({ folder, sessionId, script = WORK, words = [], ...options }: FakeAgentOptions) {
    this.folder = folder;
    this.sessionId = sessionId;
    const program = programIn(folder, options.name);
    const [command, ...args] = [...(options.by ?? []), program, '-c', script, 'agent', ...words];
    this.child = spawn(command!, args, {
      cwd: folder,
      detached: true,
      stdio: 'ignore',
      env: { PATH: process.env.PATH ?? '', FOLDER: folder, CLAUDE_CODE_SESSION_ID: sessionId },
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** What the hook would have written of it. */
  record(traceDir: string, change: Partial<SessionRecord> = {}): SessionRecord {
    return {
      version: 1,
      session_id: this.sessionId,
      agent: 'claude',
      ...identityOf(readProcess(this.pid)!),
      trace_dir: traceDir,
      project: this.folder,
      first_seen: Date.now() / 1000,
      ...change,
    };
  }

  /** Writes that record. @param home the state folder */
  saveRecord(traceDir: string, home: string, change: Partial<SessionRecord> = {}): void {
    writeSessionRecord(this.record(traceDir, change), { AGENT_STRACE_HOME: home });
  }

  /** How much one of them has done. */
  work(who: 'agent' | 'child' | 'stray'): number {
    return statSync(join(this.folder, who), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** All processes of its environment that have not ended. */
  async processes(): Promise<ProcessEntry[]> {
    return await processesOf(this.sessionId);
  }

  get state(): string {
    return readEntry(this.pid)?.state ?? '';
  }

  async close(): Promise<void> {
    for (let left = await this.processes(); left.length > 0; left = await this.processes()) {
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended meanwhile.
        }
      }
    }
  }
}

/** Processes whose environment names the session, the ended ones left out. */
export async function processesOf(sessionId: string): Promise<ProcessEntry[]> {
  return [...(await readTable()).values()].filter(({ pid, state }) => {
    if (state === 'Z' || state === 'X') return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1')
        .split('\0')
        .includes(`CLAUDE_CODE_SESSION_ID=${sessionId}`);
    } catch {
      return false;
    }
  });
}

/** A Bash of another name, and the program of its workers. */
export function programIn(folder: string, name = 'claude'): string {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name);
  copyFileSync('/bin/bash', program);
  chmodSync(program, 0o755);
  const work = '#!/bin/bash\nwhile :; do printf x >> "$FOLDER/$1"; sleep 0.02; done\n';
  writeFileSync(join(folder, 'work'), work, { mode: 0o755 });
  return program;
}
