/** Where rules are written. Light: this is part of the hook's bundles. */
import { existsSync, lstatSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from '../../trace/files.ts';
import { stateHome } from '../../trace/paths.ts';

type Env = Record<string, string | undefined>;

/** Files of a project. */
export const PROJECT_FILES = [
  '.watch-rules.json',
  '.watch-rules.yaml',
  '.watch-rules.yml',
  '.agent-strace.yaml',
  '.agent-strace.yml',
  '.agent-strace.json',
  '.agent-watch.json',
];

/** The policy of a project: what may be read, written, run and reached. */
export const SCOPE_FILE = '.agent-scope.json';

/** The user's own, in `~/.agent-strace`. */
export const USER_FILES = ['rules.yaml', 'rules.yml', 'rules.json'];

export interface Candidate {
  /** Absolute. */
  path: string;
  scope: 'user' | 'repo';
  /** What relative patterns in it are of: absolute. */
  root: string;
  /** A policy under another name than `.agent-scope.json`. */
  policy?: true;
}

/**
 * A project and the folders above it that hold it to their rules: up to the outermost repository around it, for a repository
 * that is made inside of another (`git init`) must not take the other's rules away. The user's home is nobody's project.
 */
export function ruleFolders(project: string): string[] {
  const folders: string[] = [];
  let outermost = 1;
  for (let at = resolve(project); ; at = dirname(at)) {
    if (folders.length > 0 && (at === homedir() || dirname(at) === at)) break;
    folders.push(at);
    if (existsSync(join(at, '.git'))) outermost = folders.length;
    if (dirname(at) === at) break;
  }
  return folders.slice(0, outermost);
}

/**
 * All files that may hold rules for a project, there or not: the user's own, and those of the folders that hold it to their
 * rules (see {@link ruleFolders}).
 */
export function candidates(project: string, env: Env): Candidate[] {
  return [
    ...USER_FILES.map(
      (name): Candidate => ({ path: join(stateHome(env), name), scope: 'user', root: project }),
    ),
    ...ruleFolders(project).flatMap((root) =>
      [...PROJECT_FILES, SCOPE_FILE].map(
        (name): Candidate => ({ path: join(root, name), scope: 'repo', root }),
      ),
    ),
  ];
}

/** Of a file that is not there. */
export const ABSENT = '-';

/**
 * What is different whenever a file is: a text. A link counts as what it leads to, and one that leads nowhere is there: somebody
 * has put it there.
 */
export function stampOf(path: string): string {
  try {
    const own = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (own === undefined) return ABSENT;
    const { dev, ino, size, mtimeNs, ctimeNs } = own.isSymbolicLink()
      ? statSync(path, { bigint: true })
      : own;
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch (error) {
    return `!${codeOf(error)}`;
  }
}
