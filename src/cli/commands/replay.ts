import { FLAG, TYPE_CODES } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';

import { EVENT_TYPES } from '../../model/event.ts';
import { stepsOfEvents } from '../../model/eventStep.ts';
import { failureLine } from '../../model/failure.ts';
import type { SessionFold } from '../../model/fold.ts';
import { similar } from '../../model/similar.ts';
import { STEP_KINDS, type StepView } from '../../model/step.ts';
import { type SessionSummary, summarise } from '../../model/summary.ts';
import {
  laneName,
  noteLine,
  promptHeading,
  type ReplayTextOptions,
  replayFoot,
  replayHead,
  stepLine,
} from '../../report/replayText.ts';
import { safeJson, sanitizeLine } from '../../report/terminalText.ts';
import { type Annotation, annotationsStamp, readAnnotations } from '../../trace/annotations.ts';
import { TraceSession } from '../../trace/session.ts';
import type { SessionEntry, TraceStore } from '../../trace/store.ts';
import { TraceWatcher } from '../../trace/watch.ts';
import { EXIT } from '../exit.ts';
import { CliError, Interrupted, type Io, print, sleep, styleFor, warn, widthOf } from '../io.ts';
import { billedElsewhere } from '../listing.ts';
import {
  findSession,
  NEWER,
  openStore,
  problemsText,
  processState,
  readOn,
  readSession,
  sharedPricer,
  type TraceOptions,
} from '../traces.ts';

export interface ReplayOptions extends TraceOptions {
  live?: boolean;
  speed?: number;
  filter?: string;
  limit?: number;
  /** Show the number of each step. */
  numbers?: boolean;
  json?: boolean;
}

/** The longest wait between two steps, ms. */
const MAX_DELAY = 2000;
/** Steps that are put into words at once. */
const BATCH = 200;
/** How often a live session is looked at where no file event tells, ms. */
const HEARTBEAT = 250;
/** A call that runs longer is shown before its result is there, ms. */
const PATIENCE = 700;
/** So long nothing may follow a session's end before it counts as the end, ms. */
const QUIET = 1000;

export async function replay(
  io: Io,
  id: string | undefined,
  options: ReplayOptions,
): Promise<number> {
  const filter = parseFilter(options.filter);
  const store = openStore(io, options);
  if (options.live === true) return await follow(io, store, id, options, filter);
  const entry = findSession(io, store, id);
  // The events as they are say nothing of money.
  const elsewhere = options.json === true ? undefined : await billedElsewhere(io, store, entry);
  const session = await readSession(io, entry, { billedElsewhere: elsewhere });
  const printer = new Printer(io, session, options, filter);
  await printer.head();
  await printer.all();
  await printer.foot();
  return EXIT.ok;
}

/** Names of kinds of steps, of event types, and of outcomes. */
const FILTERS: ReadonlySet<string> = new Set([
  ...STEP_KINDS,
  ...EVENT_TYPES,
  'denied',
  'retry',
  'subagent',
]);

/** @throws CliError for a name that is none */
function parseFilter(text: string | undefined): ReadonlySet<string> | undefined {
  if (text === undefined) return undefined;
  const names = text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
  for (const name of names) {
    if (FILTERS.has(name)) continue;
    const near = similar(name, FILTERS);
    throw new CliError(
      `--filter does not know "${sanitizeLine(name)}"`,
      EXIT.usage,
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : `It knows: ${[...FILTERS].sort().join(', ')}`,
    );
  }
  return names.length > 0 ? new Set(names) : undefined;
}

function passes(fold: SessionFold, row: number, filter: ReadonlySet<string> | undefined): boolean {
  if (filter === undefined) return true;
  const { columns } = fold;
  const flags = columns.flags[row]!;
  const pair = columns.pair[row]!;
  return (
    filter.has(STEP_KINDS[columns.kind[row]!] ?? '') ||
    filter.has(TYPE_CODES[columns.type[row]!] ?? '') ||
    (pair >= 0 && filter.has(TYPE_CODES[columns.type[pair]!] ?? '')) ||
    (filter.has('error') && (flags & FLAG.error) !== 0) ||
    (filter.has('denied') && (flags & FLAG.denied) !== 0) ||
    (filter.has('retry') && (flags & FLAG.retry) !== 0) ||
    (filter.has('subagent') && columns.lane[row] !== 0)
  );
}

