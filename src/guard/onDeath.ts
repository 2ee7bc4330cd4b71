/** Runs the command that a person gave for the end of a session. From the command line or the person's own settings only. */
import { spawn } from 'node:child_process';

type Env = Record<string, string | undefined>;

/** A command that does not end is left to itself after so long, ms. */
const PATIENCE_MS = 30_000;

const PLACEHOLDER = /'\{post_mortem_path\}'|"\{post_mortem_path\}"|\{post_mortem_path\}/g;

/**
 * The command as the shell gets it. A path can hold anything (`$(rm -rf ~)` is a folder's name), so it is never put into
 * the text: the placeholder becomes a variable of the environment, in quotes.
 */
export const commandText = (command: string): string =>
  command.replace(PLACEHOLDER, () => '"$AGENT_STRACE_POSTMORTEM"');

export interface Death {
  session: string;
  /** Absolute path of the post-mortem; empty where none could be written. */
  postmortem: string;
  cwd: string;
  env?: Env;
}

/** @returns what went wrong, in words; undefined: it ended well, or is still at it */
export async function runOnDeath(
  command: string,
  { session, postmortem, cwd, env = process.env }: Death,
): Promise<string | undefined> {
  const isWindows = process.platform === 'win32';
  const [shell, flag] = isWindows ? ['cmd.exe', '/c'] : ['/bin/sh', '-c'];
  const text = isWindows
    ? command.replace(PLACEHOLDER, () => '"%AGENT_STRACE_POSTMORTEM%"')
    : commandText(command);
  return await new Promise((resolve) => {
    const child = spawn(shell, [flag, text], {
      cwd,
      env: { ...env, AGENT_STRACE_POSTMORTEM: postmortem, AGENT_STRACE_SESSION: session },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const timer = setTimeout(() => {
      child.unref();
      resolve(undefined);
    }, PATIENCE_MS);
    const done = (problem: string | undefined): void => {
      clearTimeout(timer);
      resolve(problem);
    };
    child.on('error', (error) => done(`it could not be started: ${error.message}`));
    child.on('exit', (code, signal) =>
      done(code === 0 ? undefined : `it ended with ${signal ?? `exit code ${code}`}`),
    );
  });
}
