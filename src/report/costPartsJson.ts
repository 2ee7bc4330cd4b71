/** Where a session's money went, and what was paid for nothing, as JSON: stable keys (docs/commands.md). */
import type { Carried } from '../analysis/costs/carried.ts';
import type { CostPart } from '../analysis/costs/costBreakdown.ts';
import type { SessionCosts } from '../analysis/costs/sessionCosts.ts';
import { phaseName } from '../analysis/phases/sessionPhases.ts';
import {
  WASTE_KINDS,
  type Waste,
  type WasteItem,
  type WasteKind,
} from '../analysis/waste/waste.ts';
import type { SessionFold } from '../model/fold.ts';
import { knownNanoUsd } from '../model/knownCost.ts';
import { pricedOf } from './costBy.ts';
import { type PhaseJson, phaseJson } from './phaseJson.ts';
import { seconds, type TokensJson, tokensJson, usd, usdOrNull } from './sessionJson.ts';

export interface PartJson {
  /** null: nothing of it has a known price, or the trace does not tell. */
  cost_usd: number | null;
  count: number;
  unpriced: number;
}

interface CarriedJson {
  /** Tokens of results × the later requests that carried them: an estimate, in no sum. */
  carried_tokens: number;
  carried_estimate_usd: number | null;
}

export interface BreakdownJson {
  /** As all reports have them, and when they were: seconds since the epoch. */
  phases: (PhaseJson & { started_at: number; ended_at: number })[];
  tools: (PartJson & CarriedJson & { tool: string })[];
  answers: PartJson;
  calls_not_recorded: PartJson;
  files: (PartJson & { path: string })[];
  no_file: PartJson;
  mcp_servers: (PartJson & CarriedJson & { server: string; tools: string[] })[];
  no_mcp_server: PartJson;
  /** The main agent is the first. */
  agents: {
    agent_id: string;
    type: string;
    description: string;
    /** null: the main agent. */
    parent_id: string | null;
    responses: number;
    unpriced: number;
    own_usd: number | null;
    total_usd: number | null;
    tokens: TokensJson;
  }[];
}

/** @param known money of this session is known at all */
export function breakdownJson(
  fold: SessionFold,
  { phases, waste, breakdown }: SessionCosts,
  prompts: ReadonlyMap<number, string>,
  known: boolean,
): BreakdownJson {
  const part = ({ nanoUsd, count, unpriced, untold }: CostPart): PartJson => ({
    cost_usd:
      known && !['none', 'untold'].includes(pricedOf(count, unpriced, untold))
        ? usd(nanoUsd)
        : null,
    count,
    unpriced,
  });
  return {
    phases: phases.map((phase, at) => ({
      ...phaseJson(
        phase,
        phaseName(fold, phase, prompts.get(phase.promptRow) ?? ''),
        waste.byPhase[at] ?? 0,
        fold.session.firstMs,
      ),
      started_at: seconds(phase.startMs),
      ended_at: seconds(phase.endMs),
    })),
    tools: breakdown.tools.map(({ tool, carried, ...rest }) => ({
      tool,
      ...part(rest),
      ...carriedJson(carried),
    })),
    answers: part(breakdown.answers),
    calls_not_recorded: part(breakdown.unseen),
    files: breakdown.files.map(({ file, ...rest }) => ({
      path: fold.files.paths.name(file),
      ...part(rest),
    })),
    no_file: part(breakdown.noFile),
    mcp_servers: breakdown.servers.map(({ server, tools, carried, ...rest }) => ({
      server,
      tools,
      ...part(rest),
      ...carriedJson(carried),
    })),
    no_mcp_server: part(breakdown.noServer),
    agents: breakdown.subagents.map((agent) => ({
      agent_id: agent.id,
      type: agent.type,
      description: agent.description,
      parent_id: agent.parent < 0 ? null : fold.lanes.name(agent.parent),
      responses: agent.responses,
      unpriced: agent.unpriced,
      own_usd: usdOrNull(knownNanoUsd({ ...agent, nanoUsd: agent.ownNanoUsd })),
      total_usd: usdOrNull(
        knownNanoUsd({
          nanoUsd: agent.totalNanoUsd,
          responses: agent.totalResponses,
          unpriced: agent.totalUnpriced,
        }),
      ),
      tokens: tokensJson(agent.usage),
    })),
  };
}

