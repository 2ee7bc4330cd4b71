/** The machine as rules see it, with a bounded number of questions to the file system. */
import { homedir } from 'node:os';
import type { ShellWorld } from '../shell/reading.ts';

type Env = Record<string, string | undefined>;

export interface ShellWorldOptions {
  /** Absolute. */
  cwd: string;
  env?: Env;
  /** Questions to the file system at most; later ones are answered with "no link", "a folder". Default 400. */
  maxCalls?: number;
}

export function shellWorld({ cwd, env = process.env }: ShellWorldOptions): ShellWorld {
  return { cwd, home: env.HOME || homedir(), resolveLink: () => undefined, env };
}
