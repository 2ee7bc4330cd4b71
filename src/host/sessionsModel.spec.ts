import { describe, expect, it } from 'vitest';
import { SessionFold } from '../model/fold.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import {
  groupSessions,
  groupText,
  type SessionFacts,
  sessionRow,
  sessionTooltip,
} from './sessionsModel.ts';

const NOON = new Date(2026, 10, 25, 12).getTime();
const HOUR = 3_600_000;

function facts(
  key: string,
  change: Partial<SessionSummary> = {},
  more: Partial<SessionFacts> = {},
): SessionFacts {
  const base = summarise(new SessionFold(), { nowMs: NOON });
  const summary: SessionSummary = {
    ...base,
    title: 'Make webhook retries idempotent',
    agent: 'Claude Code',
    status: 'ended',
    startedAtMs: NOON - HOUR,
    lastMs: NOON,
    durationMs: 1_458_000,
    cost: { ...base.cost, nanoUsd: 4.37e9 },
    ...change,
  };
  return {
    key,
    id: key,
    workspace: '',
    summary,
    lastMs: summary.lastMs,
    control: false,
    paused: false,
    badLines: 0,
    ...more,
  };
}
const at = (key: string, lastMs: number): SessionFacts => facts(key, { lastMs });

describe('groupSessions', () => {
  it('puts those that go on first, the rest by day, newest first', () => {
    const groups = groupSessions(
      [
        at('monday', NOON - 48 * HOUR),
        at('old', new Date(2025, 10, 24, 12).getTime()),
        at('early', new Date(2026, 10, 25, 0, 0, 1).getTime()),
        at('noon', NOON),
        at('yesterday', new Date(2026, 10, 24, 23, 59, 59).getTime()),
        facts('live', { status: 'live' }),
        facts('idle', { status: 'idle' }),
        facts('asks', { status: 'waiting' }),
      ],
      NOON,
    );
    expect(groups.map(({ label, sessions }) => [label, ...sessions.map(({ key }) => key)])).toEqual(
      [
        ['Live', 'asks', 'live', 'idle'],
        ['Today', 'noon', 'early'],
        ['Yesterday', 'yesterday'],
        ['Monday 23 Nov', 'monday'],
        ['Monday 24 Nov 2025', 'old'],
      ],
    );
  });

  it('knows the day of one that is not read yet from its file, and yesterday over a change of clocks', () => {
    const unread: SessionFacts = { ...at('a', NOON - 24 * HOUR) };
    delete unread.summary;
    expect(groupSessions([unread], NOON)[0]!.label).toBe('Yesterday');
    // The last Sunday of October has 25 hours in Europe, the first of November in America.
    for (const [month, date] of [
      [9, 26],
      [10, 2],
    ] as const) {
      const late = new Date(2026, month, date - 1, 0, 30).getTime();
      const now = new Date(2026, month, date, 23, 30).getTime();
      expect(groupSessions([at('a', late)], now)[0]!.label).toBe('Yesterday');
    }
  });

  it('keeps the order of those that work, whatever they do', () => {
    const a = facts('a', { status: 'live', startedAtMs: NOON - 2 * HOUR, lastMs: NOON });
    const b = facts('b', { status: 'live', startedAtMs: NOON - HOUR, lastMs: NOON - 1000 });
    const order = () => groupSessions([a, b], NOON)[0]!.sessions.map(({ key }) => key);
    expect(order()).toEqual(['b', 'a']);
    b.summary!.lastMs = NOON + 1;
    expect(order()).toEqual(['b', 'a']);
  });

  it('says what a day cost once all of it is read', () => {
    const [group] = groupSessions([at('a', NOON), at('b', NOON)], NOON);
    expect(groupText(group!)).toBe('2 · $8.74');
    delete group!.all[0]!.summary;
    expect(groupText(group!)).toBe('2');
  });
});

describe('sessionRow', () => {
  it('says what it was, what it cost, how long it took and how it ended', () => {
    const row = sessionRow(facts('a'), NOON);
    expect(row.label).toBe('Make webhook retries idempotent');
    expect(row.description).toBe('$4.37 · 24m 18s · done · Claude Code');
    expect(row.spoken).toBe('Make webhook retries idempotent, Claude Code, done, $4.37, 24m 18s');
    expect(row.context).toBe('session.ended');
    const failed = sessionRow(facts('a', { status: 'failed', errors: 3 }), NOON);
    expect(failed.description).toContain('stopped');
    expect(failed.icon).toBe('error');
    expect(failed.spoken).toContain('3 errors');
  });

  it('is no clock while a session goes on', () => {
    const session = facts('a', { status: 'live' });
    const first = sessionRow(session, NOON);
    expect(first.description).toBe('$4.37 · 1h 00m · Claude Code');
    session.summary!.durationMs += 1000;
    expect(sessionRow(session, NOON + 1000)).toEqual(first);
    expect(sessionRow(session, NOON + 61_000).spoken).toEqual(first.spoken);
  });

  it('offers what can be done with it', () => {
    const context = (change: Partial<SessionSummary>, more: Partial<SessionFacts>) =>
      sessionRow(facts('a', change, more), NOON).context;
    expect(context({ status: 'live' }, {})).toBe('session.live');
    expect(context({ status: 'waiting' }, { control: true })).toBe('session.live.control');
    // Also while a last tool goes on.
    for (const status of ['paused', 'live'] as const) {
      expect(context({ status }, { control: true, paused: true })).toBe('session.paused.control');
    }
    expect(context({ status: 'ended' }, { control: true })).toBe('session.ended');
  });

  it('goes by its id where it has no words, and says while it is read', () => {
    expect(sessionRow(facts('abc', { title: '' }), NOON).label).toBe('abc');
    const unread = facts('abc');
    delete unread.summary;
    expect(sessionRow(unread, NOON)).toMatchObject({ label: 'abc', description: 'reading…' });
  });

  it('shows trace text as text', () => {
    const evil = '[x](command:evil) <img> | a | $(sync~spin) \u202eexe https://evil.example **b**';
    const session = facts(
      'a',
      { title: evil, agent: evil, cwd: evil, errors: 1 },
      { workspace: evil },
    );
    const row = sessionRow(session, NOON);
    const tooltip = sessionTooltip(session);
    expect(tooltip).not.toMatch(/\]\(|<|https?:\/\/|\u202e|\$\(/);
    expect(row.label).not.toContain('\u202e');
    for (const line of tooltip.split('\n').filter((text) => text.startsWith('| '))) {
      if (line !== '| | |') expect(line.split('|')).toHaveLength(4);
    }
  });
});
