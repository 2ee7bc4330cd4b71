import { homedir } from 'node:os';
import { readSmallFile } from '../../trace/files.ts';
import type { Env } from '../agent.ts';

/** The user's home folder, as the agents of that environment see it. */
export const homeOf = (env: Env = process.env): string =>
  (process.platform !== 'win32' && env.HOME) || homedir();

/** Longer settings are not looked into for warnings, bytes. */
const MAX_LOOK = 1_048_576;

/** Text of a settings file beside the one that is written; empty where it cannot be read. */
export const lookInto = (path: string): string =>
  readSmallFile(path, MAX_LOOK)?.replace(/^\ufeff/, '') ?? '';
