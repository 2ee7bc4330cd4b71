import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { CLAUDE, CODEX, claudeRun, codexRun, RunScript } from '../../../test/comparePair.ts';
import { flatPricer } from '../../../test/flatPricer.ts';
import { TraceWriter } from '../../../test/traceWriter.ts';
import type { Pricer } from '../../model/usage.ts';
import { TraceSession } from '../../trace/session.ts';
import { testCounts } from '../phases/checks.ts';
import { drain } from '../slices.ts';
import { compareRuns } from './compareRuns.ts';
import { compareSessions, sideFacts } from './compareSessions.ts';
import { type Comparison, LIKENESSES } from './comparison.ts';
import { measureDifference } from './measureWords.ts';
import { structuralDiff } from './structural.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

let count = 0;
function session(
  write: (writer: TraceWriter) => void,
  id = `s${++count}`,
  pricer = flatPricer,
): TraceSession {
  const folder = mkdtempSync(join(tmpdir(), 'compare-'));
  folders.push(folder);
  const writer = new TraceWriter(folder, id, { startMs: Date.parse('2026-11-22T16:40:00Z') });
  write(writer);
  const trace = new TraceSession(join(folder, id), id, { pricer });
  while (trace.update());
  return trace;
}

const compare = (a: (writer: TraceWriter) => void, b: (writer: TraceWriter) => void): Comparison =>
  compareSessions(session(a), session(b));

test('tests that failed behind a hidden exit code are where two runs part', () => {
  const run = (result: string) => (writer: TraceWriter) => {
    const call = writer.start().prompt('go').call('Bash', { command: 'pytest | tail -3' });
    writer.result(call, { tool_name: 'Bash', result }).end();
  };
  expect(signs(compare(run('5 passed in 1s'), run('5 passed in 2s')))).toContain('==');
  const parted = compare(run('2 failed, 3 passed in 1s'), run('5 passed in 2s'));
  expect(signs(parted)).toContain('=~');
  expect(parted.divergences).toHaveLength(1);
});

test('a session that was left by /exit after its answer did not break off', () => {
  const last = (prompt: string) => (writer: TraceWriter) => {
    writer
      .start()
      .prompt('go')
      .write(writer.event('assistant_response', { text: 'Done.' }));
    writer.prompt(prompt).end();
  };
  const { outcomes } = compare(last('/exit'), last('Go on'));
  expect([outcomes.a.ending, outcomes.b.ending]).toEqual(['answered', 'cut']);
});

test('where a response has no price no share of the cost is known to be wasted', () => {
  const pricer: Pricer = {
    ...flatPricer,
    price: (model, ...rest) =>
      model === 'new' ? { status: 'unpriced', reason: 'x' } : flatPricer.price(model, ...rest),
  };
  const run = (model: string): TraceSession =>
    session((writer) => writer.start().prompt('go').usage([]).usage([], model), undefined, pricer);
  const { measures } = compareSessions(run('old'), run('new'));
  const wasted = measures.find(({ name }) => name === 'wasted');
  expect(wasted).toMatchObject({ a: 0, verdict: 'none' });
  expect(wasted?.b).toBeUndefined();
});

/** Rows as one sign each. */
const signs = ({ steps }: Comparison): string =>
  [...steps.like]
    .map(
      (code) =>
        ({ same: '=', similar: '~', different: '!', onlyA: '<', onlyB: '>' })[LIKENESSES[code]!],
    )
    .join('');

test('two agents on one prompt: the winner, by what, why, and where they part', () => {
  const comparison = compare(claudeRun, codexRun);
  const { verdict, measures, divergences, steps } = comparison;
  expect(comparison.samePrompt).toBe(true);
  expect(verdict).toMatchObject({ winner: 'b', sure: 'hint', against: [] });
  expect(verdict.by).toEqual(['cost', 'duration', 'calls', 'errors', 'tokens']);
  expect(verdict.fact).toMatch(/^B did the same job for \d\d% less, 5 minutes sooner\.$/);
  expect(verdict.cause).toMatch(
    /^Both end with the same number of tests, 31, passing\. A sent [\d.]+ times as many tokens as B and made 20 more calls\.$/,
  );
  expect(verdict.caution).toContain('One pair is a hint, not proof.');
  expect(verdict.caution).toContain('A changed files after the last tests.');
  expect(measures.map(({ name, a, b }) => [name, a, b])).toContainEqual(['errors', 7, 0]);
  const row = divergences[0]!;
  expect([...steps.like.slice(0, row)].every((code) => code <= 1)).toBe(true);
  expect(steps.a[row]).toBe(11);
  expect(signs(comparison)).toBe(signs(compare(claudeRun, codexRun)));
});

