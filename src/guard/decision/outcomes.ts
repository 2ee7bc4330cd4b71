/** How a session's calls ended: errors, errors in a row, failed tests, retries, lines. */
import { isObject, type Json } from '../../model/event.ts';
import type { TestRun } from '../../model/testCommand.ts';
import { KeyList, Recent, type Row } from './ring.ts';

export type Outcome = 'ok' | 'failed' | 'denied';

export interface Called {
  /** Calls of one tool, input and lane. */
  chain: number;
  timeMs: number;
  test: TestRun;
  /** A file that it means to change, where its result does not tell. */
  file?: string | undefined;
}

export interface Ended {
  key: number;
  call: number | undefined;
  rank: number;
  timeMs: number;
  size: number;
  outcome: Outcome;
  lines: number;
  ofCall: boolean;
  /** It tells of no files, and went well. */
  silent: boolean;
}

const OUTCOMES = ['ok', 'failed', 'denied'] as const;
const TESTS = ['no', 'test', 'hidden'] as const;

type Known = [
  rank: number,
  timeMs: number,
  size: number,
  outcome: number,
  lines: number,
  call: number,
  ofCall: number,
];
type Call = [chain: number, timeMs: number, test: number];

/** Calls of one chain in time order: those up to its first failure, when that was, and how many came after it. */
interface Chain {
  failedMs: number;
  after: number;
  times: number[];
}

const MAX_TIMES = 6;
const MAX_TESTS = 40;
/** No call: of results that belong to none. */
const NONE = 0;

export class Outcomes {
  retries = 0;
  private readonly calls: Recent<Call>;
  private readonly files = new Map<number, string>();
  private readonly results: Recent<Known>;
  /** Results by their calls, but for those that were saved. */
  private readonly ends = new Map<number, number>();
  private readonly older: KeyList;
  private readonly chains: Recent<Chain>;
  /** Failures in a row that had come before the results that are remembered. */
  private before = 0;
  /** Test runs, the last last: the result's key, and whether it failed. */
  private tests: [number, boolean][] = [];
  private testsBefore = 0;

  constructor(memory = 1) {
    this.calls = new Recent(150 * memory, CALL, (_, key) => this.files.delete(key));
    this.older = new KeyList(700 * memory);
    this.results = new Recent(110 * memory, KNOWN, (known, key) => {
      if (known[6] === 1) this.before = runAfter(this.before, OUTCOMES[known[3]]!);
      if (this.ends.get(known[5]) === key) this.ends.delete(known[5]);
      this.older.add(key, known[1]);
    });
    this.chains = new Recent(100 * memory, CHAIN);
  }

  /** @returns a file that it changed, where its result came before */
  call(key: number, { chain, timeMs, test, file }: Called): { file?: string } | undefined {
    this.calls.set(key, [chain, timeMs, TESTS.indexOf(test)]);
    let known = this.chains.get(chain);
    if (known === undefined) known = { failedMs: Number.POSITIVE_INFINITY, after: 0, times: [] };
    if (timeMs >= known.failedMs) {
      known.after++;
      this.retries++;
    } else {
      known.times.push(timeMs);
      if (known.times.length > MAX_TIMES) known.times.shift();
    }
    this.chains.again(chain, known);
    const end = this.endOf(key);
    const result = end === undefined ? undefined : this.results.get(end);
    if (end !== undefined && result !== undefined) this.ended(key, end, OUTCOMES[result[3]]!);
    if (file === undefined) return undefined;
    if (result !== undefined) return OUTCOMES[result[3]] === 'ok' ? { file } : undefined;
    this.files.set(key, file);
    return undefined;
  }

  /** @returns what it adds to the session's sums */
  result(told: Ended): { errors: number; lines: number; file?: string } {
    const { key, rank, timeMs, size, outcome, lines, ofCall } = told;
    const known = this.results.get(key);
    if (known === undefined && this.older.has(key)) return { errors: 0, lines: 0 };
    if (known !== undefined && !isBetter(known, told)) return { errors: 0, lines: 0 };
    const call = told.call ?? known?.[5] ?? NONE;
    const next: Known = [
      rank,
      timeMs,
      size,
      OUTCOMES.indexOf(outcome),
      lines,
      call,
      ofCall ? 1 : 0,
    ];
    this.results.set(key, next);
    const before = known === undefined ? 'ok' : OUTCOMES[known[3]]!;
    const sums = {
      errors: (outcome === 'failed' ? 1 : 0) - (before === 'failed' ? 1 : 0),
      lines: lines - (known?.[4] ?? 0),
    };
    if (call === NONE) return sums;
    this.ends.set(call, key);
    this.ended(call, key, outcome);
    const file = told.silent ? this.files.get(call) : undefined;
    this.files.delete(call);
    return file === undefined ? sums : { ...sums, file };
  }

