import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { costOf, summarise } from '../model/summary.ts';
import { isSafeSessionId } from './paths.ts';
import { badLines, TraceSession } from './session.ts';
import { listSessions, TraceStore } from './store.ts';

let root: string;
let traces: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hostile-'));
  traces = join(root, '.agent-traces');
  mkdirSync(traces);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function session(content: string | Buffer, id = 'victim'): TraceSession {
  mkdirSync(join(traces, id), { recursive: true });
  writeFileSync(join(traces, id, 'events.ndjson'), content);
  return readAll(new TraceSession(join(traces, id), id));
}

function readAll(trace: TraceSession): TraceSession {
  while (trace.update(1 << 20));
  return trace;
}

/** Everything a view would ask of a session. */
function lookAtAll(trace: TraceSession): void {
  const summary = summarise(trace.fold, { nowMs: 1_800_000_000_000 });
  expect(Number.isSafeInteger(summary.cost.nanoUsd)).toBe(true);
  expect(summary.calls).toBeGreaterThanOrEqual(0);
  costOf(trace.fold);
  trace.fold.files.summaries();
  trace.fold.phases.all();
  trace.fold.subagents.all();
  const steps = trace.describe(0, trace.fold.steps.length);
  for (const step of steps) {
    expect(step.target.length).toBeLessThanOrEqual(400);
    expect(`${step.target}${step.verb}${step.detail}`).not.toMatch(/[\r\n]/);
  }
}

const HOSTILE = [
  'constructor',
  'toString',
  '</script><script>alert(1)</script>',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u202Egnp.exe',
  '../../../etc/passwd',
  '__proto__',
  'constructor',
  'process.exit(1)',
  '=cmd|calc',
  '\u0000',
  '\ud800',
  'a'.repeat(5000),
  '\n\r\u2028\u2029\u0085',
];

const anything = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE) },
  fc.jsonValue({ maxDepth: 4 }),
  fc.double(),
  fc.constantFrom(-1, 1e308, -1e308, 2 ** 53, Number.MIN_VALUE),
);

const KEYS = [
  'event_subtype recorded_by provider agent_id agent_type prompt_id cwd tool_name tool_use_id',
  'arguments result error exit_code is_error files prompt text model usage message_id request_id',
  'tool_use_ids trace_version redacted closed_by transcript_path cost_usd agent_cost_usd source path',
  'choice reason notification_type is_sidechain total_tokens output_tokens duration_ms',
]
  .join(' ')
  .split(' ');

const TYPES = [
  'session_start session_end tool_call tool_result llm_request llm_response file_read file_write',
  'decision error user_prompt assistant_response __proto__ constructor newer_kind',
]
  .join(' ')
  .split(' ');

const id = fc.oneof(
  fc.constantFrom('aaaaaaaaaaaa', 'bbbbbbbbbbbb', 'cccccccccccc', 'x', '__proto__'),
  anything,
);

const hostileEvent = fc.record(
  {
    event_type: fc.oneof(fc.constantFrom(...TYPES), anything),
    timestamp: fc.oneof(fc.double({ min: 1.7e9, max: 1.8e9, noNaN: true }), anything),
    event_id: id,
    session_id: fc.oneof(fc.constant('victim'), anything),
    // Few ids and free parents: cycles and self-parents are common.
    parent_id: id,
    duration_ms: anything,
    data: fc.oneof(
      fc.array(fc.tuple(fc.constantFrom(...KEYS), anything)).map((entries) => {
        const data: Record<string, unknown> = {};
        for (const [key, value] of entries) data[key] = value;
        return data;
      }),
      anything,
    ),
    extra_key: anything,
  },
  { requiredKeys: ['event_type'] },
);

