import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import { stepDiff } from './stepDiff.ts';

const event = (data: JsonObject): TraceEvent => ({
  event_type: 'tool_call',
  event_id: '',
  timestamp: 1,
  session_id: 's',
  data,
});
const call = (args: JsonObject): TraceEvent => event({ arguments: args });
const result = (file: JsonObject): TraceEvent => event({ files: [file] });

describe('stepDiff', () => {
  it('numbers the lines of an edit by what the result says of it', () => {
    const diff = stepDiff(
      call({ file_path: '/p/a.ts', old_string: 'a\nb\nc', new_string: 'a\nB\nB2\nc' }),
      result({
        path: '/p/a.ts',
        kind: 'write',
        hunks: [[8, 7, 8, 8]],
        ranges: [[12, 13]],
        added: 2,
        removed: 1,
      }),
    );
    expect(diff).toEqual({
      path: '/p/a.ts',
      more: 0,
      lines: [
        { kind: 'same', text: 'a', old: 11, new: 11 },
        { kind: 'removed', text: 'b', old: 12 },
        { kind: 'added', text: 'B', new: 12 },
        { kind: 'added', text: 'B2', new: 13 },
        { kind: 'same', text: 'c', old: 13, new: 14 },
      ],
    });
  });

  it('tells no line number that it does not know', () => {
    const diff = stepDiff(call({ file_path: 'a', old_string: 'x', new_string: 'y' }));
    expect(diff?.lines).toEqual([
      { kind: 'removed', text: 'x' },
      { kind: 'added', text: 'y' },
    ]);
  });

  it('shows what was written whole, several edits, and patches', () => {
    expect(stepDiff(call({ file_path: 'a', content: 'one\ntwo\n' }))?.lines).toEqual([
      { kind: 'added', text: 'one', new: 1 },
      { kind: 'added', text: 'two', new: 2 },
    ]);
    const edits = [
      { old_string: 'a', new_string: 'b' },
      { old_string: 'c', new_string: 'd' },
    ];
    expect(stepDiff(call({ file_path: 'a', edits }))?.lines.map(({ text }) => text)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ]);
    const patch = '*** Begin Patch\n*** Update File: a.py\n@@\n x\n-y\n+z\n*** End Patch';
    expect(stepDiff(call({ input: patch }))?.lines).toEqual([
      { kind: 'same', text: '*** Update File: a.py' },
      { kind: 'same', text: '@@' },
      { kind: 'same', text: 'x' },
      { kind: 'removed', text: 'y' },
      { kind: 'added', text: 'z' },
    ]);
  });

  it('says nothing of calls that change nothing, and is bounded whatever comes', () => {
    expect(stepDiff(call({ command: 'ls' }))).toBeUndefined();
    expect(stepDiff(event({}))).toBeUndefined();
    const long = stepDiff(call({ file_path: 'a', content: 'x\n'.repeat(5000) }));
    expect([long?.lines.length, long?.more]).toEqual([400, 4600]);
    const wide = stepDiff(call({ file_path: 'a', content: 'x'.repeat(1e6) }));
    expect(wide?.lines[0]?.text.length).toBeLessThan(600);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (args, file) => {
        const diff = stepDiff(call(args as JsonObject), event({ files: [file] as never }));
        expect(diff?.lines.length ?? 1).toBeGreaterThan(0);
      }),
    );
  });

  it('gives both of two short texts back, line by line', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 })
      .map((l) => l.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        const lines = stepDiff(call({ old_string: before, new_string: after }))?.lines ?? [];
        const side = (kind: string) =>
          lines
            .filter((line) => line.kind === kind || line.kind === 'same')
            .map(({ text: t }) => t);
        const want = (t: string) => (t === '' ? [] : t.split('\n'));
        expect(side('removed')).toEqual(want(before));
        expect(side('added')).toEqual(want(after));
      }),
    );
  });
});
