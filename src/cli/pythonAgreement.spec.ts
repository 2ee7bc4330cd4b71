/** What explain and timeline say of traces of the Python `agent-strace`, against what its own commands answered of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, seed } from '../../test/cli/memoryIo.ts';

/** Where ours say something else, and why: each is the name of a test. */
const DIFFERS = {
  start: 'the start of a session is no phase: nothing was done in it',
  mended: 'a phase whose failures came right is mixed, not FAILED',
  wasted: 'what a phase cost that came right is not wasted',
  retries:
    'a file that is read again after an edit is no retry: a retry follows a failure of the same call',
  money:
    'no cost is made up from the length of JSON: null, or an estimate apart, where there are no usage records',
  entries: 'a failed call is one entry with its outcome, not a call without one and an error',
  names: 'names are 80 characters long, not 50',
  tools: 'subagents, MCP and the web are told, not only reads, edits and bash',
} as const;

interface PythonPhase {
  name: string;
  failed: boolean;
  read: string[];
  wrote: string[];
  ran: string[];
}

const answer = (version: string, id: string, file: string): string =>
  readFileSync(join(seed('v080'), '..', 'answers', version, id, file), 'utf8');

function parse(text: string): {
  phases: PythonPhase[];
  read: number;
  written: number;
  retries: number;
} {
  const phases: PythonPhase[] = [];
  const list = (line: string): string[] => line.split(': ')[1]!.split(', ');
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const head = /^Phase \d+: (.*?)( — FAILED)? \(\d+:\d\d–/.exec(line);
    if (head)
      phases.push({ name: head[1]!, failed: head[2] !== undefined, read: [], wrote: [], ran: [] });
    const phase = phases.at(-1);
    if (line.startsWith('Read: ')) phase!.read.push(...list(line));
    if (line.startsWith('Wrote: ')) phase!.wrote.push(...list(line));
    if (line.startsWith('Ran: ')) phase!.ran.push(line.slice(5).replace(/ +← retry$/, ''));
  }
  const [, read = '0', written = '0'] = /Files touched: (\d+) read, (\d+) written/.exec(text) ?? [];
  const [, retries = '0'] = /Retries: (\d+)/.exec(text) ?? [];
  return { phases, read: Number(read), written: Number(written), retries: Number(retries) };
}

interface Ours {
  files_read: number;
  files_changed: number;
  retries: number;
  waste: { duration_ms: number };
  phases: {
    name: string;
    outcome: string;
    prompt: string;
    read: { path: string }[];
    changed: { path: string }[];
    ran: { kind: string; words: string; count: number }[];
    wasted_usd: number;
  }[];
}

const json = async <T>(...args: string[]): Promise<T> => {
  const { out, code } = await cli(args);
  expect(code).toBe(0);
  return JSON.parse(out) as T;
};

const explained = (version: 'v032' | 'v080', id: string): Promise<Ours> =>
  json('--trace-dir', seed(version), 'explain', id, '--json');

describe.each(['v032', 'v080'] as const)('explain, of a trace of %s', (version) => {
  it('agrees on prompts, files, commands and retries', async () => {
    const python = parse(answer(version, 'hooksbugfix00001', 'explain.out'));
    const ours = await explained(version, 'hooksbugfix00001');
    const theirs = python.phases.filter(({ name }) => !/^Phase \d+$/.test(name));
    expect(ours.phases).toHaveLength(theirs.length);
    for (const [at, phase] of ours.phases.entries()) {
      const their = theirs[at]!;
      expect(phase.prompt.startsWith(their.name.replace(/\.\.\.$/, ''))).toBe(true);
      expect(phase.read.map(({ path }) => path).sort()).toEqual([...their.read].sort());
      expect(phase.changed.map(({ path }) => path).sort()).toEqual([...their.wrote].sort());
      const ran = phase.ran.flatMap(({ words, count }) => new Array<string>(count).fill(words));
      expect(ran.sort()).toEqual([...their.ran].sort());
    }
    expect([ours.files_read, ours.files_changed, ours.retries]).toEqual([
      python.read,
      python.written,
      python.retries,
    ]);
  });

  it(DIFFERS.start, async () => {
    const python = parse(answer(version, 'hooksbugfix00001', 'explain.out'));
    const ours = await explained(version, 'hooksbugfix00001');
    expect(python.phases[0]).toMatchObject({ name: 'Phase 1', ran: [], read: [] });
    expect(python.phases).toHaveLength(ours.phases.length + 1);
  });

  it(DIFFERS.mended, async () => {
    const python = parse(answer(version, 'hooksbugfix00001', 'explain.out'));
    const ours = await explained(version, 'hooksbugfix00001');
    expect(python.phases.map(({ failed }) => failed)).toEqual([false, true, false]);
    expect(ours.phases.map(({ outcome }) => outcome)).toEqual(['mixed', 'ok']);
  });

  it(DIFFERS.wasted, async () => {
    expect(answer(version, 'hooksbugfix00001', 'explain.out')).toContain(
      'wasted 26s, 56% of session',
    );
    const ours = await explained(version, 'hooksbugfix00001');
    // The tests were run again after edits: that is work, no waste.
    expect(ours.waste.duration_ms).toBe(0);
  });

  it(DIFFERS.names, async () => {
    const python = parse(answer(version, 'hooksbugfix00001', 'explain.out'));
    const ours = await explained(version, 'hooksbugfix00001');
    expect(python.phases[1]!.name).toHaveLength(53);
    expect(ours.phases[0]!.name).toHaveLength(80);
  });

  it(DIFFERS.tools, async () => {
    const python = parse(answer(version, 'subagentroot0001', 'explain.out'));
    const ours = await explained(version, 'subagentroot0001');
    expect(python.phases[1]!.ran).toEqual([]);
    expect(ours.phases[0]!.ran.map(({ kind, count }) => [kind, count])).toEqual([
      ['agent', 1],
      ['agent', 1],
    ]);
  });

  it('agrees that a subagent that failed for good is a failure', async () => {
    const python = parse(answer(version, 'subagentroot0001', 'explain.out'));
    const ours = await explained(version, 'subagentroot0001');
    expect(python.phases[1]!.failed).toBe(true);
    expect(ours.phases.map(({ outcome }) => outcome)).toEqual(['failed']);
  });
});

