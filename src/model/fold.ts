import type { BilledElsewhere } from './billing.ts';
import { CallMatcher, type MatchedCall } from './callMatcher.ts';
import {
  COLUMN_NAMES,
  Columns,
  FLAG,
  KeyTable,
  NumberTable,
  TYPE,
  TYPE_CODES,
  typeCode,
} from './columns.ts';
import { modernise } from './decode.ts';
import { type Json, type JsonObject, TRACE_VERSION, type TraceEvent } from './event.ts';
import { eventIdNumber, idNumber } from './ids.ts';
import { Interner } from './interner.ts';
import { onlyLooks } from './lookCommand.ts';
import { isFailure, MAIN_CHAIN, rankOf } from './rank.ts';
import { commandIn } from './scriptCommand.ts';
import { ContextSlice } from './slices/context.ts';
import { CostSlice } from './slices/cost.ts';
import { CountsSlice } from './slices/counts.ts';
import { FilesSlice } from './slices/files.ts';
import { PhasesSlice } from './slices/phases.ts';
import { RetriesSlice } from './slices/retries.ts';
import { SessionSlice } from './slices/session.ts';
import type { FoldContext, Slice } from './slices/slice.ts';
import { SubagentsSlice } from './slices/subagents.ts';
import { ToolsSlice } from './slices/tools.ts';
import { STEP_KINDS, type StepKind } from './step.ts';
import { StepList } from './stepList.ts';
import { testRun } from './testCommand.ts';
import { saysTestsFailed } from './testWords.ts';
import { toolKind } from './tools.ts';
import { type Pricer, type Usage, usageOf } from './usage.ts';
import { isUserPrompt } from './userPrompt.ts';

export type Added =
  | 'added'
  /** An event that was there already. */
  | 'duplicate'
  /** A better version of an event that was there already. */
  | 'replaced';

export interface FoldOptions {
  pricer?: Pricer | undefined;
  /** Responses that other sessions were billed for: see `Billing`. */
  billedElsewhere?: BilledElsewhere | undefined;
}

/**
 * The state of one session: a fold over its events, O(1) an event, in any order, with any event
 * any number of times.
 *
 * Events are upserted by id. Of two versions of one event the better stands (see `rankOf`), so that
 * the result does not depend on which came first.
 */
export class SessionFold implements FoldContext {
  readonly columns = new Columns();
  readonly lanes = new Interner('');
  readonly tools = new Interner('');
  readonly steps: StepList;
  readonly pricer: Pricer | undefined;
  readonly billedElsewhere: BilledElsewhere | undefined;
  usage: Usage | undefined;

  readonly counts: CountsSlice;
  readonly cost: CostSlice;
  readonly files: FilesSlice;
  readonly toolUse: ToolsSlice;
  readonly phases: PhasesSlice;
  readonly retries: RetriesSlice;
  readonly subagents: SubagentsSlice;
  readonly context: ContextSlice;
  readonly session: SessionSlice;

  /** Events that were seen before and said nothing new. */
  duplicates = 0;
  /** Written by a newer version: some of it may be missing or misread. */
  newerVersion = 0;
  private readonly slices: readonly Slice[];
  private readonly table: KeyTable;
  /** Results whose call has not come yet, by the call's key. */
  private readonly orphans = new NumberTable();
  /** Responses that told of calls or texts which have not come yet, by their key. */
  private readonly pendingResponses = new NumberTable();
  /** Texts whose response has not come yet, by the response's key. */
  private readonly pendingTexts = new NumberTable();
  /** Of those, the further texts of one response. */
  private readonly moreTexts = new Map<number, number[]>();
  /** Calls of agents that give them no id. */
  private readonly matcher = new CallMatcher();
  /** Of the event under way. */
  private matched: MatchedCall | undefined;
  /** Open calls of foreign traces, by their own reference and by tool, for results with no parent. */
  private readonly foreignRefs = new Map<string, number>();
  private readonly foreignOpen = new Map<number, Set<number>>();
  private lastTimeMs = 0;
  /** The event under way was written by another tool. */
  foreign = false;
  /** The row that is being added: it is no step yet. */
  private adding = -1;
  private readonly toolKinds: number[] = [];
  private lastLane = '';
  private lastLaneCode = 0;

