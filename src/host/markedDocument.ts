import { readFile, stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { anchor } from '../model/lineAnchor.ts';
import { lineHash, sameLines } from '../model/lineDiff.ts';
import { LineMarks, type MarkKind, type MarkRun, type MarkStep, part } from '../model/lineMarks.ts';
import { moveLines } from '../model/lineSpans.ts';
import { type StepText, split, textRead, textWritten } from '../model/lineTexts.ts';
import type { RowFileOp } from '../model/slices/files.ts';
import type { LiveSession } from './liveSession.ts';
import type { FileSource } from './touchedFiles.ts';

/** Larger files have no marks: their lines could not be compared between two keystrokes. */
const MAX_BYTES = 1_000_000;
/** Events that are larger are not read for their text. */
const MAX_EVENT_BYTES = 1_100_000;
/** A file's time of change may be so much after the agent's word that it changed it, ms. */
const TOLERANCE_MS = 2000;
/** Work of the editor waits no longer than this, ms. */
const SLICE_MS = 4;

/** What is needed of VS Code's `TextDocument`. */
export interface DocumentLines {
  readonly uri: { readonly fsPath: string };
  readonly isDirty: boolean;
  readonly lineCount: number;
  readonly encoding?: string;
  lineAt(line: number): { readonly text: string };
}

/** What is needed of VS Code's `TextDocumentContentChangeEvent`; lines are 0-based. */
export interface LineChange {
  readonly range: { readonly start: { line: number }; readonly end: { line: number } };
  readonly text: string;
}

/** Lines as they stand in the editor, 1-based, inclusive. */
export type LineRange = readonly [first: number, last: number];

interface Op extends RowFileOp {
  from: number;
}

/**
 * The marks of one document.
 *
 * The trace says which lines of the file were touched; `base` is the file as it was on disk when that
 * was last looked at, with the marks found in it. What the editor shows is compared with it line by line,
 * so that marks move with the person's changes, go with lines that are not the agent's any more, and
 * come back when a change is undone.
 */
export class MarkedDocument {
  readonly document: DocumentLines;
  private sources: readonly FileSource[] = [];
  private sessions: LiveSession[] = [];
  private ops: Op[] = [];
  private epochs = '';
  private marks = new LineMarks();
  private readonly texts = new Map<string, StepText | undefined>();
  /** Hashes of the lines of the document, kept up to date. */
  private lines: number[] | undefined;
  private base: number[] = [];
  private placed: Record<MarkKind, readonly MarkRun[]> = { read: [], modified: [] };
  private shown: Record<MarkKind, readonly MarkRun[]> | undefined;
  /** What the person saved since: the agent's next lines are counted in that. */
  private saves: { lines: readonly number[]; atMs: number } | undefined;
  private running: Promise<void> | undefined;
  private again = false;

  constructor(document: DocumentLines) {
    this.document = document;
  }

  /** The document changed. @returns whether lines moved */
  change(changes: readonly LineChange[]): boolean {
    const { lines, document } = this;
    if (!lines || changes.length === 0) return false;
    this.shown = undefined;
    const before = lines.length;
    const fresh: number[] = [];
    let moved = false;
    // From the bottom up: the places of the others stand as they are.
    const sorted = changes.toSorted((a, b) => b.range.start.line - a.range.start.line);
    for (const { range, text } of sorted) {
      const removed = range.end.line - range.start.line;
      const added = split(text).length - 1;
      if (removed !== 0 || added !== 0) moved = true;
      if (added > 5000) {
        this.lines = undefined;
        return true;
      }
      for (let at = 0; at < fresh.length; at++) fresh[at]! += added - removed;
      for (let at = 0; at <= added; at++) fresh.push(range.start.line + at);
      lines.splice(range.start.line, removed + 1, ...new Array<number>(added + 1).fill(0));
    }
    if (lines.length !== document.lineCount) this.lines = undefined;
    else for (const at of fresh) lines[at] = lineHash(document.lineAt(at).text);
    return moved || before !== document.lineCount;
  }

  /** The person saved the document. @param atMs since the epoch */
  saved(atMs: number): void {
    if (this.ops.length === 0) return;
    this.lines ??= this.text().map(lineHash);
    this.saves = { lines: [...this.lines], atMs };
  }

  /**
   * Takes in what the sessions did to the file, and looks at it on disk. Runs in slices; a second call
   * while one is under way makes it run once more.
   */
  refresh(sources: readonly FileSource[]): Promise<void> {
    this.sources = sources;
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async run(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.place();
    }
  }

  private async place(): Promise<void> {
    const slice = new Slice();
    // Another session is looked at: what was known of the file is void, and no longer held.
    if (this.sessions.some((known) => !this.sources.some(({ session }) => session === known))) {
      this.forget();
    }
    await this.apply(slice);
    if (this.marks.read.length + this.marks.modified.length === 0) {
      this.none();
      return;
    }
    const file = await this.file();
    if (!file || !(await this.readTexts(slice))) return;
    const { lines, modifiedMs } = file;
    const written = Math.max(
      ...this.ops
        .filter(({ kind }) => kind !== 'read')
        .map(({ from, row }) => this.doneMs({ source: from, row })),
    );
    const isTrusted = (step: MarkStep): boolean =>
      modifiedMs <= written + TOLERANCE_MS || modifiedMs <= this.doneMs(step);
    const found = (kind: MarkKind): MarkRun[] =>
      anchor(this.marks[kind], lines, {
        textOf: (step) => this.texts.get(textKey(kind, step)),
        isTrusted,
      });
    this.placed = { read: found('read'), modified: found('modified') };
    this.base = lines.map(lineHash);
    this.shown = undefined;
  }

  private forget(): void {
    this.sessions = [];
    this.ops = [];
    this.epochs = '';
    this.marks = new LineMarks();
    this.texts.clear();
    this.saves = undefined;
    this.none();
  }

  /** Applies the operations that are new; all of them where they are not at the end. */
  private async apply(slice: Slice): Promise<void> {
    const ops = this.sources
      .flatMap(({ session, names }) => {
        const from = this.sourceOf(session);
        return names.flatMap((name) =>
          session.trace.fold.files.opsOf(name).map((op): Op => ({ ...op, from })),
        );
      })
      .sort((a, b) => a.timeMs - b.timeMs || a.from - b.from || a.row - b.row);
    const epochs = this.sessions.map(({ trace }) => trace.epoch).join();
    const goesOn =
      epochs === this.epochs &&
      this.ops.every((op, at) => {
        const now = ops[at];
        return now?.row === op.row && now.from === op.from && now.timeMs === op.timeMs;
      });
    const from = goesOn ? this.ops.length : 0;
    if (!goesOn) {
      this.marks = new LineMarks();
      this.texts.clear();
    }
    this.ops = ops;
    this.epochs = epochs;
    const { marks } = this;
    const first = ops[from];
    if (first && this.saves && this.saves.atMs < first.timeMs + 1) {
      if (goesOn) this.moveTo(this.saves.lines);
      this.saves = undefined;
    }
    for (let at = from; at < ops.length; at++) {
      marks.apply(ops[at]!, { source: ops[at]!.from, row: ops[at]!.row });
      await slice.pause();
    }
  }

  /** Brings the marks to where they stood when the person saved. */
  private moveTo(saved: readonly number[]): void {
    const spans = sameLines(this.base, saved);
    this.marks.read = moveLines(this.placed.read, spans, part);
    this.marks.modified = moveLines(this.placed.modified, spans, part);
  }

  private sourceOf(session: LiveSession): number {
    const known = this.sessions.indexOf(session);
    return known >= 0 ? known : this.sessions.push(session) - 1;
  }

  /** When a step was over, ms since the epoch. */
  private doneMs({ source, row }: MarkStep): number {
    const { columns } = this.sessions[source]!.trace.fold;
    return columns.timeMs[columns.pair[row]!] ?? columns.timeMs[row]!;
  }

  /** The file as it is on disk; what the editor has where it is in an encoding that is not ours. */
  private async file(): Promise<{ lines: string[]; modifiedMs: number } | undefined> {
    const { document } = this;
    const { fsPath } = document.uri;
    try {
      const before = await stat(fsPath);
      if (!before.isFile() || before.size > MAX_BYTES) return this.none();
      if (!document.isDirty && !/^utf8/.test(document.encoding ?? 'utf8')) {
        return { lines: this.text(), modifiedMs: before.mtimeMs };
      }
      const text = await readFile(fsPath, 'utf8');
      const { mtimeMs } = await stat(fsPath);
      // Written while it was read: what it is now will be known in a moment.
      if (mtimeMs !== before.mtimeMs) this.again = true;
      return { lines: split(text.replace(/^\ufeff/, '')), modifiedMs: mtimeMs };
    } catch {
      return this.none();
    }
  }

  private none(): undefined {
    this.placed = { read: [], modified: [] };
    this.shown = undefined;
  }

  private text(): string[] {
    const { document } = this;
    return Array.from({ length: document.lineCount }, (_, at) => document.lineAt(at).text);
  }

  /** Reads what the marks' steps read or wrote. @returns false: a trace is no longer what it was */
  private async readTexts(slice: Slice): Promise<boolean> {
    const wanted = new Set<string>();
    for (const kind of ['read', 'modified'] as const) {
      for (const { steps } of this.marks[kind]) {
        const step = steps[0]!;
        const key = textKey(kind, step);
        if (wanted.has(key)) continue;
        wanted.add(key);
        if (this.texts.has(key)) continue;
        this.texts.set(key, this.textOf(kind, step));
        await slice.pause();
        if (this.epochs !== this.sessions.map(({ trace }) => trace.epoch).join()) {
          this.again = true;
          return false;
        }
      }
    }
    for (const key of this.texts.keys()) if (!wanted.has(key)) this.texts.delete(key);
    return true;
  }

  private textOf(kind: MarkKind, { source, row }: MarkStep): StepText | undefined {
    const session = this.sessions[source]!;
    const { columns } = session.trace.fold;
    const result = columns.pair[row]!;
    const size = columns.size[row]! + (result >= 0 ? columns.size[result]! : 0);
    if (size > MAX_EVENT_BYTES) return undefined;
    const [call, answer] = session.trace.readEvents([row, result]);
    if (kind === 'modified') return textWritten(call, answer);
    const names = this.sources.find((known) => known.session === session)?.names ?? [];
    for (const name of names) {
      const text = textRead(answer, name);
      if (text) return text;
    }
    return undefined;
  }

  /** Marks as they stand in the editor. A line can have both; the change counts more. */
  private runs(): Record<MarkKind, readonly MarkRun[]> {
    if (this.shown) return this.shown;
    const { document, placed } = this;
    if (placed.read.length + placed.modified.length === 0) {
      this.shown = { read: [], modified: [] };
      return this.shown;
    }
    this.lines ??= this.text().map(lineHash);
    const spans = sameLines(this.base, this.lines);
    const { lineCount } = document;
    // The last line break ends a line; the nothing behind it is none that anybody wrote.
    const end =
      lineCount > 1 && document.lineAt(lineCount - 1).text === '' ? lineCount - 1 : lineCount;
    const moved = (kind: MarkKind): MarkRun[] =>
      moveLines(placed[kind], spans, part)
        .filter(({ first }) => first <= end)
        .map((run) => (run.last > end ? { ...run, last: end } : run));
    this.shown = { read: moved('read'), modified: moved('modified') };
    return this.shown;
  }

  /** Lines to mark, runs that touch as one; those that were changed are not among those read. */
  ranges(): Record<MarkKind, LineRange[]> {
    const { read, modified } = this.runs();
    const changed = touching(modified);
    return { modified: changed, read: without(touching(read), changed) };
  }

  /** The run that holds a line, and the steps that it comes from, the last one first. */
  at(line: number): { kind: MarkKind; range: LineRange; steps: SessionStep[] } | undefined {
    const runs = this.runs();
    for (const kind of ['modified', 'read'] as const) {
      const run = runs[kind].find(({ first, last }) => first <= line && line <= last);
      if (!run) continue;
      const steps = this.stepsOf(run, kind);
      if (kind === 'modified') {
        const read = runs.read.find(({ first, last }) => first <= line && line <= last);
        if (read) steps.push(...this.stepsOf(read, 'read'));
      }
      return { kind, range: [run.first, run.last], steps };
    }
    return undefined;
  }

  private stepsOf({ steps }: MarkRun, kind: MarkKind): SessionStep[] {
    return steps.map(({ source, row }) => ({ session: this.sessions[source]!, row, kind }));
  }
}

/** One step of a session, and what it did to the lines. */
export interface SessionStep {
  session: LiveSession;
  row: number;
  kind: MarkKind;
}

const textKey = (kind: MarkKind, { source, row }: MarkStep): string => `${kind} ${source} ${row}`;

function touching(runs: readonly MarkRun[]): LineRange[] {
  const ranges: [number, number][] = [];
  for (const { first, last } of runs) {
    const before = ranges.at(-1);
    if (before && before[1] + 1 >= first) before[1] = last;
    else ranges.push([first, last]);
  }
  return ranges;
}

function without(ranges: readonly LineRange[], others: readonly LineRange[]): LineRange[] {
  const left: LineRange[] = [];
  let at = 0;
  for (const [first, last] of ranges) {
    let next = first;
    while (at < others.length && others[at]![1] < first) at++;
    for (let k = at; k < others.length && others[k]![0] <= last; k++) {
      const [from, to] = others[k]!;
      if (from > next) left.push([next, from - 1]);
      next = Math.max(next, to + 1);
    }
    if (next <= last) left.push([next, last]);
  }
  return left;
}

/** Lets the editor have its turn when work goes on for long. */
class Slice {
  private startedMs = performance.now();

  async pause(): Promise<void> {
    if (performance.now() - this.startedMs < SLICE_MS) return;
    await setImmediate();
    this.startedMs = performance.now();
  }
}
