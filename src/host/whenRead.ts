import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';

/** Until a session is read to its end. @throws the signal's reason */
export async function whenRead(
  live: LiveSessions,
  session: LiveSession,
  signal: AbortSignal,
): Promise<void> {
  if (!session.loading) return;
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      stop();
      reject(signal.reason);
    };
    const stop = live.onChange(() => {
      if (session.loading && !session.gone) return;
      stop();
      // The signal may live as long as the window.
      signal.removeEventListener('abort', abort);
      resolve();
    });
    signal.addEventListener('abort', abort, { once: true });
  });
}
