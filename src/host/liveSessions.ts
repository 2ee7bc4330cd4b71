import { textHash } from '../model/ids.ts';
import type { Pricer } from '../model/usage.ts';
import { badLines } from '../trace/session.ts';
import { newestFirst, type SessionEntry } from '../trace/store.ts';
import { TraceWatcher } from '../trace/watch.ts';
import { LiveSession } from './liveSession.ts';
import { UsageFollower } from './usageFollower.ts';

/** One trace folder and the workspace folder that it belongs to. */
export interface TraceFolder {
  /** Absolute path; need not exist. */
  traceDir: string;
  /** Name of the workspace folder. */
  workspace: string;
}

export interface LiveSessionsOptions {
  folders: readonly TraceFolder[];
  /**
   * Called once, when there is a session: half a megabyte of prices is nothing to load in every
   * folder. Sessions are opened when it is settled, so that none is shown without its cost.
   */
  loadPricer(): Promise<Pricer | undefined>;
  /** Follow agents' transcripts and append what they say to the traces. */
  readTranscripts: boolean;
  /** The name that the person gave a session. */
  nameOf?(entry: SessionEntry): string | undefined;
  /** Something that a person may want to know, for the log. */
  problem(message: string): void;
}

export type LiveChange =
  /** Sessions came, went, or changed places. */
  | { type: 'list' }
  /** This one has news; `urgent`: a person waits to see them. */
  | { type: 'session'; session: LiveSession; urgent?: true };

/** Changed within this time: recent, ms. */
const RECENT_MS = 12 * 3_600_000;
/** So many recent ones are read, at most. */
const MAX_SESSIONS = 20;
/** Read in one go: a few ms, then the editor has its turn. */
const SLICE_BYTES = 512 * 1024;
/** The file watcher swallows changes that follow one within 50 ms: a look after that finds them. */
const AFTER_TOUCH_MS = 60;
const PROCESS_MS = 2000;
const AGING_MS = 60_000;

/**
 * The sessions of a workspace that are going on or are recent: read in slices as they grow, so that
 * a trace of a gigabyte never blocks, and told about at once.
 */
export class LiveSessions {
  readonly folders: readonly TraceFolder[];
  private readonly options: LiveSessionsOptions;
  private pricer: Pricer | undefined;
  private constructed = false;
  private loading = false;
  private ready = false;
  private closed = false;
  /** Who waits until sessions can be opened. */
  private readonly waiting: (() => void)[] = [];
  private readonly open = new Map<string, LiveSession>();
  /** What each folder holds, by trace folder. */
  private readonly entries = new Map<string, SessionEntry[]>();
  private readonly held = new Map<string, number>();
  private readonly listeners = new Set<(change: LiveChange) => void>();
  /** By trace folder. */
  private readonly watchers = new Map<string, TraceWatcher>();
  private readonly timers: ReturnType<typeof setInterval>[] = [];
  private readonly touches = new Map<string, ReturnType<typeof setTimeout>>();
  private readonly queue = new Set<LiveSession>();
  private pumping = false;
  private readonly usage: UsageFollower | undefined;

  constructor(options: LiveSessionsOptions) {
    this.options = options;
    this.folders = options.folders;
    for (const { traceDir } of options.folders) {
      this.watchers.set(
        traceDir,
        new TraceWatcher(traceDir, {
          sessions: (entries) => this.onEntries(traceDir, entries),
          touched: (id) => this.onTouched(traceDir, id),
        }),
      );
    }
    this.timers.push(
      setInterval(() => this.lookAtProcesses(), PROCESS_MS),
      setInterval(() => this.choose(), AGING_MS),
    );
    for (const timer of this.timers) timer.unref?.();
    if (options.readTranscripts) {
      this.usage = new UsageFollower(
        () => this.open.values(),
        (session) => this.wake(session),
        (message) => options.problem(`transcript of ${message}`),
      );
    }
    this.constructed = true;
    this.choose();
  }

