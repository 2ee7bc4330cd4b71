import { describe, expect, it } from 'vitest';
import { SessionFold } from '../model/fold.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { markdown } from './plainText.ts';
import { type StatusSession, statusLine } from './statusText.ts';

const NOW = 1_800_000_000_000;
const options = { nowMs: NOW, hasTraceFolder: true, trusted: true };

function session(change: Partial<SessionSummary> = {}, key = 'k'): StatusSession {
  const base = summarise(new SessionFold(), { nowMs: NOW });
  return {
    key,
    workspace: 'payments',
    summary: {
      ...base,
      title: 'Make webhook retries idempotent',
      agent: 'Claude Code',
      status: 'live',
      startedAtMs: NOW - 60_000,
      lastMs: NOW,
      events: 400,
      calls: 182,
      cost: { ...base.cost, nanoUsd: 4.37e9, responses: 182, priced: 182, deduplicated: 96 },
      ...change,
    },
  };
}

const text = (...sessions: StatusSession[]) => statusLine(sessions, options)?.text;
const running = { row: 1, tool: 'Bash', startedAtMs: NOW - 12_300, others: 0 };

describe('statusLine', () => {
  it('says cost, calls, and what goes on', () => {
    expect(text(session({ current: running }))).toBe('$(pulse) $4.37 · 182 calls · Bash 12s');
    expect(text(session({ thinkingSinceMs: NOW - 4000 }))).toBe(
      '$(pulse) $4.37 · 182 calls · Thinking 4s',
    );
    expect(text(session({ status: 'idle', calls: 1 }))).toBe('$(pulse) $4.37 · 1 call · idle');
    expect(text(session({ status: 'waiting' }))).toBe(
      '$(pulse) $4.37 · 182 calls · $(bell) waiting for you',
    );
    expect(text(session({ status: 'ended', lastMs: NOW - 1000 }))).toContain('· done');
  });

  it('says what the guard did, and leads there', () => {
    const guard = { rules: 4, denied: 2, forecast: 'at this rate $5.00 in 6 minutes' };
    const calm = statusLine([{ ...session({ current: running }), guard }], options)!;
    expect(calm.text).toBe('$(pulse) $4.37 · 182 calls · Bash 12s');
    expect(calm.tripped).toBeUndefined();
    expect(calm.tooltip).toContain('4 rules on&#44; 2 calls denied');
    expect(calm.tooltip).toContain('at this rate &#36;5&#46;00 in 6 minutes');
    expect(calm.commands).toContain('agentStrace.showGuard');
    const reason = 'Claude Code is paused at $5.02';
    const paused = statusLine(
      [{ ...session({ status: 'paused' }), guard: { ...guard, lead: 'paused', reason } }],
      options,
    )!;
    expect(paused.text).toBe('$(debug-pause) Paused · $4.37 · 182 calls');
    expect([paused.tone, paused.tripped]).toEqual(['warning', true]);
    expect(paused.label).toContain(reason);
    const alarm = statusLine(
      [{ ...session(), guard: { ...guard, lead: 'alarm', reason: 'git push $(x) ran' } }],
      options,
    )!;
    expect(alarm.text).toBe('$(warning) Guard · $4.37 · 182 calls');
    expect(alarm.tone).toBe('error');
    expect(alarm.tooltip).not.toContain('$(x)');
  });

  it('counts seconds only where it shows them, and expires by itself', () => {
    const due = (...sessions: StatusSession[]) => statusLine(sessions, options)?.refreshMs;
    expect(due(session({ current: running }))).toBe(1000);
    expect(due(session({ thinkingSinceMs: NOW - 4000 }))).toBe(1000);
    expect(due(session({ current: { ...running, startedAtMs: NOW - 7_300_000 } }))).toBe(15_000);
    expect(due(session({ status: 'idle' }))).toBe(15_000);
    expect(due(session({ status: 'idle', cacheColdAtMs: NOW + 90_000 }))).toBe(5000);
    expect(due(session({ status: 'idle', cacheColdAtMs: NOW + 3_000_000 }))).toBe(15_000);
    expect(due(session({ status: 'idle', cacheColdAtMs: NOW - 1 }))).toBe(15_000);
    expect(due(session({ status: 'waiting' }))).toBe(15_000);
    expect(due(session({ status: 'ended' }))).toBe(15_000);
    expect(due()).toBe(0);
  });

  it('never shows a guess as a bill, nor an unknown price as nothing', () => {
    const { cost } = session().summary;
    const none = { ...cost, nanoUsd: 0, responses: 0, priced: 0 };
    expect(
      text(session({ cost: { ...none, estimatedNanoUsd: 31_200_000, estimated: 1 } })),
    ).toContain('~$0.0312');
    expect(text(session({ cost: { ...none, unpriced: 3 } }))).toContain('unpriced');
    expect(text(session({ cost: none }))).toContain('– · ');
    expect(text(session({ cost: { ...cost, unpriced: 3 } }))).toContain('≥$4.37');
  });

  it('shows the one that waits, else the newest, and how many more', () => {
    const old = session({ startedAtMs: NOW - 9e5, calls: 1 }, 'old');
    const fresh = session({ startedAtMs: NOW - 1e5, calls: 2 }, 'fresh');
    const ended = session({ status: 'ended' }, 'ended');
    expect(text(old, fresh, ended)).toContain('2 calls');
    expect(text(old, fresh, ended)).toMatch(/ \+1$/);
    old.summary.status = 'waiting';
    expect(text(old, fresh)).toContain('1 call ·');
  });

  it('is quiet without a session, and not there without a trace folder', () => {
    expect(text()).toBe('$(pulse) Agent Strace');
    expect(text(session({ status: 'ended', lastMs: NOW - 3_600_000 }))).toBe(
      '$(pulse) Agent Strace',
    );
    expect(statusLine([], { ...options, hasTraceFolder: false })).toBeUndefined();
    expect(statusLine([], { ...options, trusted: false })?.tooltip).not.toContain('setUp');
  });

  it('warns from 80 % of the budget on, and when it is spent', () => {
    const tone = (usd: number) => {
      const { cost } = session().summary;
      const line = statusLine([session({ cost: { ...cost, nanoUsd: usd * 1e9 } })], {
        ...options,
        budgetNanoUsd: 5e9,
      })!;
      return [line.tone, line.text.includes('over budget'), line.label.includes('over the budget')];
    };
    expect(tone(3.99)).toEqual(['normal', false, false]);
    expect(tone(4)).toEqual(['warning', false, false]);
    expect(tone(5)).toEqual(['error', true, true]);
    const line = statusLine([session()], { ...options, budgetNanoUsd: 5e9 })!;
    expect(line.tooltip).toContain('87&#37; of &#36;5&#46;00');
    expect(statusLine([session()], options)!.tooltip).not.toContain('Budget');
    // An estimate is no bill, but it counts before it is one.
    const { cost } = session().summary;
    const guess = { ...cost, nanoUsd: 0, priced: 0, responses: 0, estimatedNanoUsd: 6e9 };
    expect(
      statusLine([session({ cost: guess })], { ...options, budgetNanoUsd: 5e9 })!.text,
    ).toContain('~$6.00 over budget');
  });

  it('says that an agent is paused, frozen or held before its next tool', () => {
    const line = (change: Partial<SessionSummary>, paused: boolean) =>
      statusLine([{ ...session(change), control: { kind: 'cooperative', paused } }], options)!;
    const paused = line({ status: 'paused' }, true);
    expect(paused.text).toContain('$(debug-pause) paused');
    expect(paused.label).toContain('is paused');
    expect(paused.tone).toBe('warning');
    expect(paused.commands).toContain('agentStrace.resume');
    // The tool that runs is let go on.
    expect(line({ current: running }, true).text).toContain('Bash 12s');
    expect(line({ current: running }, true).commands).toContain('agentStrace.resume');
    expect(line({ status: 'ended' }, true).text).toContain('done');
  });

  it('links to what can be done with this session, and allows nothing else', () => {
    const one = session({}, 'ab12/s(1)');
    const line = statusLine([one], options)!;
    expect(line.commands).toEqual([
      'agentStrace.openStream',
      'agentStrace.replay',
      'agentStrace.showChanges',
    ]);
    expect(line.tooltip).toContain(
      '[Replay](command:agentStrace.replay?%5B%22ab12%2Fs%281%29%22%5D "',
    );
    one.control = { kind: 'signals', paused: false };
    expect(statusLine([one], options)!.commands.slice(3)).toEqual([
      'agentStrace.pause',
      'agentStrace.stop',
    ]);
    one.summary.status = 'ended';
    expect(statusLine([one], options)!.commands).toHaveLength(3);
  });

  it('has a label without icons and running clocks', () => {
    const line = statusLine([session({ current: running }), session({}, 'b')], options)!;
    expect(line.label).toBe(
      'Agent Strace: Claude Code is running Bash, $4.37, 182 calls, 1 other session',
    );
  });
});

