import { rm } from 'node:fs/promises';

/**
 * Removes a folder that a sweep may still write into: it is a process of its own, and goes on for up to three seconds
 * after the hook that started it.
 */
export const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
