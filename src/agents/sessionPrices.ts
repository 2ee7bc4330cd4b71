/**
 * What sessions cost, each response once: resumed and forked sessions hold copies of each other's. One rule for what
 * `--discover` tells and for what an import writes into traces.
 */
import { type Billing, isSidechain, responseRef } from '../model/billing.ts';
import type { JsonObject, TraceEvent } from '../model/event.ts';
import type { Price, Pricer, Usage } from '../model/usage.ts';
import { addUsage, emptyUsage, usageOf } from '../model/usage.ts';
import type { AgentId, TranscriptFile } from './agent.ts';
import { asString } from './rows.ts';

/**
 * The order in which sessions are billed, for `sort`: the one that began first has its responses, and a fork, which
 * begins with the same rows, comes after the session it was made from.
 */
export const inBillingOrder = (a: TranscriptFile, b: TranscriptFile): number =>
  a.startedAt - b.startedAt ||
  Number(a.forked === true) - Number(b.forked === true) ||
  a.createdAtMs - b.createdAtMs ||
  (a.path < b.path ? -1 : 1);

export interface ModelCost {
  model: string;
  usage: Usage;
  /** Responses. */
  responses: number;
  nanoUsd: number;
  unpriced: number;
}

export interface PricedSession {
  agent: AgentId;
  path: string;
  sessionId: string;
  project: string;
  /** The folder that it worked in; empty where unknown. */
  cwd: string;
  /** Seconds since the epoch; 0 where no response has a time. */
  startedAt: number;
  endedAt: number;
  models: ModelCost[];
  usage: Usage;
  nanoUsd: number;
  /** Responses with a price. */
  priced: number;
  /** Responses without one, by reason. */
  unpriced: Record<string, number>;
  /** Rows of responses that were counted already, here or in another session. */
  deduplicated: number;
  /** Of these: responses that a session before this one has. */
  inOtherSessions: number;
  /** Ids of those sessions, the one with the most first. */
  billedIn: string[];
  /** Lines that are no JSON or too long. */
  unreadable: number;
  bytes: number;
}

/** A model response of a session that is priced. */
export interface Response {
  data: JsonObject;
  /** Seconds since the epoch. */
  time: number;
}

/** A session of which nothing is priced yet. */
export const unpricedSession = (
  file: Pick<TranscriptFile, 'agent' | 'path' | 'sessionId' | 'project' | 'cwd' | 'startedAt'>,
): PricedSession => ({
  agent: file.agent,
  path: file.path,
  sessionId: file.sessionId,
  project: file.project,
  cwd: file.cwd,
  startedAt: file.startedAt,
  endedAt: file.startedAt,
  models: [],
  usage: emptyUsage(),
  nanoUsd: 0,
  priced: 0,
  unpriced: {},
  deduplicated: 0,
  inOtherSessions: 0,
  billedIn: [],
  unreadable: 0,
  bytes: 0,
});

/**
 * Prices a session's responses, each once.
 *
 * @param elsewhere responses that other sessions were billed for, by their refs
 */
export function priceResponses(
  session: PricedSession,
  responses: Iterable<Response>,
  elsewhere: ReadonlyMap<string, string>,
  pricer: Pricer,
  billing: Billing,
): void {
  session.inOtherSessions = elsewhere.size;
  session.billedIn = mostFirst(elsewhere.values());
  const models = new Map<string, ModelCost>();
  for (const { data, time } of responses) {
    billing.bill(responseRef(data), session.sessionId);
    session.endedAt = Math.max(session.endedAt, time);
    const usage = usageOf(data);
    if (usage === undefined) continue;
    const model = asString(data.model);
    const cost = models.get(model) ?? newModelCost(model);
    models.set(model, cost);
    cost.responses += 1;
    addUsage(cost.usage, usage);
    addUsage(session.usage, usage);
    // The agent's own figure, where an old row has one, as in a trace.
    const own = data.agent_cost_usd;
    let price: Price =
      typeof own === 'number'
        ? { status: 'reported', nanoUsd: Math.round(own * 1e9) }
        : pricer.price(model, usage, time * 1000, {
            // A hint whose price list it is.
            provider: session.agent,
            speed: asString(data.speed),
            serviceTier: asString(data.service_tier),
            inferenceGeo: asString(data.inference_geo),
            webSearchRequests: Number(data.web_search_requests ?? 0),
          });
    // … and where no price is known, what the agent reckoned.
    const told = data.cost_usd;
    if (price.status === 'unpriced' && typeof told === 'number' && told > 0 && told < 1e6) {
      price = { status: 'reported', nanoUsd: Math.round(told * 1e9) };
    }
    if (price.status === 'unpriced') {
      cost.unpriced += 1;
      session.unpriced[price.reason] = (session.unpriced[price.reason] ?? 0) + 1;
    } else {
      cost.nanoUsd += price.nanoUsd;
      session.nanoUsd += price.nanoUsd;
      session.priced += 1;
    }
  }
  session.models = [...models.values()];
}

function mostFirst(ids: Iterable<string>): string[] {
  const counts = new Map<string, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([id]) => id);
}

const newModelCost = (model: string): ModelCost => ({
  model,
  usage: emptyUsage(),
  responses: 0,
  nanoUsd: 0,
  unpriced: 0,
});

/** Not every agent says of a row that it is a copy: an older transcript with the same response does. */
export function markCopies(
  events: readonly TraceEvent[],
  sessionId: string,
  billing: Billing,
): void {
  const responses = events.filter(({ event_type }) => event_type === 'llm_response');
  for (const { data } of responses) {
    const owner = billing.billedIn(responseRef(data), isSidechain(data));
    if (owner !== undefined && owner !== sessionId) data.copied_from ??= owner;
  }
  for (const { data } of responses) {
    if (data.copied_from === undefined) billing.bill(responseRef(data), sessionId);
  }
}
