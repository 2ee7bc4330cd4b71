import { FLAG, TYPE } from '../../model/columns.ts';
import { isObject, type TraceEvent } from '../../model/event.ts';
import type { SessionFold } from '../../model/fold.ts';
import { STEP_KINDS, type StepKind } from '../../model/step.ts';
import { hasFailed } from '../../model/testWords.ts';
import type { AnalysedSession } from '../analysed.ts';
import { type Spawn, spawnsOf } from '../spawns.ts';
import { MAX_TEXT } from './mentions.ts';
import { type Subject, subjectOf } from './subject.ts';

/** Events, and bytes of them, that are read for one question. */
const MAX_EVENTS = 400;
const MAX_BYTES = 32 * 1_048_576;
/** Bytes of an event that is still looked into: a line of ours is at most 1 MB. */
const MAX_SIZE = 1_500_000;
/** Calls that are looked back on, from one step. */
const MAX_BACK = 80;
/** Steps that are passed by on the way to the one before in the same lane. */
const MAX_PASSED = 1_000_000;

const PROMPT = STEP_KINDS.indexOf('prompt');

/** The steps of a session as a question walks back over them: few events are read, each once. */
export class Trail {
  readonly fold: SessionFold;
  private readonly session: AnalysedSession;
  private readonly known = new Map<number, TraceEvent | undefined>();
  private readonly subjects = new Map<number, Subject>();
  private spawns: ReadonlyMap<number, Spawn> | undefined;
  private left = MAX_EVENTS;
  private leftBytes = MAX_BYTES;

  constructor(session: AnalysedSession) {
    this.session = session;
    this.fold = session.fold;
  }

  /** Whether nothing more is read. */
  get spent(): boolean {
    return this.left <= 0 || this.leftBytes <= 0;
  }

  /** Who started the subagent of a lane. */
  spawn(lane: number): Spawn | undefined {
    this.spawns ??= spawnsOf(this.session);
    return this.spawns.get(lane);
  }

  row(step: number): number {
    return this.fold.steps.row(step);
  }

  kind(step: number): StepKind {
    return STEP_KINDS[this.fold.columns.kind[this.row(step)]!] ?? 'other';
  }

  has(step: number, flag: number): boolean {
    return (this.fold.columns.flags[this.row(step)]! & flag) !== 0;
  }

  /** It failed, or was denied; or tests did, as their own words say. */
  failed(step: number): boolean {
    return this.has(step, FLAG.denied) || hasFailed(this.fold.columns, this.row(step));
  }

  lane(step: number): number {
    return this.fold.columns.lane[this.row(step)]!;
  }

  isCall(step: number): boolean {
    const type = this.fold.columns.type[this.row(step)];
    return (
      type === TYPE.tool_call ||
      type === TYPE.file_read ||
      type === TYPE.file_write ||
      // An error that belongs to no call.
      type === TYPE.error
    );
  }

  /** Calls that one response asked for: none of them knows of the others. */
  siblings(a: number, b: number): boolean {
    const { response } = this.fold.columns;
    const of = response[this.row(a)]!;
    return of >= 0 && of === response[this.row(b)];
  }

  /** Whether the outcome of a step was known when the other began. */
  over(step: number, by: number): boolean {
    const { columns } = this.fold;
    const pair = columns.pair[this.row(step)]!;
    if (pair < 0) return columns.type[this.row(step)] !== TYPE.tool_call;
    return columns.timeMs[pair]! <= columns.timeMs[this.row(by)]!;
  }

  /** The step before in the same lane, back to the last prompt, itself the last; -1: none. */
  before(step: number): number {
    const { columns, steps } = this.fold;
    const lane = this.lane(step);
    for (let at = step - 1, passed = 0; at >= 0 && passed < MAX_PASSED; at--, passed++) {
      if (columns.lane[steps.row(at)] === lane) return at;
    }
    return -1;
  }

  isPrompt(step: number): boolean {
    return this.fold.columns.kind[this.row(step)] === PROMPT;
  }

  /** Calls of the lane that were over when this step began, the nearest first, back to the prompt. */
  callsBefore(step: number): number[] {
    const calls: number[] = [];
    for (let at = this.before(step); at >= 0 && calls.length < MAX_BACK; at = this.before(at)) {
      if (this.isPrompt(at)) break;
      if (this.isCall(at) && !this.siblings(at, step) && this.over(at, step)) calls.push(at);
    }
    return calls;
  }

  /** Reads calls and their results, as far as the question may. */
  readAhead(calls: readonly number[]): void {
    const { pair } = this.fold.columns;
    this.prepare(calls.flatMap((at) => [this.row(at), pair[this.row(at)]!]));
  }

  /** Reads events ahead, nearest first, as far as the question may. */
  prepare(rows: readonly number[]): void {
    const { size, length } = this.fold.columns;
    const wanted: number[] = [];
    for (const row of rows) {
      if (row < 0 || row >= length || this.known.has(row) || this.spent) continue;
      if (size[row]! > MAX_SIZE) {
        this.known.set(row, undefined);
        continue;
      }
      this.left--;
      this.leftBytes -= size[row]!;
      this.known.set(row, undefined);
      wanted.push(row);
    }
    if (wanted.length === 0) return;
    const events = this.session.readEvents(wanted);
    for (const [at, row] of wanted.entries()) this.known.set(row, events[at]);
  }

  event(row: number): TraceEvent | undefined {
    if (row < 0) return undefined;
    if (!this.known.has(row)) this.prepare([row]);
    return this.known.get(row);
  }

  stepEvent(step: number): TraceEvent | undefined {
    return this.event(this.row(step));
  }

  /** The row of a call's outcome; -1: it has none. */
  resultRow(step: number): number {
    const row = this.row(step);
    return this.fold.columns.type[row] === TYPE.llm_response ? -1 : this.fold.columns.pair[row]!;
  }

  result(step: number): TraceEvent | undefined {
    return this.event(this.resultRow(step));
  }

  subject(step: number): Subject {
    let subject = this.subjects.get(step);
    if (subject === undefined) {
      const event = this.stepEvent(step);
      subject =
        event === undefined
          ? { paths: [], words: [] }
          : subjectOf(event, this.kind(step), this.fold.session.cwd, this.result(step));
      this.subjects.set(step, subject);
    }
    return subject;
  }
}

/** What an event says: a result, an error, a prompt, a text. */
export function saidBy(event: TraceEvent | undefined): string {
  if (event === undefined) return '';
  const { data } = event;
  const content = data.content_preview;
  for (const value of [data.error, data.result, content, data.prompt, data.text, data.message]) {
    if (typeof value === 'string' && value !== '') return value.slice(0, MAX_TEXT);
  }
  return '';
}

/** The task that a call gave a subagent. */
export function taskOf(event: TraceEvent | undefined): string {
  const args = event?.data.arguments;
  if (!isObject(args)) return '';
  for (const value of [args.prompt, args.task, args.message, args.description]) {
    if (typeof value === 'string' && value !== '') return value.slice(0, MAX_TEXT);
  }
  return '';
}
