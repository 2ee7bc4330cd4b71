import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ratePricer, Script, scriptOf, turns } from '../../../test/costSession.ts';
import type { TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { isBilled } from '../costs/shares.ts';
import { phaseAt, type SessionPhase } from '../phases/phase.ts';
import { sessionPhases } from '../phases/sessionPhases.ts';
import { sessionWaste } from './sessionWaste.ts';
import { TimeTaken } from './timeTaken.ts';
import { WASTE_KINDS, type WasteItem } from './waste.ts';

/** The session's own phases, those at `failed` made failed ones. */
function phasesOf(fold: SessionFold, failed: (index: number) => boolean): SessionPhase[] {
  return sessionPhases(fold).map((phase) => ({
    ...phase,
    outcome: failed(phase.index) ? ('failed' as const) : ('ok' as const),
  }));
}

const waste = (script: Script, failed: (index: number) => boolean = () => false) => {
  const fold = script.fold();
  return sessionWaste(fold, phasesOf(fold, failed));
};
const brief = ({ kind, nanoUsd, durationMs, times, phase }: WasteItem) => ({
  kind,
  nanoUsd,
  durationMs,
  times,
  phase,
});

/** One response that asks for all these calls, and costs 1,000,000 nano-dollars for each. */
const asks = (script: Script, at: number, ...calls: string[]): Script =>
  script.answer(at, { input: 1000 * calls.length, output: 0, calls });

const failing = (script: Script, at: number, id: string, command = 'make'): Script =>
  asks(script, at, id)
    .call(at + 1, id, 'Bash', { command })
    .result(at + 3, id, 'Bash', { error: 'Exit code 2' });

const read = (script: Script, at: number, id: string, ranges?: number[][], lane?: string): Script =>
  script
    .call(at, id, 'Read', { file_path: '/p/a' }, lane)
    .result(
      at + 1,
      id,
      'Read',
      { files: [{ path: '/p/a', kind: 'read', ...(ranges && { ranges }) }] },
      lane,
    );

describe('retries', () => {
  it('cost their part of the response, and their time', () => {
    const script = failing(new Script().start(0).prompt(1), 10, 'a');
    asks(script, 20, 'b', 'other')
      .call(21, 'b', 'Bash', { command: 'make' })
      .call(21, 'other', 'Grep', { pattern: 'x' })
      .result(25, 'b', 'Bash', { error: 'Exit code 2' });
    expect(waste(script).items.map(brief)).toEqual([
      { kind: 'retry', nanoUsd: 1_000_000, durationMs: 4000, times: 2, phase: -1 },
    ]);
  });

  it('are none after something was done that could have helped', () => {
    const twice = (between: (script: Script) => Script): number => {
      const script = between(failing(new Script().start(0).prompt(1), 10, 'a'));
      return waste(failing(script, 100, 'b')).byKind.retry.count;
    };
    expect(twice((script) => script)).toBe(1);
    expect(twice((script) => script.prompt(50))).toBe(0);
    const looked = (script: Script) =>
      asks(script, 40, 'l').call(41, 'l', 'Bash', { command: 'ls -l' }).result(42, 'l', 'Bash');
    expect(twice(looked)).toBe(1);
    const ran = (script: Script) =>
      asks(script, 40, 'l').call(41, 'l', 'Bash', { command: 'npm ci' }).result(42, 'l', 'Bash');
    expect(twice(ran)).toBe(0);
    const edited = (script: Script) =>
      asks(script, 40, 'e')
        .call(41, 'e', 'Edit', { file_path: '/p/a' }, 'agent1')
        .result(42, 'e', 'Edit', { files: [{ path: '/p/a', kind: 'write' }] }, 'agent1');
    expect(twice(edited)).toBe(0);
  });
});

describe('attempts in a row', () => {
  /** Each call fails (`!`), is denied (`-`), works, or has no result (`…`). */
  const row = (
    outcomes: string,
    { tool = 'Bash', input = { command: 'make' } as object, gap = 5, says = 'no' } = {},
  ): (string | number)[][] => {
    const script = new Script().start(0).prompt(1);
    for (const [at, how] of [...outcomes].entries()) {
      const time = 10 + at * gap;
      const id = `t${at}`;
      asks(script, time, id).call(time + 1, id, tool, { ...input });
      const said = says === 'more' ? 'waiting, '.repeat(at + 1) : says;
      const error = how === '-' ? { error: said, event_subtype: 'denied' } : { error: said };
      if (how !== '…') script.result(time + 2, id, tool, how === '+' ? { result: 'ok' } : error);
    }
    const fold = new SessionFold({ pricer: ratePricer });
    for (const event of script.events) fold.add(event, 0, JSON.stringify(event).length);
    return sessionWaste(
      fold,
      phasesOf(fold, () => false),
    )
      .items.map(({ kind, step, times }) => [kind, step, times] as const)
      .map((each) => [...each])
      .sort((a, b) => Number(a[1]) - Number(b[1]));
  };
  // Steps: 0 the start, 1 the prompt, 2 the first attempt.
  it('are told where they failed: the first told what is wrong, the one that worked is none', () => {
    expect(row('!!')).toEqual([['retry', 3, 2]]);
    expect(row('!+')).toEqual([['retry', 2, 1]]);
    expect(row('!!+')).toEqual([
      ['retry', 2, 1],
      ['retry', 3, 2],
    ]);
    expect(row('!!!')).toEqual([
      ['retry', 3, 2],
      ['retry', 4, 3],
    ]);
    expect(row('!…')).toEqual([]);
    expect(row('+!')).toEqual([]);
    // A person said no, and yes the next time.
    expect(row('-+')).toEqual([]);
    expect(row('--')).toEqual([['retry', 3, 2]]);
  });

  it('are no waste where the agent waits for something', () => {
    const look = { input: { command: 'gh pr checks 12' } };
    expect(row('!!!')).toHaveLength(2);
    expect(row('!!!', look)).toHaveLength(2);
    // After some time, or with another answer each time: a log that grows.
    expect(row('!!!+', { ...look, gap: 30 })).toEqual([]);
    expect(row('!!!', { ...look, says: 'more' })).toEqual([]);
    expect(row('!!!', { gap: 30 })).toHaveLength(2);
    expect(
      row('!!!', { gap: 30, input: { command: 'sleep 20; curl -sf localhost:3000' } }),
    ).toEqual([]);
    expect(row('!!', { tool: 'BashOutput', input: { bash_id: 'b1' } })).toEqual([]);
    expect(row('!!', { tool: 'write_stdin', input: { session_id: 7, chars: '' } })).toEqual([]);
  });
});

describe('redundant reads', () => {
  const count = (script: Script): number => waste(script).byKind.redundantRead.count;
  const begin = (...calls: string[]): Script => asks(new Script().start(0).prompt(1), 5, ...calls);

  it('are of lines that the window holds', () => {
    const cases: [number[][] | undefined, number[][] | undefined, number][] = [
      [undefined, undefined, 1],
      [undefined, [[5, 9]], 1],
      [[[1, 50]], [[1, 50]], 1],
      [[[1, 50]], [[10, 20]], 1],
      [[[1, 50]], [[40, 60]], 0],
      [[[1, 50]], undefined, 0],
      // Two pieces that meet are one.
      [
        [
          [1, 20],
          [21, 50],
        ],
        [[15, 30]],
        1,
      ],
      [
        [
          [1, 20],
          [22, 50],
        ],
        [[15, 30]],
        0,
      ],
      // No line is known: a picture.
      [[], [], 0],
      [[[1, 50]], [], 0],
      // The tool itself says that the file did not change since it was read.
      [undefined, [], 1],
    ];
    for (const [first, second, expected] of cases) {
      const script = read(read(begin('a', 'b'), 6, 'a', first), 10, 'b', second);
      expect(count(script), JSON.stringify([first, second])).toBe(expected);
    }
  });

  it('say how often the file was read before, and cost their part', () => {
    const script = read(read(read(begin('a', 'b', 'c'), 6, 'a'), 10, 'b'), 20, 'c');
    expect(waste(script).items.map(brief)).toEqual([
      { kind: 'redundantRead', nanoUsd: 1_000_000, durationMs: 1000, times: 1, phase: -1 },
      { kind: 'redundantRead', nanoUsd: 1_000_000, durationMs: 1000, times: 2, phase: -1 },
    ]);
  });

  it('are none after a change by anyone, a compaction, a cut, or a command that nobody knows of', () => {
    const again = (between: (script: Script) => Script): number =>
      count(read(between(read(begin('a', 'b'), 6, 'a')), 90, 'b'));
    expect(again((script) => script)).toBe(1);
    expect(
      again((script) =>
        script
          .call(41, 'e', 'Edit', { file_path: '/p/a' }, 'agent1')
          .result(42, 'e', 'Edit', { files: [{ path: '/p/a', kind: 'write' }] }, 'agent1'),
      ),
    ).toBe(0);
    expect(again((script) => script.decision(50, 'compaction'))).toBe(0);
    // Another lane's window is another.
    expect(again((script) => script.decision(50, 'compaction', { agent_id: 'agent1' }))).toBe(1);
    expect(again((script) => script.start(50, 'clear'))).toBe(0);
    expect(again((script) => script.answer(50, { input: 100 }))).toBe(0);
    expect(
      again((script) =>
        script
          .call(41, 'r', 'Bash', { command: 'make fmt' })
          .result(42, 'r', 'Bash', { changed_files: 'unknown' }),
      ),
    ).toBe(0);
    // A transcript says nothing of what commands change.
    const after = (command: string, told: object = {}): number =>
      again((script) =>
        script
          .call(41, 'r', 'Bash', { command })
          .result(42, 'r', 'Bash', { result: 'ok', ...told }),
      );
    expect(after("sed -i 's/a/b/' a")).toBe(0);
    expect(after('git checkout -- .')).toBe(0);
    expect(after('make fmt', { files: [{ path: '/p/b', kind: 'write', source: 'stat' }] })).toBe(1);
    expect(after('git status')).toBe(1);
    expect(after('pytest -q')).toBe(1);
  });

  it('are none where the person came back after a while, or right after an edit that failed', () => {
    const again = (between: (script: Script) => Script, at = 1000): number =>
      count(read(between(read(begin('a', 'b'), 6, 'a')), at, 'b'));
    expect(again((script) => script.prompt(200), 210)).toBe(1);
    expect(again((script) => script.prompt(900))).toBe(0);
    // The agent was at work until then, so the person was not: a word in between.
    const build = (script: Script) =>
      script.call(10, 'm', 'Bash', { command: 'npm test' }).result(890, 'm', 'Bash');
    expect(again((script) => build(script).prompt(900))).toBe(1);
    // A command of the agent's own is no word.
    expect(again((script) => script.prompt(900, '/model opus'))).toBe(1);
    const failedEdit =
      (lane?: string, more: object = {}) =>
      (script: Script) =>
        script
          .call(900, 'e', 'Edit', { file_path: '/p/a' }, lane)
          .result(901, 'e', 'Edit', { error: 'String to replace not found', ...more }, lane);
    expect(again(failedEdit())).toBe(0);
    expect(again(failedEdit('agent1'))).toBe(1);
    expect(again(failedEdit(undefined, { event_subtype: 'denied' }))).toBe(1);
    // Only the first read after it.
    const twice = read(read(failedEdit()(read(begin('a', 'b', 'c'), 6, 'a')), 910, 'b'), 920, 'c');
    expect(count(twice)).toBe(1);
  });

  it('know a file by its whole path and by its place in the folder', () => {
    const named = (first: string, changed: string): number =>
      count(
        begin('a', 'b')
          .call(6, 'a', 'Read')
          .result(7, 'a', 'Read', { files: [{ path: first, kind: 'read' }] })
          .call(8, 'e', 'Edit')
          .result(9, 'e', 'Edit', { files: [{ path: changed, kind: 'write' }] })
          .call(10, 'b', 'Read')
          .result(11, 'b', 'Read', { files: [{ path: first, kind: 'read' }] }),
      );
    expect(named('a.ts', '/p/a.ts')).toBe(0);
    expect(named('./src/a.ts', '/elsewhere/src/a.ts')).toBe(0);
    expect(named('a.ts', '/p/b.ts')).toBe(1);
    expect(named('/p/b.ts', '../a.ts')).toBe(0);
  });

  it('of another agent are none', () => {
    const script = read(read(begin('a', 'b'), 6, 'a'), 10, 'b', undefined, 'agent1');
    expect(count(script)).toBe(0);
  });

  it('are not what a search had shown', () => {
    const script = begin('a', 'b')
      .call(6, 'a', 'Grep', { pattern: 'x' })
      .result(7, 'a', 'Grep', { files: [{ path: '/p/a', kind: 'read', ranges: [[5, 5]] }] });
    expect(count(read(script, 10, 'b', [[5, 5]]))).toBe(0);
  });
});

describe('kinds take in their order', () => {
  it('a failed phase takes all of it, with what was wasted in it', () => {
    const script = failing(failing(new Script().start(0).prompt(1), 10, 'a'), 20, 'b').prompt(50);
    const { items, byPhase } = waste(script, (index) => index === 0);
    expect(items.map(brief)).toEqual([
      { kind: 'failedPhase', nanoUsd: 2_000_000, durationMs: 22_000, times: 0, phase: 0 },
    ]);
    expect(byPhase).toEqual([2_000_000, 0]);
  });

  it('a retry comes before a redundant read, and a cache break takes what is left of its premium', () => {
    const script = new Script().start(0).prompt(1).answer(2, { input: 40_000, write: 40_000 });
    // After the pause the whole prompt is written again: 40,000 × 1250, a premium of 46,000,000.
    script.prompt(900).answer(901, { input: 40_000, write: 40_000, output: 0, calls: ['a', 'b'] });
    read(read(script, 902, 'a'), 905, 'b');
    const { byKind, nanoUsd } = waste(script);
    // Half of the response is the second read's; of the premium so much less is the cache's.
    expect(byKind.redundantRead.nanoUsd).toBe(25_000_000);
    expect(byKind.cacheBreak).toEqual({ nanoUsd: 21_000_000, durationMs: 0, count: 1 });
    expect(nanoUsd).toBe(46_000_000);
  });

  it('what has no price is counted, and costs nothing that is known', () => {
    const script = new Script().start(0).prompt(1);
    script.answer(5, { input: 3000, calls: ['a', 'b'], model: 'free' });
    const { byKind, nanoUsd } = waste(read(read(script, 6, 'a'), 10, 'b'));
    expect(byKind.redundantRead).toMatchObject({ count: 1, nanoUsd: 0 });
    expect(nanoUsd).toBe(0);
  });
});

describe('time', () => {
  it('that overlaps is counted once', () => {
    const time = new TimeTaken();
    expect([time.take(0, 10), time.take(5, 12), time.take(6, 8)]).toEqual([10, 2, 0]);
    expect(time.take(20, 30)).toBe(10);
    time.settle();
    // Of 8 … 25, 8 … 12 and 20 … 25 were counted before.
    expect([time.take(8, 25), time.take(26, 35), time.take(50, 51)]).toEqual([8, 5, 1]);
  });

  it('never adds up to more than there was, and does not matter in which kind', () => {
    const spans = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20 })),
      {
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(fc.array(spans, { maxLength: 4 }), (kinds) => {
        const time = new TimeTaken();
        const taken = new Set<number>();
        for (const kind of kinds) {
          for (const [start, length] of kind.toSorted((a, b) => a[0] - b[0])) {
            const before = taken.size;
            for (let ms = start; ms < start + length; ms++) taken.add(ms);
            expect(time.take(start, start + length)).toBe(taken.size - before);
          }
          time.settle();
        }
      }),
    );
  });
});

