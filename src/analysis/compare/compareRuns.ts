import { formatPercent, plural } from '../../model/format.ts';
import type { SideFacts } from './compareSessions.ts';
import { MEASURES, type Measure, type MeasureName, type Verdict } from './comparison.ts';
import { verdictOf } from './measures.ts';
import { fisherExact, holm, mannWhitney, median } from './statistics.ts';

/** One measure of two groups of runs: of those that did the job. */
export interface GroupMeasure extends Measure {
  /** Runs of which it is known. */
  n: number;
  m: number;
  /** Exact two-sided Mann–Whitney test; NaN where a side is empty. */
  p: number;
}

export interface RunGroup {
  runs: number;
  /** Of them, those that came to an answer with their tests passing; those that failed; the rest is not known. */
  passed: number;
  failed: number;
}

export interface GroupComparison {
  a: RunGroup;
  b: RunGroup;
  samePrompt: boolean;
  measures: GroupMeasure[];
  /** How likely the shares of runs that passed differ so much by chance: Fisher's exact test. */
  passedP: number;
  verdict: Verdict;
}

/** Runs that a p of this or less is called likely, or sure, by; adjusted for asking twice (cost and time). */
const LIKELY = 0.05;
const SURE = 0.01;
const LEAST = 0.1;

/**
 * Several runs of two kinds: which kind is better, and how surely. Only runs that did the job are compared by cost and
 * time, for a cheap failure would make its side look good; how many did it is a measure of its own.
 */
export function compareRuns(a: readonly SideFacts[], b: readonly SideFacts[]): GroupComparison {
  // Where others changed files, who changed none did another job, or none.
  const changes = [...a, ...b].some(hasChanges);
  const isGood = (run: SideFacts): boolean => passes(run) && (hasChanges(run) || !changes);
  const [groupA, groupB] = [groupOf(a, isGood), groupOf(b, isGood)];
  const samePrompt = onePrompt([...a, ...b]);
  const [goodA, goodB] = [a.filter(isGood), b.filter(isGood)];
  const measures = MEASURES.map((name) => groupMeasure(name, goodA, goodB));
  // What came of the others is not known: they are no failures.
  const [knownA, knownB] = [known(groupA), known(groupB)];
  const passedP =
    knownA > 0 && knownB > 0 ? fisherExact(groupA.passed, knownA, groupB.passed, knownB) : 1;
  return {
    a: groupA,
    b: groupB,
    samePrompt,
    measures,
    passedP,
    verdict: groupVerdict(groupA, groupB, samePrompt, measures, passedP),
  };
}

/** It came to an answer, and its last tests saw all that it changed and left. */
const passes = ({ outcome }: SideFacts): boolean =>
  outcome.ending === 'answered' &&
  outcome.tests === 'passed' &&
  outcome.untested + outcome.undone === 0;
const hasChanges = ({ outcome }: SideFacts): boolean =>
  outcome.filesChanged + outcome.unknownChanges + outcome.edits > 0;
const isBad = ({ outcome }: SideFacts): boolean =>
  outcome.ending === 'cut' || outcome.tests === 'failed';

const known = ({ passed, failed }: RunGroup): number => passed + failed;

const groupOf = (runs: readonly SideFacts[], isGood: (run: SideFacts) => boolean): RunGroup => ({
  runs: runs.length,
  passed: runs.filter(isGood).length,
  failed: runs.filter(isBad).length,
});

function onePrompt(runs: readonly SideFacts[]): boolean {
  const [first] = runs;
  if (!first || first.prompts.length === 0) return false;
  return runs.every(
    ({ prompts }) =>
      prompts.length === first.prompts.length &&
      prompts.every((key, at) => key === first.prompts[at]),
  );
}

function groupMeasure(
  name: MeasureName,
  a: readonly SideFacts[],
  b: readonly SideFacts[],
): GroupMeasure {
  const values = (runs: readonly SideFacts[]): number[] =>
    runs.flatMap(({ numbers }) => {
      const value = numbers.values[name];
      return value === undefined || (name === 'cost' && numbers.doubt !== undefined) ? [] : [value];
    });
  const [x, y] = [values(a), values(b)];
  const [one, other] = [x, y].map((list) => (list.length === 0 ? undefined : median(list)));
  return {
    name,
    a: one,
    b: other,
    verdict: verdictOf(name, one, other),
    n: x.length,
    m: y.length,
    p: x.length > 0 && y.length > 0 ? mannWhitney(x, y) : Number.NaN,
  };
}

const none = (
  fact: string,
  cause: string,
  caution: string,
  refused?: Verdict['refused'],
): Verdict => ({
  winner: 'none',
  by: [],
  against: [],
  sure: 'hint',
  ...(refused ? { refused } : {}),
  fact,
  cause,
  caution,
});