  constructor(options: FoldOptions = {}) {
    this.pricer = options.pricer;
    this.billedElsewhere = options.billedElsewhere;
    this.table = new KeyTable(() => this.columns.key);
    this.steps = new StepList(this.columns);
    this.counts = new CountsSlice(this);
    this.cost = new CostSlice(this);
    this.files = new FilesSlice(this);
    this.toolUse = new ToolsSlice(this);
    this.phases = new PhasesSlice(this);
    this.retries = new RetriesSlice(this);
    this.subagents = new SubagentsSlice(this);
    this.context = new ContextSlice(this);
    this.session = new SessionSlice(this);
    this.slices = [
      this.session,
      this.counts,
      this.cost,
      this.files,
      this.toolUse,
      this.phases,
      this.retries,
      this.subagents,
      this.context,
    ];
  }

  /**
   * Cost comes before phases, which read the price that it writes into the columns. One call a slice
   * and no loop: the compiler can then see through each of them.
   */
  private addToSlices(row: number, event: TraceEvent): void {
    this.session.add(row, event);
    this.counts.add(row);
    this.cost.add(row, event);
    this.files.add(row, event);
    this.toolUse.add(row);
    this.phases.add(row, event);
    this.retries.add(row, event);
    this.subagents.add(row, event);
    this.context.add(row, event);
  }

  rowOf(idKey: number): number {
    return this.table.get(idKey);
  }

  /**
   * @param offset byte offset of the event's line in its file
   * @param size bytes of the line
   */
  add(event: TraceEvent, offset = 0, size = 0): Added {
    this.readVersion(event);
    const { columns } = this;
    const type = typeCode(event.event_type);
    this.matched = isCallClass(type)
      ? this.matcher.idOf(event, type !== TYPE.tool_call)
      : undefined;
    if (this.matched?.alias !== undefined) this.linkAlias(this.matched);
    const key = this.matched ? keyFrom(this.matched.own, type) : idKey(event, type, offset);
    this.usage = type === TYPE.llm_response ? usageOf(event.data) : undefined;
    const rank = rankOf(event, type, this.usage);
    const timeMs = this.timeOf(event);
    let row = this.table.find(key);
    let added: Added = 'added';
    let partner = -1;
    if (row >= 0) {
      this.duplicates++;
      this.cost.duplicate(type, event);
      if (!this.isBetter(row, rank, event, timeMs, size)) {
        this.files.addSeen(row, event);
        return 'duplicate';
      }
      partner = this.takeBack(row);
      added = 'replaced';
    } else {
      row = columns.push();
      columns.key[row] = key;
      this.table.insert(key, row);
    }
    columns.type[row] = type;
    columns.timeMs[row] = timeMs;
    columns.offset[row] = offset;
    columns.size[row] = size;
    columns.rank[row] = rank;
    const text = added === 'replaced' && type === TYPE.llm_response ? columns.pair[row]! : -1;
    this.classify(row, type, event);
    // The text that shows a response goes on showing it.
    if (text >= 0) {
      columns.flags[row]! |= FLAG.hidden;
      this.steps.touch(text);
    }
    this.addToSlices(row, event);
    this.adding = row;
    if (partner >= 0) this.pairUp(row, partner);
    else this.findPartner(row, type, key, event);
    this.link(row, type, key, event);
    this.adding = -1;
    // Last: most results and responses turn out to be part of another step.
    if ((columns.flags[row]! & FLAG.hidden) === 0) this.steps.insert(row);
    else this.steps.touchAt(row);
    return added;
  }

  private timeOf(event: TraceEvent): number {
    const timeMs = event.timestamp * 1000;
    // Without a time of its own an event stands where it was written.
    if (Number.isNaN(timeMs)) return this.lastTimeMs;
    this.lastTimeMs = timeMs;
    return timeMs;
  }

  private readVersion(event: TraceEvent): void {
    this.foreign = event.data.recorded_by === undefined;
    if (this.foreign) modernise(event, 0);
    if (event.event_type !== 'session_start') return;
    const { trace_version: version } = event.data;
    if (typeof version === 'number' && version > TRACE_VERSION && version > this.newerVersion) {
      this.newerVersion = version;
    }
  }

