/**
 * One rule for all agents: a secret in any field of any payload or row, also in names, is in no event; and nothing that a payload or a row may be makes a recorder throw.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recorders } from '../hook/agents.ts';
import { encodeEvent } from '../model/codec.ts';
import { shallow } from '../model/depth.ts';
import type { Json, JsonObject, TraceEvent } from '../model/event.ts';
import { readyEvent } from '../redact/event.ts';
import type { RedactPolicy } from '../redact/redact.ts';
import { isSafeSessionId } from '../trace/paths.ts';
import type { AgentId, HookRecorder } from './agent.ts';
import { claudeRecorder } from './claude/recorder.ts';
import { PluginMapper } from './opencode/hook.ts';
import { parseRow } from './rowReader.ts';
import { transcriptSourceOf } from './transcripts.ts';

const TOKEN = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
const fixtures = join(import.meta.dirname, '../../test/fixtures');

const rowsOf = (name: string): JsonObject[] =>
  readFileSync(join(fixtures, name), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as JsonObject);

/** Payloads, also in the forms of agents that have no fixtures of their own here. */
const PAYLOADS: Record<string, string[]> = {
  claude: ['claude/hooks/main.ndjson'],
  codex: ['codex/main/hooks.ndjson', 'codex/spawn/hooks.ndjson'],
  cursor: ['cursor/session.hooks.ndjson'],
  gemini: ['gemini/main.hooks.ndjson', 'gemini/denied.hooks.ndjson'],
  copilot: ['main', 'nested', 'pascal', 'failed', 'tools'].map((n) => `copilot/${n}.hooks.ndjson`),
};

const allPayloads = (): { event: string; payload: JsonObject }[] =>
  Object.values(PAYLOADS)
    .flat()
    .flatMap(rowsOf)
    .map(({ event, payload }) => ({ event: String(event), payload: payload as JsonObject }));

/** The first file of a folder, or the file. */
const transcriptRows = (path: string): JsonObject[] => {
  const files = path.endsWith('.jsonl') ? [path] : globSync(`${path}/*.jsonl`, { cwd: fixtures });
  return files.sort().flatMap(rowsOf);
};

const ROWS: [AgentId, string][] = [
  ['codex', 'codex/main/transcript'],
  ['codex', 'codex/spawn/transcript'],
  ['codex', 'codex/pre-deny/transcript'],
  ['gemini', 'gemini/main.session.jsonl'],
  ['gemini', 'gemini/denied.session.jsonl'],
  ['copilot', 'copilot/main.events.jsonl'],
  ['copilot', 'copilot/nested.events.jsonl'],
  ['copilot', 'copilot/tools.events.jsonl'],
  ['vscode', 'copilot/main.events.jsonl'],
];

const linesOf = (events: readonly TraceEvent[]): string => events.map(encodeEvent).join('');

/** Ways to the texts in some values: `tool_input.command`. */
function waysIn(value: Json, way = '', found = new Set<string>()): Set<string> {
  if (typeof value === 'string') found.add(way);
  else if (Array.isArray(value)) for (const item of value) waysIn(item, `${way}[]`, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) waysIn(item, `${way}.${key}`, found);
  }
  return found;
}

/** A copy with the token in each text that this way leads to; `*`: with one more value, and one more name, in each object. */
function planted(value: Json, target: string, way = ''): Json {
  if (typeof value === 'string') return way === target ? `${value} ${TOKEN}` : value;
  if (Array.isArray(value)) return value.map((item) => planted(item, target, `${way}[]`));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, Json] => [
    key,
    planted(item, target, `${way}.${key}`),
  ]);
  if (target === '*') entries.push(['more', [TOKEN]], [TOKEN, true]);
  return Object.fromEntries(entries);
}

/** Runs `read` with the token in one place after the other. @returns places from which it reached the trace */
function leaksOf(rows: readonly Json[], read: (rows: Json[], redact: RedactPolicy) => string) {
  let reached = 0;
  const leaks: string[] = [];
  for (const way of [...waysIn(rows as Json), '*']) {
    const with_ = rows.map((row) => planted(row, way, '[]'));
    if (read(with_, 'none').includes(TOKEN)) reached += 1;
    if (read(with_, 'secrets').includes(TOKEN)) leaks.push(way);
  }
  return { reached, leaks };
}

const all: HookRecorder[] = [claudeRecorder, ...Object.values(recorders)];

function recorded(recorder: HookRecorder, payload: JsonObject, event: string): TraceEvent[] {
  recorder.momentOf(recorder.eventOf(payload, event), payload);
  recorder.toolOf(payload);
  recorder.cwdOf(payload);
  recorder.projectOf?.(payload, {});
  recorder.transcriptOf?.(payload, {});
  recorder.sourceOf?.(payload);
  return recorder.map(payload, {
    sessionId: 's',
    event,
    timestamp: 1,
    agentVersion: recorder.versionOf?.(payload, { COPILOT_CLI_BINARY_VERSION: TOKEN }),
    recorded: () => 'no',
  });
}

