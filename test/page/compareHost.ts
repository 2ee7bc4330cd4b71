/** A real feed over real traces, for the page that compares. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompareFeed } from '../../src/host/compareFeed.ts';
import { LiveSessions } from '../../src/host/liveSessions.ts';
import type { FromComparePage, ToComparePage } from '../../src/protocol/compare.ts';
import { flatPricer } from '../flatPricer.ts';
import { TraceWriter } from '../traceWriter.ts';

export class CompareLab {
  readonly received: FromComparePage[] = [];
  readonly opened: string[] = [];
  readonly live: LiveSessions;
  readonly traceDir: string;
  copied = '';
  feed: CompareFeed | undefined;
  private readonly root: string;

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'compare-page-'));
    this.traceDir = join(this.root, 'api', '.agent-traces');
    mkdirSync(this.traceDir, { recursive: true });
    this.live = new LiveSessions({
      folders: [{ traceDir: this.traceDir, workspace: 'api' }],
      loadPricer: () => Promise.resolve(flatPricer),
      readTranscripts: false,
      problem: () => {},
    });
  }

  writer(id: string, startMs = Date.parse('2026-11-22T16:40:00Z')): TraceWriter {
    return new TraceWriter(this.traceDir, id, { startMs });
  }

  /** The key of a session, once it is known. */
  async key(id: string): Promise<string> {
    for (let tries = 0; tries < 500; tries++) {
      const found = this.live.all.find(({ entry }) => entry.id === id);
      if (found) return found.key;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`session ${id} was not found`);
  }

  begin(a: string, b: string | undefined, post: (message: ToComparePage) => void): CompareFeed {
    this.feed?.dispose();
    this.feed = new CompareFeed(
      this.live,
      { a, b },
      {
        post,
        open: (session, step, what) => this.opened.push(`${what} ${session.id} ${step}`),
        choose: () => this.opened.push('choose'),
        compareEnds: async () => new Map(),
        copy: (markdown) => {
          this.copied = markdown;
        },
        swapped: (first, second) => this.opened.push(`swapped ${first} ${second}`),
        named: () => {},
      },
    );
    return this.feed;
  }

  async close(): Promise<void> {
    this.feed?.dispose();
    await this.live.dispose();
    rmSync(this.root, { recursive: true, force: true });
  }
}
