import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, encodeEvent, encodeMeta, MAX_LINE_BYTES } from './codec.ts';
import type { Json, JsonObject, TraceEvent } from './event.ts';
import { textHash } from './ids.ts';

const event = (data: JsonObject, more: Partial<TraceEvent> = {}): TraceEvent => ({
  event_type: 'tool_call',
  timestamp: 1777622400.25,
  event_id: '0123456789ab',
  session_id: 's1',
  data,
  ...more,
});

const anyJson = fc.jsonValue({
  maxDepth: 6,
  noUnicodeString: false,
} as object) as fc.Arbitrary<Json>;
/** Any UTF-16 units, lone surrogates and line separators among them. */
const anyText = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((u) => String.fromCharCode(u)),
});
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('encodeEvent', () => {
  it('writes the keys in the order of the format', () => {
    const line = encodeEvent(event({ a: 1 }, { parent_id: 'p', duration_ms: 5 }));
    expect(line).toBe(
      '{"event_type":"tool_call","timestamp":1777622400.25,"event_id":"0123456789ab",' +
        '"session_id":"s1","parent_id":"p","duration_ms":5.0,"data":{"a":1}}\n',
    );
  });

  it('leaves out what is empty at the top, and unknown keys', () => {
    const line = encodeEvent(event({}, { parent_id: '', extra: { prev_hash: 'x' } }));
    expect(Object.keys(JSON.parse(line) as object)).toEqual([
      'event_type',
      'timestamp',
      'event_id',
      'session_id',
      'data',
    ]);
  });

  it('gives back any JSON it was given, on one ASCII line', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, fc.oneof(anyJson, anyText)), fc.double(), (data, time) => {
        const given = event(data as JsonObject, { timestamp: Number.isFinite(time) ? time : 0 });
        const line = encodeEvent(given);
        expect(line).toMatch(/^[\x20-\x7e]+\n$/);
        expect(JSON.parse(line)).toEqual(plain(given));
      }),
      { numRuns: 500 },
    );
  });

  it('cuts the longest strings of a line over 1 MB, and says what they were', () => {
    const long = '\u{1f600}'.repeat(400_000);
    const line = encodeEvent(event({ arguments: { content: long, file_path: '/a' }, cwd: '/b' }));
    expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
    expect(line.length).toBeGreaterThan(MAX_LINE_BYTES - 1000);
    const { data } = JSON.parse(line) as { data: JsonObject };
    const args = data.arguments as { content: string; file_path: string };
    expect(args.file_path).toBe('/a');
    expect(data.cwd).toBe('/b');
    expect(long.startsWith(args.content)).toBe(true);
    expect(args.content.length % 2).toBe(0);
    expect(data.truncated).toEqual({
      'arguments.content': { length: long.length, hash: textHash(long) },
    });
  });

  it('never writes more than 1 MB, whatever makes it long', { timeout: 30_000 }, () => {
    const many = Array.from({ length: 200_000 }, (_, i) => i);
    const keys = Object.fromEntries(many.map((i) => [`key${i}`, i]));
    const hostile: JsonObject[] = [
      { arguments: { many } },
      { arguments: keys, result: 'x'.repeat(2_000_000) },
      keys,
      { ['k'.repeat(3_000_000)]: 1 },
      { arguments: { ['k'.repeat(3_000_000)]: 'v' } },
      { arguments: many.map((i) => `${i}`.padEnd(600, 'x')).slice(0, 4000) },
      { truncated: 'x'.repeat(2_000_000) },
      { truncated: keys, x: 'é'.repeat(400_000) },
    ];
    for (const data of hostile) {
      const before = JSON.stringify(data).length;
      const line = encodeEvent(event(data));
      expect(line.length).toBeLessThanOrEqual(MAX_LINE_BYTES);
      expect((JSON.parse(line) as { data: JsonObject }).data.truncated).toBeDefined();
      expect(JSON.stringify(data).length).toBe(before);
    }
  });

  it('flattens what is nested deeper than other readers can follow', () => {
    let deep: Json = 'x';
    for (let i = 0; i < 5000; i++) deep = i % 2 ? [deep] : { deep };
    const line = encodeEvent(event({ arguments: deep }));
    let depth = 0;
    let most = 0;
    for (const unit of line) {
      if (unit === '{' || unit === '[') depth += 1;
      if (unit === '}' || unit === ']') depth -= 1;
      most = Math.max(most, depth);
    }
    expect(most).toBeLessThan(150);
  });

  it.skipIf(spawnSync('python3', ['-c', '0']).status !== 0)('is read by Python', () => {
    const lines = fc
      .sample(fc.dictionary(anyText, fc.oneof(anyJson, anyText)), 200)
      .map((data) => encodeEvent(event(data as JsonObject, { timestamp: 1777622400 })));
    const script = [
      'import json,sys',
      'text=open(0,encoding="utf-8").read()',
      'rows=[json.loads(l) for l in text.splitlines()]',
      'keys={"event_type","timestamp","event_id","session_id","parent_id","duration_ms","data"}',
      'assert all(set(r)<=keys for r in rows)',
      'assert all(type(r["timestamp"]) is float for r in rows)',
      'print(len(rows))',
    ].join('\n');
    const run = spawnSync('python3', ['-c', script], { input: lines.join(''), encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.stdout.trim()).toBe('200');
  });
});

describe('cutText', () => {
  it('never splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, units) => {
        const cut = cutText(text, units);
        expect(text.startsWith(cut)).toBe(true);
        expect(cut.length).toBeLessThanOrEqual(units);
        expect(cut).not.toMatch(/[\ud800-\udfff]/u);
        if (text.length > units) expect(cut.length).toBeGreaterThanOrEqual(units - 1);
      }),
    );
  });
});

describe('encodeMeta', () => {
  it('orders keys, drops empty ones and stays ASCII', () => {
    const text = encodeMeta({
      command: 'claude é',
      session_id: 's',
      started_at: 1.5,
      errors: 0,
      agent_name: 'claude-code',
      attribution: {},
    });
    expect(text).toBe(
      '{\n  "session_id": "s",\n  "started_at": 1.5,\n  "agent_name": "claude-code",\n' +
        '  "command": "claude \\u00e9",\n  "attribution": {}\n}',
    );
  });
});
