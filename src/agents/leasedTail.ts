/** Follows the transcript of one session in a process that lives on: one reader at a time, whoever it is. */
import * as fs from 'node:fs';
import { acquireLease, type Lease } from './lease.ts';
import { nothing, type ReadResult, traceOf } from './rowReader.ts';

/** What is followed, and how it is read. */
export interface Followed {
  sessionId: string;
  /** Where leases are kept: not the trace folder. */
  stateDir: string;
  /** The trace that the events go to: another one is told all. */
  eventsFile: string | undefined;
  /** The session's files at this moment; none where there are none to trust. */
  files(): readonly { path: string }[];
  /** The events since the last commit. */
  read(): ReadResult;
}

export class LeasedTail {
  readonly #followed: Followed;
  #lease: Lease | undefined;
  #seen = '';

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  /**
   * What is new, cheap where nothing is: a stat of each file. Nothing while another process has
   * the session's lease.
   */
  poll(): ReadResult {
    const { sessionId, stateDir } = this.#followed;
    if (this.#lease?.renew() !== true) {
      this.#lease = acquireLease(sessionId, stateDir);
      // What was committed meanwhile is another's.
      this.#seen = '';
    }
    if (this.#lease === undefined) return nothing;
    const now = this.#signature();
    if (now === this.#seen || now === '') return nothing;
    const result = this.#followed.read();
    const { commit } = result;
    result.commit = () => {
      commit();
      if (!result.more) this.#seen = now;
    };
    if (result.events.length === 0) result.commit();
    return result;
  }

  close(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }

  #signature(): string {
    const files = this.#followed.files();
    if (files.length === 0) return '';
    const parts = [traceOf(this.#followed.eventsFile)];
    for (const { path } of files) {
      const stat = fs.lstatSync(path, { throwIfNoEntry: false });
      parts.push(`${path}\n${stat?.ino} ${stat?.size} ${stat?.mtimeMs}`);
    }
    return parts.join('\n');
  }
}

export type LiveTail = Pick<LeasedTail, 'poll' | 'close'>;
