import { visibleText } from '../../src/model/visibleText.ts';
import {
  COMPARE_PROTOCOL,
  type Comparison,
  type FromComparePage,
  LIKENESSES,
  type Side,
  type SideColumns,
  type SideState,
  type ToComparePage,
} from '../../src/protocol/compare.ts';
import { ROW_FLAGS, ROW_KINDS, type RowKind } from '../../src/protocol/rows.ts';
import { type Bridge, connect } from '../shared/bridge.ts';
import { Painter } from '../shared/paint.ts';
import { Words } from '../shared/words.ts';
import { type DisplayRow, DisplayRows } from './displayRows.ts';

type Received<T extends ToComparePage['type']> = Extract<ToComparePage, { type: T }>;
export type Order = 'time' | 'cost' | 'steps';
export const ORDERS = ['time', 'cost', 'steps'] as const satisfies readonly Order[];

/** What outlives the page: what the person chose, no trace data. */
interface KeptState {
  /** For the host, which fills the tab again after a reload. */
  a: string;
  b?: string;
  order: Order;
}

/** What the page knows and what a person can do on it; it draws nothing. */
export class CompareApp {
  readonly painter = new Painter();
  readonly words: Record<Side, Words>;
  empty: Received<'empty'>['reason'] | undefined;
  progress: Received<'progress'> | undefined;
  /** When the current reading began, ms of `performance.now()`. */
  progressSinceMs = 0;
  error: Received<'error'> | undefined;
  comparison: Comparison | undefined;
  columns: Record<Side, SideColumns> | undefined;
  states: Record<Side, SideState> = {
    a: { live: false, gone: false },
    b: { live: false, gone: false },
  };
  order: Order = 'time';
  narrow = false;
  rows = new DisplayRows(EMPTY, false, new Set());
  /** Place in the list that has the focus. */
  cursor = 0;
  /** Of the divergence that the list was last brought to; −1: none. */
  divergence = -1;
  /** Counts how often the list was brought to the cursor. */
  reveals = 0;
  private readonly opened = new Set<number>();
  private a = '';
  private b: string | undefined;
  private readonly bridge: Bridge<ToComparePage, FromComparePage, KeptState>;

  constructor() {
    this.bridge = connect<ToComparePage, FromComparePage, KeptState>();
    const words = (side: Side): Words => new Words((request) => this.post({ ...request, side }));
    this.words = { a: words('a'), b: words('b') };
    const { order } = this.bridge.load();
    if (order !== undefined && ORDERS.includes(order)) this.order = order;
    this.bridge.listen((message) => this.receive(message));
    this.post({ type: 'ready', version: COMPARE_PROTOCOL });
  }

  get divergences(): readonly number[] {
    return this.comparison?.divergences ?? [];
  }

  post(message: FromComparePage): void {
    this.bridge.post(message);
  }

  setOrder(order: Order): void {
    this.order = order;
    this.save();
    this.painter.now();
  }

  setNarrow(narrow: boolean): void {
    if (narrow === this.narrow) return;
    this.narrow = narrow;
    this.layOut();
    this.painter.now();
  }

  swap(): void {
    this.post({ type: 'swap' });
  }

  /** To the next or previous divergence after what has the focus. */
  seekDivergence(by: 1 | -1): void {
    const { divergences, rows } = this;
    if (divergences.length === 0) return;
    const places = divergences.map((row) => rows.placeOf(row));
    const next =
      by === 1
        ? places.findIndex((place) => place > this.cursor)
        : places.findLastIndex((place) => place < this.cursor);
    if (next >= 0) this.toDivergence(next);
  }

  toDivergence(at: number): void {
    const row = this.divergences[at];
    if (row === undefined) return;
    this.divergence = at;
    this.goTo(this.rows.placeOf(row));
  }

  /** To the row that shows a step of one side. */
  goToStep(side: Side, step: number): void {
    const steps = this.comparison?.steps;
    if (!steps) return;
    const row = firstRowFrom(steps[side], step);
    if (row >= 0) this.goTo(this.rows.placeOf(row));
  }

  goTo(place: number): void {
    this.cursor = Math.min(Math.max(0, place), Math.max(0, this.rows.length - 1));
    this.reveals++;
    this.painter.now();
  }

  /** Opens a fold, and goes to its first row. */
  unfold(row: number): void {
    this.opened.add(row);
    this.layOut();
    this.goTo(this.rows.placeOf(row));
  }

  open(side: Side, step: number): void {
    this.post({ type: 'open', side, step });
  }

  dismissError(): void {
    this.error = undefined;
    this.painter.now();
  }

  kind(side: Side, step: number): RowKind {
    return ROW_KINDS[this.columns?.[side].kind[step] ?? 0] ?? 'other';
  }

  has(side: Side, step: number, flag: keyof typeof ROW_FLAGS): boolean {
    return ((this.columns?.[side].flags[step] ?? 0) & ROW_FLAGS[flag]) !== 0;
  }

  /** A step in a few words. */
  stepWords(side: Side, step: number): string {
    const view = this.words[side].get(step);
    const failed = this.has(side, step, 'denied')
      ? 'Denied'
      : this.has(side, step, 'error')
        ? 'Failed'
        : '';
    const said = view ? [view.verb, view.target, view.detail] : [this.kind(side, step)];
    return visibleText([failed === view?.verb ? '' : failed, ...said].filter(Boolean).join(' '));
  }