  private endOf(call: number): number | undefined {
    return this.ends.get(call) ?? this.results.savedWith(CALL_COLUMN, call);
  }

  private ended(callKey: number, resultKey: number, outcome: Outcome): void {
    const call = this.calls.get(callKey);
    if (call === undefined) return;
    const [chain, timeMs, test] = call;
    if (outcome !== 'ok') this.fail(chain, timeMs);
    // An exit code that a pipe hides says nothing when it is 0.
    if (TESTS[test] === 'no' || outcome === 'denied') return;
    if (TESTS[test] === 'hidden' && outcome === 'ok') return;
    const known = this.tests.find(([key]) => key === resultKey);
    if (known !== undefined) known[1] = outcome === 'failed';
    else this.tests.push([resultKey, outcome === 'failed']);
    if (this.tests.length <= MAX_TESTS) return;
    const [, failed] = this.tests.shift()!;
    this.testsBefore = failed ? this.testsBefore + 1 : 0;
  }

  private fail(chainKey: number, timeMs: number): void {
    const chain = this.chains.get(chainKey);
    if (chain === undefined || timeMs >= chain.failedMs) return;
    const later = chain.times.filter((time) => time > timeMs).length;
    chain.failedMs = timeMs;
    chain.after += later;
    chain.times = chain.times.filter((time) => time <= timeMs);
    this.retries += later;
  }

  /** Calls that failed in a row, up to now; denials neither fail nor go well. */
  get failedInARow(): number {
    let run = 0;
    for (const [, [, , , outcome, , , ofCall]] of this.results.newest()) {
      if (ofCall !== 1 || OUTCOMES[outcome] === 'denied') continue;
      if (OUTCOMES[outcome] === 'ok') return run;
      run++;
    }
    return run + this.before;
  }

  get failedTests(): number {
    let run = 0;
    for (let at = this.tests.length - 1; at >= 0; at--) {
      if (!this.tests[at]![1]) return run;
      run++;
    }
    return run + this.testsBefore;
  }

  save(): Json {
    return {
      numbers: [this.retries, this.before, this.testsBefore],
      calls: this.calls.save(),
      results: this.results.save(),
      older: this.older.save(),
      chains: this.chains.save(),
      tests: this.tests.map(([key, failed]) => [key, failed ? 1 : 0]),
    };
  }

  load(saved: Json): void {
    if (!isObject(saved)) throw new Error('no outcomes');
    [this.retries, this.before, this.testsBefore] = saved.numbers as [number, number, number];
    this.calls.load(saved.calls as string);
    this.older.load(saved.older as ReturnType<KeyList['save']>);
    this.results.load(saved.results as string);
    this.chains.load(saved.chains as string);
    this.tests = (saved.tests as [number, number][]).map(([key, failed]) => [key, failed === 1]);
  }
}

const CALL: Row<Call> = {
  width: 3,
  of: (call) => call,
  from: (numbers) => numbers as Call,
};

/** Where {@link KNOWN} has the call. */
const CALL_COLUMN = 4;
/** What is small shares a number. */
const KNOWN: Row<Known> = {
  width: 5,
  of: ([rank, timeMs, size, outcome, lines, call, ofCall]) => [
    rank * 8 + outcome * 2 + ofCall,
    timeMs,
    size,
    lines,
    call,
  ],
  from: (numbers) => {
    const [mixed, timeMs, size, lines, call] = numbers as [number, number, number, number, number];
    return [mixed >> 3, timeMs, size, (mixed >> 1) & 3, lines, call, mixed & 1];
  },
};

const CHAIN: Row<Chain> = {
  width: 2 + MAX_TIMES,
  of: ({ failedMs, after, times }) => [
    Number.isFinite(failedMs) ? failedMs : 0,
    after,
    ...times,
    ...Array<number>(MAX_TIMES - times.length).fill(0),
  ],
  from: ([failedMs, after, ...times]) => ({
    failedMs: failedMs || Number.POSITIVE_INFINITY,
    after: after!,
    times: times.filter((time) => time > 0),
  }),
};

function isBetter(known: Known, { rank, timeMs, size }: Ended): boolean {
  if (rank !== known[0]) return rank > known[0];
  if (timeMs !== known[1]) return timeMs < known[1];
  return size > known[2];
}

const runAfter = (run: number, outcome: Outcome): number =>
  outcome === 'denied' ? run : outcome === 'failed' ? run + 1 : 0;