function groupVerdict(
  a: RunGroup,
  b: RunGroup,
  samePrompt: boolean,
  measures: readonly GroupMeasure[],
  passedP: number,
): Verdict {
  if (!samePrompt) {
    return none(
      "Can't compare: the runs were not all given the same prompts.",
      '',
      'No winner is named; the numbers below stand for themselves.',
      'prompts',
    );
  }
  const outcome = `A did the job in ${a.passed} of ${plural(a.runs, 'run')}, B in ${b.passed} of ${b.runs}.`;
  if (a.passed + b.passed === 0) {
    return none(
      "Can't tell which is better: no run ends with its tests passing.",
      `${a.failed + b.failed} of ${plural(a.runs + b.runs, 'run')} failed or broke off; of the others the outcome is not known.`,
      'A cheaper failure is not better.',
      a.failed + b.failed > 0 ? 'outcome' : 'unknown',
    );
  }
  if (passedP <= LIKELY) {
    const winner = a.passed / known(a) > b.passed / known(b) ? 'a' : 'b';
    return {
      winner,
      by: [],
      against: [],
      sure: passedP <= SURE ? 'sure' : 'likely',
      fact: `${winner.toUpperCase()} does the job more often.`,
      cause: outcome,
      caution: `Fisher's exact test: p ${pText(passedP)}, n = ${known(a)} and ${known(b)}.`,
    };
  }
  const without = a.passed === 0 ? 'A' : b.passed === 0 ? 'B' : '';
  if (without !== '') {
    return none(
      `Can't tell which is better: no run of ${without} is known to have done the job.`,
      outcome,
      'Only runs that did it are compared by cost and time.',
      'unknown',
    );
  }
  const deciding = measures.filter(({ name }) => name === 'cost' || name === 'duration');
  const adjusted = holm(deciding.map(({ p }) => (Number.isNaN(p) ? 1 : p)));
  const finds = deciding.flatMap((measure, at) => {
    const { a: x, b: y } = measure;
    if (x === undefined || y === undefined) return [];
    const share = Math.max(x, y) > 0 ? Math.abs(x - y) / Math.max(x, y) : 0;
    return share >= LEAST
      ? [{ measure, share, p: adjusted[at]!, side: x < y ? ('a' as const) : ('b' as const) }]
      : [];
  });
  const tests = deciding
    .filter(({ p }) => !Number.isNaN(p))
    .map(({ name, n, m }) => {
      const p = adjusted[deciding.findIndex((one) => one.name === name)]!;
      return `${name === 'cost' ? 'cost' : 'time'} p ${pText(p)} (${n} and ${m} runs)`;
    })
    .join(', ');
  const method = `Exact Mann–Whitney test, adjusted for two questions: ${tests || 'no two runs to test'}.`;
  const [first, second] = finds.toSorted((x, y) => x.p - y.p);
  if (!first) return none('Both cost and take about the same.', outcome, method);
  if (second && second.side !== first.side && second.p <= LIKELY === first.p <= LIKELY) {
    const dear = finds.find(({ measure }) => measure.name === 'cost')!;
    return none(
      `${dear.side.toUpperCase()} costs less, ${dear.side === 'a' ? 'B' : 'A'} is sooner done: neither is better in both.`,
      outcome,
      method,
    );
  }
  const agreeing = finds.filter(
    ({ side, p }) => side === first.side && (p <= LIKELY || first.p > LIKELY),
  );
  const words = agreeing.map(
    ({ measure, share }) =>
      `${measure.name === 'cost' ? 'costs' : 'takes'} ${formatPercent(Math.min(0.99, share))} less${measure.name === 'cost' ? '' : ' time'}`,
  );
  const good = first.side === 'b' ? 'better' : 'worse';
  const told = measures.filter(({ verdict }) => verdict !== 'none');
  const { n, m } = first.measure;
  const tooFew = 2 * leastP(n, m) > LIKELY;
  return {
    winner: first.side,
    by: told.filter(({ verdict }) => verdict === good).map(({ name }) => name),
    against: told.filter(({ verdict }) => verdict !== good).map(({ name }) => name),
    sure: first.p <= SURE ? 'sure' : first.p <= LIKELY ? 'likely' : 'hint',
    fact: `${first.side.toUpperCase()} ${words.join(' and ')}, by the median.`,
    cause: outcome,
    caution: `${method}${first.p > LIKELY ? ` That may be chance${tooFew ? ': so few runs cannot tell, five a side could' : ''}.` : ''}`,
  };
}

/** Of groups that do not overlap at all: nothing of so many runs is less likely. */
function leastP(n: number, m: number): number {
  let ways = 1;
  for (let k = 1; k <= n; k++) ways *= (m + k) / k;
  return 2 / ways;
}

const pText = (p: number): string =>
  p < 0.0005 ? '< 0.001' : `= ${p.toFixed(3).replace(/0$/, '')}`;
