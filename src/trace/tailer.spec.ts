import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Tailer, type TailSink } from './tailer.ts';

class Collector implements TailSink {
  lines: string[] = [];
  offsets: number[] = [];
  skips: [number, number][] = [];
  resets = 0;
  line(text: string, offset: number): void {
    this.lines.push(text);
    this.offsets.push(offset);
  }
  skipped(offset: number, size: number): void {
    this.skips.push([offset, size]);
  }
  reset(): void {
    this.resets++;
    this.lines = [];
    this.offsets = [];
    this.skips = [];
  }
}

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tailer-'));
  file = join(folder, 'events.ndjson');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What any correct reader of the whole file would say. */
function expected(bytes: Buffer, maxLine: number): { lines: string[]; skips: number } {
  const lines: string[] = [];
  let skips = 0;
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    let stop = end;
    if (stop > start && bytes[stop - 1] === 13) stop--;
    if (stop - start > maxLine) skips++;
    else if (stop > start) lines.push(bytes.toString('utf8', start, stop));
    start = end + 1;
  }
  return { lines, skips };
}

describe('Tailer', () => {
  it('reads the same lines whatever the chunks, the bytes and the moments of reading', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom('\n', '\r\n', '\0', 'ü', '𝄞', '\r', '{"a":1}\n').map((s) => Buffer.from(s)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(piece, { maxLength: 6 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 40 }),
        (writes, chunk, maxLine) => {
          rmSync(file, { force: true });
          const sink = new Collector();
          const tailer = new Tailer(file, sink, { chunk, maxLine });
          const all: Buffer[] = [];
          for (const write of writes) {
            const bytes = Buffer.concat(write);
            all.push(bytes);
            appendFileSync(file, bytes);
            // A budget, now and then, stops in the middle.
            while (tailer.read(chunk * 2));
          }
          while (tailer.read());
          const want = expected(Buffer.concat(all), maxLine);
          expect(sink.resets).toBe(0);
          expect(sink.lines).toEqual(want.lines);
          const torn = Buffer.concat(all).length - (Buffer.concat(all).lastIndexOf(10) + 1);
          // A torn line beyond the cap is in the middle of being skipped.
          expect(tailer.pending === torn || torn > maxLine).toBe(true);
          expect(sink.skips.length).toBe(want.skips);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('hands out the offset at which each line stands', () => {
    writeFileSync(file, 'one\nzwölf\r\n\nthree\n');
    const sink = new Collector();
    new Tailer(file, sink).read();
    expect(sink.lines).toEqual(['one', 'zwölf', 'three']);
    expect(sink.offsets).toEqual([0, 4, 13]);
  });

  it('never loses a torn last line', () => {
    const sink = new Collector();
    const tailer = new Tailer(file, sink);
    writeFileSync(file, '{"a":');
    tailer.read();
    expect(sink.lines).toEqual([]);
    expect(tailer.pending).toBe(5);
    appendFileSync(file, '1}');
    tailer.read();
    appendFileSync(file, '\n{"b":2}\n');
    tailer.read();
    expect(sink.lines).toEqual(['{"a":1}', '{"b":2}']);
  });

  it('starts anew when the file is truncated, replaced, deleted, or rewritten in place', () => {
    const sink = new Collector();
    const tailer = new Tailer(file, sink);
    const read = (): string[] => {
      tailer.read();
      return sink.lines;
    };
    writeFileSync(file, 'a\nb\n');
    expect(read()).toEqual(['a', 'b']);
    truncateSync(file, 0);
    appendFileSync(file, 'c\n');
    expect(read()).toEqual(['c']);
    const other = join(folder, 'other');
    writeFileSync(other, 'd\ne\nf\n');
    renameSync(other, file);
    expect(read()).toEqual(['d', 'e', 'f']);
    rmSync(file);
    expect(read()).toEqual([]);
    writeFileSync(file, 'g\n');
    expect(read()).toEqual(['g']);
    // The same inode, longer than before, with other bytes.
    writeFileSync(file, 'x\ny\nz\n');
    expect(read()).toEqual(['x', 'y', 'z']);
    expect(sink.resets).toBe(4);
  });

  it('tells the same story as a fresh reader after any sequence of changes', () => {
    const change = fc.oneof(
      fc.record({ op: fc.constant('append' as const), text: fc.string({ maxLength: 30 }) }),
      fc.record({ op: fc.constant('truncate' as const), text: fc.constant('') }),
      fc.record({ op: fc.constant('replace' as const), text: fc.string({ maxLength: 30 }) }),
      fc.record({ op: fc.constant('delete' as const), text: fc.constant('') }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        rmSync(file, { force: true });
        const sink = new Collector();
        const tailer = new Tailer(file, sink, { chunk: 7 });
        let n = 0;
        for (const { op, text } of changes) {
          const line = `${n++}:${text}\n`;
          if (op === 'append') appendFileSync(file, line);
          else if (op === 'delete') rmSync(file, { force: true });
          else if (op === 'truncate') writeFileSync(file, '');
          else {
            writeFileSync(`${file}.new`, line);
            renameSync(`${file}.new`, file);
          }
          while (tailer.read());
        }
        const fresh = new Collector();
        new Tailer(file, fresh).read();
        expect(sink.lines).toEqual(fresh.lines);
      }),
      { numRuns: 200 },
    );
  });

  it('skips a line beyond the cap and goes on after it, in little memory', () => {
    const sink = new Collector();
    const tailer = new Tailer(file, sink, { maxLine: 1000, chunk: 100 });
    writeFileSync(file, `first\n${'x'.repeat(50_000)}\nlast\n`);
    while (tailer.read(300));
    expect(sink.lines).toEqual(['first', 'last']);
    expect(sink.skips).toEqual([[6, 50_001]]);
  });

  it('does not follow links, nor wait on pipes', () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, 'secret\n');
    symlinkSync(secret, file);
    const sink = new Collector();
    expect(new Tailer(file, sink).read()).toBe(false);
    expect(sink.lines).toEqual([]);
  });
});
