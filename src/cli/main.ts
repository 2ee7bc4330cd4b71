#!/usr/bin/env node
import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { problemText } from '../trace/files.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';

const distDir = import.meta.dirname;

function version(): string {
  const manifest = JSON.parse(readFileSync(join(distDir, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}

/** A reader that has seen enough (`| head`) is no error; a disk that is full is. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE' || error.code === 'EOF') process.exit(EXIT.ok);
  try {
    // At once: what waits in a stream is lost with the process.
    writeSync(
      2,
      `agent-strace cannot write the output: ${problemText(error.code ?? 'EUNKNOWN')}\n`,
    );
  } catch {
    // It was standard error itself.
  }
  process.exit(EXIT.internal);
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    // The most asked by programs: without loading anything.
    process.stdout.write(`${version()}\n`);
    return;
  }
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', onOutputError);
  const interrupt = new AbortController();
  process.on('SIGINT', () => {
    // The second time nothing is waited for.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    now: Date.now,
    signal: interrupt.signal,
    version: version(),
    distDir,
  };
  const { run } = await import('./program.ts');
  process.exitCode = await run(io, args);
}

void main();
