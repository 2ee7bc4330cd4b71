import type { LiveTail } from '../agents/leasedTail.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import type { LiveSession } from './liveSession.ts';

/** How often the transcript of a session at work is looked at, ms. */
const POLL_MS = 500;
/** … and of one that stands still: every so many polls, within the time that a lease lives. */
const IDLE_POLLS = 8;
const ACTIVE_MS = 20_000;
/** A session that is over is read until its transcript has been quiet for so long, ms. */
const AFTER_END_MS = 30_000;
interface Follow {
  tail: LiveTail;
  policy: RedactPolicy;
  /** Polls until the next look. */
  wait: number;
  failed: boolean;
}

/**
 * Appends to the traces of running sessions what only the agent's transcript knows: tokens, and
 * the texts between calls. Only of sessions that our own hook recorded on this machine, under the
 * session's lease, with secrets taken out.
 */
export class UsageFollower {
  private readonly follows = new Map<string, Follow>();
  private tails: typeof import('./usageTail.ts') | undefined;
  private loading: Promise<void> | undefined;
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly sessions: () => Iterable<LiveSession>;
  private readonly written: (session: LiveSession) => void;
  private readonly problem: (message: string) => void;

  constructor(
    sessions: () => Iterable<LiveSession>,
    written: (session: LiveSession) => void,
    problem: (message: string) => void,
  ) {
    this.sessions = sessions;
    this.written = written;
    this.problem = problem;
    this.timer = setInterval(() => this.poll(), POLL_MS);
    this.timer.unref?.();
  }

  private poll(): void {
    const nowMs = Date.now();
    const seen = new Set<string>();
    for (const session of this.sessions()) {
      if (!isFollowed(session, nowMs)) continue;
      seen.add(session.key);
      if (this.tails === undefined) {
        this.load();
        continue;
      }
      const policy = this.tails.policyOfRecord(session.record);
      let follow = this.follows.get(session.key);
      if (follow?.policy !== policy) {
        follow?.tail.close();
        this.follows.delete(session.key);
        follow = this.begin(session, policy);
      }
      if (follow === undefined || follow.wait-- > 0) continue;
      const active = nowMs - session.trace.fold.session.lastMs < ACTIVE_MS;
      follow.wait = this.read(session, follow) || active ? 0 : IDLE_POLLS;
    }
    for (const [key, { tail }] of this.follows) {
      if (seen.has(key)) continue;
      tail.close();
      this.follows.delete(key);
    }
  }

  private begin(session: LiveSession, policy: RedactPolicy): Follow | undefined {
    if (this.tails?.isReadyFor(policy, this.problem) !== true) return undefined;
    const tail = this.tails.usageTail({
      id: session.id,
      agent: session.record?.agent ?? '',
      traceDir: session.traceDir,
      transcriptPath: session.trace.fold.session.transcriptPath,
      policy,
    });
    if (tail === undefined) return undefined;
    const follow = { tail, policy, wait: 0, failed: false };
    this.follows.set(session.key, follow);
    return follow;
  }

  private load(): void {
    this.loading ??= import('./usageTail.ts').then(
      (tails) => {
        this.tails = tails;
      },
      (error: Error) => this.problem(`transcripts cannot be read: ${error.message}`),
    );
  }

  /** @returns whether there was something */
  private read(session: LiveSession, follow: Follow): boolean {
    try {
      const { wrote, more } = this.tails!.append(follow.tail, session.traceDir, session.id);
      if (!wrote) return more;
      follow.failed = false;
      this.written(session);
      return true;
    } catch (error) {
      // Said once, tried again: the disk may have room later.
      if (!follow.failed) this.problem(`${session.id}: ${(error as Error).message}`);
      follow.failed = true;
      return false;
    }
  }

  dispose(): void {
    clearInterval(this.timer);
    for (const { tail } of this.follows.values()) tail.close();
    this.follows.clear();
  }
}

function isFollowed(session: LiveSession, nowMs: number): boolean {
  if (!session.record || session.loading || session.gone) return false;
  const { transcriptPath, lastMs } = session.trace.fold.session;
  if (session.record.agent === 'claude' && transcriptPath === '') return false;
  const { status } = session.summary(nowMs);
  return (status !== 'ended' && status !== 'failed') || nowMs - lastMs < AFTER_END_MS;
}