test('swapped, it says the same of the other side', () => {
  const [one, other] = [compare(claudeRun, codexRun), compare(codexRun, claudeRun)];
  expect(other.verdict.winner).toBe('a');
  expect(other.verdict.by).toEqual(one.verdict.by);
  expect(other.verdict.fact).toBe(one.verdict.fact.replace(/^B/, 'A'));
  expect(other.measures.map(({ a, b }) => [b, a])).toEqual(one.measures.map(({ a, b }) => [a, b]));
});

test('a session beside itself: nothing differs', () => {
  const comparison = compare(claudeRun, claudeRun);
  expect(comparison.divergences).toEqual([]);
  expect(signs(comparison)).toMatch(/^[=~]+$/);
  expect(comparison.verdict).toMatchObject({ winner: 'none' });
  expect(comparison.verdict.refused).toBeUndefined();
  expect(comparison.verdict.fact).toBe(
    'Both did the same job for about the same money and in about the same time.',
  );
  expect(comparison.phases.pairs.every(([a, b, like]) => a === b && like === 'same')).toBe(true);
  expect(comparison.files.every(({ content }) => content === 'same')).toBe(true);
});

test('the same command that fails here and works there is where they part', () => {
  const run = (exit: number) => (writer: TraceWriter) =>
    new RunScript(writer, CLAUDE).prompt().run('npm test', '', exit).say('Done.').end();
  const comparison = compare(run(1), run(0));
  expect(comparison.divergences).toHaveLength(1);
  expect(signs(comparison)).toBe('==~~=');
});

