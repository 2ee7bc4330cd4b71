import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nextLimit, raisedLimit, raiseLimit, readRaised } from './raised.ts';

describe('raised limits', () => {
  it('are those of one session, and only go up', () => {
    const home = mkdtempSync(join(tmpdir(), 'agent-strace-raised-'));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const env = { AGENT_STRACE_HOME: home };
    expect({ ...readRaised('one', env) }).toEqual({});
    raiseLimit('one', 'budget', 6, env);
    raiseLimit('one', '__proto__', 3, env);
    raiseLimit('one', 'budget', 4, env);
    expect(Object.entries(readRaised('one', env))).toEqual([
      ['budget', 6],
      ['__proto__', 3],
    ]);
    expect({ ...readRaised('two', env) }).toEqual({});
    expect(() => raiseLimit('../x', 'budget', 6, env)).toThrow('EBADID');
    writeFileSync(join(home, 'guard/raised/one.json'), '{"limits":[["budget",');
    expect({ ...readRaised('one', env) }).toEqual({});
  });

  it.each([
    ['cost_usd', 5.02, 6],
    ['cost_usd', 0.51, 1],
    ['cost_usd', 6, 7],
    ['cost_usd', 123, 130],
    ['duration_minutes', 30.01, 35],
    ['tool_calls', 105, 150],
    ['consecutive_errors', 5, 6],
    ['tokens', 1_234_567, 1_500_000],
    ['context_pct', 91, 95],
    ['context_pct', 99, 100],
  ] as const)('ask again at the next step: %s at %d, next %d', (metric, value, next) => {
    expect(nextLimit(metric, value)).toBe(next);
  });

  it.each([
    ['cost_usd', 5.02, 5, 10],
    ['cost_usd', 0.52, 0.5, 1],
    ['cost_usd', 40, 5, 45],
    ['duration_minutes', 30.1, 30, 60],
    ['tool_calls', 8, 7, 15],
    ['context_pct', 91, 90, 100],
  ] as const)(
    'are raised to a round number: %s at %d over %d, to %d',
    (metric, value, limit, to) => {
      expect(raisedLimit(metric, value, limit)).toBe(to);
    },
  );
});