interface Entry {
  offset: number;
  status: string;
  label: string;
  detail?: string;
  duration_ms?: number;
}
interface TimelineJson {
  session_id: string;
  started_at: number;
  total_duration: number;
  total_events: number;
  total_cost: number | null;
  error_count: number;
  retry_count: number;
  wasted_cost: number | null;
  phases: { entries: Entry[]; name: string; failed: boolean }[];
}

describe.each(['hooksbugfix00001', 'subagentroot0001'])('timeline, of %s', (id) => {
  const theirs = JSON.parse(answer('v080', id, 'timeline_json.out')) as TimelineJson;
  const ours = (): Promise<TimelineJson> =>
    json('--trace-dir', seed('v080'), 'timeline', id, '--json');

  it('has every key of theirs, and agrees where it counts', async () => {
    const found = await ours();
    expect(Object.keys(found)).toEqual(expect.arrayContaining(Object.keys(theirs)));
    for (const phase of found.phases) {
      expect(Object.keys(phase)).toEqual(expect.arrayContaining(Object.keys(theirs.phases[1]!)));
    }
    expect({
      id: found.session_id,
      started: found.started_at,
      duration: found.total_duration,
      events: found.total_events,
      errors: found.error_count,
    }).toEqual({
      id: theirs.session_id,
      started: theirs.started_at,
      duration: theirs.total_duration,
      events: theirs.total_events,
      errors: theirs.error_count,
    });
  });

  it(DIFFERS.entries, async () => {
    const found = (await ours()).phases.flatMap(({ entries }) => entries);
    const wanted = theirs.phases.flatMap(({ entries }) => entries);
    for (const entry of wanted) {
      if (entry.label.startsWith('Error: ')) continue;
      const own = found.find(({ offset }) => Math.abs(offset - entry.offset) < 0.01);
      expect(own, `${entry.offset} ${entry.label}`).toBeDefined();
      if (entry.status === 'ok') expect(own!.status).toBe('ok');
      if (entry.duration_ms !== undefined && own!.duration_ms !== undefined) {
        expect(own!.duration_ms).toBe(Math.round(entry.duration_ms));
      }
    }
    const failed = wanted.filter(({ label }) => label.startsWith('Error: '));
    expect(found.filter(({ status }) => status === 'fail')).toHaveLength(failed.length);
  });

  it(DIFFERS.money, async () => {
    const found = await ours();
    expect(theirs.total_cost).toBeGreaterThan(0);
    expect(theirs.wasted_cost).toBeGreaterThan(0);
    expect([found.total_cost, found.wasted_cost]).toEqual([null, null]);
  });
});

it(DIFFERS.retries, async () => {
  const theirs = JSON.parse(
    answer('v080', 'hooksbugfix00001', 'timeline_json.out'),
  ) as TimelineJson;
  const found = await json<TimelineJson>(
    '--trace-dir',
    seed('v080'),
    'timeline',
    'hooksbugfix00001',
    '--json',
  );
  expect([theirs.retry_count, found.retry_count]).toEqual([3, 2]);
  expect(theirs.phases[1]!.failed).toBe(true);
  expect(found.phases[0]!.failed).toBe(false);
});