  private isBetter(
    row: number,
    rank: number,
    event: TraceEvent,
    timeMs: number,
    size: number,
  ): boolean {
    const { columns } = this;
    if (rank !== columns.rank[row]) return rank > columns.rank[row]!;
    const { row_count: rows } = event.data;
    if (this.usage && typeof rows === 'number') {
      // The same tokens, told by more rows of the transcript: it knows of more calls.
      const known = this.cost.rowsOf(row);
      if (rows !== known) return rows > known;
    }
    if (timeMs !== columns.timeMs[row]) return timeMs < columns.timeMs[row]!;
    return size > columns.size[row]!;
  }

  /** Takes a row out of everything, so that a better version can be put in. Gives its partner. */
  private takeBack(row: number): number {
    const { columns } = this;
    const isResponse = columns.type[row] === TYPE.llm_response;
    const partner = isResponse ? -1 : columns.pair[row]!;
    if (partner >= 0) this.unpair(row, partner);
    for (const slice of this.slices) slice.remove(row);
    if ((columns.flags[row]! & FLAG.hidden) === 0) this.steps.remove(row);
    else this.steps.touchAt(row);
    if (!isResponse) columns.pair[row] = -1;
    columns.durationMs[row] = Number.NaN;
    columns.nanoUsd[row] = Number.NaN;
    return partner;
  }

  private classify(row: number, type: number, event: TraceEvent): void {
    const { columns } = this;
    const { data } = event;
    const subtype = data.event_subtype;
    const laneName = typeof data.agent_id === 'string' ? data.agent_id : '';
    if (laneName !== this.lastLane) {
      this.lastLane = laneName;
      this.lastLaneCode = laneName === '' ? 0 : this.lanes.code(laneName);
    }
    columns.lane[row] = this.lastLaneCode;
    const toolName = typeof data.tool_name === 'string' ? data.tool_name : '';
    columns.tool[row] = toolName === '' ? 0 : this.tools.code(toolName);
    columns.durationMs[row] = event.duration_ms ?? Number.NaN;
    let flags = data.redacted === undefined ? 0 : FLAG.redacted;
    let kind = KIND.other;
    switch (type) {
      case TYPE.session_start:
      case TYPE.session_end:
        kind = KIND.session;
        break;
      case TYPE.tool_call:
        if (subtype === 'subagent') {
          kind = KIND.agent;
          flags |= FLAG.subagent | FLAG.hidden;
        } else {
          kind = this.toolKind(columns.tool[row]!);
          if (kind === KIND.run) flags |= commandFlags(data);
        }
        break;
      case TYPE.tool_result:
        kind = KIND.tool;
        if (subtype === 'subagent') flags |= FLAG.subagent | FLAG.hidden;
        else if (this.maySayTests(columns.tool[row]!) && saysTestsFailed(data.result))
          flags |= FLAG.test;
        if (isFailure(data)) flags |= FLAG.error;
        if (data.closed_by !== undefined) flags |= FLAG.closed;
        if ((flags & FLAG.test) !== 0 && data.exit_code === 0) flags |= FLAG.exit;
        break;
      case TYPE.error:
        kind = KIND.error;
        flags |= subtype === 'denied' ? FLAG.denied : FLAG.error;
        break;
      case TYPE.llm_request:
      case TYPE.llm_response:
        kind = KIND.model;
        break;
      case TYPE.file_read:
        kind = KIND.read;
        break;
      case TYPE.file_write:
        kind = KIND.modify;
        break;
      case TYPE.user_prompt:
        kind = isUserPrompt(data, columns.lane[row]!) ? KIND.prompt : KIND.notice;
        break;
      case TYPE.assistant_response:
        kind = subtype === 'reasoning' ? KIND.reasoning : KIND.assistant;
        if (typeof data.text !== 'string' || data.text === '') flags |= FLAG.hidden;
        break;
      case TYPE.decision:
        kind = KIND.notice;
        if (subtype === 'turn_end' || subtype === 'cwd') flags |= FLAG.hidden;
        if (subtype === 'guard' && isToldByCall(data)) flags |= FLAG.hidden;
        // Its end tells all; where the transcript tells too, the hook's is the second.
        if (subtype === 'compaction') {
          const begins = data.recorded_by === 'hook' && data.phase === 'start';
          flags |= begins ? FLAG.hidden : FLAG.compaction;
        }
        break;
      default:
    }
    if (kind === KIND.modify) flags |= FLAG.edit;
    columns.kind[row] = kind;
    columns.flags[row] = flags;
  }

