/** The one place where signals are sent. */
import {
  chainOf,
  hasEnded,
  isSame,
  lookAt,
  type ProcessEntry,
  type ProcessId,
  readEntry,
  readTable,
} from './processTable.ts';

export type Kill = (pid: number, signal: NodeJS.Signals) => void;

/** `sent`, or why not. */
export type Sent = 'sent' | 'gone' | 'otherUser' | 'ours' | 'refused';

/** So many are looked at before they are signalled: where a look costs a process, not each by itself. */
const BATCH = process.platform === 'linux' ? 1 : 64;

/**
 * Signals processes that are still what they were: pid and start time are compared, and the user, right before
 * each signal. (Linux has pidfd, which leaves no gap at all, but Node cannot use it; what is left is the time
 * between two system calls, in which the process would have to end and its number come round again.)
 */
export class Signaller {
  private readonly kill: Kill;
  private readonly self: number;
  private ours: ReadonlySet<number> | undefined;

  constructor(kill: Kill = (pid, signal) => process.kill(pid, signal), self = process.pid) {
    this.kill = kill;
    this.self = self;
  }

  /** @returns by pid; never throws */
  async send(ids: readonly ProcessId[], signal: NodeJS.Signals): Promise<Map<number, Sent>> {
    this.ours ??= await this.ownChain();
    const results = new Map<number, Sent>();
    for (let at = 0; at < ids.length; at += BATCH) {
      const batch = ids.slice(at, at + BATCH);
      const now = await lookAt(batch.map(({ pid }) => pid));
      for (const id of batch) results.set(id.pid, this.sendOne(id, now.get(id.pid), signal));
    }
    return results;
  }

  private sendOne(id: ProcessId, entry: ProcessEntry | undefined, signal: NodeJS.Signals): Sent {
    // 0, 1 and below are groups, everybody, or the system's first process.
    if (!Number.isSafeInteger(id.pid) || id.pid <= 1) return 'refused';
    if (entry === undefined || hasEnded(entry) || !isSame(entry, id)) return 'gone';
    if (this.ours?.has(id.pid) !== false) return 'ours';
    if (entry.uid !== process.getuid?.()) return 'otherUser';
    try {
      this.kill(id.pid, signal);
      return 'sent';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'refused';
    }
  }

  private async ownChain(): Promise<ReadonlySet<number>> {
    const table = process.platform === 'linux' ? undefined : await readTable();
    const chain = chainOf((pid) => (table ? table.get(pid) : readEntry(pid)), this.self);
    return new Set([this.self, ...chain.map(({ pid }) => pid)]);
  }
}
