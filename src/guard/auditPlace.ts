/** Which policy a session is held against, and which folder its relative patterns are of. */
import { join } from 'node:path';
import { ownRecord } from '../agents/process.ts';
import { gitRootOf, isBelow, projectFolders } from '../trace/paths.ts';
import { ABSENT, SCOPE_FILE, stampOf } from './rules/places.ts';

type Env = Record<string, string | undefined>;

export interface AuditPlace {
  /** The session's project, absolute. */
  root: string;
  /** It was recorded on this machine. */
  local: boolean;
  /** Policies in force for it, absolute, and what they are relative to. */
  policies: { path: string; root: string }[];
}

export interface AuditedSession {
  /** Absolute. */
  traceDir: string;
  id: string;
  /** Where it started; empty where that is not known. */
  cwd: string;
}

/**
 * @param here the project that the person is in, absolute: its policies are for sessions of other machines, too
 * @param given a policy that the person named, absolute: it alone counts
 */
export function auditPlace(
  { traceDir, id, cwd }: AuditedSession,
  here: string,
  given: string | undefined,
  env: Env,
): AuditPlace {
  const record = ownRecord(traceDir, id, env);
  const inHere = cwd === '' || cwd === here || isBelow(cwd, here);
  const root = record?.project ?? (inHere ? here : (gitRootOf(cwd) ?? cwd));
  const local = record !== undefined;
  if (given !== undefined) return { root, local, policies: [{ path: given, root }] };
  const folders = projectFolders(local ? root : here);
  const policies = folders
    .map((folder) => ({ folder, path: join(folder, SCOPE_FILE) }))
    .filter(({ path }) => stampOf(path) !== ABSENT)
    .map(({ folder, path }) => ({
      path,
      root: local || inHere ? folder : root,
    }));
  return { root, local, policies };
}
