import { FLAG, TYPE } from './columns.ts';
import type { SessionFold } from './fold.ts';
import { doing, isOver } from './moments.ts';
import type { CostSum } from './slices/cost.ts';
import type { Usage } from './usage.ts';

export type SessionStatus =
  /** Working: a tool runs or the model thinks. */
  | 'live'
  /** The turn is over, the agent waits for the next prompt. */
  | 'idle'
  /** The agent waits for an answer (a permission, a question). */
  | 'waiting'
  | 'paused'
  | 'ended'
  /** Ended without saying so: its process is gone. */
  | 'failed';

/** What happened to a running agent's process, as the host knows it. */
export type ProcessState =
  | 'alive'
  | 'stopped'
  /** It runs, but its next tool waits until the agent is resumed. */
  | 'held'
  | 'gone'
  | 'unknown';

/** Without a sign of life for so long, and no process to ask, a session counts as over. */
const SILENCE_MS = 15 * 60_000;

/** Money of a session, with its reconciliation. Nano-dollars. */
export interface CostSummary {
  nanoUsd: number;
  /** Guessed from text, only where there are no usage records; summed apart. */
  estimatedNanoUsd: number;
  ownNanoUsd: number;
  subagentNanoUsd: number;
  usage: Usage;
  models: ({ model: string; reason?: string } & CostSum)[];
  responses: number;
  priced: number;
  /** Priced by the agent or another writer, not by our list. */
  reported: number;
  /** Records that told of a response again: here, or of one that another session was billed for. */
  deduplicated: number;
  /** Responses that another session was billed for. */
  copied: number;
  unpriced: number;
  estimated: number;
  priceDate?: string;
}

/** Whether money is known: also where another session was billed for all responses, $0 for this one. */
export const isCostKnown = (cost: CostSummary): boolean =>
  cost.priced + cost.reported > 0 || (cost.copied > 0 && cost.responses === 0);

/** The numbers of a session that every view shows. Moments are ms since the epoch. */
export interface SessionSummary {
  title: string;
  agent: string;
  provider: string;
  model: string;
  cwd: string;
  status: SessionStatus;
  startedAtMs: number;
  lastMs: number;
  endedAtMs?: number;
  durationMs: number;
  events: number;
  calls: number;
  edits: number;
  errors: number;
  denied: number;
  prompts: number;
  retries: number;
  compactions: number;
  cost: CostSummary;
  context?: { tokens: number; window?: number };
  cacheColdAtMs?: number;
  cacheTtlMs?: number;
  /** The call that runs now: the newest. */
  current?: { row: number; tool: string; startedAtMs: number; usualMs?: number; others: number };
  thinkingSinceMs?: number;
}

/** Whether a session goes on. */
export const isActive = ({ status }: { status: SessionStatus }): boolean =>
  status !== 'ended' && status !== 'failed';

export interface SummaryOptions {
  nowMs: number;
  process?: ProcessState;
}

export function summarise(fold: SessionFold, options: SummaryOptions): SessionSummary {
  const { session, counts } = fold;
  const { nowMs } = options;
  const status = sessionStatus(fold, options);
  const over = !isActive({ status });
  const firstMs = Number.isFinite(session.firstMs) ? session.firstMs : 0;
  const endMs = status === 'ended' ? Math.max(session.endMs, 0) || session.lastMs : session.lastMs;
  const summary: SessionSummary = {
    title: session.title,
    agent: agentName(session.provider, session.agentName),
    provider: session.provider,
    model: session.model,
    cwd: session.cwd,
    status,
    startedAtMs: firstMs,
    lastMs: session.lastMs,
    durationMs: Math.max(0, (over ? endMs : Math.max(nowMs, session.lastMs)) - firstMs),
    events: counts.events,
    calls: counts.calls,
    edits: counts.edits,
    errors: counts.errors,
    denied: counts.denied,
    prompts: counts.prompts,
    retries: fold.retries.retries,
    compactions: fold.context.compactions,
    cost: costOf(fold, over),
  };
  if (over) summary.endedAtMs = endMs;
  const context = fold.context.ofLane(0);
  if (context) {
    summary.context = { tokens: context.tokens };
    const window = fold.context.windowOf(0);
    if (window !== undefined) summary.context.window = window;
    // Others do not say how long theirs lives.
    const told = session.provider === 'claude' || /claude/i.test(context.model);
    if (!over && told && context.cacheTtlMs > 0) {
      summary.cacheColdAtMs = context.timeMs + context.cacheTtlMs;
      summary.cacheTtlMs = context.cacheTtlMs;
    }
  }
  if (!over) addCurrent(summary, fold, status);
  return summary;
}

/**
 * @param over whether the session has ended: while one of our own recording runs, its first usage
 *   record is still to come, and nothing is guessed
 */
