/** Processes of ours that live on after a hook has ended: the agent waits for none of them. */
import { basename, join } from 'node:path';
import { stateHome } from '../trace/paths.ts';

/**
 * What they are given of the agent's environment, which holds keys, and marks processes as the session's: where
 * the state and the transcripts are, and what is left out of a trace.
 */
const KEPT = [
  'HOME',
  'USERPROFILE',
  'APPDATA',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'AGENT_STRACE_HOME',
  'AGENT_STRACE_MASK',
  'AGENT_TRACE_NO_REDACT',
  'CLAUDE_CONFIG_DIR',
  'CODEX_HOME',
  'COPILOT_HOME',
  'GEMINI_CLI_HOME',
  'ELECTRON_RUN_AS_NODE',
  'SystemRoot',
];

/**
 * Starts the recorder anew, in a session of its own that holds neither the agent nor its pipes. Never throws.
 *
 * @param task what it is told, as one argument
 * @returns whether it was started
 */
export function startDetached(flag: '--sweep' | '--act' | '--fold', task: object): boolean {
  try {
    const childProcess =
      process.getBuiltinModule?.('node:child_process') ??
      (process.mainModule?.require('node:child_process') as
        | typeof import('node:child_process')
        | undefined);
    if (childProcess === undefined) return false;
    const env: NodeJS.ProcessEnv = {};
    for (const name of KEPT) {
      if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    const script = process.argv[1] ?? '';
    // Inside an agent this process is no Node, or none that runs scripts: the launcher finds one.
    const [program, words] =
      basename(script) === 'hook.js'
        ? [process.execPath, [script]]
        : unparented(join(stateHome(), 'bin', 'agent-strace-hook'));
    const child = childProcess.spawn(program, [...words, flag, JSON.stringify(task)], {
      cwd: '/',
      detached: true,
      env,
      stdio: 'ignore',
      windowsHide: true,
    });
    child.on('error', () => {});
    child.unref();
    return child.pid !== undefined;
  } catch {
    return false;
  }
}

/** Of an agent that lives on, a child would be part of what is frozen: a shell between them leaves it to the system. */
const unparented = (launcher: string): [program: string, words: string[]] =>
  process.platform === 'win32' ? [launcher, []] : ['/bin/sh', ['-c', '"$0" "$@" &', launcher]];
