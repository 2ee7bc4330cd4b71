import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ownRecord, type SessionRecord } from '../agents/process.ts';
import { brakedState } from '../guard/brake.ts';
import {
  isActive,
  type ProcessState,
  type SessionStatus,
  type SessionSummary,
  sessionStatus,
  summarise,
} from '../model/summary.ts';
import type { Pricer } from '../model/usage.ts';
import { EVENTS_FILE, TraceSession } from '../trace/session.ts';
import type { SessionEntry } from '../trace/store.ts';

/** Which rows one reader must read again. */
export interface RowCursor {
  /** First step that changed since the reader last set this to the number of steps. */
  from: number;
  /** All that the reader knows is void. */
  rebuilt: boolean;
}

/** One session that is followed, for any number of readers. */
export class LiveSession {
  /** Unique across trace folders; session ids are not. */
  readonly key: string;
  readonly id: string;
  readonly traceDir: string;
  /** Name of the workspace folder. */
  readonly workspace: string;
  readonly trace: TraceSession;
  entry: SessionEntry;
  /** What our hook knows of it; undefined for traces that came from elsewhere. */
  record: SessionRecord | undefined;
  process: ProcessState = 'unknown';
  /** Not read to the end yet for the first time. */
  loading = true;
  /** Its file is no longer there. */
  gone = false;
  /** Why it cannot be read, in the system's words. */
  problem: string | undefined;
  /** Bad lines that the log knows of. */
  toldBadLines = 0;
  private epoch = 0;
  private readonly cursors = new Set<RowCursor>();

  private readonly nameOf: () => string | undefined;

  /** @param nameOf the name that the person gave it, if any */
  constructor(
    key: string,
    entry: SessionEntry,
    workspace: string,
    pricer: Pricer | undefined,
    nameOf: () => string | undefined = () => undefined,
  ) {
    this.key = key;
    this.nameOf = nameOf;
    this.id = entry.id;
    this.entry = entry;
    this.traceDir = entry.traceDir;
    this.workspace = workspace;
    this.trace = new TraceSession(entry.directory, entry.id, pricer ? { pricer } : {});
    this.lookAtProcess();
  }

  /**
   * Folds what is new.
   *
   * @param maxBytes read at most
   * @returns whether there is more
   */
  read(maxBytes: number): boolean {
    let more = false;
    try {
      more = this.trace.update(maxBytes);
      this.problem = undefined;
    } catch (error) {
      this.problem = (error as Error).message;
    }
    if (!more) this.loading = false;
    const { steps } = this.trace.fold;
    const from = steps.takeChangedFrom();
    const rebuilt = this.trace.epoch !== this.epoch;
    this.epoch = this.trace.epoch;
    for (const cursor of this.cursors) {
      cursor.from = rebuilt ? 0 : Math.min(cursor.from, from);
      cursor.rebuilt ||= rebuilt;
    }
    return more;
  }

  /** Its file was there and is not any more. */
  isMissing(): boolean {
    return this.trace.bytesRead > 0 && !existsSync(join(this.entry.directory, EVENTS_FILE));
  }

  /** A reader of its own pace. */
  openCursor(): RowCursor {
    const cursor = { from: 0, rebuilt: true };
    this.cursors.add(cursor);
    return cursor;
  }

  closeCursor(cursor: RowCursor): void {
    this.cursors.delete(cursor);
  }

  /** @returns whether that changed */
  lookAtProcess(): boolean {
    // The hook writes its record after its first event.
    if (this.record === undefined || this.process === 'gone') {
      this.record = ownRecord(this.traceDir, this.id);
    }
    const before = this.process;
    this.process = brakedState(this.record);
    return this.process !== before;
  }

  /** The name that the person gave it; undefined: it goes by its first prompt. */
  get name(): string | undefined {
    return this.nameOf();
  }

  /** Of {@link summary}, at a fraction of the cost. */
  status(nowMs: number): SessionStatus {
    return sessionStatus(this.trace.fold, { nowMs, process: this.process });
  }

  /** Whether it goes on. */
  isActive(nowMs: number): boolean {
    return isActive({ status: this.status(nowMs) });
  }

  /** Its agent is frozen, or held before its next tool. */
  get paused(): boolean {
    return this.process === 'stopped' || this.process === 'held';
  }

  /** Its title is the name that the person gave it, where there is one. */
  summary(nowMs: number): SessionSummary {
    const summary = summarise(this.trace.fold, { nowMs, process: this.process });
    const { name } = this;
    if (name !== undefined) summary.title = name;
    return summary;
  }
}
