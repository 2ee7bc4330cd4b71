import { readTail } from './append.ts';
import type { SessionEntry } from './store.ts';

/** The last events of a session are looked for in this many bytes of its end. */
const TAIL_BYTES = 65_536;

/**
 * The session that was active last: by the time of its last event, not by its name, nor by the file's
 * time alone (a cloned or copied folder has only new files).
 *
 * @param sessions by the time of their files, newest first
 */
export function latestSession(sessions: readonly SessionEntry[]): SessionEntry | undefined {
  let latest: SessionEntry | undefined;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const entry of sessions) {
    // An event is written after it happened: no later file of the list can hold a newer one.
    if (latest !== undefined && entry.modifiedMs < latestMs) break;
    const ms = lastEventMs(entry) ?? (entry.size === 0 ? entry.modifiedMs : 0);
    if (latest === undefined || ms > latestMs) {
      latest = entry;
      latestMs = ms;
    }
  }
  return latest;
}

/** Time of the newest of a session's last events, ms since the epoch. */
export function lastEventMs(entry: SessionEntry): number | undefined {
  const { bytes } = readTail(entry.traceDir, entry.id, TAIL_BYTES);
  let newest: number | undefined;
  // Late events (from a transcript) stand after newer ones: a few of the last lines are looked at.
  const lines = bytes.toString('latin1').split('\n').slice(-50);
  for (const line of lines) {
    // Our own writer's order of keys, and Python's spaces; only the event's own head is looked at.
    const match = /^\{"event_type": ?"[a-z_]*", ?"timestamp": ?(\d+(?:\.\d+)?)/.exec(line);
    if (match === null) continue;
    const ms = Number(match[1]) * 1000;
    if (newest === undefined || ms > newest) newest = ms;
  }
  return newest;
}
