import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  lines,
  response,
  SESSION,
  toolResult,
  toolUse,
  user,
} from '../../../test/agents/claudeRows.ts';
import type { TraceEvent } from '../../model/event.ts';
import { acquireLease } from '../lease.ts';
import { LineSplitter } from '../lines.ts';
import { readUsage, tailUsage } from './usageReader.ts';

let root = '';
let transcriptPath = '';
let options = { sessionId: SESSION, transcriptPath: '', configDirs: [''], stateDir: '' };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-strace-reader-'));
  const project = join(root, 'claude', 'projects', '-home-dev-shop');
  mkdirSync(join(project, SESSION, 'subagents'), { recursive: true });
  transcriptPath = join(project, `${SESSION}.jsonl`);
  options = {
    sessionId: SESSION,
    transcriptPath,
    configDirs: [join(root, 'claude')],
    stateDir: join(root, 'state'),
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const rows = [
  user('go', 0),
  response({ id: 'm1', request: 'r1', at: 1, block: { type: 'text', text: 'Größe – 日本' } }),
  response({ id: 'm1', request: 'r1', at: 2, block: toolUse('t1', 'Bash', { cmd: 'ls' }) }),
  user(toolResult('t1', '<tool_use_error>InputValidationError</tool_use_error>', true), 3),
  response({ id: 'm1', request: 'r1', at: 4, output: 99, block: toolUse('t2', 'Read', {}) }),
  user(toolResult('t2', 'fine'), 5),
  response({ id: 'm2', request: 'r2', at: 6 }),
];

/** Reads all there is and says what was told last, by id. */
function drain(into: Map<string, TraceEvent>, maxBytes?: number): number {
  let reads = 0;
  for (;;) {
    const result = readUsage({ ...options, ...(maxBytes !== undefined && { maxBytes }) });
    for (const event of result.events) into.set(event.event_id, event);
    result.commit();
    reads += 1;
    if (!result.more) return reads;
    expect(reads).toBeLessThan(1000);
  }
}

function whole(text: string): Map<string, TraceEvent> {
  writeFileSync(transcriptPath, text);
  const events = new Map<string, TraceEvent>();
  drain(events);
  return events;
}

const ids = (events: readonly TraceEvent[]) => events.map((event) => event.event_type);

describe('readUsage', () => {
  it('reads only what is new since the last commit', () => {
    writeFileSync(transcriptPath, lines(rows.slice(0, 2)));
    const first = readUsage(options);
    expect(ids(first.events)).toEqual(['assistant_response', 'llm_response']);
    // Not committed: the same again.
    expect(readUsage(options).events).toEqual(first.events);
    first.commit();
    expect(readUsage(options)).toMatchObject({ events: [], bytes: 0, more: false });
    appendFileSync(transcriptPath, lines(rows.slice(2)));
    const second = readUsage(options);
    expect(second.bytes).toBe(Buffer.byteLength(lines(rows.slice(2))));
    const [usage] = second.events.filter((event) => event.data.message_id === 'm1');
    expect(usage?.data).toMatchObject({ tool_use_ids: ['t1', 't2'], usage: { output_tokens: 99 } });
    expect(statSync(join(root, 'state', SESSION, 'transcripts.json')).mode & 0o777).toBe(0o600);
  });

  it('keeps a torn last line for the next time, and takes CRLF', () => {
    const text = lines(rows).replaceAll('\n', '\r\n');
    const bytes = Buffer.from(text);
    // in the middle of a character of several bytes
    const at = bytes.indexOf(Buffer.from('ß')) + 1;
    writeFileSync(transcriptPath, bytes.subarray(0, at));
    const events = new Map<string, TraceEvent>();
    drain(events);
    expect(events.size).toBe(0);
    appendFileSync(transcriptPath, bytes.subarray(at));
    drain(events);
    expect([...events.values()][0]?.data.text).toBe('Größe – 日本');
  });

  it('tells the same events however the file grows and however little is read at once', () => {
    const text = Buffer.from(`${lines(rows)}{"torn":\n${lines(rows.slice(4))}`);
    const all = whole(text.toString());
    expect(all.size).toBe(6);
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: text.length }), { maxLength: 8 }),
        fc.option(fc.integer({ min: 1, max: 3000 }), { nil: undefined }),
        (cuts, maxBytes) => {
          rmSync(options.stateDir, { recursive: true, force: true });
          writeFileSync(transcriptPath, '');
          const events = new Map<string, TraceEvent>();
          let from = 0;
          for (const to of [...cuts.sort((a, b) => a - b), text.length]) {
            appendFileSync(transcriptPath, text.subarray(from, to));
            from = to;
            drain(events, maxBytes);
          }
          expect(Object.fromEntries(events)).toEqual(Object.fromEntries(all));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('reads subagents’ files, of either layout', () => {
    const dir = join(transcriptPath, '..');
    const sub = (id: string, agentId: string) =>
      lines([response({ id, sidechain: true, agentId, session: SESSION })]);
    mkdirSync(join(dir, SESSION, 'subagents', 'deeper'));
    writeFileSync(join(dir, SESSION, 'subagents', 'agent-a1.jsonl'), sub('s1', 'a1'));
    writeFileSync(join(dir, SESSION, 'subagents', 'deeper', 'agent-a2.jsonl'), sub('s2', 'a2'));
    writeFileSync(join(dir, 'agent-a3.jsonl'), sub('s3', 'a3'));
    const other = response({ id: 's4', sidechain: true, agentId: 'a4', session: 'other' });
    writeFileSync(join(dir, 'agent-a4.jsonl'), lines([other]));
    const events = [...whole(lines(rows)).values()];
    const agents = events.map((event) => event.data.agent_id).filter(Boolean);
    expect(new Set(agents)).toEqual(new Set(['a1', 'a2', 'a3']));
  });

  const subagent = (agentId: string, rows: readonly unknown[]) =>
    writeFileSync(
      join(transcriptPath, '..', SESSION, 'subagents', `agent-${agentId}.jsonl`),
      lines(rows),
    );

  it('keeps a small state of a large session, and tells nothing twice', { timeout: 30_000 }, () => {
    for (let file = 0; file < 300; file++) {
      const agentId = `a${file}`;
      const of = (at: number) => ({
        sidechain: true,
        agentId,
        at,
        id: `msg_01ABCDEFGH${file}_${at}`,
      });
      subagent(agentId, [
        user('Do it', 0, { agentId }),
        ...Array.from({ length: 100 }, (_, at) =>
          response({
            ...of(at),
            request: `req_011CSABCDEFGH${file}_${at}`,
            block: toolUse(`toolu_${file}_${at}`, 'Bash', { command: 'x'.repeat(200) }),
          }),
        ),
      ]);
    }
    const first = whole(lines(rows));
    const responses = [...first.values()].filter((event) => event.event_type === 'llm_response');
    expect(responses).toHaveLength(30_002);
    const state = join(root, 'state', SESSION, 'transcripts.json');
    expect(statSync(state).size).toBeLessThan(1_000_000);
    expect(readUsage(options)).toMatchObject({ events: [], bytes: 0, more: false });
    // What was read last still is one response with its rows so far.
    subagent('a300', [
      response({ id: 'm', request: 'r', agentId: 'a300', block: toolUse('t1', 'Read', {}) }),
    ]);
    drain(first);
    appendFileSync(
      join(transcriptPath, '..', SESSION, 'subagents', 'agent-a300.jsonl'),
      lines([
        response({ id: 'm', request: 'r', agentId: 'a300', block: toolUse('t2', 'Read', {}) }),
      ]),
    );
    expect(readUsage(options).events).toMatchObject([
      { data: { row_count: 2, tool_use_ids: ['t1', 't2'] } },
    ]);
  });

  it('writes no state that it cannot read back, however long the ids', { timeout: 30_000 }, () => {
    const long = 'x'.repeat(1_000_000);
    for (let file = 0; file < 12; file++) {
      const mine = { agentId: `a${file}`, promptId: long };
      const block = toolUse(`${long}${file}`, long, {});
      subagent(`a${file}`, [
        user('go', 0, mine),
        response({ id: `${long}${file}`, request: long, agentId: `a${file}`, block }),
      ]);
    }
    whole(lines(rows));
    expect(statSync(join(root, 'state', SESSION, 'transcripts.json')).size).toBeLessThan(500_000);
    expect(readUsage(options)).toMatchObject({ events: [], bytes: 0 });
  });

  it('tells a response that a subagent replays under another request once', () => {
    const main = (output: number) => response({ id: 'm1', request: 'r1', output });
    const replay = (agentId: string, request = `of ${agentId}`) =>
      response({ id: 'm1', request, output: 900, sidechain: true, agentId });
    const usages = (events: Map<string, TraceEvent>) =>
      [...events.values()].filter((event) => event.event_type === 'llm_response');
    const path = join(transcriptPath, '..', SESSION, 'subagents', 'agent-a1.jsonl');
    // The main row first: the replay tells nothing, in the same read or a later one.
    subagent('a1', [replay('a1')]);
    const events = whole(lines([main(20)]));
    appendFileSync(path, lines([replay('a1'), replay('a1', 'r1')]));
    drain(events);
    expect(usages(events)).toMatchObject([{ data: { usage: { output_tokens: 20 } } }]);
    // The replay first: the main row takes its place, and so it stays.
    rmSync(options.stateDir, { recursive: true });
    subagent('a2', [replay('a2')]);
    const later = whole('');
    const [id, ...others] = usages(later).map((event) => event.event_id);
    expect(others).toEqual([]);
    appendFileSync(transcriptPath, lines([main(20)]));
    drain(later);
    appendFileSync(path, lines([replay('a1')]));
    appendFileSync(transcriptPath, lines([main(30)]));
    drain(later);
    const [usage, ...more] = usages(later);
    expect(more).toEqual([]);
    expect(usage).toMatchObject({ event_id: id, data: { usage: { output_tokens: 30 } } });
    expect(usage?.data.is_sidechain).toBeUndefined();
    expect(usage?.data.agent_id).toBeUndefined();
    // Two requests of the main conversation are two responses.
    appendFileSync(transcriptPath, lines([response({ id: 'm1', request: 'r2', at: 9 })]));
    drain(later);
    expect(usages(later)).toHaveLength(2);
  });

  it('starts again when the file was rewritten', () => {
    whole(lines(rows));
    const rewritten = lines([response({ id: 'm9', request: 'r9' }), ...rows, ...rows]);
    // in place and larger, then by rename, then shorter
    writeFileSync(transcriptPath, rewritten);
    const events = new Map<string, TraceEvent>();
    drain(events);
    expect(events.size).toBe(8);
    writeFileSync(`${transcriptPath}.new`, rewritten);
    renameSync(`${transcriptPath}.new`, transcriptPath);
    events.clear();
    drain(events);
    expect(events.size).toBe(8);
    writeFileSync(transcriptPath, lines(rows.slice(0, 2)));
    events.clear();
    drain(events);
    // Of the response more was told before: the larger total stands.
    expect(ids([...events.values()])).toEqual(['assistant_response']);
  });

  it('skips a line that is too long, over several reads too', () => {
    const long = `{"type":"user","x":"${'x'.repeat(9 * 1024 * 1024)}"}\n`;
    writeFileSync(transcriptPath, `${lines(rows.slice(0, 2))}${long}${lines(rows.slice(2))}`);
    const all = readUsage(options);
    expect(all.unreadable).toBe(1);
    const events = new Map<string, TraceEvent>();
    drain(events, 1_000_000);
    expect([...events.keys()].sort()).toEqual(all.events.map((event) => event.event_id).sort());
  });

  it('reads nothing but a transcript of this session of ours', () => {
    const bad = (path: string, sessionId = SESSION) =>
      readUsage({ ...options, sessionId, transcriptPath: path });
    writeFileSync(transcriptPath, lines(rows));
    const outside = join(root, `${SESSION}.jsonl`);
    writeFileSync(outside, lines(rows));
    expect(bad(outside).events).toEqual([]);
    const dir = join(transcriptPath, '..');
    expect(bad(`${dir}/../../projects/../../${SESSION}.jsonl`).events).toEqual([]);
    expect(bad(transcriptPath, 'another').events).toEqual([]);
    expect(bad(transcriptPath, '../../x').events).toEqual([]);
    const project = join(root, 'claude', 'projects', 'linked');
    mkdirSync(project);
    symlinkSync(transcriptPath, join(project, `${SESSION}.jsonl`));
    expect(bad(join(project, `${SESSION}.jsonl`)).events).toEqual([]);
    symlinkSync(root, join(root, 'claude', 'projects', 'away'));
    expect(bad(join(root, 'claude', 'projects', 'away', `${SESSION}.jsonl`)).events).toEqual([]);
    symlinkSync(outside, join(dir, SESSION, 'subagents', 'agent-evil.jsonl'));
    expect(bad(transcriptPath).events.some((event) => event.data.agent_id)).toBe(false);
    // The config folder itself may be a link, as dotfiles often are.
    symlinkSync(join(root, 'claude'), join(root, 'link'));
    const linked = readUsage({ ...options, configDirs: [join(root, 'link')] });
    expect(linked.events).not.toEqual([]);
  });

  it('tells all again where the trace is another one, or gone', () => {
    const eventsFile = join(root, 'events.ndjson');
    const read = () => readUsage({ ...options, eventsFile });
    writeFileSync(transcriptPath, lines(rows));
    const first = read();
    // As the caller does: the trace is there when it commits.
    writeFileSync(eventsFile, lines(first.events));
    first.commit();
    expect(read().events).toEqual([]);
    appendFileSync(eventsFile, lines(first.events));
    expect(read().events).toEqual([]);
    const tail = tailUsage({ ...options, eventsFile });
    expect(tail.poll().events).toEqual([]);
    rmSync(eventsFile);
    expect(read().events).toEqual(first.events);
    // The same inode may be given to the next file.
    writeFileSync(
      eventsFile,
      '{"event_type":"session_start","timestamp":1795000000.25,"event_id":"0"}\n',
    );
    expect(tail.poll().events).toEqual(first.events);
    tail.close();
    // Replaced between reading and committing: nothing is remembered.
    read().commit();
    appendFileSync(transcriptPath, lines([response({ id: 'm3', request: 'r3', at: 9 })]));
    const torn = read();
    rmSync(eventsFile);
    writeFileSync(eventsFile, lines(torn.events));
    torn.commit();
    expect(read().events.length).toBe(first.events.length + 2);
  });

  it('reads from the start where its state is damaged', () => {
    whole(lines(rows));
    const state = join(root, 'state', SESSION, 'transcripts.json');
    const good = readFileSync(state, 'utf8');
    for (const bad of [
      '',
      '{',
      '[]',
      '{"files":[1]}',
      '{"files":{"a":1}}',
      good.replace('"messages":[{', '"messages":[3,{'),
    ]) {
      writeFileSync(state, bad);
      expect(readUsage(options).events).toHaveLength(6);
    }
  });
});

describe('lease', () => {
  it('is held by one at a time, and goes stale', () => {
    const lease = acquireLease(SESSION, options.stateDir);
    expect(lease).toBeDefined();
    expect(acquireLease(SESSION, options.stateDir)).toBeUndefined();
    expect(lease?.renew()).toBe(true);
    const path = join(options.stateDir, SESSION, 'transcripts.lease');
    const old = Date.now() / 1000 - 60;
    utimesSync(path, old, old);
    const next = acquireLease(SESSION, options.stateDir);
    expect(next).toBeDefined();
    expect(lease?.renew()).toBe(false);
    lease?.release();
    expect(next?.renew()).toBe(true);
    next?.release();
    expect(acquireLease(SESSION, options.stateDir)).toBeDefined();
  });

  it('of a dead process is nobody’s', () => {
    mkdirSync(join(options.stateDir, SESSION), { recursive: true });
    // No system has so many processes.
    writeFileSync(join(options.stateDir, SESSION, 'transcripts.lease'), '2147483646 x');
    expect(acquireLease(SESSION, options.stateDir)).toBeDefined();
    expect(acquireLease('../x', options.stateDir)).toBeUndefined();
  });
});

describe('tailUsage', () => {
  it('tells what is new, and gives way to another’s lease', () => {
    writeFileSync(transcriptPath, lines(rows.slice(0, 2)));
    const tail = tailUsage(options);
    const first = tail.poll();
    expect(first.events).toHaveLength(2);
    first.commit();
    expect(tail.poll().events).toEqual([]);
    const second = tailUsage(options);
    appendFileSync(transcriptPath, lines(rows.slice(2)));
    expect(second.poll().events).toEqual([]);
    expect(tail.poll().events).not.toEqual([]);
    tail.close();
    // It was not committed: the next one has it.
    const result = second.poll();
    expect(result.events.length).toBeGreaterThan(3);
    result.commit();
    expect(second.poll().events).toEqual([]);
    second.close();
  });

  it('waits for a file that is not there yet', () => {
    const tail = tailUsage(options);
    expect(tail.poll().events).toEqual([]);
    writeFileSync(transcriptPath, lines(rows));
    expect(tail.poll().events).not.toEqual([]);
    tail.close();
  });
});

describe('LineSplitter', () => {
  it('cuts as split does, however the bytes come', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'ß', '\n', '日')), fc.nat(9), (chars, size) => {
        const bytes = Buffer.from(chars.join(''));
        const got: (string | undefined)[] = [];
        const splitter = new LineSplitter();
        for (let at = 0; at < bytes.length; at += size + 1) {
          splitter.push(bytes.subarray(at, at + size + 1), (line) => got.push(line));
        }
        const expected = chars.join('').split('\n');
        const rest = expected.pop() ?? '';
        expect(got).toEqual(expected);
        expect(splitter.pending).toBe(Buffer.byteLength(rest));
      }),
    );
  });
});
