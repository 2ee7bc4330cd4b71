import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import type { TraceEvent } from '../../model/event.ts';
import type { Pricer } from '../../model/usage.ts';
import { catchUp, readFacts } from './sessionFacts.ts';
import { readSpend, writeSpend } from './spend.ts';

const SESSION = 'session-1';
let root: string;
let traceDir: string;
let file: string;
let env: Record<string, string>;
let next = 0;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-strace-facts-'));
  traceDir = join(root, 'traces');
  mkdirSync(join(traceDir, SESSION), { recursive: true });
  file = join(traceDir, SESSION, 'events.ndjson');
  env = { AGENT_STRACE_HOME: join(root, 'state') };
  next = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

// Files of a week ago are forgotten by the clock of their last change.
const NOW = Math.floor(Date.now() / 1000) * 1000;
/** A dollar a response. */
const pricer: Pricer = {
  price: () => ({ status: 'priced', nanoUsd: 1e9 }),
  contextWindow: () => undefined,
};
const event = (
  event_type: string,
  n: number,
  data: TraceEvent['data'],
  at = NOW / 1000,
): TraceEvent => ({
  event_type,
  timestamp: at + n,
  event_id: n.toString(16).padStart(12, '0'),
  session_id: SESSION,
  data: { recorded_by: 'hook', ...data },
});
const call = (n = next++): TraceEvent =>
  event('tool_call', n, { tool_name: 'Read', arguments: { file_path: `/p/${n}` } });
const response = (n = next++): TraceEvent =>
  event('llm_response', n, { model: 'm', usage: { input_tokens: 1, output_tokens: 1 } });
const line = (one: TraceEvent): string => `${encodeEvent(one)}\n`.replace(/\n\n$/, '\n');
const write = (...events: TraceEvent[]): void => appendFileSync(file, events.map(line).join(''));

const facts = (more: { session?: string; maxBytes?: number } = {}) =>
  readFacts({ session: SESSION, traceDir, env, pricer, keepBytes: 0, ...more });
const calls = (): number | undefined => facts().facts.metric('tool_calls', NOW);

