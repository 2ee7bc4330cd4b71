import { type Columns, FLAG, TYPE, TYPE_CODES } from '../columns.ts';
import type { Json } from '../event.ts';
import { STEP_KINDS } from '../step.ts';
import type { FoldContext, Slice } from './slice.ts';

const MODIFY = STEP_KINDS.indexOf('modify');
const PROMPT = STEP_KINDS.indexOf('prompt');

/** How often what happened. */
export class CountsSlice implements Slice {
  readonly name = 'counts';
  events = 0;
  /** Tool calls, subagents' own included. */
  calls = 0;
  /** Calls that change files. */
  edits = 0;
  /** Failed calls and errors; a denial is not an error. */
  errors = 0;
  denied = 0;
  prompts = 0;
  /** Events by type, as in TYPE_CODES. */
  readonly byType: number[] = new Array(TYPE_CODES.length).fill(0);
  private readonly columns: Columns;

  constructor(context: FoldContext) {
    this.columns = context.columns;
  }

  add(row: number): void {
    this.count(row, 1);
  }

  remove(row: number): void {
    this.count(row, -1);
  }

  private count(row: number, by: 1 | -1): void {
    const type = this.columns.type[row]!;
    const flags = this.columns.flags[row]!;
    const kind = this.columns.kind[row]!;
    this.events += by;
    this.byType[type]! += by;
    if (type === TYPE.tool_call && (flags & FLAG.subagent) === 0) {
      this.calls += by;
      if (kind === MODIFY) this.edits += by;
    } else if (type === TYPE.error || type === TYPE.tool_result) {
      if ((flags & FLAG.denied) !== 0) this.denied += by;
      else if ((flags & FLAG.error) !== 0) this.errors += by;
    } else if (kind === PROMPT) {
      this.prompts += by;
    }
  }

  save(): Json {
    const { events, calls, edits, errors, denied, prompts, byType } = this;
    return { events, calls, edits, errors, denied, prompts, byType: [...byType] };
  }

  load(saved: Json): void {
    const { byType, ...numbers } = saved as { byType: number[] } & Record<string, number>;
    Object.assign(this, numbers);
    this.byType.splice(0, this.byType.length, ...byType);
  }
}
