import { isCostKnown, recentRate, type SessionSummary } from '../model/summary.ts';
import type { ControlInfo, SessionTab, StreamHeader } from '../protocol/stream.ts';
import { badLines } from '../trace/session.ts';
import type { LiveSession } from './liveSession.ts';

/** More lanes than this are no subagents but an attack; they share colours anyway. */
const MAX_LANES = 500;

/** A row of the session switcher. */
export function sessionTab(session: LiveSession, summary: SessionSummary): SessionTab {
  const { cost } = summary;
  return {
    id: session.key,
    agent: summary.agent,
    workspace: session.workspace,
    ...(summary.title === '' ? {} : { title: summary.title }),
    status: summary.status,
    startedAtMs: summary.startedAtMs,
    ...(summary.endedAtMs === undefined ? {} : { endedAtMs: summary.endedAtMs }),
    nanoUsd: cost.nanoUsd,
    estimatedNanoUsd: cost.estimatedNanoUsd,
    unpriced: cost.unpriced,
    ...(isCostKnown(cost) ? {} : { unknown: true }),
  };
}

/** The numbers above the list. */
export function streamHeader(
  session: LiveSession,
  summary: SessionSummary,
  nowMs: number,
  more: { control: ControlInfo; budgetNanoUsd?: number | undefined },
): StreamHeader {
  const { fold } = session.trace;
  const { cost, context } = summary;
  const over = summary.endedAtMs !== undefined;
  const rate = over ? undefined : recentRate(fold, nowMs);
  const header: StreamHeader = {
    sessionId: session.key,
    nowMs,
    title: summary.title,
    agent: summary.agent,
    workspace: session.workspace,
    status: summary.status,
    startedAtMs: summary.startedAtMs,
    cost: {
      nanoUsd: cost.nanoUsd,
      estimatedNanoUsd: cost.estimatedNanoUsd,
      ownNanoUsd: cost.ownNanoUsd,
      subagentNanoUsd: cost.subagentNanoUsd,
      models: cost.models.map((sum) => ({
        model: sum.model,
        responses: sum.responses,
        ...(sum.unpriced === sum.responses ? {} : { nanoUsd: sum.nanoUsd }),
        inputTokens:
          sum.usage.input_tokens -
          sum.usage.cache_read_input_tokens -
          sum.usage.cache_write_input_tokens,
        cacheReadTokens: sum.usage.cache_read_input_tokens,
        cacheWriteTokens: sum.usage.cache_write_input_tokens,
        outputTokens: sum.usage.output_tokens,
      })),
      priced: cost.priced + cost.reported,
      deduplicated: cost.deduplicated,
      estimated: cost.estimated,
      unpriced: cost.unpriced,
      unpricedModels: cost.models.flatMap(({ model, unpriced }) => (unpriced > 0 ? [model] : [])),
      ...(isCostKnown(cost) ? {} : { unknown: true }),
      ...(rate === undefined ? {} : { rateNanoUsd: rate }),
      ...(cost.priceDate === undefined ? {} : { priceDate: cost.priceDate }),
    },
    counts: {
      events: summary.events,
      calls: summary.calls,
      errors: summary.errors,
      denied: summary.denied,
      edits: summary.edits,
      prompts: summary.prompts,
      badLines: badLines(session.trace.problems),
    },
    lanes: laneNames(session),
    control: more.control,
  };
  if (more.budgetNanoUsd !== undefined) header.budgetNanoUsd = more.budgetNanoUsd;
  if (summary.endedAtMs !== undefined) header.endedAtMs = summary.endedAtMs;
  if (context) header.context = context;
  if (summary.cacheColdAtMs !== undefined) header.cacheColdAtMs = summary.cacheColdAtMs;
  if (summary.cacheTtlMs !== undefined) header.cacheTtlMs = summary.cacheTtlMs;
  if (summary.thinkingSinceMs !== undefined) header.thinkingSinceMs = summary.thinkingSinceMs;
  if (summary.status === 'waiting') header.waitingSinceMs = fold.session.askedMs;
  addCurrent(header, session, summary);
  return header;
}

function addCurrent(header: StreamHeader, session: LiveSession, summary: SessionSummary): void {
  const { current } = summary;
  if (!current) return;
  const step = session.trace.fold.steps.stepOf(current.row);
  const words = step < 0 ? undefined : session.trace.describe(step, step + 1)[0];
  header.current = {
    row: step,
    icon: words?.icon ?? 'tools',
    tool: toolName(current.tool),
    target: words?.target ?? '',
    startedAtMs: current.startedAtMs,
    ...(current.usualMs === undefined ? {} : { usualMs: current.usualMs }),
  };
}

/** `mcp__github__create_issue` reads `github: create_issue`. */
export function toolName(tool: string): string {
  const [prefix, server, ...name] = tool.split('__');
  return prefix === 'mcp' && server && name.length > 0 ? `${server}: ${name.join('__')}` : tool;
}

/** Who is who, by lane. */
export function laneNames({ trace: { fold } }: LiveSession): StreamHeader['lanes'] {
  const lanes = [{ id: 'main', name: 'main' }];
  for (const agent of fold.subagents.all()) {
    if (agent.lane >= MAX_LANES) continue;
    lanes[agent.lane] = { id: agent.id, name: agent.type || agent.description || 'subagent' };
  }
  // A lane that only a result named: JSON knows no holes.
  for (let lane = 0; lane < lanes.length; lane++) {
    lanes[lane] ??= { id: fold.lanes.name(lane), name: 'subagent' };
  }
  return lanes;
}
