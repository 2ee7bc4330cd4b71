import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentHand } from '../../test/agentHand.ts';
import { TraceWriter } from '../../test/traceWriter.ts';
import { LiveSession } from './liveSession.ts';
import { type DocumentLines, MarkedDocument } from './markedDocument.ts';
import { TouchedFiles } from './touchedFiles.ts';

let folder: string;
let path: string;
let sessions: LiveSession[];
let touched: TouchedFiles;
let hand: AgentHand;

const LINES = Array.from({ length: 12 }, (_, at) => `line ${at + 1} of the file`);
const FILE = `${LINES.join('\n')}\n`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-strace-marks-'));
  path = join(folder, 'a.py');
  writeFileSync(path, FILE);
  const past = new Date(Date.now() - 60_000);
  utimesSync(path, past, past);
  sessions = [];
  touched = new TouchedFiles();
  hand = session('one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function session(id: string): AgentHand {
  const traceDir = join(folder, '.agent-traces');
  const writer = new TraceWriter(traceDir, id, { cwd: folder }).start().prompt(`Prompt of ${id}`);
  const entry = { id, traceDir, directory: join(traceDir, id), size: 0, modifiedMs: 0 };
  sessions.push(new LiveSession(`key/${id}`, entry, 'project', undefined));
  return new AgentHand(writer);
}

/** What an editor holds; edits tell the marks as VS Code does. */
class Editor implements DocumentLines {
  readonly uri = { fsPath: path };
  isDirty = false;
  encoding = 'utf8';
  lines: string[];
  readonly marks: MarkedDocument;

  constructor() {
    this.lines = readFileSync(path, 'utf8').split('\n');
    this.marks = new MarkedDocument(this);
  }

  get lineCount(): number {
    return this.lines.length;
  }

  lineAt(line: number): { text: string } {
    return { text: this.lines[line]! };
  }

  /** Puts whole lines in place of others. @param at 1-based */
  splice(at: number, removed: number, ...added: string[]): void {
    this.isDirty = true;
    const text = added.map((line) => `${line}\n`).join('');
    const range = { start: { line: at - 1 }, end: { line: at - 1 + removed } };
    this.lines.splice(at - 1, removed, ...added);
    this.marks.change([{ range, text }]);
  }

  /** Shows the file as it is on disk, as one change. */
  reload(): void {
    const last = this.lines.length - 1;
    const text = readFileSync(path, 'utf8');
    this.lines = text.split('\n');
    this.isDirty = false;
    this.marks.change([{ range: { start: { line: 0 }, end: { line: last } }, text }]);
  }

  save(): void {
    writeFileSync(path, this.lines.join('\n'));
    this.isDirty = false;
    this.marks.saved(Date.now());
  }

  /** Takes in what the sessions did. */
  async look(of = sessions): Promise<this> {
    for (const one of of) while (one.read(1e6));
    touched.update(of);
    await this.marks.refresh(touched.sourcesOf([path]));
    return this;
  }

  get shown(): string {
    const { read, modified } = this.marks.ranges();
    const words = (ranges: readonly (readonly [number, number])[]) =>
      ranges.map(([first, last]) => `${first}-${last}`).join(' ');
    return `R ${words(read)} M ${words(modified)}`;
  }
}

/** The file changed hands later than the agent's last word. */
function touchedLater(): void {
  const later = new Date(Date.now() + 60_000);
  utimesSync(path, later, later);
}