/** Goes on with something of each kind. */
function wasteful(script: Script): Script {
  const at = 1_000_000;
  script.prompt(at).answer(at + 1, { input: 60_000, write: 60_000, calls: ['w1', 'w2'] });
  read(read(script, at + 2, 'w1'), at + 4, 'w2').prompt(at + 900);
  script.answer(at + 901, { input: 60_000, write: 60_000 });
  return failing(failing(script.prompt(at + 902), at + 903, 'w3'), at + 910, 'w4');
}

describe('no dollar is in two kinds', () => {
  const failed = fc.func(fc.boolean());

  it('and no response gives more than it cost', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(turns, failed, (list, isFailed) => {
        const fold = wasteful(scriptOf(list)).fold(ratePricer);
        const phases = phasesOf(fold, (index) => isFailed(index));
        const taken = new Map<number, number>();
        const kinds = new Map<number, Set<string>>();
        const found = sessionWaste(fold, phases, (response, kind, nanoUsd) => {
          expect(nanoUsd).toBeGreaterThan(-1);
          expect(Number.isInteger(nanoUsd)).toBe(true);
          taken.set(response, (taken.get(response) ?? 0) + nanoUsd);
          kinds.set(response, (kinds.get(response) ?? new Set()).add(kind));
          seen.add(kind);
        });
        for (const [response, nanoUsd] of taken) {
          expect(nanoUsd).toBeLessThanOrEqual(fold.columns.nanoUsd[response]!);
          // A failed phase leaves nothing to others.
          if (kinds.get(response)!.has('failedPhase')) expect(kinds.get(response)!.size).toBe(1);
        }
        const sum = [...taken.values()].reduce((a, b) => a + b, 0);
        expect(found.nanoUsd).toBe(sum);
        expect(WASTE_KINDS.reduce((all, kind) => all + found.byKind[kind].nanoUsd, 0)).toBe(sum);
        expect(found.byPhase.reduce((a, b) => a + b, 0)).toBe(sum);
        expect(found.items.reduce((all, item) => all + item.nanoUsd, 0)).toBe(sum);
        expect(sum).toBeLessThanOrEqual(fold.cost.total.nanoUsd);
        const breaks = found.byCause.reduce((all, cause) => all + cause.nanoUsd, 0);
        expect(breaks).toBe(found.byKind.cacheBreak.nanoUsd);
        for (const phase of phases) {
          if (phase.outcome !== 'failed') continue;
          let whole = 0;
          for (let row = 0; row < fold.columns.length; row++) {
            if (!isBilled(fold, row) || Number.isNaN(fold.columns.nanoUsd[row]!)) continue;
            if (phaseAt(phases, fold.columns.timeMs[row]!) === phase.index) {
              whole += fold.columns.nanoUsd[row]!;
            }
          }
          const item = found.items.find((one) => one.phase === phase.index);
          expect(item?.nanoUsd).toBe(whole);
        }
      }),
      { numRuns: 300 },
    );
    // Else it would have shown nothing.
    expect([...seen].sort()).toEqual([...WASTE_KINDS].sort());
  });

  it('and the order in which events come does not matter', () => {
    const told = (fold: SessionFold, isFailed: (index: number) => boolean) => {
      const { items, ...sums } = sessionWaste(fold, phasesOf(fold, isFailed));
      return { ...sums, items: items.map(brief) };
    };
    fc.assert(
      fc.property(
        turns,
        fc.infiniteStream(fc.double({ noNaN: true })),
        failed,
        (list, random, isFailed) => {
          const script = wasteful(scriptOf(list));
          const at = new Map(script.events.map((event) => [event, random.next().value ?? 0]));
          const order = (events: readonly TraceEvent[]) =>
            events.toSorted((a, b) => at.get(a)! - at.get(b)!);
          const twice = [...order(script.events), ...script.events.slice(0, 7)];
          const fails = (index: number): boolean => isFailed(index);
          expect(told(script.fold(ratePricer, twice), fails)).toEqual(
            told(script.fold(ratePricer), fails),
          );
        },
      ),
    );
  });
});
