import { closeSync, fstatSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openAppend } from '../trace/files.ts';
import { ensureStateFolder } from '../trace/paths.ts';

/** With the file before it, the log takes 1 MB at most. */
const MAX_LOG_BYTES = 500_000;

/** Notes what went wrong in `~/.agent-strace/log/hook.log`, without any of the session's content. Never throws. */
export function logProblem(what: string, error?: unknown): void {
  try {
    const { path, problem } = ensureStateFolder('log');
    if (problem !== undefined) return;
    const file = join(path, 'hook.log');
    const fd = openAppend(file);
    try {
      if (fstatSync(fd).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
      const { code, message, stack } = (error ?? {}) as NodeJS.ErrnoException;
      // A message of JSON.parse quotes its input: the place in our code says enough.
      const place = /at (.+)/.exec(stack ?? '')?.[1] ?? '';
      const detail = code === undefined ? (error instanceof SyntaxError ? '' : message) : code;
      const parts = [new Date().toISOString(), what, detail ?? '', place].filter(Boolean);
      writeSync(
        fd,
        `${parts
          .join(' ')
          .replace(/[\r\n]+/g, ' ')
          .slice(0, 1000)}\n`,
      );
    } finally {
      closeSync(fd);
    }
  } catch {
    // Nowhere left to tell.
  }
}
