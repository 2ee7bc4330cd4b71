import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ratePricer, Script, scriptOf, turns } from '../../../test/costSession.ts';
import { SessionFold } from '../../model/fold.ts';
import type { Pricer } from '../../model/usage.ts';
import { cacheBreaks } from './sessionWaste.ts';
import type { CacheBreak } from './waste.ts';

/** A warm conversation: 40,000 tokens written, then read, with 1,000 more. Answered at 11 s. */
function warm(more: { model?: string; hour?: boolean } = {}): Script {
  const write = (tokens: number) => (more.hour ? { hour: tokens } : { write: tokens });
  const model = more.model ?? 'm1';
  return new Script()
    .start(0)
    .prompt(1)
    .answer(5, { input: 40_010, ...write(40_000), model })
    .prompt(10)
    .answer(11, { input: 41_010, read: 40_000, ...write(1000), model });
}

const brief = ({ cause, detail, tokens, nanoUsd }: CacheBreak) => ({
  cause,
  detail,
  tokens,
  nanoUsd,
});
const only = (script: Script): ReturnType<typeof brief>[] => cacheBreaks(script.fold()).map(brief);

describe('cacheBreaks', () => {
  it('finds none in a conversation whose cache stays warm', () => {
    const script = warm();
    for (let i = 0; i < 20; i++) {
      const held = 41_000 + i * 900;
      script.prompt(20 + i * 290).answer(21 + i * 290, {
        input: held + 910,
        read: held,
        write: 900,
      });
    }
    expect(only(script)).toEqual([]);
  });

  it('a pause longer than the five minutes that it was written for', () => {
    const script = warm().prompt(400).answer(405, { input: 41_510, write: 41_500 });
    // Sent at 10 s and at 400 s. All that was held is written again, at 1250 rather than 100 a token.
    expect(only(script)).toEqual([
      {
        cause: 'time',
        detail: 'idle 6m 30s, the cache lives 5m',
        tokens: 41_000,
        nanoUsd: 41_000 * 1150,
      },
    ]);
  });

  it('what was written for an hour lives an hour, and its writes cost more', () => {
    const soon = warm({ hour: true }).prompt(400).answer(405, { input: 41_510, hour: 41_500 });
    expect(only(soon)).toMatchObject([{ cause: 'prefix', nanoUsd: 41_000 * 1900 }]);
    const late = warm({ hour: true }).prompt(3700).answer(3705, { input: 41_510, hour: 41_500 });
    expect(only(late)).toMatchObject([
      { cause: 'time', detail: 'idle 1h 01m, the cache lives 1h', nanoUsd: 41_000 * 1900 },
    ]);
  });

  it('each use keeps it alive, and what counts is when requests were sent', () => {
    // Answered 4 min after it was asked: the next is sent 5 min 50 s after this one was.
    const script = warm()
      .prompt(20)
      .answer(260, { input: 42_010, read: 41_000, write: 1000 })
      .prompt(370)
      .answer(371, { input: 42_510, write: 42_500 });
    expect(only(script)).toMatchObject([
      { cause: 'time', detail: 'idle 5m 50s, the cache lives 5m', tokens: 42_000 },
    ]);
  });

  it('uncached input counts as well as writes', () => {
    const script = warm().prompt(400).answer(401, { input: 41_500 });
    expect(only(script)).toMatchObject([{ tokens: 41_000, nanoUsd: 41_000 * 900 }]);
  });

  it('another model has another cache', () => {
    const script = warm().prompt(20).answer(21, { input: 41_510, write: 41_500, model: 'm2' });
    expect(only(script)).toMatchObject([{ cause: 'model', detail: 'm1 → m2', tokens: 41_000 }]);
    const late = warm().prompt(400).answer(401, { input: 41_510, write: 41_500, model: 'm2' });
    expect(only(late)).toMatchObject([
      { cause: 'time', detail: 'idle 6m 30s, the cache lives 5m; m1 → m2' },
    ]);
  });

  it('a question to a smaller model in between breaks nothing', () => {
    const script = warm()
      .answer(12, { input: 900, model: 'small' })
      .prompt(20)
      .answer(21, { input: 41_510, read: 41_000, write: 500 });
    expect(only(script)).toEqual([]);
  });

  it('after a compaction only what stands before the conversation can be lost', () => {
    const big = (): Script =>
      warm()
        .prompt(12)
        .answer(15, { input: 120_010, read: 41_000, write: 79_000 })
        .decision(20, 'compaction');
    // The summary is new: writing it is no loss while the beginning is found.
    const found = big().answer(25, { input: 45_010, read: 30_000, write: 15_000 });
    expect(only(found)).toEqual([]);
    const lost = big().answer(25, { input: 45_010, write: 45_000 });
    expect(only(lost)).toEqual([
      {
        cause: 'compaction',
        detail: 'the context was compacted',
        tokens: 40_010,
        nanoUsd: 40_010 * 1150,
      },
    ]);
  });

  it('a restart, and settings', () => {
    const again = warm()
      .start(15, 'resume')
      .prompt(20)
      .answer(21, { input: 41_510, write: 41_500 });
    expect(only(again)).toMatchObject([
      { cause: 'restart', detail: 'the session was resumed', tokens: 41_000 },
    ]);
    const settings = warm()
      .decision(15, 'config_change')
      .prompt(20)
      .answer(21, { input: 41_510, write: 41_500 });
    expect(only(settings)).toMatchObject([{ cause: 'tools', detail: 'settings changed' }]);
    const started = warm()
      .decision(14, 'config_change')
      .start(15, 'resume')
      .decision(16, 'config_change')
      .prompt(20)
      .answer(21, { input: 41_510, write: 41_500 });
    expect(only(started)).toMatchObject([{ cause: 'restart' }]);
  });

  it('a beginning that changed for no reason that the trace tells', () => {
    const script = warm().prompt(20).answer(21, { input: 41_510, read: 15_000, write: 26_500 });
    expect(only(script)).toMatchObject([
      { cause: 'prefix', detail: 'read 15k of 41k', tokens: 26_000, nanoUsd: 26_000 * 1150 },
    ]);
  });

  it('little is noise', () => {
    const script = warm().prompt(20).answer(21, { input: 41_510, read: 37_000, write: 4500 });
    expect(only(script)).toEqual([]);
  });

  it('the first request of a session and of a subagent is none', () => {
    const script = warm().answer(12, { input: 20_010, write: 20_000, lane: 'agent1' });
    expect(only(script)).toEqual([]);
  });

  it('a price that is not known is none, and fast mode costs more', () => {
    const free = warm({ model: 'free' }).prompt(400);
    free.answer(401, { input: 41_510, write: 41_500, model: 'free' });
    expect(only(free)).toMatchObject([{ cause: 'time', nanoUsd: Number.NaN }]);
    const fast: Pricer = {
      contextWindow: () => undefined,
      price: (_, usage, __, how) => ({
        status: 'priced',
        nanoUsd:
          (how?.speed === 'fast' ? 6 : 1) *
          (usage.cache_write_input_tokens * 1000 + usage.cache_read_input_tokens * 100),
      }),
    };
    const script = warm().prompt(400);
    script.answer(401, { input: 41_500, write: 41_500, more: { speed: 'fast' } });
    expect(cacheBreaks(script.fold(fast)).map(brief)).toMatchObject([
      { nanoUsd: 6 * 41_000 * 900 },
    ]);
  });

  describe('caches that nobody asked for', () => {
    /** Like Codex: what is read lags behind what was sent. */
    const implicit = (): Script =>
      new Script()
        .start(0)
        .prompt(1)
        .answer(2, { input: 17_269, read: 10_496 })
        .answer(6, { input: 22_142, read: 17_152 })
        .answer(12, { input: 26_640, read: 21_760 })
        .answer(18, { input: 33_531, read: 26_368 })
        .answer(25, { input: 44_103, read: 33_024 });

    it('may lag behind', () => {
      expect(only(implicit().answer(30, { input: 44_900, read: 33_024 }))).toEqual([]);
    });

    it('are missed where a reason is told, or what was surely there is not', () => {
      const switched = implicit().prompt(30).answer(31, { input: 44_900, model: 'm2' });
      expect(only(switched)).toMatchObject([{ cause: 'model', tokens: 44_103 }]);
      const paused = implicit().prompt(999).answer(1000, { input: 44_900 });
      expect(only(paused)).toMatchObject([
        {
          cause: 'time',
          detail: 'idle 16m 14s, such caches are dropped after a few minutes',
          tokens: 44_103,
        },
      ]);
      const gone = implicit().prompt(30).answer(31, { input: 44_900 });
      expect(only(gone)).toMatchObject([
        { cause: 'prefix', detail: 'read 0 of 33k; the provider may have dropped them' },
      ]);
      expect(only(gone)[0]!.tokens).toBe(33_024);
    });

    it('of a provider that caches nothing are not missed', () => {
      const script = new Script().start(0).prompt(1);
      for (let i = 0; i < 10; i++) script.answer(2 + i * 600, { input: 20_000 + i * 100 });
      expect(only(script)).toEqual([]);
    });
  });

  it('says the same in whichever order events come', () => {
    fc.assert(
      fc.property(turns, fc.infiniteStream(fc.double({ noNaN: true })), (list, random) => {
        const script = scriptOf(list);
        const at = new Map(script.events.map((event) => [event, random.next().value ?? 0]));
        const shuffled = script.events.toSorted((a, b) => at.get(a)! - at.get(b)!);
        const told = (one: CacheBreak) => ({ ...brief(one), timeMs: one.timeMs });
        const breaks = cacheBreaks(script.fold());
        expect(cacheBreaks(script.fold(undefined, shuffled)).map(told)).toEqual(breaks.map(told));
        const saved = structuredClone(script.fold().save());
        expect(cacheBreaks(SessionFold.load(saved, { pricer: ratePricer }))).toEqual(breaks);
        for (const { tokens, nanoUsd, step } of breaks) {
          expect(tokens).toBeGreaterThanOrEqual(1024);
          expect(nanoUsd >= 0 || Number.isNaN(nanoUsd)).toBe(true);
          expect(step).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
