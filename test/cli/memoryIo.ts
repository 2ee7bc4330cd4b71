import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';

export const seed = (version: 'v032' | 'v080'): string =>
  join(import.meta.dirname, '..', 'fixtures', 'seed', version);

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-strace-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface MemoryOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Columns of a terminal; undefined: a pipe. */
  width?: number;
  nowMs?: number;
  signal?: AbortSignal;
  onOut?: (text: string) => void;
  distDir?: string;
  /** The agent that runs the command. */
  agentAbove?: { agent: string; how: string };
  /** What a person at a terminal answers, question by question; undefined: nobody is there. */
  answers?: string[];
}

/** Runs a command line in this process, with a state folder of its own. */
export async function cli(args: string[], options: MemoryOptions = {}): Promise<Ran> {
  process.env.TZ = 'UTC';
  const ran: Ran = { code: -1, out: '', err: '' };
  const terminal = options.width === undefined ? {} : { isTTY: true, columns: options.width };
  const stdin: Io['stdin'] & PassThrough = new PassThrough();
  const answers = options.answers && [...options.answers];
  if (answers !== undefined) stdin.isTTY = true;
  const io: Io = {
    stdout: {
      write: (text) => {
        ran.out += text;
        options.onOut?.(text);
        return true;
      },
      ...terminal,
    },
    stderr: {
      write: (text) => {
        ran.err += text;
        if (/(?:: |\] )$/.test(text)) {
          const answer = answers?.shift();
          if (answer === undefined) stdin.end();
          else setImmediate(() => stdin.write(`${answer}\n`));
        }
        return true;
      },
      ...(answers !== undefined && { isTTY: true }),
    },
    stdin,
    env: { AGENT_STRACE_HOME: join(temporaryFolder(), 'home'), ...options.env },
    cwd: options.cwd ?? temporaryFolder(),
    now: () => options.nowMs ?? Date.parse('2026-06-01T00:00:00Z'),
    signal: options.signal ?? new AbortController().signal,
    version: '0.0.0-test',
    // A test may run inside an agent's shell.
    agentAbove: () => options.agentAbove,
    distDir: options.distDir ?? join(import.meta.dirname, '..', '..', 'dist'),
  };
  ran.code = await run(io, args);
  return ran;
}

/** One line of an events file. */
export function eventLine(
  session: string,
  type: string,
  timestamp: number,
  id: number,
  data: Record<string, unknown>,
  more: Record<string, unknown> = {},
): string {
  const event_id = id.toString(16).padStart(12, '0');
  return `${JSON.stringify({ event_type: type, timestamp, event_id, session_id: session, ...more, data: { recorded_by: 'hook', provider: 'claude', ...data } })}\n`;
}
