import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, dirname } from 'node:path';
import { killTree } from '../processes.ts';

/** How a run ended. */
export interface AgentRun {
  /** null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** An agent at work. */
export interface StartedAgent {
  pid: number;
  child: ChildProcess;
  /** Settles when the agent has ended; it rejects only if it could not be started. */
  done: Promise<AgentRun>;
}

export interface StartOptions {
  cwd: string;
  env: Record<string, string>;
  /** ms until the agent is killed. */
  timeout: number;
  /** Kills the agent and whatever it started. */
  signal?: AbortSignal | undefined;
}

/** The agents of one lab that run, and whatever they started. */
export class AgentRuns {
  readonly #home: string;
  readonly #running = new Set<ChildProcess>();

  /** @param home of the lab: what an agent left behind is known by it */
  constructor(home: string) {
    this.#home = home;
  }

  /** One that was started in another way (on a terminal): it is killed with the others. */
  add(child: ChildProcess): void {
    this.#running.add(child);
  }

  /** Starts an agent and returns at once. */
  start(program: string, args: string[], options: StartOptions): StartedAgent {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a shell would give it.
      detached: true,
    });
    this.#running.add(child);
    const stop = () => killTree(child, this.#home);
    process.once('exit', stop);
    options.signal?.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(stop, options.timeout);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const done = once(child, 'close')
      .then(([code, signal]) => ({
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout,
        stderr,
      }))
      .finally(() => {
        clearTimeout(timer);
        process.off('exit', stop);
        options.signal?.removeEventListener('abort', stop);
        this.#running.delete(child);
      });
    return { pid: child.pid ?? -1, child, done };
  }

  /** Kills what still runs. */
  kill(): void {
    for (const child of this.#running) killTree(child);
    killTree(undefined, this.#home);
  }
}

/** The whole environment of an agent but what is its own: nothing of the user's, and a dead proxy to all but loopback. */
export const labEnvironment = (home: string): Record<string, string> => ({
  PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter),
  HOME: home,
  TERM: 'dumb',
  LANG: 'C.UTF-8',
  HTTP_PROXY: 'http://127.0.0.1:9',
  HTTPS_PROXY: 'http://127.0.0.1:9',
  NO_PROXY: '127.0.0.1,localhost',
});
