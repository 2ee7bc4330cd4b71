import type { AnalysedSession } from '../analysis/analysed.ts';
import {
  type ContextCourse,
  contextFill,
  courseInSlices,
} from '../analysis/context/contextCourse.ts';
import { sessionRows } from '../analysis/costs/sessionRows.ts';
import type { SessionPhase } from '../analysis/phases/phase.ts';
import { phaseName, phasesInSlices } from '../analysis/phases/sessionPhases.ts';
import { type Spawn, spawnsOf } from '../analysis/spawns.ts';
import { findCacheBreaks } from '../analysis/waste/cacheBreaks.ts';
import { wasteInSlices } from '../analysis/waste/sessionWaste.ts';
import type { Waste } from '../analysis/waste/waste.ts';
import type { SessionFold } from '../model/fold.ts';
import { mcpServerOf } from '../model/mcpServer.ts';
import { oneLine } from '../model/text.ts';
import type { LaneView, Outline, PhaseView } from '../protocol/replay.ts';

export interface OutlineOptions {
  /** The session goes on. */
  live: boolean;
  /** What it may cost, nano-dollars. */
  budgetNanoUsd?: number | undefined;
}

/** Prompts read in one go. */
const PROMPTS_AT_ONCE = 200;
/** Phases named in one go. */
const PHASES_AT_ONCE = 500;
/** Of a prompt, as a name. UTF-16 units. */
const NAME_LENGTH = 200;
/** More subagents than this are no subagents but an attack. */
const MAX_SUBAGENTS = 500;
const MAX_SERVERS = 40;
/** Steps looked at in one go. */
const STEPS_AT_ONCE = 32_768;
/** Phases, and losses of the cache, that a page is told of: the first. */
const MAX_PHASES = 5000;
const MAX_BREAKS = 2000;

/** Makes the outline of one session, again and again as it grows. Knows nothing of VS Code. */
export class OutlineMaker {
  private readonly session: AnalysedSession;
  /** Names of prompts by the row of the prompt: those of the past do not change. */
  private readonly prompts = new Map<number, string>();
  private promptsOf: SessionFold | undefined;
  /** How the main agent's window filled, as of the last outline. */
  course: ContextCourse | undefined;

  constructor(session: AnalysedSession) {
    this.session = session;
  }

  /** In slices of a few milliseconds: between two of them the editor has its turn. O(events). */
  *make({ live, budgetNanoUsd }: OutlineOptions): Generator<void, Outline> {
    const { fold } = this.session;
    const phases = yield* phasesInSlices(fold, { live });
    const rows = yield* sessionRows(fold);
    const breaks = yield* findCacheBreaks(fold, rows);
    const waste = yield* wasteInSlices(fold, phases, { rows, breaks });
    const course = yield* courseInSlices(fold, 0);
    yield;
    const spawns = spawnsOf(this.session);
    yield;
    const servers = yield* mcpServers(fold);
    yield* this.readPrompts(phases);
    this.course = course;
    const context: Outline['context'] = {
      ...contextFill(course),
      ...(course.window === undefined ? {} : { window: course.window }),
    };
    const views = yield* this.phaseViews(phases, waste);
    return {
      phases: views,
      lanes: [...agentLanes(this.session, spawns, live), ...servers],
      context,
      cacheBreaks: breaks.slice(0, MAX_BREAKS),
      wastedNanoUsd: waste.nanoUsd,
      ...(budgetNanoUsd === undefined ? {} : { budgetNanoUsd }),
    };
  }

  private *readPrompts(phases: readonly SessionPhase[]): Generator<void, void> {
    const { fold } = this.session;
    // After the file was replaced its rows are others.
    if (this.promptsOf !== fold) this.prompts.clear();
    this.promptsOf = fold;
    const missing = new Set<number>();
    for (const { promptRow } of phases.slice(0, MAX_PHASES)) {
      if (promptRow >= 0 && !this.prompts.has(promptRow)) missing.add(promptRow);
    }
    const rows = [...missing];
    for (let at = 0; at < rows.length; at += PROMPTS_AT_ONCE) {
      const some = rows.slice(at, at + PROMPTS_AT_ONCE);
      const events = this.session.readEvents(some);
      for (const [i, row] of some.entries()) {
        const prompt = events[i]?.data.prompt;
        this.prompts.set(row, typeof prompt === 'string' ? oneLine(prompt, NAME_LENGTH) : '');
      }
      yield;
    }
  }

  private *phaseViews(phases: readonly SessionPhase[], waste: Waste): Generator<void, PhaseView[]> {
    const { fold } = this.session;
    const views: PhaseView[] = [];
    for (const [at, phase] of phases.slice(0, MAX_PHASES).entries()) {
      if (at % PHASES_AT_ONCE === 0) yield;
      const { index: _, promptRow, files: __, filesRead: ___, filesChanged: ____, ...rest } = phase;
      const { failedStep: _____, ...view } = rest;
      views.push({
        ...view,
        name: phaseName(fold, phase, this.prompts.get(promptRow) ?? ''),
        wastedNanoUsd: waste.byPhase[at] ?? 0,
      });
    }
    return views;
  }
}

