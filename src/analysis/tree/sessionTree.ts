import { FLAG, TYPE } from '../../model/columns.ts';
import { stepOfEvent } from '../../model/eventStep.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { SessionStatus, SessionSummary } from '../../model/summary.ts';
import { addUsage, emptyUsage, type Usage } from '../../model/usage.ts';
import type { AnalysedSession } from '../analysed.ts';
import { type Spawn, spawnsOf } from '../spawns.ts';

/** What a node comes to, or a node with all below it. Nano-dollars, counts. */
export interface TreeSums {
  nanoUsd: number;
  /** Guessed from text where there is no usage; never in `nanoUsd`. */
  estimatedNanoUsd: number;
  responses: number;
  /** Responses without a known price. */
  unpriced: number;
  /** Responses that another session was billed for; of a whole session only. */
  copied: number;
  usage: Usage;
  calls: number;
  errors: number;
  denied: number;
}

/** A session, or a subagent in one. */
export interface TreeNode {
  kind: 'session' | 'subagent';
  /** The session's id, or the subagent's. */
  id: string;
  sessionId: string;
  /** The agent (`claude-code`), or the subagent's type. */
  name: string;
  /** First prompt, or the subagent's task. Hostile, one line. */
  title: string;
  status: SessionStatus | 'done' | 'running' | 'unknown';
  /** ms since the epoch, and ms; NaN where it is not known. */
  startMs: number;
  durationMs: number;
  /** The step of the parent's session that started it; -1 where it is not known. */
  step: number;
  sure: Spawn['sure'];
  own: TreeSums;
  /** With all that is below it. */
  total: TreeSums;
  sessions: number;
  subagents: number;
  /** Index of the parent in the list; -1 for the root. Parents stand before their children. */
  parent: number;
  depth: number;
}

/** One session of a tree, read. */
export interface TreeSession {
  session: AnalysedSession;
  summary: SessionSummary;
  /** Id of the session that started it. */
  parent?: string | undefined;
  /** Id of the event of that session that did, where the trace says so. */
  parentEvent?: string | undefined;
}

/** Deeper than anybody looks: what is below hangs here. */
export const MAX_DEPTH = 16;

/**
 * A session with its subagents and the sessions that it started, as a list: each after its parent, in the order in which
 * they began.
 *
 * @param sessions the root first; whose parent is not among them is left out
 */
export function sessionTree(sessions: readonly TreeSession[]): TreeNode[] {
  const root = sessions[0];
  if (root === undefined) return [];
  const children = new Map<string, TreeSession[]>();
  for (const one of sessions.slice(1)) {
    const siblings = children.get(one.parent ?? '') ?? [];
    siblings.push(one);
    children.set(one.parent ?? '', siblings);
  }
  const nodes: TreeNode[] = [];
  const seen = new Set<string>([root.session.id]);
  // What is to be placed, the last first, with the place of its parent.
  const open: { node: TreeNode; of: Branch }[] = [];
  const begin = (one: TreeSession, step: number, sure: Spawn['sure']): void => {
    const branch = branchOf(one);
    open.push({ node: { ...branch.root, step, sure }, of: branch });
  };
  begin(root, -1, 'unknown');
  while (open.length > 0) {
    const { node, of } = open.pop()!;
    const at = nodes.push(node) - 1;
    const next: { node: TreeNode; of: Branch }[] = [];
    const lane = node.kind === 'session' ? 0 : of.laneOf.get(node.id)!;
    for (const below of of.below.get(lane) ?? []) next.push({ node: { ...below }, of });
    if (node.kind === 'session') {
      for (const child of children.get(node.id) ?? []) {
        if (seen.has(child.session.id)) continue;
        seen.add(child.session.id);
        const named = stepOfEvent(of.fold, child.parentEvent ?? '');
        const step = named >= 0 ? named : stepAt(of.fold, child.summary.startedAtMs);
        const branch = branchOf(child);
        const sure = named >= 0 ? 'evidence' : step < 0 ? 'unknown' : 'likely';
        next.push({ node: { ...branch.root, step, sure }, of: branch });
      }
    }
    next.sort((a, b) => b.node.startMs - a.node.startMs || (a.node.id < b.node.id ? 1 : -1));
    for (const { node: child } of next) {
      // Below the deepest level all are siblings.
      const deepest = node.depth >= MAX_DEPTH;
      child.parent = deepest ? node.parent : at;
      child.depth = deepest ? node.depth : node.depth + 1;
    }
    open.push(...next);
  }
  addUp(nodes);
  return nodes;
}

interface Branch {
  fold: SessionFold;
  root: TreeNode;
  /** Subagents by the lane that started them. */
  below: Map<number, TreeNode[]>;
  laneOf: Map<string, number>;
}