  /** Time and cost of the steps of a fold. ms, nano-dollars. */
  sumOf(side: Side, rows: { from: number; to: number }): { ms: number; nanoUsd: number } {
    const { comparison, columns } = this;
    const sum = { ms: 0, nanoUsd: 0 };
    if (!comparison || !columns) return sum;
    const steps = comparison.steps[side];
    const { timeMs, durationMs, nanoUsd } = columns[side];
    let first = Number.NaN;
    let end = Number.NaN;
    for (let row = rows.from; row < rows.to; row++) {
      const step = steps[row]!;
      if (step < 0) continue;
      if (Number.isNaN(first)) first = timeMs[step]!;
      const last = timeMs[step]! + (durationMs[step]! || 0);
      if (!(last < end)) end = last;
      sum.nanoUsd += nanoUsd[step]! || 0;
    }
    sum.ms = Math.max(0, end - first) || 0;
    return sum;
  }

  /** Asks for the words of what is seen. */
  want(first: number, last: number): void {
    const steps = this.comparison?.steps;
    if (!steps) return;
    const wanted: Record<Side, number[]> = { a: [], b: [] };
    for (let index = first; index < last; index++) {
      const shown = this.rows.at(index);
      if (!shown || shown.kind === 'fold') continue;
      for (const side of ['a', 'b'] as const) {
        const step = steps[side][shown.row]!;
        if (step >= 0 && wanted[side].at(-1) !== step) wanted[side].push(step);
      }
    }
    this.words.a.want(wanted.a);
    this.words.b.want(wanted.b);
  }

  rowAt(index: number): DisplayRow | undefined {
    return this.rows.at(index);
  }

  private layOut(): void {
    const { comparison, cursor } = this;
    const before = this.rows.at(cursor);
    const row = before === undefined ? -1 : before.kind === 'fold' ? before.fold.from : before.row;
    this.rows = new DisplayRows(comparison?.steps ?? EMPTY, this.narrow, this.opened);
    if (row >= 0) this.cursor = Math.max(0, this.rows.placeOf(row));
  }

  private save(): void {
    this.bridge.save({
      a: this.a,
      ...(this.b === undefined ? {} : { b: this.b }),
      order: this.order,
    });
  }

  private receive(message: ToComparePage): void {
    switch (message.type) {
      case 'start':
        if (message.a !== this.a || message.b !== this.b) this.forget();
        this.a = message.a;
        this.b = message.b;
        this.save();
        break;
      case 'empty':
        this.empty = message.reason;
        this.painter.now();
        break;
      case 'progress':
        if (!this.progress) {
          this.progressSinceMs = performance.now();
          // It is said in words when it takes long, whether or not there is news.
          setTimeout(() => this.painter.soon(), 450);
        }
        this.progress = message.readBytes < message.totalBytes ? message : undefined;
        this.empty = undefined;
        this.painter.soon();
        break;
      case 'comparison':
        this.take(message);
        break;
      case 'states':
        this.states = { a: message.a, b: message.b };
        this.painter.soon();
        break;
      case 'rows':
        this.words[message.side].receive(message.requestId, message.from, message.rows);
        this.painter.now();
        break;
      case 'error':
        this.error = message;
        this.progress = undefined;
        this.painter.now();
        break;
    }
  }

  private take({ comparison, a, b, states }: Received<'comparison'>): void {
    const first = this.comparison === undefined;
    this.comparison = comparison;
    this.columns = { a, b };
    this.states = states;
    this.progress = undefined;
    this.empty = undefined;
    if (!first) {
      for (const side of ['a', 'b'] as const) {
        this.words[side].invalidate(0, comparison.steps.length);
      }
    }
    this.layOut();
    if (first && comparison.divergences.length > 0) this.toDivergence(0);
    else this.painter.now();
  }

  private forget(): void {
    this.comparison = undefined;
    this.columns = undefined;
    this.words.a.clear();
    this.words.b.clear();
    this.opened.clear();
    this.cursor = 0;
    this.divergence = -1;
    this.layOut();
  }
}

const EMPTY = {
  length: 0,
  a: new Int32Array(0),
  b: new Int32Array(0),
  like: new Uint8Array(0),
};

export const LIKE_SIGNS: Record<(typeof LIKENESSES)[number], string> = {
  same: '=',
  similar: '≈',
  different: '≠',
  onlyA: '',
  onlyB: '',
};
export const LIKE_WORDS: Record<(typeof LIKENESSES)[number], string> = {
  same: 'the same',
  similar: 'similar',
  different: 'different',
  onlyA: 'only in A',
  onlyB: 'only in B',
};

export const likeOf = (code: number): (typeof LIKENESSES)[number] =>
  LIKENESSES[code] ?? 'different';

/** First row whose step is this one or a later one; rows without a step are passed over. −1: none. */
function firstRowFrom(steps: Int32Array, step: number): number {
  for (let row = 0; row < steps.length; row++) if (steps[row]! >= step) return row;
  return -1;
}
