import type { LiveSession } from './liveSession.ts';
import type { LiveSessions } from './liveSessions.ts';

/** Until a session is read to its end. @throws the signal's reason */
export async function whenRead(
  live: LiveSessions,
  session: LiveSession,
  signal: AbortSignal,
): Promise<void> {
  if (!session.loading) return;
  await new Promise<void>((resolve, reject) => {
    const stop = live.onChange(() => {
      if (session.loading && !session.gone) return;
      stop();
      resolve();
    });
    signal.addEventListener('abort', () => {
      stop();
      reject(signal.reason);
    });
  });
}
