import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange } from '../../model/slices/files.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage } from '../../model/usage.ts';
import { opsByRow } from '../costs/opsByRow.ts';
import { rowsInTime } from '../costs/rowsInTime.ts';
import { sameFiles } from '../costs/sameFiles.ts';
import { isBilled } from '../costs/shares.ts';
import { SLICE, type Sliced } from '../slices.ts';
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
const MODIFY = STEP_KINDS.indexOf('modify');
/** Who comes back after so long (ms) may have worked on the files, and nobody tells; the prompt cache has gone by then, too. */
const AWAY_MS = 300_000;
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
 * change by anyone, no command that may have made one and no prompt after a pause in between. The first read after an
 * edit that failed is none: what the agent had in mind is not what stands there. In time order.
 */
export function* redundantReads(fold: SessionFold): Sliced<RedundantRead[]> {
  const { columns, files, context, cost } = fold;
  const { type, flags, lane, kind, pair } = columns;
  const { first, next } = opsByRow(fold);
  const same = sameFiles(fold);
  const fileOf = (code: number): number => same?.[code] ?? code;
  // Transcripts do not tell what commands change: `sed -i`, `git checkout`, a formatter may have changed any file.
  const isCommand = (row: number): boolean => {
    if (type[row] !== TYPE.tool_result && type[row] !== TYPE.error) return false;
    const call = pair[row]!;
    return (
      call >= 0 &&
      kind[call] === RUN &&
      (((flags[row]! & ~FLAG.test) | flags[call]!) & HARMLESS) === 0
    );
  };
  const away = promptsAfterPauses(fold);
  const isFailedEdit = (row: number): boolean => {
    if ((flags[row]! & (FLAG.error | FLAG.denied)) !== FLAG.error) return false;
    const call = pair[row]!;
    return (
      call >= 0 && kind[call] === MODIFY && type[row] !== TYPE.tool_call && lane[call] === lane[row]
    );
  };
  const rows = yield* rowsInTime(
    fold,
    (row) =>
      first[row]! >= 0 ||
      away.has(row) ||
      isFailedEdit(row) ||
      (flags[row]! & FLAG.compaction) !== 0 ||
      files.mayChangeMore(row) ||
      isCommand(row) ||
      isBilled(fold, row) ||
      (type[row] === TYPE.session_start && context.markOf(row) === 'clear'),
  );
  const changes = new Int32Array(files.paths.names.length);
  /** Of the main agent by file, of others by lane and file. */
  const main: (Known | undefined)[] = new Array(files.paths.names.length);
  const others = new Map<number, Known>();
  const windows: number[] = [];
  const prompts: number[] = [];
  const usage = emptyUsage();
  let unknown = 0;
  /** By lane: an edit failed, and nothing was read since. */
  const missed: boolean[] = [];
  const found: RedundantRead[] = [];
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  const memoryOf = (file: number, code: number): ReadMemory => {
    const key = code * FILES + file;
    const changed = changes[file]!;
    const window = windows[code] ?? 0;
    const before = code === 0 ? main[file] : others.get(key);
    if (before === undefined) {
      const memory = new ReadMemory();
      const known = { memory, changes: changed, unknown, window };
      if (code === 0) main[file] = known;
      else others.set(key, known);
      return memory;
    }
    const same =
      before.changes === changed && before.unknown === unknown && before.window === window;
    if (!same) {
      before.memory.forget();
      before.changes = changed;
      before.unknown = unknown;
      before.window = window;
    }
    return before.memory;
  };
  for (let at = 0; at < rows.length; at++) {
    if (at % SLICE === 0) yield;
    const row = rows[at]!;
    const code = lane[row]!;
    if (away.has(row)) {
      unknown++;
      continue;
    }
    if (isFailedEdit(row)) {
      missed[code] = true;
      if (first[row]! < 0 && !files.mayChangeMore(row)) continue;
    }
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
    let redundant = isRead && type[call] === TYPE.tool_call && missed[code] !== true;
    if (isRead) missed[code] = false;
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
      else changes[changed]!++;
    }
    if (files.mayChangeMore(row) || (!told && isCommand(row))) unknown++;
    if (redundant && file >= 0) found.push({ call, file, times });
  }
  return found;
}

/** Rows of the prompts that came long after the agent's last work. */
function promptsAfterPauses(fold: SessionFold): Set<number> {
  const found = new Set<number>();
  let workedMs = Number.POSITIVE_INFINITY;
  for (const { row, startMs, endMs } of fold.phases.all()) {
    if (row >= 0 && startMs - workedMs >= AWAY_MS) found.add(row);
    workedMs = endMs;
  }
  return found;
}