describe('a hostile trace folder', () => {
  it('is read without a crash, whatever stands in any field', () => {
    fc.assert(
      fc.property(fc.array(hostileEvent, { maxLength: 30 }), (events) => {
        lookAtAll(session(events.map((event) => `${JSON.stringify(event)}\n`).join('')));
      }),
      { numRuns: 300 },
    );
  });

  it('is read without a crash when it is random bytes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
            hostileEvent.map((event) => Buffer.from(`${JSON.stringify(event)}\n`)),
            fc.constant(Buffer.from('\n')),
          ),
          { maxLength: 20 },
        ),
        (pieces) => {
          lookAtAll(session(Buffer.concat(pieces)));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is read without a crash when cut at any byte, and says what was lost', () => {
    const whole = Buffer.from(
      [1, 2, 3]
        .map(
          (n) =>
            `${JSON.stringify({
              event_type: 'user_prompt',
              timestamp: 1.7e9 + n,
              event_id: `00000000000${n}`,
              session_id: 'victim',
              data: { prompt: `größe ${n}` },
            })}\n`,
        )
        .join(''),
    );
    for (let cut = 0; cut <= whole.length; cut++) {
      const trace = session(whole.subarray(0, cut));
      const ends = [...whole.subarray(0, cut)].filter((byte) => byte === 10).length;
      expect(trace.fold.counts.events).toBe(ends);
      expect(badLines(trace.problems)).toBe(0);
      // The rest comes: nothing is lost.
      appendFileSync(join(traces, 'victim', 'events.ndjson'), whole.subarray(cut));
      expect(readAll(trace).fold.counts.events).toBe(3);
    }
  });

  it('saves the event that a torn write was glued to', () => {
    const line = (n: number): string =>
      JSON.stringify({
        event_type: 'user_prompt',
        timestamp: 1.7e9 + n,
        event_id: `00000000000${n}`,
        session_id: 'victim',
        data: { prompt: `p${n}` },
      });
    const trace = session(`${line(1)}\n${line(2).slice(0, 40)}${line(3)}\n`);
    expect(trace.fold.counts.prompts).toBe(2);
    expect(trace.problems.salvaged).toBe(1);
    expect(badLines(trace.problems)).toBe(1);
    expect(trace.describe(0, 9).map((step) => step.target)).toEqual(['p1', 'p3']);
  });

  it('passes over a line of a gigabyte in little memory, and says so', () => {
    const trace = session('{"event_type":"user_prompt","data":{"prompt":"before"}}\n');
    const file = join(traces, 'victim', 'events.ndjson');
    // A hole: a gigabyte of NULs without a line end takes no disk.
    truncateSync(file, 2 ** 30);
    appendFileSync(file, '\n{"event_type":"user_prompt","data":{"prompt":"after"}}\n');
    const before = process.memoryUsage().rss;
    let most = before;
    while (trace.update(8 << 20)) most = Math.max(most, process.memoryUsage().rss);
    expect(most - before).toBeLessThan(200 * 2 ** 20);
    expect(trace.problems).toMatchObject({ tooLong: 1, malformed: 0 });
    expect(trace.problems.skippedBytes).toBeGreaterThan(2 ** 30 - 100);
    expect(trace.describe(0, 9).map((step) => step.target)).toEqual(['before', 'after']);
  });

  it('does not follow links, whatever is linked', () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    const secret = `${JSON.stringify({ event_type: 'user_prompt', data: { prompt: 'secret' } })}\n`;
    writeFileSync(join(outside, 'events.ndjson'), secret);
    symlinkSync(outside, join(traces, 'linked-session'));
    mkdirSync(join(traces, 'linked-file'));
    symlinkSync(join(outside, 'events.ndjson'), join(traces, 'linked-file', 'events.ndjson'));
    mkdirSync(join(traces, 'honest'));
    writeFileSync(join(traces, 'honest', 'events.ndjson'), secret);
    const { sessions, problems } = listSessions(traces);
    expect(sessions.map((entry) => entry.id)).toEqual(['honest']);
    expect(problems.map((problem) => problem.reason)).toEqual(['link', 'link']);
    const direct = readAll(new TraceSession(join(traces, 'linked-file'), 'linked-file'));
    expect(direct.fold.counts.events).toBe(0);
    // The whole trace folder may be a link, too.
    symlinkSync(outside, join(root, 'traces-link'));
    expect(listSessions(join(root, 'traces-link')).problems[0]?.reason).toBe('link');
  });

  it('takes no name for a session that is more than one path component', () => {
    for (const bad of [
      '..',
      '.',
      '../x',
      'a/b',
      'a\\b',
      '',
      '-rf',
      'a..b',
      'x'.repeat(300),
      'a\n',
      'nul',
      'COM1.x',
      'a.',
      'a ',
    ]) {
      expect(isSafeSessionId(bad), bad).toBe(false);
    }
    for (const good of [
      'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6',
      'hooksbugfix00001',
      'rollout_1.2',
    ]) {
      expect(isSafeSessionId(good), good).toBe(true);
    }
    const store = new TraceStore([traces]);
    expect(() => store.find('../outside')).toThrow(/No session begins with/);
  });

  it('writes nothing while it reads', () => {
    session('{"event_type":"user_prompt"}\nnonsense\n');
    const before = readdirSync(root, { recursive: true }).sort();
    listSessions(traces);
    lookAtAll(readAll(new TraceSession(join(traces, 'victim'), 'victim')));
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(before);
    expect(readFileSync(join(traces, 'victim', 'events.ndjson'), 'utf8')).toContain('nonsense');
  });

  it('keeps and shows events of types and with keys that this version does not know', () => {
    const trace = session(
      `${JSON.stringify({
        event_type: 'hologram',
        timestamp: 1.7e9,
        event_id: 'abcdefabcdef',
        session_id: 'victim',
        data: { depth: 3 },
        new_key: { a: 1 },
      })}\n`,
    );
    const [event] = trace.readEvents([0]);
    expect(event?.extra).toEqual({ new_key: { a: 1 } });
    expect(trace.describe(0, 1)[0]).toMatchObject({ verb: 'hologram', target: '{"depth":3}' });
  });
});
