import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { EVENTS_FILE } from './session.ts';
import { listSessions, newestFirst, type SessionEntry, sessionEntry } from './store.ts';

/** A watch that missed something is made good at this pace, ms. */
const HEARTBEAT_MS = 2000;
/** So many of the newest sessions are watched one by one; older ones by the heartbeat alone. */
const WATCHED = 20;
/** Of the others so many are looked at in a heartbeat, in turn. */
const TURN = 50;
/** A folder that changed so shortly before it was listed may have changed since, unseen by its time, ms. */
const RACY_MS = 2500;
/** After so many heartbeats the folder is listed whatever its time says. */
const LIST_BEATS = 150;

export interface WatchEvents {
  /**
   * The list of sessions changed (one came, went, or grew without being watched), or its folder did.
   * Newest first. The watcher keeps the entries up to date without telling of each change.
   */
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
  /** Whose turn it is among those that are not watched. */
  private turn: string[] = [];
  /** Time of the folder when it was listed, ms; undefined: it must be listed again. */
  private listedMs: number | undefined;
  private beats = 0;
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
    this.timer = setInterval(() => this.beat(), HEARTBEAT_MS);
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
      if (this.watcher !== watcher) return;
      this.listedMs = undefined;
      this.scan();
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

  private beat(): void {
    if (++this.beats % LIST_BEATS === 0) this.listedMs = undefined;
    this.scan();
  }

  /**
   * Looks at the folder now: lists it if sessions may have come or gone; else at the newest sessions,
   * and at some of the others in turn.
   */
  scan(): void {
    if (this.closed) return;
    const moved = this.reopen();
    const folderMs = modifiedMs(this.traceDir);
    if (moved || folderMs === undefined || folderMs !== this.listedMs) this.list(folderMs, moved);
    else this.lookAt([...this.watched, ...this.takeTurn()]);
  }

  /** Looks at one session now. */
  look(sessionId: string): void {
    if (!this.closed && this.known.has(sessionId)) this.lookAt([sessionId]);
  }

  private list(folderMs: number | undefined, moved: boolean): void {
    const racy = folderMs === undefined || Math.abs(Date.now() - folderMs) < RACY_MS;
    const sessions = listSessions(this.traceDir).sessions.map((entry) => {
      const before = this.known.get(entry.id);
      return before ? { before, entry } : { before: entry, entry };
    });
    this.listedMs = racy ? undefined : folderMs;
    let changed = moved || sessions.length !== this.known.size;
    const known = new Map<string, SessionEntry>();
    for (const { before, entry } of sessions) {
      known.set(entry.id, before);
      if (!this.known.has(entry.id)) changed = true;
      else if (this.renew(before, entry)) changed = true;
    }
    this.known = known;
    this.tell(changed);
  }

  private lookAt(ids: readonly string[]): void {
    let changed = false;
    let grown = false;
    for (const id of ids) {
      const before = this.known.get(id);
      if (!before) continue;
      const entry = sessionEntry(before.traceDir, id);
      if (!entry) {
        this.known.delete(id);
        changed = true;
      } else if (before.modifiedMs !== entry.modifiedMs || before.size !== entry.size) {
        grown = true;
        if (this.renew(before, entry)) changed = true;
      }
    }
    if (changed || grown) this.tell(changed);
  }

  /**
   * Brings an entry up to date in place: whoever has it sees that.
   *
   * @returns whether the list must be told: a session that is not watched has changed
   */
  private renew(before: SessionEntry, entry: SessionEntry): boolean {
    if (before.size === entry.size && before.modifiedMs === entry.modifiedMs) return false;
    Object.assign(before, entry);
    if (!this.watched.has(entry.id)) return true;
    this.events.touched(entry.id);
    return false;
  }

  private tell(changed: boolean): void {
    const sessions = [...this.known.values()].sort(newestFirst);
    this.follow(sessions);
    if (changed) this.events.sessions(sessions);
  }

  private takeTurn(): string[] {
    if (this.turn.length === 0) {
      this.turn = [...this.known.keys()].filter((id) => !this.watched.has(id));
    }
    return this.turn.splice(-TURN);
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

function modifiedMs(path: string): number | undefined {
  try {
    return lstatSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}
