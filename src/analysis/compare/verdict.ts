import { formatDuration, plural } from '../../model/format.ts';
import { cut } from '../../model/text.ts';
import { costCause } from './causes.ts';
import type { SideFacts } from './compareSessions.ts';
import type {
  AlignedSteps,
  ChangedFile,
  Likeness,
  Measure,
  MeasureName,
  Outcome,
  Verdict,
} from './comparison.ts';

/** What two runs of one agent differ by anyway; less names no winner. */
const LEAST = 0.1;
const PROMPT_LENGTH = 60;

interface Pair {
  a: SideFacts;
  b: SideFacts;
  samePrompt: boolean;
  measures: readonly Measure[];
  files: readonly ChangedFile[];
  pairs: readonly [number, number, Likeness][];
  steps: AlignedSteps;
  approximate: number;
}

/**
 * Which of two runs was better: named only where both were asked the same and came out the same, by cost and time
 * alone. Fewer calls or errors on the way are no merit of their own.
 */
export function pairVerdict(pair: Pair): Verdict {
  const refused = refusal(pair);
  if (refused) return refused;
  const { measures } = pair;
  const cost = lead(measures, 'cost');
  const duration = lead(measures, 'duration');
  const winner =
    cost.side === 'none'
      ? duration.side
      : duration.side === 'none' || duration.side === cost.side
        ? cost.side
        : 'none';
  const how = outcomeWords(pair.a.outcome, pair.b.outcome, pair.files);
  const caution = cautions(pair);
  const doubt = winner === 'none' ? '' : doubtOf(pair, winner);
  if (doubt !== '')
    return refuse('unknown', `Can't tell which did better: ${doubt}.`, how, CHEAPER);
  if (winner === 'none') {
    const fact =
      cost.side === 'none'
        ? `Both did the same job${cost.known ? ' for about the same money' : ''}${duration.known ? `${cost.known ? ' and' : ''} in about the same time` : ''}.`
        : `${letter(cost.side)} cost ${percent(cost.by)} less, ${letter(duration.side)} was ${sooner(duration.ms)} sooner: neither is better in both.`;
    return {
      winner,
      by: [],
      against: [],
      sure: 'hint',
      fact,
      cause: [how, causeOf(pair, cost)].filter(Boolean).join(' '),
      caution,
    };
  }
  const forWinner = winner === 'b' ? 'better' : 'worse';
  const told = measures.filter(({ verdict }) => verdict !== 'none');
  const less =
    cost.side === winner
      ? ` for ${percent(cost.by)} less`
      : cost.known
        ? ' for about the same money'
        : '';
  const time =
    duration.side === winner
      ? `${less === '' ? ' ' : ', '}${sooner(duration.ms)} sooner`
      : duration.known
        ? ', in about the same time'
        : '';
  return {
    winner,
    by: told.filter(({ verdict }) => verdict === forWinner).map(({ name }) => name),
    against: told.filter(({ verdict }) => verdict !== forWinner).map(({ name }) => name),
    sure: 'hint',
    fact: `${letter(winner)} did the same job${less}${time}.`,
    cause: [how, causeOf(pair, cost)].filter(Boolean).join(' '),
    caution,
  };
}

function refuse(
  refused: NonNullable<Verdict['refused']>,
  fact: string,
  cause: string,
  caution: string,
): Verdict {
  return { winner: 'none', by: [], against: [], sure: 'hint', refused, fact, cause, caution };
}

const NO_WINNER = 'No winner is named; the numbers below stand for themselves.';