  /** Whether a result may be of a command; some writers do not say whose it is. */
  private maySayTests(tool: number): boolean {
    return tool === 0 || this.toolKind(tool) === KIND.run;
  }

  /** Kind of a tool by its code: names are read once. */
  private toolKind(tool: number): number {
    let kind = this.toolKinds[tool];
    if (kind === undefined) {
      kind = KIND[toolKind(this.tools.name(tool))];
      this.toolKinds[tool] = kind;
    }
    return kind;
  }

  private findPartner(row: number, type: number, key: number, event: TraceEvent): void {
    if (type === TYPE.tool_call || type === TYPE.llm_request) {
      const result = this.orphans.get(key);
      if (result !== undefined) {
        this.orphans.delete(key);
        this.pairUp(row, result);
      } else if (this.foreign) {
        this.rememberForeign(row, event);
      }
      return;
    }
    if (type !== TYPE.tool_result && type !== TYPE.error && type !== TYPE.llm_response) return;
    const parent = this.matched?.call ?? (event.parent_id && idNumber(event.parent_id));
    if (parent !== undefined && parent !== '') {
      const parentType = type === TYPE.llm_response ? TYPE.llm_request : TYPE.tool_call;
      const parentKey = keyFrom(parent, parentType);
      const call = this.table.get(parentKey);
      if (call < 0) this.orphans.set(parentKey, row);
      else if (this.columns.pair[call]! < 0) this.pairUp(row, call);
      return;
    }
    if (type === TYPE.llm_response || !this.foreign) return;
    const call = this.findForeign(row, type, event);
    if (call >= 0) this.pairUp(row, call);
  }

  private rememberForeign(row: number, event: TraceEvent): void {
    const ref = reference(event.data);
    if (ref !== undefined) this.foreignRefs.set(ref, row);
    const tool = this.columns.tool[row]!;
    let open = this.foreignOpen.get(tool);
    if (!open) {
      open = new Set();
      this.foreignOpen.set(tool, open);
    }
    open.add(row);
  }

  private findForeign(row: number, type: number, event: TraceEvent): number {
    const ref = reference(event.data);
    if (ref !== undefined) {
      const call = this.foreignRefs.get(ref);
      if (call !== undefined && this.columns.pair[call]! < 0) return call;
    }
    // Errors of a whole session (no tool) are not somebody's result.
    const tool = this.columns.tool[row]!;
    if (type === TYPE.error && tool === 0) return -1;
    for (const call of this.foreignOpen.get(tool) ?? []) return call;
    return -1;
  }

  /** Joins a call and its result (or a request and its response), in whichever order they came. */
  private pairUp(a: number, b: number): void {
    const { columns } = this;
    const aIsCall = columns.type[a] === TYPE.tool_call || columns.type[a] === TYPE.llm_request;
    const call = aIsCall ? a : b;
    const result = aIsCall ? b : a;
    if (columns.type[result] === TYPE.llm_response) {
      // The response is the step; its own `pair` names the text that shows it.
      columns.pair[call] = result;
      this.hide(call);
      return;
    }
    columns.pair[call] = result;
    columns.pair[result] = call;
    const span = columns.timeMs[result]! - columns.timeMs[call]!;
    const own = columns.durationMs[result]!;
    columns.durationMs[call] = Number.isNaN(own) ? Math.max(0, span) : own;
    columns.flags[call]! |= columns.flags[result]! & OUTCOME;
    if (this.foreignOpen.size > 0) this.foreignOpen.get(columns.tool[call]!)?.delete(call);
    this.hide(result);
    this.files.pair(call, result);
    this.toolUse.pair(call, result);
    this.retries.pair(call);
    if (call !== this.adding) this.steps.touch(call);
  }

