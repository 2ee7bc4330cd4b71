/** A session's cost by phase, model, tool, file, MCP server or subagent: one table, for a terminal, Markdown and CSV. */
import type { Carried } from '../analysis/costs/carried.ts';
import type { CostPart } from '../analysis/costs/costBreakdown.ts';
import type { SessionCosts } from '../analysis/costs/sessionCosts.ts';
import type { PhaseOutcome } from '../analysis/phases/phase.ts';
import type { SessionFold } from '../model/fold.ts';
import { inFolder } from '../model/inFolder.ts';
import { phaseLines } from './costPhases.ts';
import type { CostBy } from './costWays.ts';

/**
 * How much of a line has a price: all, some (the rest is not in the sum), none, or the trace does not tell which
 * responses it has a part in.
 */
export type Priced = 'all' | 'some' | 'none' | 'untold';

/** One row. Names are hostile, as they come from the trace. */
export interface CostLine {
  /** `P1`; empty where there is none. */
  label: string;
  name: string;
  /** How far it stands in. */
  depth: number;
  /** Not from the trace: `(answers)`, `(no file)`. */
  rest: boolean;
  outcome?: PhaseOutcome;
  count: number;
  errors?: number;
  priced: Priced;
  nanoUsd: number;
  /** With the subagents that it started. */
  totalNanoUsd?: number;
  totalPriced?: Priced;
  wasteNanoUsd?: number;
  carried?: Carried;
  /** Is part of another line: a phase of a prompt. */
  inside: boolean;
}

export interface CostTable {
  by: Exclude<CostBy, 'waste'>;
  /** Over the names, and over the counts. */
  title: string;
  counted: string;
  lines: CostLine[];
  /** Of the whole session; NaN where some of it has no price, so that nothing has a known share of it. */
  nanoUsd: number;
}

/** @param prompts first line of each prompt, by its row */
export function costTable(
  by: CostTable['by'],
  fold: SessionFold,
  costs: SessionCosts,
  prompts: ReadonlyMap<number, string>,
): CostTable {
  const { breakdown } = costs;
  const table = (title: string, counted: string, lines: CostLine[]): CostTable => ({
    by,
    title,
    counted,
    lines,
    nanoUsd: breakdown.unpriced > 0 ? Number.NaN : breakdown.nanoUsd,
  });
  switch (by) {
    case 'phase':
      return table('phase', 'calls', phaseLines(fold, costs, prompts));
    case 'model':
      return table(
        'model',
        'responses',
        breakdown.models.map(({ model, responses, unpriced, nanoUsd }) =>
          line(model || '(no model)', { count: responses, unpriced, nanoUsd }, model === ''),
        ),
      );
    case 'tool':
      return table('tool', 'calls', [
        ...breakdown.tools.map(({ tool, carried, ...part }) => ({
          ...line(tool || '(no name)', part, tool === ''),
          carried,
        })),
        ...rest('(answers)', breakdown.answers),
        ...rest('(calls not recorded)', breakdown.unseen),
      ]);
    case 'file':
      return table('file', 'calls', [
        ...breakdown.files.map(({ file, ...part }) =>
          line(inFolder(fold.files.paths.name(file), fold.session.cwd), part),
        ),
        ...rest('(no file)', breakdown.noFile),
      ]);
    case 'mcp':
      return table('MCP server', 'calls', [
        ...breakdown.servers.map(({ server, carried, ...part }) => ({
          ...line(server, part),
          carried,
        })),
        ...rest('(no MCP server)', breakdown.noServer),
      ]);
    case 'subagent':
      return table('agent', 'responses', agentLines(costs));
  }
}

/** Each under the one that started it. */
function agentLines({ breakdown: { subagents } }: SessionCosts): CostLine[] {
  const children = new Map<number, (typeof subagents)[number][]>();
  for (const agent of subagents) {
    const siblings = children.get(agent.parent);
    if (siblings === undefined) children.set(agent.parent, [agent]);
    else siblings.push(agent);
  }
  const lines: CostLine[] = [];
  const open = (children.get(-1) ?? []).map((agent) => ({ agent, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { agent, depth } = next;
    const name = [agent.type, agent.description].filter(Boolean).join(': ') || agent.id;
    lines.push({
      ...line(
        agent.lane === 0 ? '(main agent)' : name,
        {
          count: agent.responses,
          unpriced: agent.unpriced,
          nanoUsd: agent.ownNanoUsd,
        },
        agent.lane === 0,
      ),
      depth: Math.min(depth, 8),
      totalNanoUsd: agent.totalNanoUsd,
      priced: responsesPriced(agent.responses, agent.unpriced),
      totalPriced: responsesPriced(agent.totalResponses, agent.totalUnpriced),
    });
    // The dearest on top of the stack.
    for (const child of (children.get(agent.lane) ?? []).toReversed()) {
      open.push({ agent: child, depth: depth + 1 });
    }
  }
  return lines;
}

type Part = Pick<CostPart, 'count' | 'unpriced' | 'nanoUsd'> & { untold?: number };

function line(name: string, part: Part, isRest = false): CostLine {
  const { count, nanoUsd } = part;
  const priced = pricedOf(part.count, part.unpriced, part.untold);
  return { label: '', name, depth: 0, rest: isRest, inside: false, count, priced, nanoUsd };
}

export function pricedOf(count: number, unpriced: number, untold = 0): Priced {
  if (unpriced > 0) return unpriced + untold === count ? 'none' : 'some';
  return untold > 0 && untold === count ? 'untold' : 'all';
}

/** Of responses: where there are none, nothing is told of their price. */
export const responsesPriced = (responses: number, unpriced: number): Priced =>
  responses === 0 ? 'untold' : pricedOf(responses, unpriced);

const rest = (name: string, part: CostPart): CostLine[] =>
  part.count > 0 || part.nanoUsd > 0 ? [line(name, part, true)] : [];
