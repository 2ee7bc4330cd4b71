/** What set-up notes of a file that it wrote, so that removal gives back what was there, to the byte. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { textHash } from '../../model/ids.ts';
import { readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { ensureStateFolder } from '../../trace/paths.ts';
import type { AgentId, Env } from '../agent.ts';
import { type Step, undo } from './jsonEdit.ts';
import { recordPath } from './setUpFile.ts';

/** How to make the file again what it was, as long as nobody else changed it. */
interface UndoRecord {
  version: 1;
  file: string;
  existed: boolean;
  /** The topmost folder that was made for it; `true` in older records: the file's own. */
  madeFolder?: string | true;
  /** Length (UTF-16 units) and hash of the file as we left it. */
  length: number;
  hash: string;
  steps: Step[];
}

function recordOf(agent: AgentId, target: string, env: Env): UndoRecord | undefined {
  const saved = readSmallFile(recordPath(agent, target, env), 1_048_576);
  if (saved === undefined) return undefined;
  try {
    const record = JSON.parse(saved) as UndoRecord;
    return record.version === 1 && record.file === target ? record : undefined;
  } catch {
    return undefined;
  }
}

/** The file as it was before us, where it still is what we made of it. */
export function undone(
  agent: AgentId,
  target: string,
  text: string,
  env: Env,
): { existed: boolean; text: string } | undefined {
  const record = recordOf(agent, target, env);
  if (record === undefined) return undefined;
  try {
    if (record.length !== text.length || record.hash !== textHash(text)) return undefined;
    return { existed: record.existed, text: undo(text, record.steps) };
  } catch {
    return undefined;
  }
}

/** The topmost folder that was made for the file. */
export function madeFolderOf(agent: AgentId, target: string, env: Env): string | undefined {
  const made = recordOf(agent, target, env)?.madeFolder;
  return made === true ? dirname(target) : made;
}

/** Notes how `after` is made again what was there. */
export function saveRecord(
  agent: AgentId,
  target: string,
  after: string,
  {
    existed,
    steps,
    madeFolder,
  }: { existed: boolean; steps: Step[]; madeFolder: string | undefined },
  env: Env,
): void {
  const { problem } = ensureStateFolder('setup', env);
  // Without it --remove still takes our entries out; only white space may differ.
  if (problem !== undefined) return;
  const record: UndoRecord = {
    version: 1,
    file: target,
    existed,
    ...(madeFolder !== undefined && { madeFolder }),
    length: after.length,
    hash: textHash(after),
    steps,
  };
  writeSmallFile(recordPath(agent, target, env), JSON.stringify(record));
}

export function removeRecord(agent: AgentId, target: string, env: Env): void {
  fs.rmSync(recordPath(agent, target, env), { force: true });
}
