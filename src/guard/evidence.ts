/**
 * The third line: a call that was denied has no result. What a trace says of each call is held against what was said to
 * the agent, and a call that ran all the same is found.
 */
import { join } from 'node:path';
import { decodeLine } from '../model/decode.ts';
import { EVENTS_FILE } from '../trace/append.ts';
import { Tailer } from '../trace/tailer.ts';
import { DeniedRuns, type Disobeyed } from './deniedRuns.ts';
import { type CallVerdict, readVerdicts } from './verdicts.ts';

type Env = Record<string, string | undefined>;

/**
 * Follows what a session's verdicts and its trace say. Reads nothing of the trace before the first denial, and then all of
 * it once: calls without ids are counted.
 */
export class EvidenceReader {
  private readonly session: string;
  private readonly env: Env;
  private readonly tailer: Tailer;
  private readonly verdicts: CallVerdict[] = [];
  private runs: DeniedRuns;
  private offset = 0;

  /** @param traceDir absolute */
  constructor(session: string, traceDir: string, env: Env = process.env) {
    this.session = session;
    this.env = env;
    this.runs = new DeniedRuns(session);
    this.tailer = new Tailer(join(traceDir, session, EVENTS_FILE), {
      line: (line) => {
        const decoded = decodeLine(line);
        if (decoded.ok) this.runs.event(decoded.event);
      },
      skipped: () => {},
      reset: () => {
        this.runs = new DeniedRuns(session);
        for (const verdict of this.verdicts) this.runs.verdict(verdict);
      },
    });
  }

  /**
   * What is new.
   *
   * @throws a system error where the trace is there and cannot be read
   */
  read(maxBytes: number): { found: Disobeyed[]; more: boolean } {
    if (!this.runs.denied) this.readVerdicts();
    if (!this.runs.denied) return { found: [], more: false };
    const more = this.tailer.read(maxBytes);
    // After the trace: a verdict is written before its call can run.
    this.readVerdicts();
    return { found: this.runs.take(), more };
  }

  private readVerdicts(): void {
    for (;;) {
      const { verdicts, offset } = readVerdicts(this.session, this.env, this.offset);
      const done = offset <= this.offset;
      this.offset = offset;
      for (const verdict of verdicts) {
        this.verdicts.push(verdict);
        this.runs.verdict(verdict);
      }
      if (done) break;
    }
  }
}
