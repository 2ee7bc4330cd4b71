import { type Content, sameContent } from './content.ts';
import type { FileCourse, FileHistoryOptions } from './fileHistory.ts';

/**
 * How a history is asked for what sessions left behind: by the agents' transcripts and the contents that our hook kept. Not by
 * git and the disk, which hold what came last, whoever wrote it.
 */
export const END_SOURCES = {
  git: false,
  mayLook: () => false,
} as const satisfies FileHistoryOptions;

/** A session, and who knows the courses of its files. */
export interface EndedSession {
  /** Absolute, or empty. */
  cwd: string;
  /** A `FileHistory` with {@link END_SOURCES}. */
  history: { course(path: string): Promise<FileCourse | undefined> };
}

/** Files that are looked up. */
const MAX_FILES = 200;

/**
 * Whether files that two sessions changed ended the same; those of which it is not known are left out.
 *
 * @param paths as a comparison has them: relative to each session's folder, or absolute. The first 200 are looked up.
 * @param breathe called after each file
 */
export async function compareContents(
  a: EndedSession,
  b: EndedSession,
  paths: readonly string[],
  breathe: () => Promise<void>,
): Promise<Map<string, 'same' | 'different'>> {
  const contents = new Map<string, 'same' | 'different'>();
  for (const path of paths.slice(0, MAX_FILES)) {
    const [one, other] = await Promise.all([lastContent(a, path), lastContent(b, path)]);
    if (one && other) contents.set(path, sameContent(one, other) ? 'same' : 'different');
    await breathe();
  }
  return contents;
}

async function lastContent(
  { cwd, history }: EndedSession,
  path: string,
): Promise<Content | undefined> {
  // As the trace names it: below its folder, or as it is.
  for (const name of [cwd === '' ? path : `${cwd}/${path}`, path]) {
    const course = await history.course(name);
    const after = course?.versions.at(-1)?.after;
    if (after?.known) return after;
  }
  return undefined;
}