const carriedJson = ({ tokens, nanoUsd }: Carried): CarriedJson => ({
  carried_tokens: tokens,
  carried_estimate_usd: Number.isNaN(nanoUsd) ? null : usd(nanoUsd),
});

const KIND_KEYS = {
  failedPhase: 'failed_phase',
  retry: 'retry',
  redundantRead: 'redundant_read',
  cacheBreak: 'cache_break',
} as const satisfies Record<WasteKind, string>;
type KindKey = (typeof KIND_KEYS)[WasteKind];

/** What was wasted, without where. */
export interface WasteSumsJson {
  cost_usd: number | null;
  duration_ms: number;
  kinds: Record<KindKey, { count: number; cost_usd: number | null; duration_ms: number }>;
  causes: {
    cause: string;
    count: number;
    tokens: number;
    cost_usd: number | null;
    unpriced: number;
  }[];
}

export interface WasteJson extends WasteSumsJson {
  /** The dearest first, at most 1,000. */
  items: {
    kind: KindKey;
    /** Steps count from 1. */
    step: number;
    cost_usd: number | null;
    duration_ms: number;
    /** The failed phase, counted from 1. */
    phase: number | null;
    path: string | null;
    /** Which attempt; how often read before. */
    times: number | null;
    cause: string | null;
    detail: string | null;
    tokens: number | null;
  }[];
}

/** @param known money of this session is known at all */
export function wasteSumsJson(waste: Waste, known: boolean): WasteSumsJson {
  const unpricedBreaks = waste.byCause.reduce((sum, { unpriced }) => sum + unpriced, 0);
  // Nothing but what has no price: how much that was is not known.
  const money = (nanoUsd: number, unpriced: number): number | null =>
    known && (nanoUsd > 0 || unpriced === 0) ? usd(nanoUsd) : null;
  const kinds = {} as WasteJson['kinds'];
  for (const kind of WASTE_KINDS) {
    const { count, nanoUsd, durationMs } = waste.byKind[kind];
    kinds[KIND_KEYS[kind]] = {
      count,
      cost_usd: money(nanoUsd, kind === 'cacheBreak' ? unpricedBreaks : 0),
      duration_ms: Math.round(durationMs),
    };
  }
  return {
    cost_usd: money(waste.nanoUsd, unpricedBreaks),
    duration_ms: Math.round(waste.durationMs),
    kinds,
    causes: waste.byCause.map(({ cause, count, tokens, nanoUsd, unpriced }) => ({
      cause,
      count,
      tokens,
      cost_usd: known && unpriced < count ? usd(nanoUsd) : null,
      unpriced,
    })),
  };
}

export const wasteJson = (fold: SessionFold, waste: Waste, known: boolean): WasteJson => ({
  ...wasteSumsJson(waste, known),
  items: waste.items.map((one) => itemJson(fold, one, known)),
});

function itemJson(fold: SessionFold, one: WasteItem, known: boolean): WasteJson['items'][number] {
  const broken = one.break;
  const priced = known && !(broken !== undefined && Number.isNaN(broken.nanoUsd));
  return {
    kind: KIND_KEYS[one.kind],
    step: one.step + 1,
    cost_usd: priced ? usd(one.nanoUsd) : null,
    duration_ms: Math.round(one.durationMs),
    phase: one.phase < 0 ? null : one.phase + 1,
    path: one.file < 0 ? null : fold.files.paths.name(one.file),
    times: one.times > 0 ? one.times : null,
    cause: broken?.cause ?? null,
    detail: broken?.detail ?? null,
    tokens: broken?.tokens ?? null,
  };
}