  /** Not while the extension is being activated. */
  private load(): void {
    if (this.loading || !this.constructed) return;
    this.loading = true;
    setImmediate(() => {
      this.options.loadPricer().then(
        (pricer) => this.begin(pricer),
        (error: unknown) => {
          this.options.problem(`no prices: ${(error as Error).message}`);
          this.begin(undefined);
        },
      );
    });
  }

  private begin(pricer: Pricer | undefined): void {
    if (this.closed) return;
    this.pricer = pricer;
    this.ready = true;
    this.choose();
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Looks at a trace folder now: a session was put there. @returns when sessions can be opened */
  async look(traceDir: string): Promise<void> {
    this.watchers.get(traceDir)?.scan();
    this.load();
    await this.begun();
  }

  /** @returns when the sessions that should be open are: a command may come before they are, as a window opens */
  async opened(): Promise<void> {
    if ([...this.entries.values()].some(({ length }) => length > 0)) await this.begun();
  }

  private async begun(): Promise<void> {
    if (this.ready || this.closed) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** @returns how to stop listening */
  onChange(listener: (change: LiveChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Those that are read, newest first. */
  get sessions(): LiveSession[] {
    return [...this.open.values()].sort((a, b) => newestFirst(a.entry, b.entry));
  }

  get(key: string): LiveSession | undefined {
    return this.open.get(key);
  }

  /** All sessions there are, read or not, newest first. */
  get all(): { key: string; entry: SessionEntry; workspace: string }[] {
    return this.folders
      .flatMap(({ traceDir, workspace }) =>
        (this.entries.get(traceDir) ?? []).map((entry) => ({
          key: keyOf(traceDir, entry.id),
          entry,
          workspace,
        })),
      )
      .sort((a, b) => newestFirst(a.entry, b.entry));
  }

  /** Keeps a session open while somebody looks at it, however old. @returns how to let go */
  hold(key: string): () => void {
    this.held.set(key, (this.held.get(key) ?? 0) + 1);
    this.choose();
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const left = (this.held.get(key) ?? 1) - 1;
      if (left > 0) this.held.set(key, left);
      else this.held.delete(key);
      if (!this.closed) this.choose();
    };
  }

  /** What is said of sessions beside their events changed: a name. */
  announce(): void {
    this.emit({ type: 'list' });
  }

  private emit(change: LiveChange): void {
    for (const listener of this.listeners) listener(change);
  }

  private onEntries(traceDir: string, entries: SessionEntry[]): void {
    this.entries.set(traceDir, entries);
    this.choose();
    // The folder itself may have come or gone.
    this.emit({ type: 'list' });
  }

  /** Opens the sessions that should be open, and closes the others. */
  private choose(): void {
    if (this.closed) return;
    if (!this.ready) {
      if ([...this.entries.values()].some(({ length }) => length > 0)) this.load();
      return;
    }
    const since = Date.now() - RECENT_MS;
    const { all } = this;
    const recent = all.filter(({ entry }) => entry.modifiedMs >= since).slice(0, MAX_SESSIONS);
    const wanted = new Map((recent.length > 0 ? recent : all.slice(0, 1)).map((s) => [s.key, s]));
    for (const found of all) if (this.held.has(found.key)) wanted.set(found.key, found);
    let changed = false;
    for (const { key, entry, workspace } of wanted.values()) {
      const known = this.open.get(key);
      if (known) {
        known.entry = entry;
        if (!known.gone) continue;
        known.gone = false;
        this.wake(known);
        continue;
      }
      const session = new LiveSession(key, entry, workspace, this.pricer, () =>
        this.options.nameOf?.(entry),
      );
      this.open.set(key, session);
      changed = true;
      this.wake(session);
    }
    for (const [key, session] of this.open) {
      if (wanted.has(key)) continue;
      if (this.held.has(key)) {
        // Deleted while somebody looks at it: what was read stays.
        if (session.gone) continue;
        session.gone = true;
        this.emit({ type: 'session', session });
      } else {
        changed = true;
        this.open.delete(key);
        this.queue.delete(session);
      }
    }
    if (changed) this.emit({ type: 'list' });
  }

  private onTouched(traceDir: string, id: string): void {
    const key = keyOf(traceDir, id);
    const session = this.open.get(key);
    if (!session) {
      // An old session goes on: it becomes a recent one.
      this.watchers.get(traceDir)?.look(id);
      this.choose();
      return;
    }
    this.wake(session);
    if (this.touches.has(key)) return;
    this.touches.set(
      key,
      setTimeout(() => {
        this.touches.delete(key);
        const later = this.open.get(key);
        if (later) this.wake(later);
      }, AFTER_TOUCH_MS),
    );
  }

  /** Reads what is new: the first slice at once, the rest in turn with others. */
  private wake(session: LiveSession): void {
    if (this.closed || session.gone) return;
    if (this.queue.has(session)) return;
    if (this.slice(session)) {
      this.queue.add(session);
      this.pump();
    }
  }

  private slice(session: LiveSession): boolean {
    const { trace } = session;
    if (session.isMissing()) {
      // Moved or deleted: what was read stays, until nobody looks at it any more.
      const watcher = this.watchers.get(session.traceDir);
      watcher?.look(session.id);
      watcher?.scan();
      this.choose();
      return false;
    }
    const before = trace.bytesRead;
    const { epoch } = trace;
    const { loading, problem } = session;
    const more = session.read(SLICE_BYTES);
    if (session.problem !== undefined && session.problem !== problem) {
      this.options.problem(`${session.id}: ${session.problem}`);
    }
    const changed =
      trace.bytesRead !== before ||
      trace.epoch !== epoch ||
      session.loading !== loading ||
      session.problem !== problem;
    if (!more) this.sayBadLines(session);
    if (changed) this.emit({ type: 'session', session });
    return more;
  }

  private sayBadLines(session: LiveSession): void {
    const { problems } = session.trace;
    const bad = badLines(problems);
    if (bad === session.toldBadLines) return;
    session.toldBadLines = bad;
    if (bad === 0) return;
    const lines = bad === 1 ? '1 line' : `${bad} lines`;
    this.options.problem(
      `${session.entry.directory}: ${lines} could not be read and were skipped, the first at byte ${problems.firstAt ?? 0}` +
        (problems.salvaged > 0 ? `; ${problems.salvaged} events in them could be saved` : ''),
    );
  }

  private pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    const turn = (): void => {
      const [session] = this.queue;
      if (this.closed || !session) {
        this.pumping = false;
        return;
      }
      // To the end of the line, so that a small session does not wait for a big one.
      this.queue.delete(session);
      if (this.open.get(session.key) === session && this.slice(session)) this.queue.add(session);
      setImmediate(turn);
    };
    setImmediate(turn);
  }

  private lookAtProcesses(): void {
    for (const session of this.open.values()) {
      const { status } = session.summary(Date.now());
      if (status === 'ended') continue;
      if (session.lookAtProcess()) this.emit({ type: 'session', session });
    }
  }

  /** Looks at a session's process now, and tells of it at once: something was done to it. */
  refresh(key: string): void {
    const session = this.open.get(key);
    if (!session) return;
    session.lookAtProcess();
    this.emit({ type: 'session', session, urgent: true });
  }

  async dispose(): Promise<void> {
    this.closed = true;
    for (const resolve of this.waiting.splice(0)) resolve();
    this.usage?.dispose();
    for (const timer of this.timers) clearInterval(timer);
    for (const timer of this.touches.values()) clearTimeout(timer);
    this.listeners.clear();
    this.queue.clear();
    this.open.clear();
    await Promise.all([...this.watchers.values()].map((watcher) => watcher.close()));
  }
}

/** Key of a session, whatever is known of it. @param traceDir as in {@link TraceFolder} */
export const keyOf = (traceDir: string, id: string): string =>
  `${textHash(traceDir).slice(0, 6)}/${id}`;
