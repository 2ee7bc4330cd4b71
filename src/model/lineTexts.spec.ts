import { describe, expect, it } from 'vitest';
import type { JsonObject, TraceEvent } from './event.ts';
import { knows, textRead, textWritten } from './lineTexts.ts';

const event = (data: JsonObject): TraceEvent => ({
  event_type: 'tool_call',
  timestamp: 0,
  event_id: '',
  session_id: '',
  data,
});
const result = (text: string, more: JsonObject = {}) => event({ result: text, ...more });
const edit = (args: JsonObject, more: JsonObject = {}) =>
  event({ arguments: { file_path: '/p/a.py', ...args }, ...more });

describe('what a step read', () => {
  it('is known by line number', () => {
    for (const text of ['9\ta\n10\t\n11\tb: c', '     9→a\n    10→\n    11→b: c']) {
      const read = textRead(result(text), '/p/a.py')!;
      expect([...read.numbered]).toEqual([
        [9, 'a'],
        [10, ''],
        [11, 'b: c'],
      ]);
      expect(knows(read, 'a', 9)).toBe(true);
      expect(knows(read, 'a', 10)).toBe(false);
      expect(knows(read, 'a', 12)).toBe(false);
    }
  });

  it('is of this file only, in a search of many', () => {
    const text = 'src/a.py:3:x = 1\nsrc/b.py:3:y = 2\nsrc/a.py:7:z:1';
    expect([...textRead(result(text), 'src/a.py')!.numbered]).toEqual([
      [3, 'x = 1'],
      [7, 'z:1'],
    ]);
    expect([...textRead(result('3:x = 1'), '/p/a.py')!.numbered]).toEqual([[3, 'x = 1']]);
  });

  it('is not all there, where it was cut or redacted', () => {
    const cut = textRead(
      result('1\ta\n2\tb', { truncated: { result: { length: 9, hash: '' } } }),
      '/p',
    );
    expect(knows(cut!, 'a', 1)).toBe(true);
    expect(knows(cut!, 'b whole', 2)).toBeUndefined();
    const redacted = textRead(result('1\tkey = [REDACTED:api-key]\n2\tb'), '/p')!;
    expect(knows(redacted, 'key = 12345', 1)).toBeUndefined();
    expect(knows(redacted, 'b', 2)).toBe(true);
  });

  it('is not known where the trace has no lines', () => {
    expect(textRead(undefined, '/p')).toBeUndefined();
    expect(textRead(result('No files found'), '/p')).toBeUndefined();
  });
});

describe('what a step wrote', () => {
  it('is an edit: whole lines inside, parts of lines at its ends', () => {
    const text = textWritten(edit({ new_string: 'b = f(\n  1,\n)' }))!;
    expect(knows(text, 'a, b = f(', 4)).toBe(true);
    expect(knows(text, '  1,', 5)).toBe(true);
    expect(knows(text, '  1, 2', 5)).toBe(false);
    expect(knows(text, ') + 1', 6)).toBe(true);
  });

  it('is a whole file, by line number', () => {
    const text = textWritten(edit({ content: 'a\r\nb\n' }))!;
    expect(knows(text, 'b', 2)).toBe(true);
    expect(knows(text, 'b', 1)).toBe(false);
  });

  it('is every one of many edits', () => {
    const text = textWritten(edit({ edits: [{ new_string: 'one' }, { new_string: 'two' }, 3] }))!;
    expect(knows(text, 'x = two', 1)).toBe(true);
    expect(knows(text, 'three', 1)).toBe(false);
  });

  it('can be what a person made of it', () => {
    const text = textWritten(edit({ new_string: 'a' }), result('ok', { user_modified: true }))!;
    expect(knows(text, 'b', 1)).toBeUndefined();
  });

  it('is not known of a shell command', () => {
    expect(textWritten(event({ arguments: { command: 'sed -i s/a/b/ x' } }))).toBeUndefined();
    expect(textWritten(undefined)).toBeUndefined();
  });
});
