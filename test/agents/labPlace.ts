import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One person's home and project, where several agents work. Whoever makes it removes it. */
export interface SharedPlace {
  /** Absolute path. */
  home: string;
  /** Absolute path. */
  projectDir: string;
}

/** Where one lab's agent works. */
export interface LabPlace extends SharedPlace {
  /** The lab's own folder, which holds both; undefined: they are shared. */
  scratch?: string;
}

/**
 * A home and a project of a lab's own, in a new temporary folder; or those that are shared.
 *
 * @param name of the lab: part of the folder's
 */
export function labPlace(name: string, shared?: SharedPlace, projectName = 'project'): LabPlace {
  if (shared !== undefined) return { home: shared.home, projectDir: shared.projectDir };
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), `agent-strace-${name}-`)));
  const place = { scratch, home: join(scratch, 'home'), projectDir: join(scratch, projectName) };
  mkdirSync(place.home);
  mkdirSync(place.projectDir);
  return place;
}

/** Removes what is the lab's own. */
export function removePlace({ scratch }: LabPlace): void {
  if (scratch === undefined) return;
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
