import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { response, SESSION, toolResult, toolUse, user } from '../../../test/agents/claudeRows.ts';
import type { JsonObject, TraceEvent } from '../../model/event.ts';
import { EVENT_TYPES } from '../../model/event.ts';
import { ids } from '../../model/ids.ts';
import { importTranscript } from './discover.ts';
import { TranscriptMapper } from './transcriptImport.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/claude/transcripts/${name}`, import.meta.url));

const MAIN = 'cfead79c-5438-40f8-bd9d-7d9dfefcc4c6';

function read(rows: readonly unknown[]): TraceEvent[] {
  const mapper = new TranscriptMapper({ sessionId: SESSION });
  const events = rows.flatMap((row) => mapper.push(row, { file: 'main' }));
  return [...events, ...mapper.finish()];
}

const find = (events: readonly TraceEvent[], type: string, match: JsonObject = {}): TraceEvent => {
  const event = events.find(
    ({ event_type, data }) =>
      event_type === type && Object.entries(match).every(([key, value]) => data[key] === value),
  );
  if (event === undefined) throw new Error(`no ${type} ${JSON.stringify(match)}`);
  return event;
};

describe('a captured session', () => {
  const { events, sessionId, unreadable } = importTranscript(fixture(`main/${MAIN}.jsonl`));

  it('has ids and types that hooks give', () => {
    expect(sessionId).toBe(MAIN);
    expect(unreadable).toBe(0);
    for (const event of events) expect(EVENT_TYPES).toContain(event.event_type);
    expect(new Set(events.map((event) => event.event_id)).size).toBe(events.length);
    const prompt = find(events, 'user_prompt');
    expect(prompt.event_id).toBe(ids.prompt(MAIN, '7931ef34-4998-42f4-a026-105824ed6a4f'));
    const call = find(events, 'tool_call', { tool_name: 'Read' });
    expect(call.event_id).toBe(ids.call(MAIN, 'toolu_mock000001'));
    const result = find(events, 'tool_result', { tool_name: 'Read' });
    expect(result).toMatchObject({
      event_id: ids.result(MAIN, 'toolu_mock000001'),
      parent_id: call.event_id,
      duration_ms: 100,
    });
  });

  it('is in time order, with the start first and the end last', () => {
    const times = events.map((event) => event.timestamp);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(events[0]).toMatchObject({
      event_type: 'session_start',
      data: { mode: 'import', cwd: '/home/dev/shop', agent_version: '2.1.330' },
    });
    expect(events.at(-1)).toMatchObject({
      event_type: 'session_end',
      data: { agent_cost_usd: 0.12744, duration_ms: 2301 },
    });
  });

  it('says what files were read and changed, by lines', () => {
    expect(find(events, 'tool_result', { tool_name: 'Read' }).data.files).toEqual([
      { path: '/home/dev/shop/hello.txt', kind: 'read', total_lines: 2 },
    ]);
    expect(find(events, 'tool_result', { tool_name: 'Edit' }).data.files).toEqual([
      {
        path: '/home/dev/shop/hello.txt',
        kind: 'write',
        hunks: [[1, 1, 1, 1]],
        ranges: [[1, 1]],
        added: 1,
        removed: 1,
      },
    ]);
  });

  it('says how commands ended', () => {
    expect(find(events, 'tool_result', { tool_name: 'Bash' }).data.exit_code).toBe(0);
    expect(find(events, 'error', { tool_name: 'Bash' }).data).toMatchObject({
      error: 'Exit code 1\nboom',
      exit_code: 1,
      is_error: true,
    });
  });

  it('ties the subagent to its call, and its usage to it', () => {
    const agent = 'a9de8ca1dcdcede27';
    const start = find(events, 'tool_call', { event_subtype: 'subagent' });
    expect(start).toMatchObject({
      event_id: ids.subagent(MAIN, agent),
      parent_id: find(events, 'tool_call', { tool_name: 'Agent' }).event_id,
      data: { agent_id: agent, agent_type: 'general-purpose', description: 'Count files' },
    });
    expect(find(events, 'tool_result', { event_subtype: 'subagent' })).toMatchObject({
      event_id: ids.subagentEnd(MAIN, agent),
      parent_id: start.event_id,
      data: { result: 'There are N files.' },
    });
    const usages = events.filter((event) => event.event_type === 'llm_response');
    expect(usages).toHaveLength(9);
    expect(usages.filter((event) => event.data.agent_id === agent)).toHaveLength(2);
  });

  it('comes to the tokens that the agent itself counted', () => {
    const sums = { input: 0, output: 0 };
    for (const { data } of events.filter((event) => event.event_type === 'llm_response')) {
      const usage = data.usage as Record<string, number>;
      sums.input += usage.input_tokens ?? 0;
      sums.output += usage.output_tokens ?? 0;
    }
    // cost-state: 85 + 330,000 + 11,020 in, 300 out
    expect(sums).toEqual({ input: 341_105, output: 300 });
  });

  it('is the same every time', () => {
    expect(importTranscript(fixture(`main/${MAIN}.jsonl`)).events).toEqual(events);
  });
});