describe('readFacts', () => {
  it('knows nothing where nothing is recorded, and throws for nobody', () => {
    expect(facts().facts.metric('tool_calls', NOW)).toBe(0);
    expect(facts({ session: '../other' }).more).toBe(false);
    mkdirSync(file);
    expect(calls()).toBe(0);
  });

  it('goes on where it was, and reads each line once, when it is whole', () => {
    write(call(), call());
    expect(calls()).toBe(2);
    const torn = line(call());
    appendFileSync(file, torn.slice(0, 40));
    expect(calls()).toBe(2);
    appendFileSync(file, torn.slice(40));
    expect(calls()).toBe(3);
    // What was read is not read again.
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/\n.*\n/, (second) => second.replace(/[^\n]/g, ' ')),
    );
    expect(calls()).toBe(3);
    appendFileSync(file, 'no json\n{"a":1}\n\n');
    write(call());
    expect(calls()).toBe(4);
  });

  it('reads so much at most, says that there is more, and catches up', () => {
    write(...Array.from({ length: 100 }, () => call()));
    const part = facts({ maxBytes: 2000 });
    expect(part.more).toBe(true);
    expect(part.facts.metric('tool_calls', NOW)).toBeLessThan(30);
    // A line that is longer than that is still read.
    const long = (): TraceEvent =>
      event('tool_call', next++, {
        tool_name: 'Write',
        arguments: { content: 'x'.repeat(9000) },
      });
    write(long());
    const all = catchUp({ session: SESSION, traceDir, env, pricer, keepBytes: 0 });
    expect(all).toMatchObject({ more: false });
    expect(all.facts.metric('tool_calls', NOW)).toBe(101);
    write(long(), long());
    expect(facts({ maxBytes: 10 }).more).toBe(true);
    expect(facts({ maxBytes: 10 }).more).toBe(false);
    expect(calls()).toBe(103);
  });

  it('never goes down: a trace that is cut, replaced or moved is counted on', () => {
    const first = [call(), response(), call(), response()];
    write(...first);
    expect(facts().facts.metric('cost_usd', NOW)).toBe(2);
    truncateSync(file, 0);
    expect(facts().facts.metric('cost_usd', NOW)).toBe(2);
    write(response());
    expect(facts().facts.metric('cost_usd', NOW)).toBe(3);
    // Another file, with some of what was there before.
    rmSync(file);
    write(...first, response());
    expect(facts().facts.metric('cost_usd', NOW)).toBe(4);
    expect(calls()).toBe(2);
    rmSync(join(traceDir, SESSION), { recursive: true });
    expect(facts().facts.metric('cost_usd', NOW)).toBe(4);
  });

  it('tells of a trace that became shorter, and of none that only grew or moved', () => {
    const cut = () => facts().cut;
    write(call(), call(), call());
    expect(cut()).toBe(false);
    write(call());
    expect(cut()).toBe(false);
    // Under another number, as after a mount.
    const whole = readFileSync(file);
    rmSync(file);
    writeFileSync(file, whole);
    expect(cut()).toBe(false);
    rmSync(join(traceDir, SESSION), { recursive: true });
    expect(cut()).toBe(false);
    mkdirSync(join(traceDir, SESSION));
    write(call());
    expect(cut()).toBe(true);
    expect(calls()).toBe(5);
    // It stays known.
    write(...Array.from({ length: 20 }, () => call()));
    expect(cut()).toBe(true);
    const other = join(root, 'moved');
    mkdirSync(join(other, 'session-2'), { recursive: true });
    const at = (dir: string) =>
      readFacts({ session: 'session-2', traceDir: dir, env, keepBytes: 0 }).cut;
    mkdirSync(join(traceDir, 'session-2'));
    writeFileSync(join(traceDir, 'session-2/events.ndjson'), line(call()) + line(call()));
    expect(at(traceDir)).toBe(false);
    writeFileSync(join(other, 'session-2/events.ndjson'), line(call()));
    expect(at(other)).toBe(false);
  });

  it('counts on however often the trace is removed, where it is kept each time', () => {
    for (let n = 1; n <= 12; n++) {
      rmSync(join(traceDir, SESSION), { recursive: true });
      mkdirSync(join(traceDir, SESSION));
      write(call());
      expect(calls()).toBe(n);
    }
  });

  it('begins nothing anew for an end and a beginning that stand in the trace, but for a silence', () => {
    const ago = (minutes: number): number => NOW / 1000 - minutes * 60;
    const told = (type: string, minutes: number) => write(event(type, 0, {}, ago(minutes)));
    const duration = (firstSeen?: number) =>
      readFacts({
        ...{ session: SESSION, traceDir, env, keepBytes: 0 },
        ...(firstSeen !== undefined && { firstSeen }),
      }).facts.metric('duration_minutes', NOW);
    told('session_start', 100);
    for (let at = 99; at > 2; at -= 5) told('tool_call', at);
    told('session_end', 2);
    told('session_start', 1);
    expect(duration(ago(100))).toBeCloseTo(100);
    // By the session's record, where nobody says it.
    mkdirSync(join(root, 'state/sessions'), { recursive: true });
    expect(duration()).toBeCloseTo(1);
    // A trace of the future makes no silence.
    write(event('session_start', 0, {}, NOW / 1000 + 3600));
    expect(duration(ago(100))).toBeCloseTo(100);
    // The trace is removed: what was seen first stands.
    rmSync(join(root, 'state/guard'), { recursive: true });
    writeFileSync(file, '');
    told('session_start', 1);
    expect(duration(ago(100))).toBeCloseTo(100);
    // Taken up again the next day.
    writeFileSync(file, '');
    rmSync(join(root, 'state/guard'), { recursive: true });
    told('session_start', 1500);
    told('session_end', 1490);
    told('session_start', 3);
    expect(duration(ago(1500))).toBeCloseTo(3);
  });

  it('does not count again what is too old to be remembered, when a file is read anew', () => {
    write(
      ...Array.from({ length: 5000 }, () => call()),
      ...Array.from({ length: 3000 }, () => response()),
    );
    const all = { session: SESSION, traceDir, env, pricer, keepBytes: 0 };
    expect(catchUp(all).facts.metric('tool_calls', NOW)).toBe(5000);
    const whole = readFileSync(file);
    rmSync(file);
    writeFileSync(file, whole);
    write(response());
    const again = catchUp(all).facts;
    expect(again.metric('tool_calls', NOW)).toBe(5000);
    expect(again.metric('cost_usd', NOW)).toBe(3001);
  });

  it('follows no link, and starts anew where its state is none', () => {
    write(call());
    const state = join(root, 'state/guard/state', `${SESSION}.json`);
    expect(calls()).toBe(1);
    expect(statSync(state).mode & 0o777).toBe(0o600);
    writeFileSync(state, '{"v":1,"offset":9');
    expect(calls()).toBe(1);
    writeFileSync(state, '{"v":1,"offset":9,"traceDir":"x","fold":{"v":1,"numbers":[]}}');
    expect(calls()).toBe(1);
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'events.ndjson'), line(call()) + line(call()));
    symlinkSync(elsewhere, join(traceDir, 'linked'));
    expect(facts({ session: 'linked' }).facts.metric('tool_calls', NOW)).toBe(0);
  });

  it('writes nothing where nothing is new', () => {
    write(call());
    facts();
    const state = join(root, 'state/guard/state', `${SESSION}.json`);
    rmSync(state);
    facts();
    expect(existsSync(state)).toBe(true);
    const before = statSync(state).ino;
    facts();
    expect(statSync(state).ino).toBe(before);
  });
});

describe('spend of a project', () => {
  it('sums what its sessions cost in seven days, whoever writes', () => {
    const hour = Math.floor(NOW / 3_600_000);
    writeSpend(
      traceDir,
      'a',
      new Map([
        [hour, 2e9],
        [hour - 24 * 8, 50e9],
      ]),
      env,
    );
    writeSpend(traceDir, 'b', new Map([[hour - 24, 3e9]]), env);
    writeSpend(join(root, 'other'), 'c', new Map([[hour, 100e9]]), env);
    write(response(), response());
    const { facts: known } = facts();
    expect(known.metric('project_cost_7d', NOW)).toBe(7);
    // Its own is written down, and not counted twice.
    expect(readSpend(traceDir, 0, NOW, env).get(SESSION)).toBe(2e9);
    expect(facts().facts.metric('project_cost_7d', NOW)).toBe(7);
  });
});