export function costOf(fold: SessionFold, over = true): CostSummary {
  const { cost } = fold;
  const { total } = cost;
  const own = cost.ofLane(0).nanoUsd;
  const summary: CostSummary = {
    nanoUsd: total.nanoUsd,
    estimatedNanoUsd: 0,
    ownNanoUsd: own,
    subagentNanoUsd: total.nanoUsd - own,
    usage: total.usage,
    models: cost.perModel(),
    responses: total.responses,
    priced: cost.priced,
    reported: cost.reported,
    deduplicated: cost.deduplicated + cost.copiedRecords,
    copied: cost.copied,
    unpriced: total.unpriced,
    estimated: 0,
  };
  if (cost.priceDate) summary.priceDate = cost.priceDate;
  const ours = fold.session.traceVersion > 0;
  const estimate =
    over || !ours ? cost.estimate(fold.session.model, fold.session.lastMs) : undefined;
  // Without a model there is no price to guess with: the cost is not known, and no response is unpriced.
  if (estimate && estimate.price.status !== 'unpriced') {
    summary.estimatedNanoUsd = estimate.price.nanoUsd;
    summary.estimated = 1;
  }
  return summary;
}

/** The status that {@link summarise} gives, at a fraction of the cost. */
export function sessionStatus(
  fold: SessionFold,
  { nowMs, process = 'unknown' }: SummaryOptions,
): SessionStatus {
  const { session } = fold;
  if (isOver(session)) return 'ended';
  if (process === 'gone') return 'failed';
  if (process === 'unknown' && nowMs - session.lastMs > SILENCE_MS) return 'ended';
  if (process === 'stopped') return 'paused';
  // What runs now goes on: it is paused once that is done.
  if (process === 'held' && fold.running().length === 0) return 'paused';
  return doing(session);
}

function addCurrent(summary: SessionSummary, fold: SessionFold, status: SessionStatus): void {
  const { columns } = fold;
  const running = fold.running();
  if (running.length > 0) {
    // An Agent call waits for its subagent: what the subagent runs says more.
    const inner = running.filter((row) => columns.lane[row] !== 0);
    const row = (inner.length > 0 ? inner : running).reduce((newest, candidate) =>
      columns.timeMs[candidate]! >= columns.timeMs[newest]! ? candidate : newest,
    );
    const usualMs = fold.toolUse.usualMs(row);
    summary.current = {
      row,
      tool: fold.tools.name(columns.tool[row]!),
      startedAtMs: columns.timeMs[row]!,
      others: running.length - 1,
      ...(usualMs === undefined ? {} : { usualMs }),
    };
  } else if (status === 'live') {
    summary.thinkingSinceMs = Math.max(fold.session.promptMs, fold.session.workMs);
  }
}

/** A map: a hostile trace may call its agent `constructor`. */
const AGENTS = new Map(
  Object.entries({
    claude: 'Claude Code',
    'claude-code': 'Claude Code',
    codex: 'Codex',
    'openai-codex': 'Codex',
    gemini: 'Gemini CLI',
    'gemini-cli': 'Gemini CLI',
    cursor: 'Cursor',
    'cursor-agent': 'Cursor',
    copilot: 'Copilot CLI',
    'github-copilot': 'Copilot CLI',
    opencode: 'opencode',
    vscode: 'VS Code agent',
    'vscode-copilot': 'VS Code agent',
  }),
);

/** How an agent that is known is called; undefined for others. @param id as recorders and traces name it */
export const knownAgentName = (id: string): string | undefined => AGENTS.get(id);

/** How a session's agent is called; what a trace says of one that is not known is hostile. */
export function agentName(provider: string, agentName = ''): string {
  return (
    knownAgentName(provider) ?? knownAgentName(agentName) ?? (agentName || provider || 'Agent')
  );
}

/**
 * Nano-dollars a minute over the last five minutes; undefined where nothing was billed in them, and
 * in a session's first minute.
 * Reads from the newest step back, so it costs what happened in those minutes.
 */
export function recentRate(fold: SessionFold, nowMs: number): number | undefined {
  const { columns } = fold;
  const since = nowMs - 5 * 60_000;
  let nano = 0;
  for (let row = columns.length - 1, misses = 0; row >= 0 && misses < 1000; row--) {
    if (columns.timeMs[row]! < since) {
      misses++;
      continue;
    }
    if (columns.type[row] !== TYPE.llm_response || (columns.flags[row]! & FLAG.unpriced) !== 0) {
      continue;
    }
    const cost = columns.nanoUsd[row]!;
    if (!Number.isNaN(cost)) nano += cost;
  }
  const ageMs = nowMs - fold.session.firstMs;
  if (nano === 0 || ageMs < 60_000) return undefined;
  return nano / Math.min(5, ageMs / 60_000);
}