describe('TranscriptMapper', () => {
  it('marks denied calls, and who denied them', () => {
    const dir = fixture('pre-deny');
    const { events } = importTranscript(`${dir}/1bdfa2fa-1cb8-40d9-99a0-4992a6a1ea64.jsonl`);
    expect(find(events, 'error').data).toMatchObject({
      event_subtype: 'denied',
      denied_by: 'hook',
      error: 'PreToolUse:Bash hook error: recorder said no',
    });
  });

  it('tells prompts from what only stands in their place', () => {
    const events = read([
      user('real', 1, { promptId: 'p1' }),
      user('meta', 2, { isMeta: true }),
      user('<local-command-stdout>x</local-command-stdout>', 3),
      user('<command-name>/review</command-name><command-args>all</command-args>', 4, {
        promptId: 'p2',
      }),
      user('[Request interrupted by user]', 5),
      user('This session is being continued', 6, { isCompactSummary: true }),
      user([{ type: 'text', text: 'look' }, { type: 'image' }], 7, { promptId: 'p3' }),
      {
        type: 'attachment',
        uuid: 'q1',
        sessionId: SESSION,
        timestamp: '2026-11-20T10:00:08Z',
        attachment: { type: 'queued_command', prompt: 'and this', commandMode: 'prompt' },
      },
    ]);
    const prompts = events.filter((event) => event.event_type === 'user_prompt');
    expect(prompts.map((event) => event.data.prompt)).toEqual([
      'real',
      '/review all',
      'look\n[image]',
      'and this',
    ]);
    expect(find(events, 'error').data.is_interrupt).toBe(true);
    const decisions = events.filter((event) => event.event_type === 'decision');
    expect(decisions.map(({ data }) => data.event_subtype).sort()).toEqual([
      'compaction',
      'turn_end',
    ]);
    const [compaction] = decisions.filter(({ data }) => data.event_subtype === 'compaction');
    expect(compaction?.data.summary).toBe('This session is being continued');
  });

  it('reads ranges, new files and changes of a shell command', () => {
    const tool = (id: string, name: string, result: object) => [
      response({ id: `m${id}`, block: toolUse(id, name, {}) }),
      user(toolResult(id, 'ok'), 2, { toolUseResult: result }),
    ];
    const events = read([
      ...tool('1', 'Read', {
        file: { filePath: '/a', startLine: 10, numLines: 5, totalLines: 90, content: '' },
      }),
      ...tool('2', 'Write', {
        type: 'create',
        filePath: '/b',
        content: 'x\ny\n',
        structuredPatch: [],
      }),
      ...tool('3', 'Edit', {
        filePath: '/c',
        structuredPatch: [
          {
            oldStart: 3,
            oldLines: 4,
            newStart: 3,
            newLines: 5,
            lines: [' a', '-b', '+c', '+d', ' e', '+f', '\\ No newline at end of file'],
          },
        ],
      }),
      ...tool('4', 'Bash', {
        stdout: '',
        bashEditDiff: { files: [{ filePath: '/d', hunks: [], created: true }] },
      }),
    ]);
    const files = events.flatMap((event) => event.data.files ?? []);
    expect(files).toEqual([
      { path: '/a', kind: 'read', total_lines: 90, ranges: [[10, 14]] },
      { path: '/b', kind: 'create', added: 2, removed: 0, total_lines: 2 },
      {
        path: '/c',
        kind: 'write',
        hunks: [
          [4, 1, 4, 2],
          [5, 0, 7, 1],
        ],
        ranges: [
          [4, 5],
          [7, 7],
        ],
        added: 3,
        removed: 1,
      },
      { path: '/d', kind: 'create' },
    ]);
  });

  it('keeps copied rows, and says whose they are', () => {
    const events = read([response({ id: 'm1', session: 'parent' }), response({ id: 'm2' })]);
    expect(find(events, 'llm_response', { message_id: 'm1' }).data.copied_from).toBe('parent');
    expect(find(events, 'llm_response', { message_id: 'm2' }).data.copied_from).toBeUndefined();
  });

  it('counts what it does not know', () => {
    const mapper = new TranscriptMapper({ sessionId: SESSION });
    for (const row of [
      { type: 'brand-new' },
      { type: 'brand-new' },
      null,
      7,
      { type: '__proto__' },
    ]) {
      expect(mapper.push(row, { file: 'f' })).toEqual([]);
    }
    expect(mapper.stats.rows).toBe(5);
    expect(Object.entries(mapper.stats.ignored)).toEqual([
      ['brand-new', 2],
      ['not an object', 2],
      ['__proto__', 1],
    ]);
  });

  it('never throws, whatever types the fields have', () => {
    const rows = readFileSync(fixture(`main/${MAIN}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as JsonObject);
    const junk = fc.oneof(fc.jsonValue(), fc.constant([null, 1, 'x', {}]));
    fc.assert(
      fc.property(
        fc.nat(rows.length - 1),
        fc.infiniteStream(fc.nat()),
        junk,
        (index, path, value) => {
          const row = structuredClone(rows[index] ?? {});
          // Puts the value somewhere in the row.
          let at: unknown = row;
          for (let depth = 0; depth < 6; depth++) {
            if (typeof at !== 'object' || at === null) break;
            const keys = Object.keys(at);
            const key = keys[path.next().value % Math.max(1, keys.length)] ?? 'x';
            const next = (at as JsonObject)[key];
            if (typeof next !== 'object' || next === null || path.next().value % 3 === 0) {
              (at as JsonObject)[key] = value as never;
              break;
            }
            at = next;
          }
          for (const event of read([rows[2], row, ...rows.slice(index)])) {
            expect(Number.isFinite(event.timestamp)).toBe(true);
            JSON.stringify(event);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