function branchOf({ session, summary }: TreeSession): Branch {
  const { fold } = session;
  const sums = laneSums(fold);
  const spawns = spawnsOf(session);
  const own = sums[0] ?? emptySums();
  own.estimatedNanoUsd = summary.cost.estimated > 0 ? summary.cost.estimatedNanoUsd : 0;
  own.copied = summary.cost.copied;
  const base = { step: -1, sure: 'unknown' as const, parent: -1, depth: 0 };
  const below = new Map<number, TreeNode[]>();
  const laneOf = new Map<string, number>();
  for (const agent of fold.subagents.all()) {
    const spawn = spawns.get(agent.lane);
    const node: TreeNode = {
      ...base,
      ...counted(sums[agent.lane] ?? emptySums()),
      kind: 'subagent',
      id: agent.id,
      sessionId: session.id,
      name: agent.type,
      title: agent.description,
      status: agent.endMs !== undefined ? 'done' : isOver(summary.status) ? 'unknown' : 'running',
      startMs: agent.startMs,
      durationMs: agent.endMs === undefined ? Number.NaN : agent.endMs - agent.startMs,
      step: spawn === undefined || spawn.row < 0 ? -1 : fold.steps.stepOf(spawn.row),
      sure: spawn?.sure ?? 'unknown',
    };
    if (hasFailed(fold, spawn)) node.status = 'failed';
    const lane = spawn?.lane ?? 0;
    const siblings = below.get(lane) ?? [];
    siblings.push(node);
    below.set(lane, siblings);
    laneOf.set(agent.id, agent.lane);
  }
  const root: TreeNode = {
    ...base,
    ...counted(own),
    kind: 'session',
    id: session.id,
    sessionId: session.id,
    name: summary.agent,
    title: summary.title,
    status: summary.status,
    startMs: summary.startedAtMs,
    durationMs: summary.startedAtMs > 0 ? summary.durationMs : Number.NaN,
  };
  return { fold, root, below, laneOf };
}

const counted = (own: TreeSums) => ({ own, total: own, sessions: 0, subagents: 0 });
const isOver = (status: SessionStatus): boolean => status === 'ended' || status === 'failed';

function hasFailed({ columns }: SessionFold, spawn: Spawn | undefined): boolean {
  if (spawn === undefined || spawn.row < 0 || spawn.sure !== 'evidence') return false;
  return (columns.flags[spawn.row]! & (FLAG.error | FLAG.denied)) !== 0;
}

/** What each lane did by itself. */
function laneSums(fold: SessionFold): TreeSums[] {
  const { columns, cost } = fold;
  const sums: TreeSums[] = [];
  const of = (lane: number): TreeSums => {
    let sum = sums[lane];
    if (sum === undefined) {
      const { nanoUsd, responses, unpriced, usage } = cost.ofLane(lane);
      sum = { ...emptySums(), nanoUsd, responses, unpriced, usage };
      sums[lane] = sum;
    }
    return sum;
  };
  of(0);
  for (let row = 0; row < columns.length; row++) {
    const type = columns.type[row]!;
    const flags = columns.flags[row]!;
    if (type === TYPE.tool_call) {
      if ((flags & FLAG.subagent) === 0) of(columns.lane[row]!).calls++;
    } else if (type === TYPE.error || type === TYPE.tool_result) {
      if ((flags & FLAG.denied) !== 0) of(columns.lane[row]!).denied++;
      else if ((flags & FLAG.error) !== 0) of(columns.lane[row]!).errors++;
    } else if (type === TYPE.llm_response) of(columns.lane[row]!);
  }
  return sums;
}

/** The call that ran when something began: what started it, most likely. -1 where none ran. */
function stepAt({ steps, columns }: SessionFold, timeMs: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns.timeMs[steps.row(middle)]! <= timeMs) low = middle + 1;
    else high = middle;
  }
  for (let step = low - 1, tries = 0; step >= 0 && tries < 64; step--, tries++) {
    const row = steps.row(step);
    if (columns.type[row] !== TYPE.tool_call) continue;
    const ms = columns.durationMs[row]!;
    if (Number.isNaN(ms) || columns.timeMs[row]! + ms >= timeMs) return step;
  }
  return -1;
}

export const emptySums = (): TreeSums => ({
  nanoUsd: 0,
  estimatedNanoUsd: 0,
  responses: 0,
  unpriced: 0,
  copied: 0,
  usage: emptyUsage(),
  calls: 0,
  errors: 0,
  denied: 0,
});

/** Totals, from the leaves up: parents stand before their children. */
function addUp(nodes: TreeNode[]): void {
  for (const node of nodes) node.total = { ...node.own, usage: { ...node.own.usage } };
  for (let at = nodes.length - 1; at > 0; at--) {
    const node = nodes[at]!;
    const parent = nodes[node.parent]!;
    addSums(parent.total, node.total);
    parent.sessions += node.sessions + (node.kind === 'session' ? 1 : 0);
    parent.subagents += node.subagents + (node.kind === 'subagent' ? 1 : 0);
  }
}

/** Adds to sums what another node comes to. */
export function addSums(into: TreeSums, sums: TreeSums): void {
  for (const key of COUNTS) into[key] += sums[key];
  addUsage(into.usage, sums.usage);
}

const COUNTS = [
  'nanoUsd',
  'estimatedNanoUsd',
  'responses',
  'unpriced',
  'copied',
  'calls',
  'errors',
  'denied',
] as const;
