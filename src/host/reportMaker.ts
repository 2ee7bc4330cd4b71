import { descendants } from '../analysis/tree/descendants.ts';
import type { StepCounts } from '../protocol/report.ts';
import { metaParent } from '../trace/meta.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';
import { ReportClock } from './reportClock.ts';
import { reportText } from './reportTexts.ts';
import type { CompareEnds } from './sessionPair.ts';
import { whenRead } from './whenRead.ts';

/** What a report is to be about: whatever an address or a page says. */
export interface ReportAsk {
  session: string;
  other?: string | undefined;
  report: string;
  step?: number | undefined;
}

export interface MadeReport {
  /** Markdown. */
  text: string;
  steps: StepCounts;
}

/** Sessions that one started, which a report tells of. */
const MAX_FAMILY = 100;

/** Makes reports on sessions, for whatever shows them. Knows nothing of VS Code. */
export class ReportMaker {
  readonly clock: ReportClock;
  private live: LiveSessions;
  private readonly compareEnds: CompareEnds;

  constructor(live: LiveSessions, compareEnds: CompareEnds) {
    this.live = live;
    this.compareEnds = compareEnds;
    this.clock = new ReportClock(live);
  }

  /** The sessions are read anew. */
  replace(live: LiveSessions): void {
    this.live = live;
    this.clock.replace(live);
  }

  /**
   * @param ask about sessions that are held open
   * @param signal nobody waits for it any more
   * @returns undefined: a session is not there
   * @throws the signal's reason
   */
  async make(ask: ReportAsk, signal: AbortSignal): Promise<MadeReport | undefined> {
    const { live } = this;
    const session = live.get(ask.session);
    const other = ask.other === undefined ? undefined : live.get(ask.other);
    if (!session || (ask.other !== undefined && !other)) return undefined;
    await whenRead(live, session, signal);
    if (other) await whenRead(live, other, signal);
    const family = ask.report === 'tree' ? await this.startedBy(session, signal) : [];
    const beganMs = performance.now();
    try {
      const text = await reportText(
        {
          session,
          other,
          family: family.map((held) => held.session),
          step: ask.step,
          compareEnds: this.compareEnds,
        },
        ask.report,
        signal,
      );
      const count = (one: LiveSession): number => one.trace.fold.steps.length;
      return { text, steps: other ? { a: count(session), b: count(other) } : count(session) };
    } finally {
      this.clock.made(performance.now() - beganMs);
      for (const { release } of family) release();
    }
  }

  /** The sessions that one started, at any depth, read. */
  private async startedBy(
    root: LiveSession,
    signal: AbortSignal,
  ): Promise<{ session: LiveSession; release: () => void }[]> {
    const { live } = this;
    const all = live.all.map(({ key, entry }) => ({
      key,
      id: entry.id,
      parent: metaParent(entry),
    }));
    const below = descendants(root.id, all, (one) => one).slice(0, MAX_FAMILY);
    const found: { session: LiveSession; release: () => void }[] = [];
    for (const { session: one } of below) {
      const release = live.hold(one.key);
      const session = live.get(one.key);
      if (session) found.push({ session, release });
      else release();
    }
    try {
      for (const { session } of found) await whenRead(live, session, signal);
    } catch (error) {
      for (const { release } of found) release();
      throw error;
    }
    return found;
  }

  dispose(): void {
    this.clock.dispose();
  }
}