  private unpair(a: number, b: number): void {
    const { columns } = this;
    const call = columns.type[a] === TYPE.tool_call ? a : b;
    const result = call === a ? b : a;
    const { flags } = columns;
    this.files.unpair(call);
    this.toolUse.unpair(call, result);
    columns.pair[call] = -1;
    columns.pair[result] = -1;
    flags[call]! &= ~OUTCOME;
    columns.durationMs[call] = Number.NaN;
    // Marks of later calls rest on this one's outcome.
    this.retries.unpair(call);
  }

  private hide(row: number): void {
    if ((this.columns.flags[row]! & FLAG.hidden) !== 0) return;
    this.columns.flags[row]! |= FLAG.hidden;
    if (row !== this.adding) this.steps.remove(row);
  }

  /** Ties calls and texts to the model response that they are part of. */
  private link(row: number, type: number, key: number, event: TraceEvent): void {
    const { columns } = this;
    const { data } = event;
    if (type === TYPE.tool_call) {
      const response = this.pendingResponses.get(key);
      if (response !== undefined) {
        this.pendingResponses.delete(key);
        columns.response[row] = response;
        this.context.changes++;
        this.steps.touchAt(response);
      }
    } else if (type === TYPE.assistant_response) {
      if (typeof data.message_id !== 'string') return;
      const request = typeof data.request_id === 'string' ? data.request_id : '';
      const responseKey = keyFrom(
        eventIdNumber(event.session_id, 'usage', data.message_id, request),
        TYPE.llm_response,
      );
      const response = this.table.get(responseKey);
      if (response >= 0) {
        this.linkText(row, response);
        return;
      }
      this.waitForResponse(row, responseKey);
    } else if (type === TYPE.llm_response) {
      this.linkResponse(row, key, event);
    }
  }

  /** A response that named a call by its own id finds it under the one that it is joined by. */
  private linkAlias({ alias, call }: MatchedCall): void {
    if (alias === undefined) return;
    const named = keyFrom(alias, TYPE.tool_call);
    const response = this.pendingResponses.get(named);
    if (response === undefined) return;
    this.pendingResponses.delete(named);
    const key = keyFrom(call, TYPE.tool_call);
    const row = this.table.get(key);
    if (row < 0) {
      this.pendingResponses.set(key, response);
      return;
    }
    this.columns.response[row] = response;
    this.context.changes++;
    this.steps.touch(row);
    this.steps.touchAt(response);
  }

  private waitForResponse(text: number, responseKey: number): void {
    const other = this.pendingTexts.get(responseKey) ?? -1;
    if (other === text) return;
    const shows = other < 0 || this.shows(text, other);
    if (shows) this.pendingTexts.set(responseKey, text);
    if (other < 0) return;
    const more = this.moreTexts.get(responseKey) ?? [];
    const further = shows ? other : text;
    if (more.length < MAX_CALLS && !more.includes(further)) more.push(further);
    this.moreTexts.set(responseKey, more);
  }

  private linkText(text: number, response: number): void {
    const { columns } = this;
    columns.response[text] = response;
    this.context.changes++;
    const shown = columns.pair[response]!;
    if (shown < 0 || this.shows(text, shown)) columns.pair[response] = text;
    this.hide(response);
    this.steps.touchAt(response);
    if (text !== this.adding) this.steps.touch(text);
  }

  /** Of two texts of one response, whether `a` carries its cost: what was said rather than thought. */
  private shows(a: number, b: number): boolean {
    const { kind, timeMs } = this.columns;
    if (kind[a] !== kind[b]) return kind[b] === KIND.reasoning;
    return timeMs[a]! > timeMs[b]!;
  }

