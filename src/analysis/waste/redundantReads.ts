import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { FileChange, FileLines } from '../../model/slices/files.ts';
import { STEP_KINDS } from '../../model/step.ts';
import { emptyUsage } from '../../model/usage.ts';
import type { OpsByRow } from '../costs/opsByRow.ts';
import { sameFiles } from '../costs/sameFiles.ts';
import type { SessionRows } from '../costs/sessionRows.ts';
import { type Sliced, slicewise } from '../slices.ts';
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
/** A prompt of less than this part of the one before has lost some of what it held. */
const CUT = 0.9;

/**
 * Reads of lines that the lane had in its window already: read before, by a tool that reads, with no compaction, no
 * change by anyone, no command that may have made one and no prompt after a pause in between. The first read after an
 * edit that failed is none: what the agent had in mind is not what stands there. In time order.
 */
export function* redundantReads(
  fold: SessionFold,
  { order, ops }: SessionRows,
): Sliced<RedundantRead[]> {
  const walk = new ReadWalk(fold, ops);
  yield* slicewise(order.length, (from, end) => walk.take(order, from, end));
  return walk.found;
}

/** The window of one lane. */
interface LaneWindow {
  /** Windows so far, and tokens of its last prompt. */
  windows: number;
  prompt: number;
  /** An edit failed, and nothing was read since. */
  missed: boolean;
  /** By file; not of the main agent, which reads most. */
  memories: Map<number, ReadMemory>;
}

class ReadWalk {
  readonly found: RedundantRead[] = [];
  private readonly fold: SessionFold;
  private readonly ops: OpsByRow;
  private readonly same: Int32Array | undefined;
  private readonly lanes: LaneWindow[] = [];
  /** Of the main agent, by file. */
  private readonly main: (ReadMemory | undefined)[];
  /** Changes so far: of each file, and such as may have been of any. */
  private readonly changes: Int32Array;
  private unknown = 0;
  private readonly away: ReadonlySet<number>;
  private readonly usage = emptyUsage();
  private readonly change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  private readonly lines: FileLines = { pool: new Int32Array(0), from: 0, end: 0, all: false };

  constructor(fold: SessionFold, ops: OpsByRow) {
    const files = fold.files.paths.names.length;
    this.fold = fold;
    this.ops = ops;
    this.same = sameFiles(fold);
    this.away = promptsAfterPauses(fold);
    this.main = new Array(files);
    this.changes = new Int32Array(files);
  }

  /** The rows in places `from` to `end` of `order`. */
  take(order: Int32Array, from: number, end: number): void {
    const { files, columns, context } = this.fold;
    const { type, flags, lane, kind, pair } = columns;
    const { first } = this.ops;
    for (let at = from; at < end; at++) {
      const row = order[at]!;
      const code = type[row]!;
      if (code === TYPE.llm_response) this.answer(row, lane[row]!);
      else if (code === TYPE.tool_result || code === TYPE.error) {
        const call = pair[row]!;
        // Transcripts do not tell what commands change: `sed -i`, `git checkout`, a formatter may have changed any file.
        const isCommand =
          call >= 0 &&
          kind[call] === RUN &&
          // On a result, the mark of tests says how they ended, and not what the command was.
          (((flags[row]! & ~FLAG.test) | flags[call]!) & HARMLESS) === 0;
        const mayChange = files.mayChangeMore(row);
        if (this.isFailedEdit(row, call)) this.window(lane[row]!).missed = true;
        if (first[row]! < 0 && !isCommand && !mayChange) continue;
        const told = this.touch(row, call, call >= 0 && kind[call] === READ);
        if (mayChange || (isCommand && !told)) this.unknown++;
      } else if (this.away.has(row)) this.unknown++;
      else if (first[row]! >= 0) {
        this.touch(row, row, code === TYPE.file_read || kind[row] === READ);
      } else if ((flags[row]! & FLAG.compaction) !== 0) this.window(lane[row]!).windows++;
      else if (code === TYPE.session_start && context.markOf(row) === 'clear') {
        this.window(lane[row]!).windows++;
      }
    }
  }

  private answer(row: number, lane: number): void {
    if (!this.fold.cost.usageInto(row, this.usage)) return;
    const window = this.window(lane);
    // Agents drop old results without a word, after a pause for instance.
    if (this.usage.input_tokens < window.prompt * CUT) window.windows++;
    window.prompt = this.usage.input_tokens;
  }

  private isFailedEdit(row: number, call: number): boolean {
    const { flags, kind, lane } = this.fold.columns;
    if ((flags[row]! & (FLAG.error | FLAG.denied)) !== FLAG.error) return false;
    return call >= 0 && kind[call] === MODIFY && lane[call] === lane[row];
  }

  /** What an event did to files. @returns whether it tells of a change */
  private touch(row: number, call: number, isRead: boolean): boolean {
    const { files, columns } = this.fold;
    const { first, next } = this.ops;
    const { change, lines } = this;
    const lane = columns.lane[row]!;
    const window = this.window(lane);
    let redundant = isRead && columns.type[call] === TYPE.tool_call && !window.missed;
    if (isRead) window.missed = false;
    let told = false;
    let times = 0;
    let file = -1;
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      const known = this.fileOf(change.file);
      if (!change.isRead) told = true;
      if (!change.isRead || known < 0) redundant = false;
      else if (isRead) {
        const memory = this.memoryOf(known, lane);
        files.linesInto(op, lines);
        if (redundant && !memory.holds(lines)) redundant = false;
        if (file < 0) {
          file = known;
          times = memory.reads;
        }
        memory.add(lines);
      }
    }
    if (told) this.countChanges(row);
    if (redundant && file >= 0) this.found.push({ call, file, times });
    return told;
  }

  private countChanges(row: number): void {
    const { files } = this.fold;
    const { first, next } = this.ops;
    const { change } = this;
    for (let op = first[row]!; op >= 0; op = next[op]!) {
      files.change(op, change);
      if (change.isRead) continue;
      const changed = this.fileOf(change.file);
      // Which file it was is not known: it may be any.
      if (changed < 0) this.unknown++;
      else this.changes[changed]!++;
    }
  }

  private fileOf(code: number): number {
    return this.same?.[code] ?? code;
  }

  private window(lane: number): LaneWindow {
    this.lanes[lane] ??= { windows: 0, prompt: 0, missed: false, memories: new Map() };
    return this.lanes[lane];
  }

  /** What a lane has of a file, as it is now. */
  private memoryOf(file: number, lane: number): ReadMemory {
    const { windows, memories } = this.window(lane);
    let memory = lane === 0 ? this.main[file] : memories.get(file);
    if (memory === undefined) {
      memory = new ReadMemory();
      if (lane === 0) this.main[file] = memory;
      else memories.set(file, memory);
    }
    memory.asOf(this.changes[file]!, this.unknown, windows);
    return memory;
  }
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