function refusal({ a, b, samePrompt, files }: Pair): Verdict | undefined {
  if (!samePrompt) {
    return refuse('prompts', "Can't compare: different prompts.", promptWords(a, b), NO_WINNER);
  }
  const [one, other] = [a.outcome, b.outcome];
  const running = sides(one, other, ({ ending }) => ending === 'running');
  if (running !== '') {
    return refuse(
      'outcome',
      `Can't compare yet: ${running} still ${running.includes(' ') ? 'go' : 'goes'} on.`,
      '',
      'What is shown is how far they have come.',
    );
  }
  const broken = sides(one, other, ({ ending }) => ending === 'cut');
  if (broken !== '') {
    return refuse(
      'outcome',
      `Can't compare: ${broken} broke off before an answer.`,
      outcomeWords(one, other, files),
      'A run that was not finished costs less, and is not better for it.',
    );
  }
  const failed = sides(one, other, ({ tests }) => tests === 'failed');
  if (failed !== '') {
    const both = failed.includes(' ');
    return refuse(
      'outcome',
      both
        ? "Can't compare: the tests of both fail at the end."
        : `Can't compare: the tests of ${failed} fail at the end${passedWords(failed === 'A' ? other : one, failed === 'A' ? 'B' : 'A')}.`,
      outcomeWords(one, other, files),
      'A cheaper failure is not better.',
    );
  }
  if (one.tests === 'passed' && other.tests === 'passed') return undefined;
  if (sameResult(one, other, files)) return undefined;
  const untold = sides(one, other, ({ tests }) => tests !== 'passed');
  const none = one.tests === 'none' && other.tests === 'none';
  return refuse(
    'unknown',
    none
      ? "Can't tell which did better: neither ran tests."
      : `Can't tell which did better: how ${untold} came out is not known.`,
    outcomeWords(one, other, files),
    NO_WINNER,
  );
}

const CHEAPER = 'Who does less is cheaper, and not better for it. No winner is named.';
/** Tests may come and go with the work; with much fewer, others were left out. */
const LEAST_TESTS = 0.8;

/** Why the cheaper or faster run may have done less than the other; empty: nothing shows it. */
function doubtOf({ a, b, files }: Pair, winner: 'a' | 'b'): string {
  const [won, lost] = winner === 'a' ? [a.outcome, b.outcome] : [b.outcome, a.outcome];
  const [who, other] = winner === 'a' ? ['A', 'B'] : ['B', 'A'];
  if (won.undone > 0) return `${who} threw work away after its last tests`;
  if (sameResult(won, lost, files)) return '';
  const changed = ({ filesChanged, unknownChanges, edits }: Outcome): boolean =>
    filesChanged + unknownChanges + edits > 0;
  if (!changed(won) && changed(lost)) return `${who} changed no file, ${other} did`;
  if (won.untested > 0) return `${who} changed files after its last tests`;
  if (
    won.passed !== undefined &&
    lost.passed !== undefined &&
    won.passed < lost.passed * LEAST_TESTS
  ) {
    return `the last tests of ${who} were ${won.passed}, those of ${other} ${lost.passed}`;
  }
  return '';
}

const passedWords = (outcome: Outcome, who: string): string =>
  outcome.tests === 'passed' ? `, those of ${who} pass` : '';

/** Both left the same behind, tests or not. */
function sameResult(a: Outcome, b: Outcome, files: readonly ChangedFile[]): boolean {
  if (a.unknownChanges + b.unknownChanges > 0) return false;
  if (files.length > 0) return files.every(({ content }) => content === 'same');
  // They changed something, and nobody knows what.
  if (a.edits + b.edits > 0) return false;
  return a.answerKey !== 0 && a.answerKey === b.answerKey;
}

/** `A`, `B`, `A and B`, or nothing. */
function sides(a: Outcome, b: Outcome, is: (outcome: Outcome) => boolean): string {
  return [is(a) ? 'A' : '', is(b) ? 'B' : ''].filter(Boolean).join(' and ');
}

function promptWords(a: SideFacts, b: SideFacts): string {
  if (a.prompts.length === 0 || b.prompts.length === 0) {
    return `${a.prompts.length > 0 ? 'B' : b.prompts.length > 0 ? 'A' : 'Neither'} has ${a.prompts.length + b.prompts.length > 0 ? 'no' : 'a'} recorded prompt.`;
  }
  if (a.prompts[0] === b.prompts[0]) {
    const shared = a.prompts.findIndex((key, at) => key !== b.prompts[at]);
    const same = shared < 0 ? a.prompts.length : shared;
    return `The first ${same === 1 ? 'prompt is' : `${same} prompts are`} the same; A was given ${plural(a.prompts.length, 'prompt')} in all, B ${b.prompts.length}.`;
  }
  const quoted = ({ session }: SideFacts): string =>
    `“${cut(session.fold.session.title, PROMPT_LENGTH)}”`;
  return `A was asked ${quoted(a)}, B ${quoted(b)}.`;
}