describe('no winner is named', () => {
  const passing = (writer: TraceWriter): RunScript =>
    new RunScript(writer, CLAUDE).prompt().edit('a.py', 3).run('pytest', '3 passed');
  const done = (writer: TraceWriter): void => void passing(writer).say('Done.').end();

  test.each<[string, (writer: TraceWriter) => void, string, RegExp]>([
    [
      'other prompts',
      (w) =>
        void new RunScript(w, CLAUDE).prompt('Else').run('pytest', '3 passed').say('Done.').end(),
      'prompts',
      /different prompts/,
    ],
    [
      'a prompt more',
      (w) => void passing(w).say('Done.').prompt('And more').say('Done.').end(),
      'prompts',
      /different prompts/,
    ],
    [
      'failed tests',
      (w) =>
        void new RunScript(w, CLAUDE)
          .prompt()
          .edit('a.py', 1)
          .run('pytest', '1 failed', 1)
          .say('Done.')
          .end(),
      'outcome',
      /tests of B fail at the end, those of A pass/,
    ],
    [
      'failed tests whose exit code is hidden',
      (w) =>
        void new RunScript(w, CLAUDE)
          .prompt()
          .run('pytest | tail -1', '1 failed, 2 passed')
          .say('Done.')
          .end(),
      'outcome',
      /tests of B fail/,
    ],
    [
      'no tests',
      (w) => void new RunScript(w, CLAUDE).prompt().edit('a.py', 1).say('Done.').end(),
      'unknown',
      /how B came out is not known/,
    ],
    [
      'a run that broke off',
      (w) => void passing(w).call('Read', { file_path: 'x' }, {}),
      'outcome',
      /B broke off/,
    ],
  ])('%s', (_, write, refused, fact) => {
    const { verdict, measures } = compare(done, write);
    expect(verdict).toMatchObject({ winner: 'none', refused, by: [] });
    expect(verdict.fact).toMatch(fact);
    expect(measures.every((measure) => measure.verdict === 'none')).toBe(true);
  });

  test('a run that threw its work away after its tests', () => {
    const run = (w: TraceWriter, weight: number) =>
      new RunScript(w, { ...CLAUDE, weight }).prompt().edit('a.py', 3).run('pytest', '31 passed');
    const { verdict } = compare(
      (w) => void run(w, 9).run('make docs', '').run('make site', '').say('Done.').end(),
      (w) => void run(w, 1).run('git checkout -- .', '').say('I undid it.').end(),
    );
    expect(verdict).toMatchObject({ winner: 'none', refused: 'unknown' });
    expect(verdict.fact).toMatch(/B threw work away after its last tests/);
  });

  test.each<[string, (script: RunScript) => RunScript, RegExp]>([
    [
      'a run that did nothing',
      (script) => script.run('pytest', '3 passed'),
      /B changed no file, A did/,
    ],
    [
      'a run that changed files after its tests',
      (script) => script.run('pytest', '31 passed').edit('b.py', 3),
      /B changed files after its last tests/,
    ],
    [
      'a run that left most tests out',
      (script) => script.edit('b.py', 3).run('pytest a_test.py', '1 passed'),
      /the last tests of B were 1, those of A 31/,
    ],
    [
      'a runner that found no tests',
      (script) => script.edit('b.py', 3).run('npm test', 'No tests found, exiting with code 0'),
      /how B came out is not known/,
    ],
    [
      'no test that passed',
      (script) => script.edit('b.py', 3).run('pytest', '0 passed, 9 skipped'),
      /how B came out is not known/,
    ],
  ])('the cheaper one is %s', (_, work, fact) => {
    const begin = (writer: TraceWriter, weight: number): RunScript =>
      new RunScript(writer, { ...CLAUDE, weight }).prompt();
    const dear = (writer: TraceWriter): void =>
      void begin(writer, 9)
        .edit('a.py', 3)
        .edit('a.py', 3, 1)
        .run('pytest', '31 passed')
        .say('Done.')
        .end();
    const { verdict } = compare(dear, (w) => void work(begin(w, 1)).say('Done.').end());
    expect(verdict).toMatchObject({ winner: 'none', refused: 'unknown', by: [] });
    expect(verdict.fact).toMatch(fact);
  });

  test('edits of which nobody knows the files, and the same answer', () => {
    const edits = (count: number) => (writer: TraceWriter) => {
      const script = new RunScript(writer, { ...CLAUDE, weight: count }).prompt();
      for (let at = 0; at < count; at++) {
        script.call('Edit', { file_path: 'a.py', old_string: `${at}`, new_string: 'b' }, {});
      }
      script.say('Done.').end();
    };
    expect(compare(edits(5), edits(1)).verdict).toMatchObject({
      winner: 'none',
      refused: 'unknown',
    });
  });

  test('one goes on', () => {
    const { verdict } = compareSessions(session(done), session(done), { b: { live: true } });
    expect(verdict.fact).toBe("Can't compare yet: B still goes on.");
  });
});

test('a command that only looked and found nothing is no failure that is left', () => {
  const left = (command: string): number =>
    compare(
      (writer) =>
        void new RunScript(writer, CLAUDE)
          .prompt()
          .run(command, 'no such file', 1)
          .say('Done.')
          .end(),
      claudeRun,
    ).outcomes.a.errorsLeft;
  expect([left('ls /w/nowhere'), left('make')]).toEqual([0, 1]);
});

test('what a session that goes on has not done yet is no divergence', () => {
  const begun = session(
    (writer) => void new RunScript(writer, CLAUDE).prompt().read('api/search.py'),
  );
  const whole = session(claudeRun);
  expect(compareSessions(whole, begun, { b: { live: true } }).divergences).toEqual([]);
  expect(compareSessions(whole, begun).divergences).toEqual([3]);
});

test('prompts that differ by white space and case are the same', () => {
  const run = (prompt: string) => (writer: TraceWriter) =>
    void new RunScript(writer, CLAUDE).prompt(prompt).run('pytest', '1 passed').say('x').end();
  expect(compare(run('Fix  it\n'), run('fix it')).samePrompt).toBe(true);
  expect(compare(run('Fix it'), run('Fix it!')).samePrompt).toBe(false);
});

