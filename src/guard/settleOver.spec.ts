import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import {
  identityOf,
  readProcess,
  type SessionRecord,
  writeSessionRecord,
} from '../agents/process.ts';
import { settleGone, settleOver } from './settleOver.ts';
import { openTrip, readTrip, readTrips, type Trip, tripId } from './trips.ts';

function lab() {
  const root = mkdtempSync(join(tmpdir(), 'agent-strace-settle-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const env = { AGENT_STRACE_HOME: join(root, 'home') };
  const record = (session: string, more: Partial<SessionRecord>): void =>
    writeSessionRecord(
      {
        version: 1,
        session_id: session,
        agent: 'claude',
        trace_dir: root,
        project: root,
        first_seen: 1,
        ...more,
      },
      env,
    );
  const trip = (session: string, action: Trip['action'], more: Partial<Trip> = {}): string => {
    const id = tripId({ session, rule: action, line: more.line ?? 'prevent', call: 'c' });
    const made: Trip = {
      version: 1,
      id,
      session,
      agent: 'claude',
      traceDir: root,
      project: root,
      rule: { name: action, text: action, scope: 'user' },
      action,
      detail: 'x',
      line: 'prevent',
      at: Date.now() / 1000 - 60,
      state: 'open',
      ...more,
    };
    expect(openTrip(made, env)).toBe('new');
    return id;
  };
  const states = (session: string) =>
    Object.fromEntries(
      readTrips(env)
        .filter((each) => each.session === session)
        .map(({ action, line, state }) => [`${line} ${action}`, state]),
    );
  const all = (session: string): void => {
    for (const action of ['pause', 'stop', 'kill', 'deny', 'alert'] as const) trip(session, action);
    trip(session, 'pause', { line: 'verify' });
  };
  return { env, record, trip, states, all };
}

const WAITING = {
  'prevent pause': 'open',
  'prevent stop': 'open',
  'prevent kill': 'open',
  'prevent deny': 'open',
  'prevent alert': 'open',
  'verify pause': 'open',
};
const OVER = {
  ...WAITING,
  'prevent pause': 'dismissed',
  'prevent stop': 'stopped',
  'prevent kill': 'killed',
  'verify pause': 'failed',
};

it.runIf(process.platform === 'linux')('trips whose agent is gone wait for nobody', () => {
  const { env, record, states, all, trip } = lab();
  const alive = identityOf(readProcess(process.pid)!);
  record('gone', { ...alive, start_time: '1' });
  record('alive', alive);
  record('unseen', {});
  for (const session of ['gone', 'alive', 'unseen', 'unrecorded']) all(session);
  record('fresh', { ...alive, start_time: '1' });
  trip('fresh', 'kill', { at: Date.now() / 1000 });
  const settled = settleGone(readTrips(env), env);
  expect(states('gone')).toEqual(OVER);
  expect(
    settled
      .filter(({ session }) => session === 'gone')
      .map(({ state }) => state)
      .sort(),
  ).toEqual(Object.values(OVER).sort());
  for (const session of ['alive', 'unseen', 'unrecorded']) {
    expect(states(session), session).toEqual(WAITING);
  }
  // Somebody is about to act upon it.
  expect(states('fresh')).toEqual({ 'prevent kill': 'open' });
});

it('trips of a session that has ended are settled, and those of others are not', () => {
  const { env, states, all } = lab();
  all('one');
  all('two');
  expect(settleOver('one', env)).toHaveLength(4);
  expect(states('one')).toEqual(OVER);
  expect(states('two')).toEqual(WAITING);
  expect(settleOver('one', env)).toEqual([]);
});

it('a session that is taken up again trips anew, but not for what is past', () => {
  const { env, trip } = lab();
  const pause = trip('one', 'pause');
  const ran = trip('one', 'pause', { line: 'verify' });
  settleOver('one', env);
  expect(readTrip(ran, env)?.problem).toContain('nothing left to pause');
  const again = (id: string) => openTrip({ ...readTrip(id, env)!, state: 'open' }, env);
  expect(again(pause)).toBe('new');
  expect(again(ran)).toBe('known');
});