describe('marks of a document', () => {
  it('are exactly the lines that were read', async () => {
    hand.read(path, 3, 4);
    expect((await new Editor().look()).shown).toBe('R 3-6 M ');
    hand.grep(path, 'line 1');
    expect((await new Editor().look()).shown).toBe('R 1-1 3-6 10-12 M ');
    hand.read(path);
    expect((await new Editor().look()).shown).toBe('R 1-12 M ');
  });

  it('are exactly the lines that were changed', async () => {
    hand.read(path, 1, 8);
    hand.edit(path, 'line 4 of the file\nline 5', 'new\nline 4 of the file\nline five');
    const editor = await new Editor().look();
    expect(editor.shown).toBe('R 1-3 5-5 7-9 M 4-4 6-6');
  });

  it('are all lines of a file that was written', async () => {
    rmSync(path);
    hand.write(path, 'a = 1\nb = 2\n');
    expect((await new Editor().look()).shown).toBe('R  M 1-2');
    hand.write(path, 'a = 1\nb = 3\nc = 4\n');
    expect((await new Editor().look()).shown).toBe('R  M 1-3');
  });

  it('move with lines that are put in and taken out above', async () => {
    hand.read(path, 3, 2);
    hand.edit(path, 'line 8', 'line eight');
    const editor = await new Editor().look();
    editor.splice(1, 0, '# one', '# two');
    expect(editor.shown).toBe('R 5-6 M 10-10');
    editor.splice(1, 1);
    expect(editor.shown).toBe('R 4-5 M 9-9');
  });

  it('go from a line that the person wrote, and come back with undo', async () => {
    hand.edit(path, 'line 4 of the file\nline 5 of the file', 'four\nfive\nfour and five');
    const editor = await new Editor().look();
    expect(editor.shown).toBe('R  M 4-6');
    editor.splice(5, 1, 'mine');
    expect(editor.shown).toBe('R  M 4-4 6-6');
    editor.splice(5, 1, 'five');
    expect(editor.shown).toBe('R  M 4-6');
  });

  it('go when the agent’s change is undone in the editor, and come back when it is done again', async () => {
    const editor = new Editor();
    hand.edit(path, 'line 4', 'four');
    editor.reload();
    await editor.look();
    expect(editor.shown).toBe('R  M 4-4');
    editor.splice(4, 1, 'line 4 of the file');
    expect(editor.shown).toBe('R  M ');
    editor.splice(4, 1, 'four of the file');
    expect(editor.shown).toBe('R  M 4-4');
  });

  it('go when the file is put back on disk, for good or for now', async () => {
    hand.edit(path, 'line 4', 'four');
    const editor = await new Editor().look();
    writeFileSync(path, FILE);
    touchedLater();
    editor.reload();
    expect(editor.shown).toBe('R  M ');
    // Opened later, nothing but the trace is known.
    expect((await new Editor().look()).shown).toBe('R  M ');
  });

  it('are there whether the editor or the trace tells of a change first', async () => {
    const editor = await new Editor().look();
    hand.edit(path, 'line 4', 'zero\nfour');
    await editor.look();
    // The editor still shows what was there before.
    expect(editor.shown).toBe('R  M ');
    editor.reload();
    expect(editor.shown).toBe('R  M 4-5');
    hand.edit(path, 'line 1 ', 'top\none ');
    editor.reload();
    expect(editor.shown).toBe('R  M 5-6');
    await editor.look();
    expect(editor.shown).toBe('R  M 1-2 5-6');
  });

  it('are found again after the person saved changes, and the window was opened anew', async () => {
    hand.read(path, 10, 2);
    hand.edit(path, 'line 4', 'four');
    const before = await new Editor().look();
    before.splice(1, 0, '# mine');
    before.splice(12, 1, 'changed by me');
    before.save();
    touchedLater();
    expect(before.shown).toBe('R 11-11 M 5-5');
    expect((await new Editor().look()).shown).toBe('R 11-11 M 5-5');
  });

  it('follow an agent that goes on in a file which the person saved in between', async () => {
    hand.read(path, 9, 2);
    hand.edit(path, 'line 4', 'four');
    const editor = await new Editor().look();
    editor.splice(1, 0, '# mine', '# and mine');
    editor.save();
    hand.edit(path, 'line 7', 'seven');
    editor.reload();
    await editor.look();
    expect(editor.shown).toBe('R 11-12 M 6-6 9-9');
    // Who was not there when it was saved must believe that line 9 of the trace was changed.
    expect((await new Editor().look()).shown).toBe('R 12-12 M 6-6 9-9');
  });

  it('of changes without text stand while nobody else has written the file', async () => {
    hand.shell('sed', path, FILE.replace('line 6', 'six'));
    expect((await new Editor().look()).shown).toBe('R  M 6-6');
    touchedLater();
    expect((await new Editor().look()).shown).toBe('R  M ');
  });

  it('show the agent’s lines only as far as the editor has them', async () => {
    const editor = await new Editor().look();
    editor.splice(1, 0, '# not saved');
    hand.edit(path, 'line 4', 'four\nand a half');
    hand.read(path, 9, 1);
    await editor.look();
    expect(editor.shown).toBe('R 9-9 M ');
  });

  it('of two sessions are told apart, and the later one wins', async () => {
    const other = session('two');
    hand.edit(path, 'line 4', 'four');
    other.writer.nowMs = Date.now() + 1000;
    other.edit(path, 'line 1 ', 'top\none ');
    other.edit(path, 'four of', 'FOUR of');
    other.read(path, 9, 1);
    const [one, two] = sessions as [LiveSession, LiveSession];
    const editor = await new Editor().look();
    expect(editor.shown).toBe('R 9-9 M 1-2 5-5');
    expect(editor.marks.at(1)?.steps.map(({ session: { id } }) => id)).toEqual(['two']);
    expect(editor.marks.at(5)?.steps.map(({ session: { id } }) => id)).toEqual(['two']);
    expect((await new Editor().look([two])).shown).toBe('R 9-9 M 1-2 5-5');
    // What the first one wrote is no longer there.
    expect((await editor.look([one])).shown).toBe('R  M ');
    expect((await editor.look([two, one])).shown).toBe('R 9-9 M 1-2 5-5');
  });

  it('name the steps of a line, the last one first', async () => {
    hand.read(path, 1, 5);
    hand.edit(path, 'line 4', 'four');
    hand.read(path, 3, 2);
    const { marks } = await new Editor().look();
    expect(marks.at(4)).toMatchObject({ kind: 'modified', range: [4, 4] });
    const { trace } = sessions[0]!;
    const tools = marks
      .at(4)!
      .steps.map(({ row }) => trace.fold.tools.name(trace.fold.columns.tool[row]!));
    expect(tools).toEqual(['Edit', 'Read']);
    expect(marks.at(3)!.steps).toHaveLength(2);
    expect(marks.at(9)).toBeUndefined();
  });

  it('end when the file is gone, or too large', async () => {
    hand.read(path, 1, 5);
    const editor = await new Editor().look();
    expect(editor.shown).toBe('R 1-5 M ');
    writeFileSync(path, `${FILE}${'x'.repeat(1_000_001)}`);
    hand.read(path, 1, 2);
    expect((await editor.look()).shown).toBe('R  M ');
    writeFileSync(path, FILE);
    expect((await editor.look()).shown).toBe('R 1-5 M ');
    hand.remove(path);
    expect((await editor.look()).shown).toBe('R  M ');
  });

  it('keep up with a rewritten trace', async () => {
    hand.read(path, 1, 5);
    const editor = await new Editor().look();
    rmSync(hand.writer.file);
    hand.writer.start();
    hand.read(path, 2, 1);
    expect((await editor.look()).shown).toBe('R 2-2 M ');
  });
});
