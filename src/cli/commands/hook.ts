import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Io } from '../io.ts';

/**
 * Runs the recorder that agents run, in this process: for people who try out what it does. It reads the
 * payload from standard input, prints nothing and never fails.
 *
 * @param words what the recorder is told: `--agent claude PreToolUse`
 */
export function hook(io: Io, words: readonly string[], traceDir: string | undefined): void {
  if (traceDir !== undefined) process.env.AGENT_TRACE_DIR = traceDir;
  const program = join(io.distDir, 'hook.js');
  // The recorder reads its words where every program does.
  process.argv = [process.argv[0] ?? 'node', program, ...words];
  createRequire(program)(program);
}
