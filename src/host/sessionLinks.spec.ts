import { describe, expect, it } from 'vitest';
import { SessionFold } from '../model/fold.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { linkSessions, startedBy } from './sessionLinks.ts';
import {
  groupSessions,
  groupText,
  type SessionFacts,
  sessionRow,
  sessionTooltip,
} from './sessionsModel.ts';

const NOON = new Date(2026, 10, 25, 12).getTime();
const HOUR = 3_600_000;

function session(
  id: string,
  parent?: string,
  change: Partial<SessionSummary> = {},
  agoMs = HOUR,
): SessionFacts {
  const base = summarise(new SessionFold(), { nowMs: NOON });
  const facts: SessionFacts = {
    key: `k/${id}`,
    id,
    workspace: '',
    summary: {
      ...base,
      title: `Title of ${id}`,
      agent: 'Codex',
      status: 'ended',
      startedAtMs: NOON - agoMs,
      lastMs: NOON - agoMs,
      durationMs: 60_000,
      cost: { ...base.cost, nanoUsd: 2e8, priced: 1, responses: 1 },
      ...change,
    },
    lastMs: NOON - agoMs,
    control: false,
    paused: false,
    badLines: 0,
  };
  if (parent !== undefined) facts.parent = parent;
  return facts;
}
const shape = (all: readonly SessionFacts[]): unknown => {
  const links = linkSessions(all);
  return groupSessions(all, NOON, links).map((group) => [
    group.label,
    groupText(group),
    ...group.sessions.map(({ id, key }) => [id, ...startedBy(key, links).map((one) => one.id)]),
  ]);
};

describe('sessions that agents started', () => {
  it('are below the session that started them, whatever day they ended, and counted once', () => {
    const all = [
      session('claude'),
      session('codex-2', 'claude', {}, HOUR / 2),
      session('codex-1', 'claude', {}, 40 * HOUR),
      session('deeper', 'codex-1'),
      session('alone'),
    ];
    expect(shape(all)).toEqual([
      ['Today', '5 · $1.00', ['alone'], ['claude', 'codex-1', 'deeper', 'codex-2']],
    ]);
  });

  it('are by themselves where they go on and the one that started them does not', () => {
    const running = session('codex', 'claude', { status: 'live' });
    expect(shape([session('claude'), running])).toEqual([
      ['Live', '1 · $0.2000', ['codex']],
      ['Today', '1 · $0.2000', ['claude']],
    ]);
    expect(shape([session('claude', undefined, { status: 'live' }), running])).toEqual([
      ['Live', '2 · $0.4000', ['claude', 'codex']],
    ]);
  });

  it('stay where they are if the one that started them is not there, or says it was started by them', () => {
    const circle = [session('a', 'b'), session('b', 'c'), session('c', 'a'), session('d', 'd')];
    const all = [...circle, session('orphan', 'gone'), session('e', 'a')];
    expect(shape(all)).toEqual([
      ['Today', '6 · $1.20', ['a'], ['b'], ['c'], ['d'], ['e'], ['orphan']],
    ]);
    expect(linkSessions([session('x')]).size).toBe(0);
  });

  it('cost apart from what the session itself cost', () => {
    const all = [session('claude'), session('codex-1', 'claude'), session('codex-2', 'codex-1')];
    const links = linkSessions(all);
    const words = (facts: SessionFacts) => sessionRow(facts, NOON, linkSessions(all)).description;
    expect(words(all[0]!)).toBe(
      '$0.2000 + $0.4000 in 2 sessions it started · 1m 00s · done · Codex',
    );
    expect(sessionTooltip(all[0]!, links)).toContain('in 2 sessions it started |');
    delete all[2]!.summary;
    expect(words(all[0]!)).toContain(' · started 2 sessions · ');
    expect(sessionRow(all[1]!, NOON, links).context).toBe('session.ended.child');
  });

  it('say who started them where they are not below it', () => {
    const all = [session('claude'), session('codex', 'claude', { status: 'live' })];
    const row = sessionRow(all[1]!, NOON, linkSessions(all));
    expect(row.description).toContain('started by Title of claude');
    expect(row.spoken).toContain('started by Title of claude');
    expect(row.context).toBe('session.live.child');
  });
});

describe('a session that was not recorded', () => {
  const transcript = { agent: 'Codex', title: 'Ship \u202eit', path: '/home/me/.codex/x.jsonl' };

  it('is in its day, never among the live ones, and says where it comes from', () => {
    const facts = { ...session('t', undefined, { status: 'live' }), transcript };
    expect(shape([facts])).toEqual([['Today', '1 · $0.2000', ['t']]]);
    expect(sessionRow(facts, NOON)).toEqual({
      label: 'Ship ⟨U+202E⟩it',
      description: '$0.2000 · 1m 00s · Codex · from its transcript',
      icon: 'note',
      colour: 'disabledForeground',
      spoken: 'Ship ⟨U+202E⟩it, Codex, from its transcript, $0.2000, 1m 00s',
      context: 'transcript',
    });
    expect(sessionTooltip(facts)).toContain('| Transcript | ');
  });

  it('has a name before it is read', () => {
    const facts: SessionFacts = { ...session('t', 'claude'), transcript };
    delete facts.summary;
    const all = [facts, session('claude')];
    const row = sessionRow(facts, NOON, linkSessions(all));
    expect(row.description).toBe('Codex · from its transcript');
    expect(row.context).toBe('transcript.child');
    expect(sessionRow({ ...facts, transcript: { ...transcript, title: '' } }, NOON).label).toBe(
      't',
    );
  });
});
