import { readSync } from 'node:fs';

/** Payloads are read up to this length. */
const MAX_STDIN_BYTES = 64 * 1_048_576;

/** How long a writer may pause between two pieces before what is there has to do. */
const MAX_PAUSE_MS = 3000;

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/**
 * Everything on standard input. What is beyond the limit is read and forgotten: the agent's own
 * write must not fail because of us. (A stream would cost 5 ms more.)
 */
export function readStdin(): { bytes: Buffer; tooLong: boolean } {
  const pieces: Buffer[] = [];
  let total = 0;
  let waited = 0;
  let piece = Buffer.allocUnsafe(65_536);
  for (;;) {
    let read: number;
    try {
      read = readSync(0, piece, 0, piece.length, null);
    } catch (error) {
      const code = codeOf(error);
      // A pipe that the agent opened as non-blocking.
      if (code === 'EAGAIN' && waited < MAX_PAUSE_MS) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        waited += 2;
        continue;
      }
      // Windows says EOF for a closed pipe.
      if (code === 'EOF' || code === 'EAGAIN') break;
      throw error;
    }
    if (read === 0) break;
    waited = 0;
    total += read;
    if (total > MAX_STDIN_BYTES) continue;
    pieces.push(piece.subarray(0, read));
    piece = Buffer.allocUnsafe(total > 1_048_576 ? 1_048_576 : 65_536);
  }
  return { bytes: Buffer.concat(pieces), tooLong: total > MAX_STDIN_BYTES };
}
