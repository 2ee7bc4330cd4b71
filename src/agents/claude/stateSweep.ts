/** Takes away what readers remember of sessions that nobody went on with. */
import { lstatSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf, isSessionId } from '../ownFiles.ts';

const DAY_MS = 86_400_000;
/** Untouched for so long, a session's offsets are nobody's. */
const MAX_AGE_MS = 60 * DAY_MS;
/** When it was done last is this file's time. Its name is no session's. */
const MARK = '.swept';

/**
 * Removes the folders of sessions in a state folder that nothing was written to for 60 days. At most
 * once a day; follows no link; leaves all but folders with a session's name alone. Never throws.
 *
 * @returns how many were removed
 */
export function sweepState(stateDir: string, nowMs = Date.now()): number {
  const mark = join(stateDir, MARK);
  if (Math.abs(nowMs - (timeOf(mark) ?? 0)) < DAY_MS) return 0;
  let removed = 0;
  try {
    // Anew, so that a link at its place is not followed.
    rmSync(mark, { force: true });
    writeFileSync(mark, '', { flag: 'wx', mode: 0o600 });
    for (const entry of entriesOf(stateDir)) {
      if (!entry.isDirectory() || !isSessionId(entry.name)) continue;
      const folder = join(stateDir, entry.name);
      if (nowMs - lastTouched(folder) < MAX_AGE_MS) continue;
      rmSync(folder, { recursive: true, force: true });
      removed += 1;
    }
  } catch {
    // No state folder yet, or none that can be written to: tomorrow again.
  }
  return removed;
}

const timeOf = (path: string): number | undefined =>
  lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;

function lastTouched(folder: string): number {
  const inside = readdirSync(folder).map((name) => timeOf(join(folder, name)) ?? 0);
  return Math.max(timeOf(folder) ?? 0, ...inside);
}