describe('tooltip', () => {
  const hostile = [
    '[x](command:workbench.action.terminal.new) <img src=x onerror=alert(1)> | a | b |',
    '**bold** `code` $(sync~spin) https://evil.example www.evil.example a@evil.example',
    '\u202eexe.gpj\u0007 ![i](https://evil.example/x.png) &lt;b&gt; --- # h \\ ~~s~~ _i_',
  ];

  it('says trace text as it stands and nothing more, wherever it goes', () => {
    for (const evil of hostile) {
      const one = session({
        title: evil.slice(0, 58),
        agent: evil.slice(0, 38),
        current: { ...running, tool: evil },
        cost: {
          ...session().summary.cost,
          models: [
            {
              model: evil,
              responses: 1,
              unpriced: 0,
              nanoUsd: 1e9,
              usage: session().summary.cost.usage,
            },
          ],
        },
      });
      one.workspace = evil;
      one.target = evil;
      const line = statusLine([one, { ...one, key: 'b' }], options)!;
      const links = [...line.tooltip.matchAll(/\]\(([^)\s]*)/g)].map(([, target]) => target);
      expect(links.map((link) => link!.split('?')[0])).toEqual(
        line.commands.map((command) => `command:${command}`),
      );
      expect(line.tooltip).not.toMatch(/<|https?:\/\/|www\.|@evil|\u202e|\u0007/);
      expect([...line.tooltip.matchAll(/\$\(([^)]*)\)/g)].map(([, icon]) => icon)).toEqual([
        'pulse',
      ]);
      expect([...line.text.matchAll(/\$\(([^)]*)\)/g)].map(([, icon]) => icon)).toEqual(['pulse']);
      // Every row of a table has its two cells.
      for (const row of line.tooltip.split('\n').filter((text) => text.startsWith('| '))) {
        expect(row.split('|')).toHaveLength(4);
      }
    }
  });

  it('leaves words in any script alone', () => {
    expect(markdown('Größe 家族 · 12 מחיר')).toBe('Größe 家族 · 12 מחיר');
  });
});
