import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GuardLab } from '../../test/guardLab.ts';
import { buildHook } from '../../test/hookBundle.ts';
import { readSessionRecord, writeSessionRecord } from '../agents/process.ts';
import { readTrips } from '../guard/trips.ts';
import type { JsonObject } from '../model/event.ts';

/** Traces from which something is missing. */
let built: string;
let bundle: string;
let lab: GuardLab;

beforeAll(async () => {
  ({ folder: built, bundle } = await buildHook());
});
afterAll(() => rmSync(built, { recursive: true, force: true }));
beforeEach(() => {
  lab = new GuardLab(bundle);
});
afterEach(() => lab.close());

const RULE = { name: 'no-rm', condition: 'command matches "rm"', action: 'deny' };
const tool = (id: string, more: JsonObject = {}) => ({
  tool_name: 'Bash',
  tool_use_id: id,
  tool_input: { command: `echo ${id}` },
  ...more,
});
const before = (id: string) =>
  lab.fire('claude', 'PreToolUse', lab.payload('PreToolUse', tool(id)));
const after = (id: string, more: JsonObject = {}, agent = 'claude') => {
  const response = { stdout: 'done', stderr: '', interrupted: false };
  const payload = tool(id, { tool_response: response, duration_ms: 5, ...more });
  lab.fire(agent, 'PostToolUse', lab.payload('PostToolUse', payload));
};
/** The session is seen for so long, s. */
function seenFor(seconds: number): void {
  const record = readSessionRecord('s-1', lab.env)!;
  writeSessionRecord({ ...record, first_seen: Date.now() / 1000 - seconds }, lab.env);
}
const alerts = () => readTrips(lab.env).filter(({ rule }) => rule.scope === 'builtin');

describe('a call that ended and never began', () => {
  it('is an alert, once, where there are rules and hooks told of others', () => {
    lab.rules(RULE);
    before('a');
    seenFor(60);
    after('a');
    expect(alerts()).toEqual([]);
    after('b');
    after('b');
    expect(alerts()).toMatchObject([
      {
        ...{ action: 'alert', line: 'prevent', state: 'open', rule: { name: 'unseen call' } },
        call: { tool: 'Bash', target: 'echo b' },
        detail: expect.stringContaining('no hook told of its beginning'),
      },
    ]);
    expect(lab.told().filter(({ rule }) => rule === 'unseen call')).toHaveLength(1);
  });

  it('is none without rules, and none that began before hooks were there', () => {
    before('a');
    seenFor(60);
    after('b');
    lab.rules(RULE);
    before('decided');
    after('c', { duration_ms: 61_000 });
    after('d', { duration_ms: 59_000 });
    expect(alerts()).toEqual([]);
    after('e', { duration_ms: 50_000 });
    expect(alerts()).toHaveLength(1);
  });

  it('is none where hooks tell of ends only, or of an agent that was not seen to tell of both', () => {
    lab.rules(RULE);
    after('a');
    seenFor(60);
    after('b');
    expect(alerts()).toEqual([]);
    before('c');
    // Not told how long it took; not shown to have run.
    after('d', { duration_ms: null });
    after('f', { tool_response: { stdout: '', stderr: '', interrupted: true } });
    expect(alerts()).toEqual([]);
  });
});

describe('a trace that is removed', () => {
  it('brings no new budget, and is told once', () => {
    lab.rules({ name: 'few', condition: 'tool_calls > 3', action: 'deny' });
    const said = ['a', 'b', 'c', 'd', 'e'].map((id) => {
      const { stdout } = before(id);
      rmSync(join(lab.project, '.agent-traces/s-1'), { recursive: true });
      return stdout === '';
    });
    expect(said).toEqual([true, true, true, false, false]);
    const [told, ...others] = alerts();
    expect(told).toMatchObject({ action: 'alert', rule: { name: 'trace' } });
    expect(others).toEqual([]);
  });

  it('costs sessions without rules that count nothing', () => {
    lab.rules(RULE);
    before('a');
    const state = join(lab.state, 'guard/state/s-1.json');
    expect(() => readFileSync(state)).toThrow();
    lab.rules({ name: 'loop', condition: 'loop 3/10', action: 'deny' });
    before('b');
    expect(readFileSync(state, 'utf8')).toContain('"offset"');
  });

  it('leaves the time that a session has been seen for', () => {
    lab.rules({ name: 'long', condition: 'duration_minutes > 30', action: 'deny' });
    expect(before('a').stdout).toBe('');
    seenFor(31 * 60);
    const folder = join(lab.project, '.agent-traces/s-1');
    rmSync(folder, { recursive: true });
    expect(before('b').stdout).toContain('deny');
    // An end and a beginning that somebody wrote into it.
    const lines = ['session_end', 'session_start'].map((event_type, n) =>
      JSON.stringify({
        ...{ event_type, timestamp: Date.now() / 1000, event_id: `${n}`.repeat(12) },
        ...{ session_id: 's-1', data: { recorded_by: 'hook' } },
      }),
    );
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'events.ndjson');
    writeFileSync(file, `${readFileSync(file, 'utf8')}${lines.join('\n')}\n`);
    expect(before('c').stdout).toContain('deny');
  });
});