/** Prints the steps of a session, each once. */
class Printer {
  private readonly io: Io;
  private readonly session: TraceSession;
  private readonly options: ReplayOptions;
  private readonly filter: ReadonlySet<string> | undefined;
  private readonly text: ReplayTextOptions;
  private left: number;
  private stamp = '';
  private byRow = new Map<number, Annotation[]>();
  private lastMs: number | undefined;

  constructor(
    io: Io,
    session: TraceSession,
    options: ReplayOptions,
    filter: ReadonlySet<string> | undefined,
  ) {
    this.io = io;
    this.session = session;
    this.options = options;
    this.filter = filter;
    this.left = options.limit === undefined || options.limit === 0 ? Infinity : options.limit;
    this.text = {
      style: styleFor(io, io.stdout),
      width: widthOf(io),
      startMs: 0,
    };
  }

  get done(): boolean {
    return this.left <= 0;
  }

  summary(): SessionSummary {
    return summarise(this.session.fold, {
      nowMs: this.io.now(),
      process: processState(this.io, this.session.id),
    });
  }

  async head(): Promise<void> {
    this.text.startMs = this.startMs();
    if (this.options.json === true) return;
    await print(this.io, replayHead(this.session.id, this.summary(), this.text));
  }

  private startMs(): number {
    const { firstMs } = this.session.fold.session;
    return Number.isFinite(firstMs) ? firstMs : 0;
  }

  async foot(): Promise<void> {
    if (this.options.json === true) return;
    await print(this.io, `\n${replayFoot(this.summary(), this.text)}\n`);
  }

  /** Everything from the beginning. */
  async all(): Promise<void> {
    const { fold } = this.session;
    const rows = this.options.json === true ? allRows(fold) : stepRows(fold);
    await this.rows(rows);
  }

  /** These rows, in this order, as many as the limit leaves. */
  async rows(rows: readonly number[], running?: ReadonlySet<number>): Promise<void> {
    const { fold } = this.session;
    if (this.text.startMs === 0) this.text.startMs = this.startMs();
    const wanted = rows.filter((row) => passes(fold, row, this.filter));
    for (let from = 0; from < wanted.length && !this.done; from += BATCH) {
      const batch = wanted.slice(from, from + Math.min(BATCH, this.left));
      this.left -= batch.length;
      const paced = this.options.speed !== undefined;
      const texts = this.options.json === true ? this.jsonLines(batch) : this.lines(batch, running);
      if (!paced) {
        await print(this.io, texts.join(''));
        await sleep(this.io, 0);
        continue;
      }
      for (const [at, text] of texts.entries()) {
        await this.pace(batch[at]!);
        await print(this.io, text);
      }
    }
  }

  private async pace(row: number): Promise<void> {
    const timeMs = this.session.fold.columns.timeMs[row]!;
    const gap = this.lastMs === undefined ? 0 : Math.max(0, timeMs - this.lastMs);
    this.lastMs = timeMs;
    const wait = Math.min(MAX_DELAY, gap / (this.options.speed ?? 1));
    if (wait >= 1) await sleep(this.io, wait);
  }

  private jsonLines(rows: readonly number[]): string[] {
    return this.session
      .readEvents(rows)
      .map((event) => (event === undefined ? '' : `${safeJson(plain(event))}\n`));
  }

