import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { relative } from 'node:path';
import { MAX_CONTENT_BYTES } from './content.ts';
import { isPlainPath } from './gitIndex.ts';

/** git answers in a moment, or not at all, ms. */
const TIMEOUT_MS = 10_000;
/** Of the environment git gets these only: others can make it run programs or use another repository. */
const ENV = ['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'LANG'];

/**
 * The bytes of a blob in a repository. Runs git; only for trusted folders.
 *
 * @returns undefined where git does not have it, or it is too long
 */
export function readGitBlob(
  root: string,
  id: string,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  // The form is checked, so that it can be no option.
  return /^[0-9a-f]{40}$/.test(id) ? catFile(root, id, signal) : Promise.resolve(undefined);
}

/** The bytes of a file as the last commit has it, as {@link readGitBlob}. @param path of the file, absolute */
export function readGitHead(
  root: string,
  path: string,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const name = relative(root, path).replaceAll('\\', '/');
  return isPlainPath(name) ? catFile(root, `HEAD:${name}`, signal) : Promise.resolve(undefined);
}

function catFile(root: string, object: string, signal?: AbortSignal): Promise<Buffer | undefined> {
  const env: Record<string, string> = {
    // Nothing is fetched, asked or locked.
    GIT_NO_LAZY_FETCH: '1',
    // An older git does not know that word: to fetch it would run what the repository's settings say.
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
  };
  for (const name of ENV) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return new Promise((resolve) => {
    execFile(
      'git',
      ['--no-pager', '-C', root, 'cat-file', 'blob', object],
      {
        // Not the repository: some systems look there for a program first.
        cwd: homedir(),
        env,
        encoding: 'buffer',
        maxBuffer: MAX_CONTENT_BYTES + 1,
        timeout: TIMEOUT_MS,
        windowsHide: true,
        ...(signal && { signal }),
      },
      (error, stdout) => resolve(error === null ? stdout : undefined),
    );
  });
}
