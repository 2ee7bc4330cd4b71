/** What the feeds of all pages have in common. Knows nothing of VS Code. */
import type { LiveSession } from './liveSession.ts';

/** For a page that speaks another protocol: the extension was updated under it. */
export const OTHER_VERSION = {
  type: 'error',
  message: 'This page is of another version. Reload the window.',
} as const;

/**
 * How much of the traces is read, as `progress` messages say it.
 *
 * @param isRead whether that is all: then nothing is left. Bytes of a trace on disk may be fewer than were read
 */
export function readingOf(
  sessions: readonly LiveSession[],
  isRead = sessions.every(({ loading }) => !loading),
): { readEvents: number; readBytes: number; totalBytes: number } {
  let [readEvents, readBytes, totalBytes] = [0, 0, 0];
  for (const { trace, entry } of sessions) {
    readEvents += trace.fold.counts.events;
    readBytes += trace.bytesRead;
    totalBytes += Math.max(entry.size, trace.bytesRead);
  }
  return {
    readEvents,
    readBytes,
    totalBytes: isRead ? readBytes : Math.max(totalBytes, readBytes + 1),
  };
}

/** A session that is not there after this long is gone, ms. */
const PATIENCE_MS = 4000;

/** How long a page looks for a session that is not there. */
export class Patience {
  private over = false;
  private readonly timer: ReturnType<typeof setTimeout>;

  /** @param onEnd called once, unless it is disposed before */
  constructor(onEnd: () => void) {
    this.timer = setTimeout(() => {
      this.over = true;
      onEnd();
    }, PATIENCE_MS);
    this.timer.unref?.();
  }

  /** Whether it was looked for long enough. */
  get ended(): boolean {
    return this.over;
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
