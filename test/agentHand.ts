import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { structuredPatch } from 'diff';
import { filesOf } from '../src/agents/claude/toolResult.ts';
import type { JsonObject } from '../src/model/event.ts';
import type { TraceWriter } from './traceWriter.ts';

/** Works on real files as Claude Code does, with what its hooks then tell of it in the trace. */
export class AgentHand {
  readonly writer: TraceWriter;

  constructor(writer: TraceWriter) {
    this.writer = writer;
  }

  /** Reads lines `offset` to `offset + limit - 1`; the whole file without them. */
  read(path: string, offset?: number, limit?: number): void {
    const all = linesOf(readFileSync(path, 'utf8'));
    const first = offset ?? 1;
    const shown = all.slice(first - 1, limit === undefined ? undefined : first - 1 + limit);
    const response = {
      file: {
        filePath: path,
        startLine: first,
        numLines: shown.length,
        totalLines: all.length,
      },
    };
    const call = this.call('Read', {
      file_path: path,
      ...(offset && { offset }),
      ...(limit && { limit }),
    });
    this.result(call, {
      files: filesOf('Read', response) as unknown as JsonObject[],
      result: shown.map((line, at) => `${first + at}\t${line}`).join('\n'),
    });
  }

  /** Finds a text in a file. */
  grep(path: string, text: string): void {
    const hits = linesOf(readFileSync(path, 'utf8'))
      .map((line, at) => ({ line, number: at + 1 }))
      .filter(({ line }) => line.includes(text));
    const call = this.call('Grep', { pattern: text, path, output_mode: 'content', '-n': true });
    this.result(call, {
      files: [{ path, kind: 'read', ranges: hits.map(({ number }) => [number, number]) }],
      result: hits.map(({ line, number }) => `${number}:${line}`).join('\n'),
    });
  }

  /** Puts `after` in place of the first `before`. @returns the id of the call */
  edit(path: string, before: string, after: string): string {
    const old = readFileSync(path, 'utf8');
    if (!old.includes(before)) throw new Error(`${path} does not hold ${before}`);
    const call = this.call('Edit', { file_path: path, old_string: before, new_string: after });
    this.change(
      'Edit',
      call,
      path,
      old,
      old.replace(before, () => after),
    );
    return call;
  }

  /** Writes a file, new or not. */
  write(path: string, content: string): void {
    let old: string | undefined;
    try {
      old = readFileSync(path, 'utf8');
    } catch {
      old = undefined;
    }
    const call = this.call('Write', { file_path: path, content });
    if (old !== undefined) {
      this.change('Write', call, path, old, content);
      return;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    const response = { type: 'create', filePath: path, content };
    this.result(call, { files: filesOf('Write', response) as unknown as JsonObject[] });
  }

  /** A shell command that changes a file: the trace has the lines, and no text. */
  shell(command: string, path: string, content: string): void {
    const old = readFileSync(path, 'utf8');
    const call = this.call('Bash', { command });
    writeFileSync(path, content);
    const response = {
      bashEditDiff: { files: [{ filePath: path, hunks: hunksOf(old, content) }] },
    };
    this.result(call, { files: filesOf('Bash', response) as unknown as JsonObject[] });
  }

  remove(path: string): void {
    const call = this.call('Bash', { command: `rm ${path}` });
    rmSync(path);
    this.result(call, { files: [{ path, kind: 'delete' }] });
  }

  private change(tool: string, call: string, path: string, old: string, content: string): void {
    writeFileSync(path, content);
    const response = { filePath: path, structuredPatch: hunksOf(old, content) };
    this.result(call, { files: filesOf(tool, response) as unknown as JsonObject[] });
  }

  private call(tool: string, args: JsonObject): string {
    this.writer.nowMs = Math.max(this.writer.nowMs, Date.now() - 100);
    return this.writer.call(tool, args);
  }

  private result(call: string, data: JsonObject): void {
    this.writer.result(call, data).usage([call]);
  }
}

const hunksOf = (old: string, content: string): JsonObject[] =>
  structuredPatch('a', 'a', old, content, '', '', { context: 3 }).hunks as unknown as JsonObject[];

/** Lines without what follows the last line break. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