test('cost and time that disagree: neither is better', () => {
  const run = (weight: number, seconds: number) => (writer: TraceWriter) =>
    void new RunScript(writer, { ...CLAUDE, weight })
      .prompt()
      .run('pytest', '1 passed', 0, seconds)
      .say('x')
      .end();
  const { verdict } = compare(run(4, 5), run(1, 60));
  expect(verdict.winner).toBe('none');
  expect(verdict.fact).toMatch(/^B cost \d+% less, A was 55 seconds sooner/);
});

test('what a phase had that the other had not', () => {
  const [a, b] = [claudeRun, codexRun].map((write) => drain(sideFacts(session(write))));
  const comparison = compareSessions(a!.session, b!.session);
  const rows = structuralDiff(a!, b!, comparison);
  const files = rows.flatMap(({ filesOnlyA }) => filesOnlyA);
  expect(files).toContain('api/token_bucket.py');
  const commands = rows.flatMap(({ commandsOnlyB }) =>
    commandsOnlyB.shown.map(({ command }) => command),
  );
  expect(commands).toContain('ruff check api');
  // Each phase of both is in one row.
  expect(rows.map(({ a: at }) => at).filter((at) => at >= 0)).toEqual(a!.phases.map((_, at) => at));
  expect(rows.map(({ b: at }) => at).filter((at) => at >= 0)).toEqual(b!.phases.map((_, at) => at));
});

test.each([
  ['31 passed in 8.1s', { passed: 31 }],
  ['2 failed, 29 passed in 7.9s', { passed: 29, failed: 2 }],
  ['Test Files  2 passed (2)\n     Tests  41 passed (41)', { passed: 41 }],
  ['Tests:       1 failed, 9 passed, 10 total', { passed: 9, failed: 1 }],
  ['test result: ok. 12 passed; 0 failed; 0 ignored', { passed: 12, failed: 0 }],
  ['ℹ pass 7\nℹ fail 1', { passed: 7, failed: 1 }],
  ['  12 passing (34ms)\n  1 failing', { passed: 12, failed: 1 }],
  ['nothing of the kind', {}],
])('what a runner says: %s', (text, counts) => {
  expect(testCounts(text)).toEqual(counts);
});

describe('several runs', () => {
  const runs = (weights: readonly number[], exit = 0) =>
    weights.map((weight) =>
      drain(
        sideFacts(
          session((writer) =>
            new RunScript(writer, { ...CLAUDE, weight })
              .prompt()
              .run('pytest', exit === 0 ? '1 passed' : '1 failed', exit)
              .say('x')
              .end(),
          ),
        ),
      ),
    );

  test('up to four runs a side are a hint, six are sure', () => {
    const grades = [1, 3, 4, 6].map((n) => {
      const dear = Array.from({ length: n }, (_, at) => 10 + at);
      const cheap = Array.from({ length: n }, (_, at) => 2 + at / 10);
      const { verdict } = compareRuns(runs(dear), runs(cheap));
      expect(verdict.winner).toBe('b');
      return verdict.sure;
    });
    // Time is the same, so that the second question does not help: 2/70 and 2/924, each times two.
    expect(grades).toEqual(['hint', 'hint', 'hint', 'sure']);
  });

  test('five a side are likely, and it says by what', () => {
    const { verdict, measures } = compareRuns(runs([10, 11, 12, 13, 14]), runs([2, 3, 4, 5, 6]));
    expect(verdict.sure).toBe('likely');
    expect(measures.find(({ name }) => name === 'cost')).toMatchObject({ n: 5, m: 5 });
    expect(measures.find(({ name }) => name === 'cost')?.p).toBeCloseTo(2 / 252, 9);
    expect(verdict.caution).toContain('cost p = 0.016 (5 and 5 runs)');
  });

  test('failures are not cheap runs: the side that does the job is better', () => {
    const { verdict } = compareRuns(runs([5, 5, 5, 5, 5]), runs([1, 1, 1, 1, 1], 1));
    expect(verdict).toMatchObject({ winner: 'a', sure: 'sure' });
    expect(verdict.fact).toBe('A does the job more often.');
  });

  test('runs that changed nothing, or changed files after their tests, did not do the job of the others', () => {
    const worked = (work: (script: RunScript) => RunScript, weight: number) =>
      Array.from({ length: 5 }, () =>
        drain(
          sideFacts(
            session((writer) =>
              work(new RunScript(writer, { ...CLAUDE, weight }).prompt())
                .say('x')
                .end(),
            ),
          ),
        ),
      );
    const whole = worked((script) => script.edit('a.py', 3).run('pytest', '3 passed'), 9);
    const idle = worked((script) => script.run('pytest', '3 passed'), 1);
    const untested = worked((script) => script.run('pytest', '3 passed').edit('a.py', 3), 1);
    const undone = worked(
      (script) => script.edit('a.py', 3).run('pytest', '3 passed').run('git reset --hard', ''),
      1,
    );
    for (const cheap of [idle, untested, undone]) {
      const { verdict, b } = compareRuns(whole, cheap);
      expect(b).toMatchObject({ runs: 5, passed: 0 });
      expect(verdict).toMatchObject({ winner: 'none', refused: 'unknown' });
      expect(verdict.fact).toContain('no run of B is known to have done the job');
    }
  });

  test('runs of different prompts are not compared', () => {
    const other = drain(
      sideFacts(
        session(
          (w) =>
            void new RunScript(w, CODEX).prompt('Else').run('pytest', '1 passed').say('x').end(),
        ),
      ),
    );
    expect(compareRuns(runs([1]), [other]).verdict.refused).toBe('prompts');
  });
});

