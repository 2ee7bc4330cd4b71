import {
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isSessionId, readSmall } from './ownFiles.ts';

/** A lease that was not renewed for so long is nobody's. */
const LEASE_MS = 10_000;

/** `wx` follows no link: there must be nothing at the path. */
const writeNew = (path: string, text: string): void =>
  writeFileSync(path, text, { flag: 'wx', mode: 0o600 });

/** The right to do one thing for a session: `transcripts`: append what its transcript says; others by their own names. */
export interface Lease {
  /** False: it was lost to another process. */
  renew(): boolean;
  release(): void;
}

/**
 * Takes the lease of a session; undefined where another live process has it. Two processes that
 * both think they have it do no harm but duplicate lines, which readers count once.
 */
export function acquireLease(
  sessionId: string,
  stateDir: string,
  name = 'transcripts',
): Lease | undefined {
  if (!isSessionId(sessionId)) return undefined;
  const path = join(stateDir, sessionId, `${name}.lease`);
  const token = `${process.pid} ${Math.random()}`;
  const temp = `${path}.${token.replace(' ', '.')}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (isHeld(path)) return undefined;
    writeNew(temp, token);
    try {
      linkSync(temp, path);
    } catch {
      // Somebody's old one. Of those who want it, one can move it away.
      if (isHeld(path)) return undefined;
      const old = `${temp}.old`;
      renameSync(path, old);
      unlinkSync(old);
      linkSync(temp, path);
    }
  } catch {
    return undefined;
  } finally {
    remove(temp);
  }
  const isOurs = (): boolean => readSmall(path) === token;
  return {
    renew() {
      if (!isOurs()) return false;
      const now = Date.now() / 1000;
      try {
        utimesSync(path, now, now);
        return true;
      } catch {
        return false;
      }
    },
    release() {
      if (isOurs()) remove(path);
    },
  };
}

function isHeld(path: string): boolean {
  try {
    if (Math.abs(Date.now() - lstatSync(path).mtimeMs) > LEASE_MS) return false;
    const pid = Number.parseInt(readSmall(path) ?? '', 10);
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    // Another user's process is alive too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}
