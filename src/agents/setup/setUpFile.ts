/** Which files set-up has written: for those that do not change them. */
import { join } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { readSmallFile } from '../../trace/files.ts';
import { stateHome } from '../../trace/paths.ts';
import type { AgentId, Env } from '../agent.ts';

/** Where set-up keeps what it noted of a file. */
export const recordPath = (agent: AgentId, target: string, env: Env): string =>
  join(stateHome(env), 'setup', `${agent}-${textHash(target)}.json`);

/** Whether set-up wrote a file, and has not taken it back. */
export const isSetUpIn = (agent: AgentId, target: string, env: Env = process.env): boolean =>
  readSmallFile(recordPath(agent, target, env), 1_048_576) !== undefined;