/** What phases are called, for a list of them. Reads their prompts. */
export function phaseLabels(session: AnalysedSession, phases: readonly SessionPhase[]): string[] {
  const rows = phases.map(({ promptRow }) => promptRow);
  const known = [...new Set(rows.filter((row) => row >= 0))].slice(0, MAX_PHASES);
  const events = session.readEvents(known);
  const prompts = new Map(
    known.map((row, at) => {
      const prompt = events[at]?.data.prompt;
      return [row, typeof prompt === 'string' ? oneLine(prompt, NAME_LENGTH) : ''];
    }),
  );
  return phases.map((phase) => phaseName(session.fold, phase, prompts.get(phase.promptRow) ?? ''));
}

function agentLanes(
  { fold }: AnalysedSession,
  spawns: ReadonlyMap<number, Spawn>,
  live: boolean,
): LaneView[] {
  const { session, cost } = fold;
  const firstMs = Number.isFinite(session.firstMs) ? session.firstMs : 0;
  const lanes: LaneView[] = [
    {
      kind: 'main',
      lane: 0,
      name: 'main',
      nanoUsd: cost.ofLane(0).nanoUsd,
      startMs: firstMs,
      ...(live ? {} : { endMs: Math.max(session.lastMs, firstMs) }),
      spawnStep: -1,
      parentLane: 0,
    },
  ];
  for (const agent of fold.subagents.all().slice(0, MAX_SUBAGENTS)) {
    const spawn = spawns.get(agent.lane);
    lanes.push({
      kind: 'subagent',
      lane: agent.lane,
      name: oneLine(agent.type || agent.description || 'subagent', NAME_LENGTH),
      nanoUsd: cost.ofLane(agent.lane).nanoUsd,
      startMs: agent.startMs,
      ...(agent.endMs === undefined ? {} : { endMs: agent.endMs }),
      spawnStep: spawn === undefined || spawn.row < 0 ? -1 : fold.steps.stepOf(spawn.row),
      parentLane: spawn?.lane ?? 0,
    });
  }
  return lanes;
}

/** MCP servers with the steps that called them, the one that was called first first. */
function* mcpServers(fold: SessionFold): Generator<void, LaneView[]> {
  const { columns, steps, tools } = fold;
  /** By tool: its server, 1-based; 0: none. */
  const ofTool: number[] = [];
  const byName = new Map<string, number>();
  const found: { name: string; steps: number[]; startMs: number; endMs: number }[] = [];
  for (let step = 0; step < steps.length; step++) {
    if (step > 0 && step % STEPS_AT_ONCE === 0) yield;
    const row = steps.row(step);
    const tool = columns.tool[row]!;
    if (tool === 0) continue;
    let server = ofTool[tool];
    if (server === undefined) {
      const name = mcpServerOf(tools.name(tool), fold.session.provider);
      server = name === undefined ? 0 : (byName.get(name) ?? 0);
      if (name !== undefined && server === 0 && found.length < MAX_SERVERS) {
        server = found.push({ name, steps: [], startMs: columns.timeMs[row]!, endMs: 0 });
        byName.set(name, server);
      }
      ofTool[tool] = server;
    }
    if (server === 0) continue;
    const one = found[server - 1]!;
    one.steps.push(step);
    const ms = columns.durationMs[row]!;
    one.endMs = Math.max(one.endMs, columns.timeMs[row]! + (Number.isNaN(ms) ? 0 : ms));
  }
  yield;
  return found.map(({ name, steps: list, startMs, endMs }) => ({
    kind: 'mcp',
    lane: 0,
    name: oneLine(name, NAME_LENGTH),
    startMs,
    endMs,
    spawnStep: -1,
    parentLane: 0,
    steps: Uint32Array.from(list),
  }));
}

/** Whether two outlines say the same. Compares typed arrays as such: there may be a million numbers. */
export function sameOutline(a: Outline, b: Outline): boolean {
  return (
    sameNumbers(a.context.step, b.context.step) &&
    sameNumbers(a.context.tokens, b.context.tokens) &&
    a.lanes.length === b.lanes.length &&
    a.lanes.every(({ steps = NONE }, at) => sameNumbers(steps, b.lanes[at]?.steps ?? NONE)) &&
    JSON.stringify(rest(a)) === JSON.stringify(rest(b))
  );
}

const NONE = new Uint32Array();

const rest = ({ context, lanes, ...others }: Outline): unknown => [
  others,
  context.window,
  lanes.map(({ steps: _, ...lane }) => lane),
];

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  // What grows differs at its end.
  for (let at = a.length - 1; at >= 0; at--) if (a[at] !== b[at]) return false;
  return true;
}
