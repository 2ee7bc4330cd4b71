import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { formatDuration, formatTokens } from '../../model/format.ts';
import { emptyUsage, type Usage } from '../../model/usage.ts';
import { rowsInTime } from '../costs/rowsInTime.ts';
import type { SessionRows } from '../costs/sessionRows.ts';
import { CallShares, isBilled, responseStep } from '../costs/shares.ts';
import { type Sliced, slicewise } from '../slices.ts';
import { CacheLane, type Loss } from './cacheLane.ts';
import type { CacheBreak } from './waste.ts';

/** Where the prompt cache was lost, in time order. */
export function* findCacheBreaks(fold: SessionFold, known?: SessionRows): Sliced<CacheBreak[]> {
  const order = known?.order ?? (yield* rowsInTime(fold));
  const { columns, context, cost } = fold;
  const lanes: CacheLane[] = [];
  /** Settings hold for all of a session's agents: how often they changed so far, and as of each lane's last answer. */
  let settings = 0;
  const settled: number[] = [];
  const breaks: CacheBreak[] = [];
  const usage = emptyUsage();
  const laneOf = (code: number): CacheLane => {
    settled[code] ??= settings;
    lanes[code] ??= new CacheLane();
    return lanes[code];
  };
  const answer = (row: number, code: number): void => {
    const state = laneOf(code);
    if (!cost.usageInto(row, usage)) return;
    const model = cost.modelOfRow(row);
    if (settled[code]! < settings) state.marked('settings');
    settled[code] = settings;
    const timeMs = columns.timeMs[row]!;
    const loss = state.answer(usage, model, timeMs);
    if (loss === undefined) return;
    const { cause, tokens } = loss;
    const nanoUsd = premium(fold, row, usage, model, tokens);
    breaks.push({ step: 0, row, lane: code, timeMs, cause, detail: words(loss), tokens, nanoUsd });
  };
  yield* slicewise(order.length, (from, end) => {
    const { type, flags, lane, timeMs } = columns;
    for (let at = from; at < end; at++) {
      const row = order[at]!;
      const kind = type[row]!;
      if (kind === TYPE.llm_response) {
        if (isBilled(fold, row)) answer(row, lane[row]!);
      } else if ((flags[row]! & FLAG.compaction) !== 0) laneOf(lane[row]!).compact(timeMs[row]!);
      else if (kind === TYPE.tool_result || kind === TYPE.error || kind === TYPE.user_prompt) {
        if ((flags[row]! & FLAG.subagent) === 0) laneOf(lane[row]!).ask(timeMs[row]!);
      } else if (kind === TYPE.session_start || kind === TYPE.decision) {
        const mark = context.markOf(row);
        if (mark === undefined) continue;
        const state = laneOf(lane[row]!);
        if (mark === 'settings') settings++;
        else state.marked(mark);
      }
    }
  });
  if (breaks.length === 0) return breaks;
  const shares = known?.shares ?? (yield* CallShares.inSlices(fold, order));
  for (const one of breaks) one.step = responseStep(fold, shares, one.row);
  return breaks;
}

/**
 * What the tokens cost above the price of a cache read, whole nano-dollars; NaN: no price is known. By the price list
 * twice, scaled to what the response was billed (fast mode, batches, the agent's own figure).
 */
function premium(
  fold: SessionFold,
  row: number,
  usage: Usage,
  model: string,
  tokens: number,
): number {
  const billed = fold.columns.nanoUsd[row]!;
  if (Number.isNaN(billed) || fold.pricer === undefined) return Number.NaN;
  const { provider } = fold.session;
  const options = provider === '' ? {} : { provider };
  const price = (of: Usage): number => {
    const found = fold.pricer!.price(model, of, fold.columns.timeMs[row]!, options);
    return found.status === 'unpriced' ? Number.NaN : found.nanoUsd;
  };
  const list = price(usage);
  const more = list - price(asRead(usage, tokens));
  if (Number.isNaN(more)) return more;
  const scaled = list === billed || list === 0 ? more : Math.round((more * billed) / list);
  return Math.min(Math.max(0, scaled), billed);
}

/** The same request, had the cache held so many more of its tokens. */
function asRead(usage: Usage, tokens: number): Usage {
  const writes = Math.min(tokens, usage.cache_write_input_tokens);
  // What lives for an hour stands before the rest of the prompt.
  const hour = Math.min(writes, usage.cache_write_1h_input_tokens);
  return {
    ...usage,
    cache_read_input_tokens: usage.cache_read_input_tokens + tokens,
    cache_write_input_tokens: usage.cache_write_input_tokens - writes,
    cache_write_1h_input_tokens: usage.cache_write_1h_input_tokens - hour,
  };
}

const STARTED = {
  start: 'started again',
  resume: 'resumed',
  clear: 'cleared',
  fork: 'forked',
  settings: '',
} as const;

function words({ cause, detail }: Loss): string {
  const { models, mark, idleMs, lifetimeMs, told, read, held } = detail;
  const switched = models === undefined ? '' : `${models[0]} → ${models[1]}`;
  switch (cause) {
    case 'time': {
      const lives = told
        ? `the cache lives ${lifetimeMs === 3_600_000 ? '1h' : '5m'}`
        : 'such caches are dropped after a few minutes';
      const idle = `idle ${formatDuration(idleMs)}, ${lives}`;
      return switched === '' ? idle : `${idle}; ${switched}`;
    }
    case 'model':
      return switched;
    case 'compaction':
      return 'the context was compacted';
    case 'restart':
      return `the session was ${STARTED[mark ?? 'start']}`;
    case 'tools':
      return 'settings changed';
    default:
      return `read ${formatTokens(read)} of ${formatTokens(held)}${told ? '' : '; the provider may have dropped them'}`;
  }
}
