import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange } from '../../model/slices/files.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage } from '../../model/usage.ts';
import { opsByRow } from '../costs/opsByRow.ts';
import { rowsInTime } from '../costs/rowsInTime.ts';
import { sameFiles } from '../costs/sameFiles.ts';
import { isBilled } from '../costs/shares.ts';
import { ReadMemory } from './readMemory.ts';

export interface RedundantRead {
  /** The fold's row of the call. */
  call: number;
  /** Code of its path. */
  file: number;
  /** Reads before it that this window still held. */
  times: number;
}

const READ = STEP_KINDS.indexOf('read');
const RUN = STEP_KINDS.indexOf('run');
/** Commands that leave a project's files as they are, and those that did not run. */
const HARMLESS = FLAG.look | FLAG.test | FLAG.denied | FLAG.subagent;
const FILES = 1_000_000;
/** A prompt of less than this part of the one before has lost some of what it held. */
const CUT = 0.9;

/** What a lane remembers of a file, and as of when. */
interface Known {
  memory: ReadMemory;
  /** Changes of the file, unknown changes, and windows of the lane, so far. */
  changes: number;
  unknown: number;
  window: number;
}

/**
 * Reads of lines that the lane had in its window already: read before, by a tool that reads, with no compaction, no
 * change by anyone and no command that may have made one in between. In time order.
 */
export function redundantReads(fold: SessionFold): RedundantRead[] {
  const { columns, files, context, cost } = fold;
  const { type, flags, lane, kind, pair } = columns;
  const { first, next } = opsByRow(fold);
  const same = sameFiles(fold);
  const fileOf = (code: number): number => same?.[code] ?? code;
  // Transcripts do not tell what commands change: `sed -i`, `git checkout`, a formatter may have changed any file.
  const isCommand = (row: number): boolean => {
    if (type[row] !== TYPE.tool_result && type[row] !== TYPE.error) return false;
    const call = pair[row]!;
    return call >= 0 && kind[call] === RUN && ((flags[row]! | flags[call]!) & HARMLESS) === 0;
  };
  const rows = rowsInTime(
    fold,
    (row) =>
      first[row]! >= 0 ||
      (flags[row]! & FLAG.compaction) !== 0 ||
      files.mayChangeMore(row) ||
      isCommand(row) ||
      isBilled(fold, row) ||
      (type[row] === TYPE.session_start && context.markOf(row) === 'clear'),
  );
  const changes = new Map<number, number>();
  const known = new Map<number, Known>();
  const windows: number[] = [];
  const prompts: number[] = [];
  const usage = emptyUsage();
  let unknown = 0;
  const found: RedundantRead[] = [];
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  const memoryOf = (file: number, code: number): ReadMemory => {
    const key = code * FILES + file;
    const now = { changes: changes.get(file) ?? 0, unknown, window: windows[code] ?? 0 };
    const before = known.get(key);
    if (before === undefined) {
      const memory = new ReadMemory();
      known.set(key, { memory, ...now });
      return memory;
    }
    const same =
      before.changes === now.changes &&
      before.unknown === now.unknown &&
      before.window === now.window;
    if (!same) {
      before.memory.forget();
      Object.assign(before, now);
    }
    return before.memory;
  };
  for (const row of rows) {
    const code = lane[row]!;
    if (type[row] === TYPE.llm_response) {
      cost.usageInto(row, usage);
      const before = prompts[code] ?? 0;
      prompts[code] = usage.input_tokens;
      // Agents drop old results without a word, after a pause for instance.
      if (usage.input_tokens < before * CUT) windows[code] = (windows[code] ?? 0) + 1;
      continue;
    }
    const isOutcome = type[row] === TYPE.tool_result || type[row] === TYPE.error;
    if (first[row]! < 0 && !isOutcome) {
      windows[code] = (windows[code] ?? 0) + 1;
      continue;
    }
    const call = isOutcome ? pair[row]! : row;
    const isRead = type[row] === TYPE.file_read || (call >= 0 && kind[call] === READ);
    let redundant = isRead && type[call] === TYPE.tool_call;
    let times = 0;
    let file = -1;
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      const known = fileOf(change.file);
      if (!change.isRead || known < 0) redundant = false;
      else if (isRead) {
        const memory = memoryOf(known, code);
        const ranges = files.ranges(op);
        if (!memory.holds(ranges)) redundant = false;
        if (file < 0) {
          file = known;
          times = memory.reads;
        }
        memory.add(ranges);
      }
    }
    let told = false;
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      if (change.isRead) continue;
      told = true;
      const changed = fileOf(change.file);
      // Which file it was is not known: it may be any.
      if (changed < 0) unknown++;
      else changes.set(changed, (changes.get(changed) ?? 0) + 1);
    }
    if (files.mayChangeMore(row) || (!told && isCommand(row))) unknown++;
    if (redundant && file >= 0) found.push({ call, file, times });
  }
  return found;
}
