import { vi } from 'vitest';

/**
 * Waits until `probe` throws no longer, and returns what it returned: what a process, a file or a page comes to has no time of its own,
 * and vitest's default of one second is a failure on a busy machine.
 *
 * @param options ms, or vitest's
 * @throws what it threw last
 */
export const eventually: typeof vi.waitFor = (probe, options = 20_000) =>
  vi.waitFor(probe, options);