/** How both came out, in a sentence; empty where nothing is known. */
function outcomeWords(a: Outcome, b: Outcome, files: readonly ChangedFile[]): string {
  if (a.tests === 'passed' && b.tests === 'passed') {
    if (a.passed === undefined || b.passed === undefined)
      return 'Both end with their tests passing.';
    return a.passed === b.passed
      ? `Both end with ${a.passed === 1 ? 'one test' : `the same number of tests, ${a.passed},`} passing.`
      : `Both end with their tests passing, A with ${a.passed}, B with ${b.passed}.`;
  }
  const side = (who: string, { tests, passed, failed }: Outcome): string => {
    switch (tests) {
      case 'failed':
        return `${who} ends with ${failed === undefined ? 'failing tests' : `${plural(failed, 'failing test')}`}`;
      case 'passed':
        return `${who} ends with ${passed === undefined ? 'passing tests' : `${plural(passed, 'passing test')}`}`;
      case 'unknown':
        return `${who} ran tests, and how they ended is not known`;
      case 'none':
        return `${who} ran none`;
    }
  };
  if (a.tests === 'none' && b.tests === 'none') {
    if (files.length === 0) return 'Neither changed a file.';
    const both = files.filter((file) => file.a && file.b);
    const same = both.filter(({ content }) => content === 'same').length;
    if (same === files.length)
      return `Both left the same ${same === 1 ? 'file' : `${same} files`} behind.`;
    if (files.length === 1) {
      const [file] = files;
      const who = file?.a && file.b ? 'Both' : file?.a ? 'Only A' : 'Only B';
      return `${who} changed a file.`;
    }
    return `${files.length} files were changed, ${both.length === 0 ? 'none' : both.length} of them by both.`;
  }
  return `${side('A', a)}, ${side('B', b)}.`;
}

function cautions({ a, b, measures, approximate }: Pair): string {
  const cost = measures.find(({ name }) => name === 'cost');
  const words = ['One pair is a hint, not proof.'];
  const untested = [a.outcome, b.outcome].map(({ untested: steps }) => steps);
  if (untested.some((steps) => steps > 0)) {
    const who = [untested[0]! > 0 ? 'A' : '', untested[1]! > 0 ? 'B' : '']
      .filter(Boolean)
      .join(' and ');
    words.push(`${who} changed files after the last tests.`);
  }
  for (const doubt of ['estimate', 'unpriced'] as const) {
    const who = [cost?.aCost === doubt ? 'A' : '', cost?.bCost === doubt ? 'B' : '']
      .filter(Boolean)
      .join(' and ');
    if (who === '') continue;
    words.push(
      doubt === 'estimate'
        ? `The cost of ${who} is an estimate, and is not compared.`
        : `Part of what ${who} cost has no known price, so cost is not compared.`,
    );
  }
  const [one, other] = [a.info.commit, b.info.commit];
  if (one !== undefined && other !== undefined && one !== other) {
    words.push('They began at different commits.');
  }
  if (approximate > 0) words.push('Steps are aligned roughly: there are very many alike.');
  return words.join(' ');
}

interface Lead {
  side: 'a' | 'b' | 'none';
  known: boolean;
  /** Share of the larger that is saved. */
  by: number;
  /** Difference, in the measure's unit. */
  ms: number;
}

function lead(measures: readonly Measure[], name: MeasureName): Lead {
  const measure = measures.find((one) => one.name === name);
  const { a, b } = measure ?? {};
  const doubt = measure?.aCost ?? measure?.bCost;
  if (a === undefined || b === undefined || doubt !== undefined) {
    return { side: 'none', known: false, by: 0, ms: 0 };
  }
  const most = Math.max(a, b);
  const by = most > 0 ? Math.abs(a - b) / most : 0;
  return { side: by < LEAST ? 'none' : a < b ? 'a' : 'b', known: true, by, ms: Math.abs(a - b) };
}

function causeOf({ a, b, pairs, steps }: Pair, cost: Lead): string {
  if (cost.side === 'none') return '';
  return cost.side === 'b'
    ? costCause('A', a, b, cost.ms, pairs, steps)
    : costCause('B', b, a, cost.ms, pairs, steps);
}

const letter = (side: 'a' | 'b' | 'none'): string => side.toUpperCase();
/** Never 100%: nothing is free. */
const percent = (share: number): string => `${Math.min(99, Math.round(share * 100))}%`;

function sooner(ms: number): string {
  if (ms < 90_000) return plural(Math.max(1, Math.round(ms / 1000)), 'second');
  if (ms < 90 * 60_000) return plural(Math.round(ms / 60_000), 'minute');
  return formatDuration(ms);
}
