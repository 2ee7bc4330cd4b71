import { formatUsd } from '../../../src/model/format.ts';
import { knownCostText } from '../../../src/model/knownCost.ts';
import type { PhaseView } from '../../../src/protocol/replay.ts';
import type { SessionIndex } from './sessionIndex.ts';

/** What the timeline shows of a phase. */
export interface Band {
  name: string;
  outcome: PhaseView['outcome'];
  firstStep: number;
  lastStep: number;
  /** What it cost, in words; empty: nothing is known of it yet. */
  cost: string;
  view?: PhaseView;
}

/** The worse of two stands for both. */
const RANKS = { ok: 0, running: 1, mixed: 2, failed: 3 } as const;

export const worse = (a: Band['outcome'], b: Band['outcome']): Band['outcome'] =>
  RANKS[b] > RANKS[a] ? b : a;

export function bandsOf(phases: readonly PhaseView[]): Band[] {
  return phases.map((view) => ({
    name: view.name,
    outcome: view.outcome,
    firstStep: view.firstStep,
    lastStep: view.lastStep,
    cost: knownCostText(view),
    view,
  }));
}

/** Until the host has told the phases: one a prompt. */
export function bandsOfPrompts(index: SessionIndex, live: boolean): Band[] {
  const { prompt, error, denied } = index.marks;
  const bands: Band[] = [];
  for (let at = 0; at < prompt.length; at++) {
    const firstStep = at === 0 ? 0 : prompt.at(at);
    const end = at + 1 < prompt.length ? prompt.at(at + 1) : index.built;
    const failures = error.count(firstStep, end) + denied.count(firstStep, end);
    const last = Math.max(lastBefore(error, end), lastBefore(denied, end));
    const nanoUsd = index.costBefore(end) - index.costBefore(firstStep);
    const running = live && at + 1 === prompt.length;
    bands.push({
      name: `P${at + 1}`,
      outcome: running ? 'running' : failures === 0 ? 'ok' : last >= end - 2 ? 'failed' : 'mixed',
      firstStep,
      lastStep: end - 1,
      cost: nanoUsd > 0 ? formatUsd(nanoUsd, { estimate: index.estimated }) : '',
    });
  }
  return bands;
}

const lastBefore = (set: SessionIndex['marks']['error'], step: number): number =>
  set.lower(step) > 0 ? set.at(set.lower(step) - 1) : -1;

/** Place of the band that a step is in; -1: none. */
export function bandAt(bands: readonly Band[], step: number): number {
  let low = 0;
  let high = bands.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bands[middle]!.firstStep <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
