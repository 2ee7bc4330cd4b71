import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { textHash } from '../model/ids.ts';
import {
  checkOwnDirectory,
  ensureOwnDirectory,
  type FileProblem,
  writeSmallFile,
} from './files.ts';

type Env = Record<string, string | undefined>;

/** Where traces lie in a project. */
export const TRACE_FOLDER = '.agent-traces';

/**
 * The folder for everything that must not lie in a trace folder (process identities, guard state):
 * `~/.agent-strace`, or `AGENT_STRACE_HOME`.
 */
export function stateHome(env: Env = process.env): string {
  const given = env.AGENT_STRACE_HOME;
  return given && isAbsolute(given) ? given : join(homedir(), '.agent-strace');
}

/** Creates the state folder and one of its folders, 0700. @returns what is wrong, if anything */
export function ensureStateFolder(
  name: string,
  env: Env = process.env,
): { path: string; problem: FileProblem | undefined } {
  const home = stateHome(env);
  const path = join(home, name);
  return { path, problem: ensureOwnDirectory(home) ?? ensureOwnDirectory(path) };
}

const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** True where a session id is one path component that every file system takes as it is. */
export function isSafeSessionId(id: unknown): id is string {
  return (
    typeof id === 'string' &&
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id) &&
    !id.endsWith('.') &&
    !id.includes('..') &&
    !RESERVED.test(id)
  );
}

/**
 * A path without the links in it: two paths of one place are the same text. Of what does not exist
 * (yet) the part that does counts.
 */
export function realPath(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    const folder = dirname(whole);
    return folder === whole ? whole : join(realPath(folder), basename(whole));
  }
}

/** Whether a path lies in a folder, by its words alone: the folder itself does not. Both absolute. */
export function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** The nearest folder at or above `cwd` that holds `.git` (a folder, or a worktree's file). */
export function gitRootOf(cwd: string): string | undefined {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (existsSync(join(folder, '.git'))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** A folder name for a project: readable, and different for different paths. */
export function slugOf(path: string): string {
  const name = basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 40);
  return `${name || 'root'}-${textHash(path).slice(0, 8)}`;
}

export interface TracePlace {
  /** Absolute path of the trace folder. */
  traceDir: string;
  /** The project that it stands for: what relative paths are relative to. */
  project: string;
}

export interface PlaceOptions {
  /** The agent's word for its project folder (`CLAUDE_PROJECT_DIR` and the like). */
  projectDir?: string | undefined;
  /** The session's first working directory. */
  cwd?: string | undefined;
  env?: Env;
}

/**
 * A folder and those above it, up to the root of its repository: the folders that may be the project of
 * what works in it. Outside a repository only itself; the user's home and the root of the file system
 * are nobody's project.
 */
export function projectFolders(folder: string): string[] {
  const root = gitRootOf(folder);
  if (root === undefined || realPath(root) === realPath(homedir())) return [resolve(folder)];
  const folders = [resolve(folder)];
  for (let at = resolve(folder); at !== root && dirname(at) !== at; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

const isNobodys = (folder: string): boolean => folder === homedir() || dirname(folder) === folder;

/**
 * Which folder a session's trace belongs into. The one rule for the recorder and all readers:
 *
 * 1. `AGENT_TRACE_DIR`;
 * 2. else the nearest `.agent-traces` that is there (a real folder of ours), from the agent's project folder
 *    (without one: the session's first cwd) up to the root of its repository: set up once at the root,
 *    an agent is recorded there wherever it is started;
 * 3. else a new one in the agent's project folder (without one: at the root of the repository);
 * 4. where there is no project, or its folder cannot be used: {@link homeTraceDir}.
 */
export function placeTrace({ projectDir, cwd, env = process.env }: PlaceOptions): TracePlace {
  const given = projectDir && isAbsolute(projectDir) ? resolve(projectDir) : undefined;
  const here = cwd && isAbsolute(cwd) ? resolve(cwd) : undefined;
  const root = given ?? (here === undefined ? undefined : gitRootOf(here));
  const project = root ?? here ?? homedir();
  const explicit = env.AGENT_TRACE_DIR;
  if (explicit) return { traceDir: resolve(project, explicit), project };
  for (const folder of projectFolders(given ?? here ?? project)) {
    if (isNobodys(folder)) continue;
    const traceDir = join(folder, TRACE_FOLDER);
    if (checkOwnDirectory(traceDir) === undefined) return { traceDir, project };
  }
  const inProject = root !== undefined && !isNobodys(root);
  return { traceDir: inProject ? join(root, TRACE_FOLDER) : homeTraceDir(project, env), project };
}

/**
 * Where a session that was not recorded is put when a person opens it, for an agent that worked in `folder`: where it
 * would be recorded, but no trace folder is made in a project that has none.
 */
export function importPlace(folder: string, env: Env = process.env): string {
  const { traceDir, project } = placeTrace({ cwd: folder, env });
  if (env.AGENT_TRACE_DIR || checkOwnDirectory(traceDir) === undefined) return traceDir;
  return homeTraceDir(project, env);
}

/**
 * Every place that {@link placeTrace} may choose, now or later, for an agent that works in `folder`: the
 * one it would choose now first.
 */
export function tracePlaces(folder: string, env: Env = process.env): string[] {
  const folders = projectFolders(folder);
  return [
    ...new Set([
      placeTrace({ cwd: folder, env }).traceDir,
      // A relative AGENT_TRACE_DIR is relative to what the agent says is its project.
      ...(env.AGENT_TRACE_DIR
        ? folders.map((projectDir) => placeTrace({ projectDir, env }).traceDir)
        : []),
      ...folders.filter((each) => !isNobodys(each)).map((each) => join(each, TRACE_FOLDER)),
      ...fallbackDirs(folder, env),
    ]),
  ];
}

/** Where traces of agents that work in `folder` go when they cannot lie in its project. */
export const fallbackDirs = (folder: string, env: Env = process.env): string[] =>
  projectFolders(folder).map((each) => homeTraceDir(each, env));

/** Where a project's traces go when they cannot, or should not, lie in the project. */
export function homeTraceDir(project: string, env: Env = process.env): string {
  return join(stateHome(env), 'traces', slugOf(project));
}

/**
 * Creates a trace folder (0700) that git ignores. An existing one is checked and left as it is.
 *
 * @returns what is wrong, if anything: see {@link ensureOwnDirectory}
 */
export function ensureTraceFolder(
  traceDir: string,
  env: Env = process.env,
): FileProblem | undefined {
  if (traceDir.startsWith(stateHome(env))) {
    const problem = ensureStateFolder('traces', env).problem;
    if (problem !== undefined) return problem;
  }
  const existed = existsSync(traceDir);
  const problem = ensureOwnDirectory(traceDir);
  if (problem === undefined && !existed) {
    try {
      writeSmallFile(join(traceDir, '.gitignore'), '*\n');
    } catch {
      // The trace matters more than that git ignores it.
    }
  }
  return problem;
}
