import type { SessionFold } from '../../model/fold.ts';

/** What fills a context window. */
export const CONTEXT_SOURCES = [
  /** System prompt and tool definitions: what stands before the first prompt. */
  'system',
  /** CLAUDE.md, AGENTS.md and the like, where the trace tells of them. */
  'memory',
  /** Prompts, answers, reasoning. */
  'conversation',
  /** Results of reads and searches. */
  'files',
  /** Results of commands, web, MCP, subagents. */
  'output',
] as const;
export type ContextSource = (typeof CONTEXT_SOURCES)[number];
/** Tokens by source. Whole numbers; they add up to the size of the window's content. */
export type ContextSources = Record<ContextSource, number>;

/** One request of a lane, with what its window held when it was answered. */
export interface ContextPoint {
  /** The fold's row of the response, and the step that it belongs to (-1: to none yet). */
  row: number;
  step: number;
  timeMs: number;
  /** Prompt and answer: what the next request starts with. Told by the agent, no estimate. */
  tokens: number;
  /** Estimated from sizes, scaled so that they add up to `tokens`. */
  sources: ContextSources;
  /** Index of the compaction that came just before; -1. */
  compaction: number;
}

export interface Compaction {
  step: number;
  timeMs: number;
  trigger: 'auto' | 'manual' | 'unknown';
  /** Tokens before and after; NaN where not known. */
  before: number;
  after: number;
  /** What is no longer in the window, by source (estimated). */
  dropped: ContextSources;
}

/** How the window of one lane filled. From the columns alone; O(events). */
export interface ContextCourse {
  lane: number;
  points: ContextPoint[];
  compactions: Compaction[];
  /** Tokens that fit, where known. */
  window?: number;
  model: string;
}

export function contextCourse(_fold: SessionFold, lane = 0): ContextCourse {
  return { lane, points: [], compactions: [], model: '' };
}

/** The last point at or before a step; undefined: none. */
export function contextAt(course: ContextCourse, step: number): ContextPoint | undefined {
  let found: ContextPoint | undefined;
  for (const point of course.points) {
    if (point.step > step) break;
    found = point;
  }
  return found;
}
