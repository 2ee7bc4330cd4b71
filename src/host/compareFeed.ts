import { factsInSlices, type SideFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import type { Comparison, EndContents } from '../analysis/compare/comparison.ts';
import { untoldInSlices } from '../analysis/compare/outcome.ts';
import {
  COMPARE_PROTOCOL,
  type FromComparePage,
  type Side,
  type SideColumns,
  type SideState,
  type ToComparePage,
} from '../protocol/compare.ts';
import { compareMarkdown } from '../report/compareMarkdown.ts';
import { OTHER_VERSION, Patience, readingOf } from './feeds.ts';
import { inTurns } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';
import type { LiveChange, LiveSessions } from './liveSessions.ts';
import { Pace } from './pace.ts';
import { isNumber } from './replayActs.ts';
import { type CompareEnds, sideInfo } from './sessionPair.ts';
import { rowColumns, rowContext } from './streamRows.ts';

/** What a feed asks of whatever shows the page. */
export interface CompareHost {
  post(message: ToComparePage): void;
  /** Opens a session at a step: its replay, or the diff of the step. */
  open(session: LiveSession, step: number, what: 'replay' | 'diff'): void;
  compareEnds: CompareEnds;
  /** The person is to pick the second session, or another one. */
  choose(): void;
  copy(markdown: string): void;
  /** The sides changed places: what the tab is about. */
  swapped(a: string, b: string): void;
  /** What the page is about, for the tab. */
  named(title: string): void;
}

/** Rows whose words a page may ask for at once. */
const MAX_WORDS = 2000;
/** A live session is compared again at most so often, ms; more where that takes long. */
const AGAIN_MS = 3000;
const REST = 10;

interface Computed {
  epoch: number;
  bytes: number;
  live: boolean;
  facts: SideFacts;
}

const SIDES = ['a', 'b'] as const;

/** The host's side of one page that compares two sessions. Knows nothing of VS Code. */
export class CompareFeed {
  private readonly live: LiveSessions;
  private readonly host: CompareHost;
  private keys: { a: string; b: string | undefined };
  private readonly releases: (() => void)[] = [];
  private readonly stopListening: () => void;
  private readonly pace: Pace;
  private readonly patience: Patience;
  private readonly computed = new Map<string, Computed>();
  private comparison: Comparison | undefined;
  /** Of files that both changed: whether they ended the same, where the traces do not tell. */
  private ends: EndContents = new Map();
  private ready = false;
  private disposed = false;
  private working = false;
  private sentStates = '';
  private sentEmpty = '';
  /** Nothing is compared again before, ms of `performance.now()`. */
  private notBefore = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** @param b undefined: it is yet to be picked */
  constructor(live: LiveSessions, keys: { a: string; b: string | undefined }, host: CompareHost) {
    this.live = live;
    this.keys = { ...keys };
    this.host = host;
    this.pace = new Pace(() => this.update(), 4);
    this.stopListening = live.onChange((change) => this.onChange(change));
    this.releases.push(live.hold(keys.a));
    if (keys.b !== undefined) this.releases.push(live.hold(keys.b));
    this.patience = new Patience(() => this.update());
  }

  /** A message of the page. Pages render hostile text: nothing of it is believed. */
  receive(value: unknown): void {
    if (typeof value !== 'object' || value === null || this.disposed) return;
    const message = value as FromComparePage;
    if (message.type === 'ready') {
      this.start(message.version);
      return;
    }
    if (!this.ready) return;
    switch (message.type) {
      case 'choose':
        this.host.choose();
        break;
      case 'swap':
        this.swap();
        break;
      case 'rows':
        this.answerRows(message);
        break;
      case 'open':
        this.open(message);
        break;
      case 'openDiff': {
        const session = isSide(message.side) ? this.session(message.side) : undefined;
        if (session && isNumber(message.step)) this.host.open(session, message.step, 'diff');
        break;
      }
      case 'copy':
        if (this.comparison) this.host.copy(this.markdown(this.comparison));
        break;
      default:
    }
  }

  /** The page went away, or nobody sees it: nothing is sent until it says `ready` again. */
  pause(): void {
    this.ready = false;
  }

  private start(version: unknown): void {
    if (version !== COMPARE_PROTOCOL) {
      this.host.post(OTHER_VERSION);
      return;
    }
    this.ready = true;
    this.sentStates = '';
    this.sentEmpty = '';
    const { a, b } = this.keys;
    this.host.post({
      type: 'start',
      version: COMPARE_PROTOCOL,
      a,
      ...(b === undefined ? {} : { b }),
    });
    if (this.comparison) this.send(this.comparison);
    this.update();
  }

  private onChange(change: LiveChange): void {
    if (!this.ready) return;
    const { a, b } = this.keys;
    if (change.type === 'session' && change.session.key !== a && change.session.key !== b) return;
    this.pace.ask();
  }

  private session(side: Side): LiveSession | undefined {
    const key = this.keys[side];
    return key === undefined ? undefined : this.live.get(key);
  }

  /** Says what is new, and compares anew where that is due. */
  private update(): void {
    if (!this.ready || this.disposed) return;
    if (this.keys.b === undefined) {
      this.sendEmpty('one');
      return;
    }
    const [a, b] = SIDES.map((side) => this.session(side));
    if (!a || !b) {
      if (!this.comparison) this.sendEmpty(this.patience.ended ? 'gone' : 'loading');
      return;
    }
    this.sentEmpty = '';
    if (this.sendProgress([a, b])) return;
    this.sendStates();
    if (!this.comparison || this.isStale(a) || this.isStale(b)) this.compareSoon();
  }

  private sendEmpty(reason: 'one' | 'gone' | 'loading'): void {
    if (reason === this.sentEmpty) return;
    this.sentEmpty = reason;
    this.host.post({ type: 'empty', reason });
  }

  /** @returns whether they are being read for the first time */
  private sendProgress(sessions: readonly LiveSession[]): boolean {
    const loading = sessions.some((session) => session.loading);
    if (loading) this.host.post({ type: 'progress', ...readingOf(sessions) });
    return loading && !this.comparison;
  }

  private state(side: Side): SideState {
    const session = this.session(side);
    return {
      live: session !== undefined && !session.gone && session.isActive(Date.now()),
      gone: session === undefined || session.gone,
    };
  }

  private sendStates(): void {
    if (!this.comparison) return;
    const states = { a: this.state('a'), b: this.state('b') };
    const text = JSON.stringify(states);
    if (text === this.sentStates) return;
    this.sentStates = text;
    this.host.post({ type: 'states', ...states });
  }

  private isStale(session: LiveSession): boolean {
    const known = this.computed.get(session.key);
    return (
      known?.epoch !== session.trace.epoch ||
      known.bytes !== session.trace.bytesRead ||
      known.live !== session.isActive(Date.now())
    );
  }

  private compareSoon(): void {
    if (this.working) return;
    const wait = this.notBefore - performance.now();
    if (wait > 0) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.update();
      }, wait);
      return;
    }
    this.run(this.compare());
  }

  private run(work: Promise<void>): void {
    this.working = true;
    work.then(
      () => this.done(),
      (error: unknown) => {
        this.done();
        this.host.post({
          type: 'error',
          message: 'The sessions could not be compared.',
          detail: (error as Error).message,
        });
      },
    );
  }

  private done(): void {
    this.working = false;
    if (this.comparison) this.pace.ask();
  }

  private async compare(): Promise<void> {
    const startedMs = performance.now();
    for (const side of SIDES) {
      const session = this.session(side);
      if (!session) return;
      if (this.isStale(session)) await this.compute(session);
      if (this.disposed) return;
    }
    await this.lookUpEnds();
    if (this.disposed) return;
    await this.weigh();
    const tookMs = performance.now() - startedMs;
    this.notBefore = performance.now() + Math.max(AGAIN_MS, REST * tookMs);
  }

  /** Sets beside each other what is known of both, and says what came of it. */
  private async weigh(): Promise<void> {
    for (;;) {
      const { a: keyA, b: keyB } = this.keys;
      const [a, b] = [this.computed.get(keyA), this.computed.get(keyB ?? '')];
      if (!a || !b) return;
      const comparison = await this.inTurns(factsInSlices(a.facts, b.facts, this.ends));
      if (comparison === undefined) return;
      // Swapped meanwhile: what is known of each, and of both, still holds.
      if (this.keys.a !== keyA || this.keys.b !== keyB) continue;
      this.comparison = comparison;
      if (this.ready) this.send(comparison);
      return;
    }
  }

  private async lookUpEnds(): Promise<void> {
    const [a, b] = SIDES.map((side) => this.session(side));
    if (!a || !b) return;
    const [first, second] = [this.computed.get(a.key), this.computed.get(b.key)];
    if (!first || !second) return;
    const paths = await this.inTurns(untoldInSlices(first.facts, second.facts));
    if (paths !== undefined) this.ends = await this.host.compareEnds(a, b, paths);
  }

  private async compute(session: LiveSession): Promise<void> {
    const { trace } = session;
    const live = session.isActive(Date.now());
    const [epoch, bytes] = [trace.epoch, trace.bytesRead];
    const facts = await this.inTurns(sideFacts(trace, { ...sideInfo(session), live }));
    if (facts !== undefined) this.computed.set(session.key, { epoch, bytes, live, facts });
  }

  /** In slices: between two of them the editor has its turn. @returns undefined: the page is gone */
  private async inTurns<T>(work: Generator<unknown, T>): Promise<T | undefined> {
    return (await inTurns(work, () => this.disposed))?.value;
  }

  private send(comparison: Comparison): void {
    const [a, b] = [this.computed.get(this.keys.a), this.computed.get(this.keys.b ?? '')];
    if (!a || !b) return;
    const states = { a: this.state('a'), b: this.state('b') };
    this.sentStates = JSON.stringify(states);
    this.host.named(comparison.a.title || comparison.b.title);
    this.host.post({
      type: 'comparison',
      comparison,
      a: sideColumns(a.facts),
      b: sideColumns(b.facts),
      states,
    });
  }

  private swap(): void {
    const { a, b } = this.keys;
    if (b === undefined) return;
    this.keys = { a: b, b: a };
    this.host.swapped(b, a);
    const [first, second] = [this.computed.get(b), this.computed.get(a)];
    this.host.post({ type: 'start', version: COMPARE_PROTOCOL, a: b, b: a });
    if (!first || !second) return;
    // It is of the other order. A comparison under way sees that they changed places.
    this.comparison = undefined;
    if (!this.working) this.run(this.weigh());
  }

  private open({ side, step }: Extract<FromComparePage, { type: 'open' }>): void {
    if (!isNumber(step)) return;
    if (side === 'both') {
      for (const one of SIDES) {
        const session = this.session(one);
        if (session) this.host.open(session, this.stepOfBoth(one), 'replay');
      }
      return;
    }
    const session = isSide(side) ? this.session(side) : undefined;
    if (session) this.host.open(session, step, 'replay');
  }

  /** Both open where they part. */
  private stepOfBoth(side: Side): number {
    const { steps, divergences } = this.comparison ?? {};
    const row = divergences?.[0] ?? 0;
    // The last step before, where that side does nothing there.
    for (let at = row; at >= 0; at--) {
      const step = steps?.[side][at] ?? 0;
      if (step >= 0) return step;
    }
    return 0;
  }

  private answerRows({
    requestId,
    side,
    from,
    to,
  }: Extract<FromComparePage, { type: 'rows' }>): void {
    const session = isSide(side) ? this.session(side) : undefined;
    if (!session || ![requestId, from, to].every(isNumber)) return;
    const rows = session.trace.describe(from, Math.min(to, from + MAX_WORDS));
    this.host.post({ type: 'rows', requestId, side, from, rows });
  }

  private markdown(comparison: Comparison): string {
    return compareMarkdown(
      comparison,
      (side, step) => this.session(side)?.trace.describe(step, step + 1)[0],
    );
  }

  dispose(): void {
    this.disposed = true;
    this.stopListening();
    this.pace.dispose();
    this.patience.dispose();
    clearTimeout(this.timer);
    for (const release of this.releases) release();
  }
}

const isSide = (value: unknown): value is Side => value === 'a' || value === 'b';

function sideColumns({ session: { fold }, keys }: SideFacts): SideColumns {
  const { kind, flags, timeMs, durationMs, nanoUsd } = rowColumns(
    fold,
    // The turn's total on a prompt would be counted twice in a sum of steps.
    { ...rowContext(fold), turns: new Map() },
    0,
    keys.length,
  );
  const { firstMs } = fold.session;
  for (let step = 0; step < timeMs.length; step++) timeMs[step]! -= firstMs;
  return { kind, flags, timeMs, durationMs, nanoUsd };
}
