import type { SessionFold } from '../../model/fold.ts';
import type { Usage } from '../../model/usage.ts';
import type { Spawn } from '../spawns.ts';

/** What one agent of a session cost. Nano-dollars. */
export interface SubagentCost {
  /** 0 is the main agent. */
  lane: number;
  id: string;
  type: string;
  description: string;
  /** The lane of the agent that started it: the main agent's where the trace does not tell; -1 of the main agent. */
  parent: number;
  responses: number;
  unpriced: number;
  usage: Usage;
  /** Without the subagents that it started, and with them. */
  ownNanoUsd: number;
  totalNanoUsd: number;
  /** Responses of it and of its subagents, and those without a price. */
  totalResponses: number;
  totalUnpriced: number;
}

/** The main agent first, then the dearest by their totals. */
export function subagentCosts(
  fold: SessionFold,
  spawns: ReadonlyMap<number, Spawn>,
): SubagentCost[] {
  const agents = new Map<number, SubagentCost>();
  const add = (lane: number, type: string, description: string, parent: number): void => {
    const { nanoUsd, responses, unpriced, usage } = fold.cost.ofLane(lane);
    agents.set(lane, {
      lane,
      id: fold.lanes.name(lane),
      type,
      description,
      parent,
      responses,
      unpriced,
      usage,
      ownNanoUsd: nanoUsd,
      totalNanoUsd: nanoUsd,
      totalResponses: responses,
      totalUnpriced: unpriced,
    });
  };
  add(0, '', '', -1);
  for (const { lane, type, description } of fold.subagents.all()) {
    add(lane, type, description, spawns.get(lane)?.lane ?? 0);
  }
  addUp(agents);
  const [main, ...others] = agents.values();
  others.sort((a, b) => b.totalNanoUsd - a.totalNanoUsd || b.responses - a.responses);
  return [main!, ...others];
}

/** From those that started nobody upwards: each adds its total to the one that started it. */
function addUp(agents: Map<number, SubagentCost>): void {
  const children = new Map<number, number>();
  for (const { parent } of agents.values()) {
    if (agents.has(parent)) children.set(parent, (children.get(parent) ?? 0) + 1);
  }
  const ready = [...agents.values()].filter(({ lane }) => !children.has(lane));
  const left = new Set(agents.keys());
  for (let agent = ready.pop(); agent !== undefined; agent = ready.pop()) {
    left.delete(agent.lane);
    const parent = agents.get(agent.parent);
    if (parent === undefined) continue;
    parent.totalNanoUsd += agent.totalNanoUsd;
    parent.totalResponses += agent.totalResponses;
    parent.totalUnpriced += agent.totalUnpriced;
    const open = children.get(parent.lane)! - 1;
    children.set(parent.lane, open);
    if (open === 0) ready.push(parent);
  }
  // Agents that started each other, as only a broken trace tells: the main agent has them all the same.
  const main = agents.get(0)!;
  for (const lane of left) {
    if (lane === 0) continue;
    const agent = agents.get(lane)!;
    main.totalNanoUsd += agent.totalNanoUsd;
    main.totalResponses += agent.totalResponses;
    main.totalUnpriced += agent.totalUnpriced;
    agent.parent = 0;
  }
}
