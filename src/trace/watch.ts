import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { EVENTS_FILE } from './session.ts';
import { listSessions, type SessionEntry } from './store.ts';

/** A watch that missed something is made good at this pace, ms. */
const HEARTBEAT_MS = 2000;
/** So many of the newest sessions are watched one by one; older ones by the heartbeat alone. */
const WATCHED = 20;

export interface WatchEvents {
  /** The list of sessions changed (one came, went, or grew without being watched), or its folder did. */
  sessions(entries: SessionEntry[]): void;
  /** A watched session's file changed. Only a wake-up: the tailer decides what is new. */
  touched(sessionId: string): void;
}

/**
 * Watches one trace folder. File events are wake-ups and may be lost: a slow heartbeat of stats
 * makes good for them. The folder need not exist yet, may vanish, and may come back.
 */
export class TraceWatcher {
  private watcher: FSWatcher | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private known = new Map<string, SessionEntry>();
  private watched = new Set<string>();
  private scheduled = false;
  /** The folder was there when the watch was taken. */
  private rooted: boolean;
  private closed = false;
  private readonly traceDir: string;
  private readonly events: WatchEvents;

  constructor(traceDir: string, events: WatchEvents) {
    this.traceDir = traceDir;
    this.events = events;
    this.rooted = isFolder(traceDir);
    this.open();
    this.timer = setInterval(() => this.scan(), HEARTBEAT_MS);
    this.timer.unref?.();
    this.scan();
  }

  private open(): void {
    const watcher = watch(this.traceDir, {
      depth: 0,
      followSymlinks: false,
      ignoreInitial: true,
      ignorePermissionErrors: true,
      alwaysStat: false,
    });
    watcher.on('all', (_event, path) => this.onChange(path));
    // What was written while the watch was set up made no event.
    watcher.on('ready', () => {
      if (this.watcher === watcher) this.scan();
    });
    // The heartbeat is there for what the watcher cannot do: an error is no reason to stop.
    watcher.on('error', () => {});
    this.watcher = watcher;
  }

  /**
   * A watch on a folder that is not there tells of its coming, but of nothing in it: once it is
   * there, or gone again, it takes a new one.
   *
   * @returns whether it did
   */
  private reopen(): boolean {
    const rooted = isFolder(this.traceDir);
    if (rooted === this.rooted) return false;
    this.rooted = rooted;
    this.watcher?.close().catch(() => {});
    this.watched = new Set();
    this.open();
    return true;
  }

  private onChange(path: string): void {
    const id = this.sessionOf(path);
    if (id !== undefined && path.endsWith(EVENTS_FILE)) {
      this.events.touched(id);
      return;
    }
    if (this.scheduled || this.closed) return;
    // Many folders may come at once: one scan for all.
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      this.scan();
    }, 20);
  }

  private sessionOf(path: string): string | undefined {
    if (!path.startsWith(this.traceDir)) return undefined;
    return path.slice(this.traceDir.length + 1).split(/[\\/]/)[0];
  }

  /** Looks at the folder now. */
  scan(): void {
    if (this.closed) return;
    const moved = this.reopen();
    const { sessions } = listSessions(this.traceDir);
    this.follow(sessions);
    let changed = moved || sessions.length !== this.known.size;
    for (const entry of sessions) {
      const before = this.known.get(entry.id);
      if (!before) changed = true;
      else if (before.size !== entry.size || before.modifiedMs !== entry.modifiedMs) {
        if (this.watched.has(entry.id)) this.events.touched(entry.id);
        else changed = true;
      }
    }
    this.known = new Map(sessions.map((entry) => [entry.id, entry]));
    if (changed) this.events.sessions(sessions);
  }

  private follow(sessions: SessionEntry[]): void {
    const wanted = new Set(sessions.slice(0, WATCHED).map(({ id }) => id));
    for (const id of wanted) {
      if (!this.watched.has(id)) this.watcher?.add(join(this.traceDir, id, EVENTS_FILE));
    }
    for (const id of this.watched) {
      if (!wanted.has(id)) this.watcher?.unwatch(join(this.traceDir, id, EVENTS_FILE));
    }
    this.watched = wanted;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.watcher?.close();
    this.watcher = undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}