  private linkResponse(row: number, key: number, event: TraceEvent): void {
    const { columns } = this;
    const calls = event.data.tool_use_ids;
    let sharers = 0;
    if (Array.isArray(calls)) {
      for (const id of calls) {
        if (typeof id !== 'string' || sharers >= MAX_CALLS) continue;
        sharers++;
        const callId = this.matcher.resolve(eventIdNumber(event.session_id, 'call', id));
        const callKey = keyFrom(callId, TYPE.tool_call);
        const call = this.table.get(callKey);
        if (call >= 0) {
          columns.response[call] = row;
          this.steps.touch(call);
        } else this.pendingResponses.set(callKey, row);
      }
    }
    columns.sharers[row] = sharers;
    const text = this.pendingTexts.get(key);
    if (text !== undefined) {
      this.pendingTexts.delete(key);
      this.linkText(text, row);
      for (const further of this.moreTexts.get(key) ?? []) this.linkText(further, row);
      this.moreTexts.delete(key);
    }
    if (sharers > 0 || !this.usage) this.hide(row);
  }

  /** Nano-dollars of one step: its share of the response that asked for it. NaN where unknown. */
  stepNanoUsd(row: number): number {
    const { columns } = this;
    if (columns.type[row] === TYPE.llm_response) return columns.nanoUsd[row]!;
    const response = columns.response[row]!;
    if (response < 0) return Number.NaN;
    const sharers = columns.sharers[response]!;
    if (columns.type[row] === TYPE.tool_call) return columns.nanoUsd[response]! / (sharers || 1);
    return sharers === 0 && columns.pair[response] === row
      ? columns.nanoUsd[response]!
      : Number.NaN;
  }

  /** Row of the call that started the subagent of this lane; -1: not known. */
  spawnedBy(lane: number): number {
    const id = this.subagents.callIdOf(lane);
    return id === 0 ? -1 : this.table.get(keyFrom(this.matcher.resolve(id), TYPE.tool_call));
  }

  /** Tokens of the response in this row, its prompt's and its own: what the next one starts with. */
  responseTokens(row: number): number {
    // Its rank counts them.
    return this.columns.rank[row]! & (MAIN_CHAIN - 1);
  }

  /** Rows of the calls that run now. */
  running(): number[] {
    const { session } = this;
    const over = Math.max(session.endMs > session.startMs ? session.endMs : 0, 0);
    return this.toolUse.running((lane) =>
      lane === 0 ? Math.max(over, session.turnEndMs) : Math.max(over, this.subagents.endMs(lane)),
    );
  }

  /** Everything, so that a fold can go on from here later. */
  save(): SavedFold {
    const columns: Record<string, ArrayLike<number>> = {};
    for (const name of COLUMN_NAMES) {
      columns[name] = this.columns[name].slice(0, this.columns.length);
    }
    const slices: Record<string, Json> = {};
    for (const slice of this.slices) slices[slice.name] = slice.save();
    return {
      version: SAVED_VERSION,
      columns,
      slices,
      lanes: this.lanes.save(),
      tools: this.tools.save(),
      steps: this.steps.save(),
      orphans: [...this.orphans],
      pendingResponses: [...this.pendingResponses],
      pendingTexts: [...this.pendingTexts],
      moreTexts: [...this.moreTexts],
      matcher: this.matcher.save(),
      foreignRefs: [...this.foreignRefs],
      foreignOpen: [...this.foreignOpen].map(([tool, rows]) => [tool, [...rows]]),
      duplicates: this.duplicates,
      lastTimeMs: this.lastTimeMs,
      newerVersion: this.newerVersion,
    };
  }

  /** @throws {Error} when the snapshot is of another version: fold the events anew. */
  static load(saved: SavedFold, options: FoldOptions = {}): SessionFold {
    if (saved.version !== SAVED_VERSION) {
      throw new Error(`A snapshot of version ${saved.version} cannot be read.`);
    }
    const fold = new SessionFold(options);
    const keys = saved.columns.key!;
    for (let row = 0; row < keys.length; row++) fold.columns.push();
    for (const name of COLUMN_NAMES) fold.columns[name].set(saved.columns[name]!);
    for (let row = 0; row < keys.length; row++) fold.table.set(keys[row]!, row);
    fold.lanes.load(saved.lanes);
    fold.tools.load(saved.tools);
    fold.steps.load(saved.steps);
    for (const slice of fold.slices) {
      const state = saved.slices[slice.name];
      if (state !== undefined) slice.load(JSON.parse(JSON.stringify(state)) as Json);
    }
    for (const [key, row] of saved.orphans) fold.orphans.set(key, row);
    for (const [key, row] of saved.pendingResponses) fold.pendingResponses.set(key, row);
    for (const [key, row] of saved.pendingTexts) fold.pendingTexts.set(key, row);
    for (const [key, rows] of saved.moreTexts ?? []) fold.moreTexts.set(key, rows);
    fold.matcher.load(saved.matcher);
    for (const [ref, row] of saved.foreignRefs) fold.foreignRefs.set(ref, row);
    for (const [tool, rows] of saved.foreignOpen) fold.foreignOpen.set(tool, new Set(rows));
    fold.duplicates = saved.duplicates;
    fold.lastTimeMs = saved.lastTimeMs;
    fold.newerVersion = saved.newerVersion;
    return fold;
  }
}

