import { join } from 'node:path';
import { checkOwnDirectory, type FileProblem } from './files.ts';
import { isSafeSessionId } from './paths.ts';

/**
 * The folder of a session that may be deleted: a real directory of our user in a real trace folder. One
 * that is reached through a link is somebody else's, whatever a trace folder says of it.
 *
 * @returns its path, or what is wrong: `ENOENT`, `ENAME`, or as `checkOwnDirectory` has it
 */
export function removableFolder(
  traceDir: string,
  id: string,
): { path: string; problem?: undefined } | { path?: undefined; problem: FileProblem } {
  if (!isSafeSessionId(id)) return { problem: 'ENAME' };
  const path = join(traceDir, id);
  const problem = checkOwnDirectory(traceDir) ?? checkOwnDirectory(path);
  return problem === undefined ? { path } : { problem };
}