describe('a secret in any field', () => {
  it.each(all)('of what is told to the hooks of $agent is not recorded', (recorder) => {
    const calls = allPayloads();
    const { reached, leaks } = leaksOf(
      calls.map(({ payload }) => payload),
      (payloads, redact) =>
        payloads
          .flatMap((payload, at) => recorded(recorder, payload as JsonObject, calls[at]!.event))
          .map((event) => encodeEvent(readyEvent(event, redact)))
          .join(''),
    );
    expect(leaks).toEqual([]);
    // It came this far: without redaction it would be there.
    expect(reached).toBeGreaterThan(10);
  });

  it('and the address that Cursor sends with every hook, are not recorded', () => {
    const address = 'jane.doe@acme-corp.com';
    const cursor = all.find(({ agent }) => agent === 'cursor')!;
    for (const { event, payload } of allPayloads()) {
      const sent = { ...payload, user_email: address, more: [{ user_email: address }, address] };
      expect(linesOf(recorded(cursor, sent, event))).not.toContain(address);
    }
  });

  it.each(['main', 'edges', 'fork'])('of what opencode tells (%s) is not recorded', (name) => {
    const { reached, leaks } = leaksOf(rowsOf(`opencode/${name}.ndjson`), (rows, redact) => {
      const mapper = new PluginMapper('/home/dev/shop');
      return rows
        .map((row) => row as JsonObject)
        .flatMap(({ hook, input, output, ms }) =>
          mapper.push(String(hook), input, output, Number(ms)),
        )
        .filter(({ sessionId }) => isSafeSessionId(sessionId))
        .flatMap(({ events }) => events)
        .map((event) => encodeEvent(readyEvent(event, redact)))
        .join('');
    });
    expect(leaks).toEqual([]);
    expect(reached).toBeGreaterThan(10);
  });

  it.each(ROWS)('of a transcript of %s (%s) is not read', (agent, path) => {
    const source = transcriptSourceOf(agent)!;
    for (const live of [false, true]) {
      const { leaks } = leaksOf(transcriptRows(path), (rows, redact) => {
        const options = { sessionId: 's', file: { path: `/x/${path}`, agentId: '' }, live, redact };
        let mapper = source.mapper(options);
        const half = Math.ceil(rows.length / 2);
        let text = linesOf(rows.slice(0, half).flatMap((row) => mapper.push(row)));
        const state = JSON.parse(JSON.stringify(mapper.save())) as Json;
        mapper = source.mapper({ ...options, state });
        text += linesOf(rows.slice(half).flatMap((row) => mapper.push(row)));
        return text + linesOf(mapper.finish());
      });
      expect(leaks).toEqual([]);
    }
  });
});

/** What a text may be instead, and what nobody would call a field. */
const NESTED = `${'['.repeat(3000)}${']'.repeat(3000)}`;
const STRANGE: Json[] = [
  null,
  -1,
  1e300,
  true,
  '',
  '__proto__',
  'constructor',
  '../../../etc/passwd',
  '\u0000\u001b[2J\u202e\ud800',
  [],
  [[null, 1, 'x', {}]],
  {},
  JSON.parse(
    '{"__proto__":{"text":1},"constructor":{"prototype":0},"toString":[],"length":-1}',
  ) as Json,
  JSON.parse(NESTED) as Json,
];

function swapped(value: Json, target: string, by: Json, way = ''): Json {
  if (way === target) return by;
  if (Array.isArray(value)) return value.map((item) => swapped(item, target, by, `${way}[]`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, swapped(item, target, by, `${way}.${key}`)]),
  );
}

/** All ways, also to what holds others. */
function waysTo(value: Json, way = '', found = new Set<string>([way])): Set<string> {
  found.add(way);
  if (Array.isArray(value)) for (const item of value) waysTo(item, `${way}[]`, found);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) waysTo(item, `${way}.${key}`, found);
  }
  return found;
}

/** One row of each kind. */
const eachKind = (rows: JsonObject[]): JsonObject[] => [
  ...new Map(
    rows.map((row) => [
      `${row.type} ${row.hook} ${'toolCalls' in row} ${Object(row.payload ?? row.input).type}`,
      row,
    ]),
  ).values(),
];

const writable = (events: TraceEvent[]): void => {
  for (const event of events) encodeEvent(readyEvent(event));
};

describe('a value of any kind in any field', () => {
  it.each(all)('of what is told to the hooks of $agent', (recorder) => {
    for (const call of [...new Map(allPayloads().map((one) => [one.event, one])).values()]) {
      for (const way of waysTo(call.payload)) {
        for (const by of STRANGE) {
          const payload = shallow(swapped(call.payload, way, by));
          if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) continue;
          recorder.sessionOf(payload, {});
          writable(recorded(recorder, payload, call.event));
        }
      }
    }
  });

  it('of what opencode tells', () => {
    for (const row of eachKind(rowsOf('opencode/main.ndjson'))) {
      for (const way of waysTo(row)) {
        const mapper = new PluginMapper('/home/dev/shop');
        for (const by of STRANGE) {
          const { hook, input, output, ms } = Object(swapped(row, way, by)) as JsonObject;
          if (typeof hook !== 'string') continue;
          for (const told of mapper.push(hook, input, output, typeof ms === 'number' ? ms : 1)) {
            writable(told.events);
          }
        }
      }
    }
  });

  it.each(ROWS)('of a transcript of %s (%s)', (agent, path) => {
    for (const row of eachKind(transcriptRows(path))) {
      for (const way of waysTo(row)) {
        const file = { path: `/x/${path}`, agentId: '' };
        const mapper = transcriptSourceOf(agent)!.mapper({ sessionId: 's', file, live: false });
        for (const by of STRANGE) {
          // As it is read from a file.
          const read = parseRow(JSON.stringify(swapped(row, way, by)));
          if (read !== undefined) mapper.push(read).map(encodeEvent);
        }
        mapper.finish().map(encodeEvent);
        JSON.stringify(mapper.save());
      }
    }
  });
});
