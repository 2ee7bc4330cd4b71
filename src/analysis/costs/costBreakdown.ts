import { FLAG, TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import { mcpServerOf } from '../../model/mcpServer.ts';
import type { CostSum } from '../../model/slices/cost.ts';
import type { FileChange } from '../../model/slices/files.ts';
import type { SessionPhase } from '../phases/phase.ts';
import { drain, type Sliced, slicewise } from '../slices.ts';
import type { Spawn } from '../spawns.ts';
import type { Waste } from '../waste/waste.ts';
import { type Carried, carriedByTool } from './carried.ts';
import { sameFiles } from './sameFiles.ts';
import { type SessionRows, sessionRows } from './sessionRows.ts';
import { isBilled, partOf } from './shares.ts';
import { type SubagentCost, subagentCosts } from './subagentCosts.ts';

/** A part of the session's cost: of a partition, all parts add up to the total, to the nano-dollar. */
export interface CostPart {
  nanoUsd: number;
  /** Calls; of answers and of what is in no call, responses. */
  count: number;
  /** Of them, those without a known price: they are not in `nanoUsd`. */
  unpriced: number;
  /** Of them, those of which the trace does not tell which response asked for them. */
  untold: number;
}

export interface ToolCost extends CostPart {
  /** `''`: calls of tools without a name. */
  tool: string;
  carried: Carried;
}

export interface FileCost extends CostPart {
  /** Code of its path. */
  file: number;
}

export interface ServerCost extends CostPart {
  server: string;
  /** Tools of it that were called, by name. */
  tools: string[];
  carried: Carried;
}

export interface PhaseCost {
  /** Of the phase. */
  index: number;
  nanoUsd: number;
  unpriced: number;
  /** Of `nanoUsd`, paid for nothing. */
  wasteNanoUsd: number;
}

/** Who and what a session's money went to. Nano-dollars, whole. Each list the dearest first, phases in their order. */
export interface CostBreakdown {
  nanoUsd: number;
  responses: number;
  unpriced: number;
  phases: PhaseCost[];
  models: ({ model: string; reason?: string } & CostSum)[];
  /** With `answers` and `unseen` a partition. */
  tools: ToolCost[];
  /** Responses that called nothing. */
  answers: CostPart;
  /** Shares of calls that are not in the trace. */
  unseen: CostPart;
  /** With `noFile` a partition: a call's part is shared by the files that it touched. */
  files: FileCost[];
  noFile: CostPart;
  /** With `noServer` a partition. */
  servers: ServerCost[];
  noServer: CostPart;
  /** Own costs are a partition; the main agent is the first, and its total is the session's. */
  subagents: SubagentCost[];
}

/** Where the money went. From the columns alone; O(events). */
export function costBreakdown(
  fold: SessionFold,
  phases: readonly SessionPhase[],
  waste: Waste,
  spawns: ReadonlyMap<number, Spawn>,
): CostBreakdown {
  return drain(breakdownInSlices(fold, phases, waste, spawns));
}

/**
 * As {@link costBreakdown}.
 *
 * @param known of this fold, as it is now
 */
export function* breakdownInSlices(
  fold: SessionFold,
  phases: readonly SessionPhase[],
  waste: Waste,
  spawns: ReadonlyMap<number, Spawn>,
  known?: SessionRows,
): Sliced<CostBreakdown> {
  const { total } = fold.cost;
  const rows = known ?? (yield* sessionRows(fold));
  const parts = yield* callParts(fold, rows);
  return {
    nanoUsd: total.nanoUsd,
    responses: total.responses,
    unpriced: total.unpriced,
    phases: phases.map((phase, at) => ({
      index: phase.index,
      nanoUsd: phase.nanoUsd,
      unpriced: phase.unpriced,
      wasteNanoUsd: waste.byPhase[at] ?? 0,
    })),
    models: fold.cost.perModel(),
    ...parts,
    ...serverCosts(fold, parts),
    subagents: subagentCosts(fold, spawns),
  };
}

type CallParts = Pick<CostBreakdown, 'tools' | 'answers' | 'unseen' | 'files' | 'noFile'>;

function* callParts(fold: SessionFold, rows: SessionRows): Sliced<CallParts> {
  const { shares, order } = rows;
  const { columns } = fold;
  const tools: CostPart[] = [];
  const answers = emptyPart();
  const unseen = emptyPart();
  const noFile = emptyPart();
  const filesOf = filesByCall(fold, rows);
  const byFile: CostPart[] = [];
  yield* slicewise(columns.length, (from, end) => {
    const { type, flags, tool } = columns;
    for (let row = from; row < end; row++) {
      if (type[row] === TYPE.tool_call) {
        if ((flags[row]! & FLAG.subagent) !== 0) continue;
        const nano = shares.ofCall(row);
        tools[tool[row]!] ??= emptyPart();
        addCall(fold, tools[tool[row]!]!, row, nano);
        const files = filesOf(row);
        if (files.length === 0) addCall(fold, noFile, row, nano);
        for (let at = 0; at < files.length; at++) {
          const file = files[at]!;
          byFile[file] ??= emptyPart();
          addCall(fold, byFile[file], row, partOf(nano, files.length, at));
        }
      } else if (isBilled(fold, row)) {
        // What its calls do not take of it.
        const parts = shares.parts(row);
        const isUnseen = parts > 0;
        const missing = parts - shares.seen(row);
        if (isUnseen && missing === 0) continue;
        const rest = shares.unshared(row);
        addPart(isUnseen ? unseen : answers, rest, isUnseen ? missing : 1);
        addPart(noFile, rest, isUnseen ? missing : 1);
      }
    }
  });
  const carried = yield* carriedByTool(fold, order);
  return {
    tools: Object.entries(tools)
      .map(([code, part]) => ({
        tool: fold.tools.name(Number(code)),
        ...part,
        carried: carried.get(Number(code)) ?? { tokens: 0, nanoUsd: 0 },
      }))
      .sort((a, b) => dearest(a, b) || (a.tool < b.tool ? -1 : 1)),
    answers,
    unseen,
    files: Object.entries(byFile)
      .map(([code, part]) => ({ file: Number(code), ...part }))
      .sort((a, b) => dearest(a, b) || comparePaths(fold, a.file, b.file)),
    noFile,
  };
}

const NO_FILES: readonly number[] = [];

/** The files that a call touched, each once, in an order that does not depend on the order of arrival. */
function filesByCall(
  fold: SessionFold,
  { ops: { first, next } }: SessionRows,
): (call: number) => readonly number[] {
  const { pair } = fold.columns;
  const same = sameFiles(fold);
  const change: FileChange = { file: 0, isRead: false, added: 0, removed: 0 };
  const add = (files: number[], from: number): void => {
    for (let op = from; op >= 0; op = next[op]!) {
      fold.files.change(op, change);
      const file = same?.[change.file] ?? change.file;
      files.push(file < 0 ? change.file : file);
    }
  };
  return (call) => {
    const result = pair[call]!;
    const own = first[call]!;
    const told = result < 0 ? -1 : first[result]!;
    if (own < 0 && told < 0) return NO_FILES;
    const files: number[] = [];
    add(files, own);
    add(files, told);
    if (files.length < 2) return files;
    return [...new Set(files)].sort((a, b) => comparePaths(fold, a, b));
  };
}

function serverCosts(
  fold: SessionFold,
  { tools, answers, unseen }: CallParts,
): Pick<CostBreakdown, 'servers' | 'noServer'> {
  const servers = new Map<string, ServerCost>();
  const noServer = emptyPart();
  for (const part of [answers, unseen]) addParts(noServer, part);
  for (const tool of tools) {
    const server = mcpServerOf(tool.tool, fold.session.provider);
    if (server === undefined) {
      addParts(noServer, tool);
      continue;
    }
    let sum = servers.get(server);
    if (sum === undefined) {
      sum = { server, tools: [], ...emptyPart(), carried: { tokens: 0, nanoUsd: 0 } };
      servers.set(server, sum);
    }
    sum.tools.push(tool.tool);
    addParts(sum, tool);
    sum.carried.tokens += tool.carried.tokens;
    sum.carried.nanoUsd += tool.carried.nanoUsd;
  }
  return { servers: [...servers.values()].sort(dearest), noServer };
}

function addParts(into: CostPart, more: CostPart): void {
  into.nanoUsd += more.nanoUsd;
  into.count += more.count;
  into.unpriced += more.unpriced;
  into.untold += more.untold;
}

const emptyPart = (): CostPart => ({ nanoUsd: 0, count: 0, unpriced: 0, untold: 0 });

function addPart(part: CostPart, nano: number, count: number): void {
  part.count += count;
  if (Number.isNaN(nano)) part.unpriced += count;
  else part.nanoUsd += nano;
}

function addCall(fold: SessionFold, part: CostPart, call: number, nano: number): void {
  const response = fold.columns.response[call]!;
  if (response >= 0 && isBilled(fold, response)) {
    addPart(part, nano, 1);
    return;
  }
  // What another session was billed for costs nothing here.
  part.count++;
  if (response < 0 || !fold.cost.hasUsage(response)) part.untold++;
}

const dearest = (a: CostPart, b: CostPart): number => b.nanoUsd - a.nanoUsd || b.count - a.count;

function comparePaths({ files: { paths } }: SessionFold, a: number, b: number): number {
  const [x, y] = [paths.name(a), paths.name(b)];
  return x < y ? -1 : x > y ? 1 : a - b;
}