  private lines(rows: readonly number[], running?: ReadonlySet<number>): string[] {
    const { fold } = this.session;
    const prompt = STEP_KINDS.indexOf('prompt');
    const views = this.describe(rows);
    const reasons = this.reasons(rows);
    const phases = new Map(fold.phases.all().map((phase) => [phase.row, phase]));
    const notes = this.notes();
    return rows.map((row, at) => {
      const view = views[at]!;
      if (this.options.numbers === true) this.text.step = fold.steps.stepOf(row) + 1;
      const below = (notes.get(row) ?? [])
        .map(({ label, note, author }) => `${noteLine(label, note, author, this.text)}\n`)
        .join('');
      if (fold.columns.kind[row] === prompt) {
        // What a prompt led to is known once it is over.
        const phase = this.options.live === true ? undefined : phases.get(row);
        return `${promptHeading(view, fold.columns.timeMs[row]!, phase, this.text)}\n${below}`;
      }
      return `${stepLine(fold, row, view, {
        ...this.text,
        lane: laneName(fold, fold.columns.lane[row]!),
        reason: reasons[at]!,
        running: running?.has(row) === true,
      })}\n${below}`;
    });
  }

  /** What people noted, by the row of the step. */
  private notes(): Map<number, Annotation[]> {
    const { fold, directory } = this.session;
    const stamp = annotationsStamp(directory);
    if (stamp === this.stamp) return this.byRow;
    this.stamp = stamp;
    this.byRow = new Map();
    const stepOf = stepsOfEvents(fold);
    for (const each of readAnnotations(directory)) {
      const row = fold.steps.row(stepOf(each.eventId));
      const notes = this.byRow.get(row);
      if (notes) notes.push(each);
      else this.byRow.set(row, [each]);
    }
    return this.byRow;
  }

  private describe(rows: readonly number[]): StepView[] {
    const { fold } = this.session;
    const views: StepView[] = [];
    // Neighbours in the list of steps are read together.
    for (let from = 0; from < rows.length; ) {
      const first = fold.steps.stepOf(rows[from]!);
      let to = from + 1;
      while (to < rows.length && fold.steps.row(first + to - from) === rows[to]) to++;
      views.push(...this.session.describe(first, first + to - from));
      from = to;
    }
    return views;
  }

  /** The first line of what a failed or denied step said. */
  private reasons(rows: readonly number[]): string[] {
    const { columns } = this.session.fold;
    const asked = rows.filter((row) => {
      const bad = (columns.flags[row]! & (FLAG.error | FLAG.denied)) !== 0;
      return bad && columns.pair[row]! >= 0;
    });
    const events = this.session.readEvents(asked.map((row) => columns.pair[row]!));
    const byRow = new Map(asked.map((row, at) => [row, events[at]]));
    return rows.map((row) => failureLine(byRow.get(row)));
  }
}

/** An event as its line had it. */
function plain({ extra, ...event }: TraceEvent): Record<string, unknown> {
  return { ...event, ...extra };
}

/** Every event, in time order. */
function allRows({ columns }: SessionFold): number[] {
  const { timeMs } = columns;
  return Array.from({ length: columns.length }, (_, row) => row).sort(
    (a, b) => timeMs[a]! - timeMs[b]! || a - b,
  );
}

function stepRows({ steps }: SessionFold): number[] {
  return Array.from({ length: steps.length }, (_, at) => steps.row(at));
}

/** Follows a session until it ends, or Ctrl-C. */
async function follow(
  io: Io,
  store: TraceStore,
  id: string | undefined,
  options: ReplayOptions,
  filter: ReadonlySet<string> | undefined,
): Promise<number> {
  const entry = await waitForSession(io, store, id);
  const session = new TraceSession(entry.directory, entry.id, { pricer: await sharedPricer() });
  await readOn(io, session, entry.size);
  if (session.fold.newerVersion > 0) throw new CliError(NEWER, EXIT.usage);
  const printer = new LivePrinter(io, session, options, filter);
  let wake = (): void => {};
  const watcher = new TraceWatcher(entry.traceDir, {
    sessions: () => {},
    touched: (touched) => {
      if (touched === entry.id) wake();
    },
  });
  try {
    await printer.start();
    let quietSince = performance.now();
    while (!printer.done) {
      const before = session.bytesRead;
      await readOn(io, session, 0);
      if (session.bytesRead !== before) quietSince = performance.now();
      await printer.more();
      const { status } = printer.summary();
      const over = status === 'ended' || status === 'failed';
      if (over && performance.now() - quietSince >= QUIET) break;
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([woken, sleep(io, HEARTBEAT)]);
    }
    await printer.rest();
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    await printer.foot();
    return EXIT.interrupted;
  } finally {
    wake();
    await watcher.close();
  }
  await printer.foot();
  const problems = problemsText(session.problems);
  if (problems !== '') warn(io, `${session.id}: ${problems}`);
  return EXIT.ok;
}