test('of any two sessions: all steps are there once, in order; the sums of the measures are those of the folds', () => {
  const action = fc.constantFrom('read', 'edit', 'run', 'fail', 'think', 'say', 'prompt');
  const script = fc.array(fc.tuple(action, fc.integer({ min: 0, max: 3 })), { maxLength: 30 });
  const write = (actions: readonly (readonly [string, number])[]) => (writer: TraceWriter) => {
    const run = new RunScript(writer, CLAUDE);
    for (const [what, n] of actions) {
      if (what === 'read') run.read(`f${n}`);
      else if (what === 'edit') run.edit(`f${n}`, n);
      else if (what === 'run') run.run(`cmd ${n}`, '');
      else if (what === 'fail') run.run(`cmd ${n}`, '', 1);
      else if (what === 'think') run.think(`t${n}`);
      else if (what === 'say') run.say(`s${n}`);
      else run.prompt(`p${n}`);
    }
  };
  fc.assert(
    fc.property(script, script, (one, other) => {
      const [a, b] = [session(write(one)), session(write(other))];
      const comparison = compareSessions(a, b);
      const { steps } = comparison;
      for (const [side, trace] of [
        ['a', a],
        ['b', b],
      ] as const) {
        expect([...steps[side]].filter((step) => step >= 0)).toEqual(
          Array.from({ length: trace.fold.steps.length }, (_, at) => at),
        );
        const cost = comparison.measures.find(({ name }) => name === 'cost')![side];
        if (cost !== undefined && trace.fold.cost.total.responses > 0) {
          expect(cost).toBe(trace.fold.cost.total.nanoUsd);
          const phases = comparison.phases[side];
          expect(phases.reduce((sum, { nanoUsd }) => sum + nanoUsd, 0)).toBe(cost);
        }
        expect(comparison.measures.find(({ name }) => name === 'calls')![side]).toBe(
          trace.fold.counts.calls,
        );
      }
      for (let row = 0; row < steps.length; row++) {
        const like = LIKENESSES[steps.like[row]!]!;
        expect(steps.a[row]! < 0).toBe(like === 'onlyB');
        expect(steps.b[row]! < 0).toBe(like === 'onlyA');
      }
    }),
    { numRuns: 60 },
  );
});

test('numbers that no session comes to have no difference', () => {
  const tokens = (a: number, b: number): string =>
    measureDifference({ name: 'tokens', a, b, verdict: 'none' });
  expect(tokens(10, Number.POSITIVE_INFINITY)).toBe('');
  expect(tokens(10, 1e300)).toBe('');
  expect(tokens(10, 50)).toBe('×5.0');
});