const SAVED_VERSION = 7;

export interface SavedFold {
  version: number;
  columns: Record<string, ArrayLike<number>>;
  slices: Record<string, Json>;
  lanes: string[];
  tools: string[];
  steps: number[];
  orphans: [number, number][];
  pendingResponses: [number, number][];
  pendingTexts: [number, number][];
  moreTexts?: [number, number[]][];
  matcher: Json;
  foreignRefs: [string, number][];
  foreignOpen: [number, number[]][];
  duplicates: number;
  lastTimeMs: number;
  newerVersion: number;
}

/** Codes of the step kinds. */
const KIND = Object.fromEntries(STEP_KINDS.map((name, code) => [name, code])) as Record<
  StepKind,
  number
>;

/** Calls of one response; more is not a response but an attack. */
const MAX_CALLS = 1000;
const OUTCOME = FLAG.error | FLAG.denied | FLAG.closed;

/** Ids of different kinds of things never meet, even where a foreign writer reuses them. */
const CLASS = new Uint8Array(TYPE_CODES.length);
CLASS[TYPE.tool_call] = 1;
// A call has one outcome: a result or an error.
CLASS[TYPE.tool_result] = 2;
CLASS[TYPE.error] = 2;
CLASS[TYPE.llm_response] = 3;
CLASS[TYPE.llm_request] = 4;
CLASS[TYPE.user_prompt] = 5;
CLASS[TYPE.assistant_response] = 6;

const isCallClass = (type: number): boolean => CLASS[type] === 1 || CLASS[type] === 2;

const keyFrom = (id: number, type: number): number => id * 8 + CLASS[type]!;
const keyOf = (id: string, type: number): number => keyFrom(idNumber(id), type);

function idKey(event: TraceEvent, type: number, offset: number): number {
  if (event.event_id !== '') return keyOf(event.event_id, type);
  // No id: the place in the file is one.
  return keyOf(`@${offset}:${event.event_type}:${event.timestamp}`, type);
}

/** What a command is for, as far as its words tell. */
function commandFlags(data: JsonObject): number {
  const command = commandIn(data);
  if (command === undefined) return 0;
  const run = testRun(command);
  let flags = run === 'no' ? 0 : run === 'hidden' ? FLAG.test | FLAG.exit : FLAG.test;
  if (COMMIT.test(command.slice(0, MAX_COMMAND))) flags |= FLAG.commit;
  if (flags === 0 && onlyLooks(command)) flags |= FLAG.look;
  return flags;
}

const MAX_COMMAND = 4000;
const COMMIT = /(?:^|[;&|(\n]\s*)git\s(?:[^;&|\n]*\s)?commit\b(?![^;&|\n]*\s--dry-run\b)/;

/** How a foreign writer ties a result to its call. */
function reference(data: JsonObject): string | undefined {
  const ref = data.tool_use_id ?? data.request_id;
  return typeof ref === 'string' || typeof ref === 'number' ? String(ref) : undefined;
}

/** A denial of the guard stands at the call that was denied, with its rule and reason: one step, not two. */
const isToldByCall = ({ action, outcome, dry_run, call }: JsonObject): boolean =>
  action === 'deny' &&
  outcome === undefined &&
  dry_run !== true &&
  typeof call === 'string' &&
  /^[0-9a-f]{12}$/.test(call);