async function waitForSession(
  io: Io,
  store: TraceStore,
  id: string | undefined,
): Promise<SessionEntry> {
  if (id === undefined && store.list().sessions.length === 0) {
    warn(io, 'Waiting for the first session (Ctrl-C stops)', 'dim');
    while (store.list().sessions.length === 0) await sleep(io, HEARTBEAT);
  }
  return findSession(io, store, id);
}

/** Prints what is new of a growing session. */
class LivePrinter extends Printer {
  private readonly live: TraceSession;
  private readonly json: boolean;
  private readonly cli: Io;
  private epoch = 0;
  /** Rows that were printed; for JSON by the size of their event, as a better version may come. */
  private printed = new Set<number>();
  /** Calls that were printed while they ran. */
  private running = new Set<number>();
  /** When a call without a result was first seen. */
  private readonly seen = new Map<number, number>();
  private nextRow = 0;
  private readonly firstLimit: number;

  constructor(
    io: Io,
    session: TraceSession,
    options: ReplayOptions,
    filter: ReadonlySet<string> | undefined,
  ) {
    // What was before is limited to the last so many; what comes is not.
    super(io, session, { ...options, limit: 0 }, filter);
    this.cli = io;
    this.live = session;
    this.json = options.json === true;
    this.firstLimit = options.limit ?? 0;
    this.epoch = session.epoch;
  }

  async start(): Promise<void> {
    await this.head();
    const { fold } = this.live;
    const rows = this.json ? allRows(fold) : stepRows(fold);
    const skipped = this.firstLimit > 0 ? Math.max(0, rows.length - this.firstLimit) : 0;
    for (const row of rows.slice(0, skipped)) this.printed.add(row);
    await this.more();
  }

  /** Prints what is new, but leaves calls that have only just begun for the next time. */
  async more(patience = PATIENCE): Promise<void> {
    const { fold } = this.live;
    if (this.live.epoch !== this.epoch) {
      this.epoch = this.live.epoch;
      this.printed.clear();
      this.running.clear();
      this.seen.clear();
      this.nextRow = 0;
      warn(this.cli, 'The trace was replaced: from its beginning again');
    }
    if (this.json) {
      const rows: number[] = [];
      for (; this.nextRow < fold.columns.length; this.nextRow++) {
        if (!this.printed.has(this.nextRow)) rows.push(this.nextRow);
      }
      await this.rows(rows);
      return;
    }
    const from = Math.min(fold.steps.takeChangedFrom(), this.firstUnsettled());
    const fresh: number[] = [];
    const finished: number[] = [];
    const begun = new Set<number>();
    const now = performance.now();
    for (let at = from; at < fold.steps.length; at++) {
      const row = fold.steps.row(at);
      const open = fold.columns.type[row] === CALL && fold.columns.pair[row]! < 0;
      if (this.printed.has(row)) {
        if (!open && this.running.delete(row)) finished.push(row);
        continue;
      }
      if (open) {
        if (!this.seen.has(row)) this.seen.set(row, now);
        if (now - this.seen.get(row)! < patience) continue;
        this.running.add(row);
        begun.add(row);
      }
      this.seen.delete(row);
      this.printed.add(row);
      fresh.push(row);
    }
    // A call that ended is shown again with its outcome, before what came after it.
    await this.rows([...finished, ...fresh], begun);
  }

  /** The first step that is not settled: its call runs. */
  private firstUnsettled(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const rows of [this.running, this.seen.keys()]) {
      for (const row of rows) {
        const at = this.live.fold.steps.stepOf(row);
        if (at >= 0 && at < first) first = at;
      }
    }
    return first;
  }

  /** At the end nothing is held back. */
  async rest(): Promise<void> {
    await this.more(0);
  }
}

const CALL = TYPE_CODES.indexOf('tool_call');
