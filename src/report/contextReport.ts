/** What fills the context windows of a session: as JSON. */
import {
  type Compaction,
  type ContextCourse,
  type ContextSources,
  contextSize,
  courseInSlices,
  coursesInSlices,
  pointsInSlices,
} from '../analysis/context/contextCourse.ts';
import {
  type ContextTurn,
  contextForecast,
  contextTurns,
  isInWindow,
} from '../analysis/context/contextTurns.ts';
import { drain, type Sliced } from '../analysis/slices.ts';
import type { SessionFold } from '../model/fold.ts';
import { seconds } from './sessionJson.ts';

export interface CompactionJson {
  /** 1-based. */
  step: number;
  at: number;
  trigger: Compaction['trigger'];
  /** False: no event tells of it, but the next request was less than half as large. */
  told: boolean;
  before_tokens: number | null;
  after_tokens: number | null;
  /** Estimated. */
  dropped: ContextSources;
}

/** The window after a request. */
export interface ContextRequestJson {
  step: number;
  at: number;
  /** Prompt and answer. */
  tokens: number;
  prompt_tokens: number;
  /** Estimated; they add up to `tokens`. */
  sources: ContextSources;
}

export interface ContextTurnJson {
  /** 1 for the first prompt; 0: before it. */
  turn: number;
  /** The prompt's first line. */
  prompt: string;
  requests: number;
  growth_tokens: number;
  /** Indexes into `compactions`. */
  compactions: number[];
  /** The window at its end; null where no request was told. */
  last: ContextRequestJson | null;
}

export interface ContributionJson {
  step: number;
  what: string;
  source: keyof ContextSources;
  /** Estimated. */
  tokens: number;
  /** False: a compaction came after it. */
  in_window: boolean;
}

/** How full the window of one agent is. */
export interface LaneFactsJson {
  /** '' is the main agent. */
  lane: string;
  /** Of a subagent. */
  type: string;
  description: string;
  model: string;
  /** null where it is not known. */
  window_tokens: number | null;
  tokens: number;
  peak_tokens: number;
  /** Shares of the window, 0 to 1. */
  fill: number | null;
  peak_fill: number | null;
  requests: number;
}

export interface ContextLaneJson extends LaneFactsJson {
  sources: ContextSources;
  compactions: CompactionJson[];
  turns: ContextTurnJson[];
  /** Only where they were asked for. */
  all_requests?: ContextRequestJson[];
  largest: ContributionJson[];
  /** At the growth of the last requests; null where it cannot be told. */
  forecast: {
    tokens_per_request: number;
    over_requests: number;
    full_in_requests: number;
    compacts_at_tokens: number | null;
    compacts_in_requests: number | null;
  } | null;
}

export interface ContextReport {
  session_id: string;
  title: string;
  lanes: ContextLaneJson[];
}

export interface ContextWords {
  /** First line of the prompt in this row. */
  prompt(row: number): string;
  /** A step in words. */
  step(step: number): string;
}

export interface ContextReportOptions {
  /** Codes of the lanes, or all of them. */
  lanes: readonly number[] | 'all';
  requests?: boolean;
  window?: number;
}

export function contextReport(
  id: string,
  fold: SessionFold,
  words: ContextWords,
  options: ContextReportOptions,
): ContextReport {
  return drain(contextInSlices(id, fold, words, options));
}

/** As {@link contextReport}. */
export function* contextInSlices(
  id: string,
  fold: SessionFold,
  words: ContextWords,
  options: ContextReportOptions,
): Sliced<ContextReport> {
  const courses = options.lanes === 'all' ? yield* coursesInSlices(fold) : [];
  const lanes = options.lanes === 'all' ? [] : options.lanes;
  for (const lane of lanes) courses.push(yield* courseInSlices(fold, lane));
  for (const course of courses) yield* pointsInSlices(course);
  yield;
  const subagents = new Map(fold.subagents.all().map((agent) => [agent.lane, agent]));
  return {
    session_id: id,
    title: fold.session.title,
    lanes: courses.map((own) => {
      const course = options.window === undefined ? own : withWindow(own, options.window);
      const agent = subagents.get(course.lane);
      return {
        ...laneFacts(course),
        lane: fold.lanes.name(course.lane),
        type: agent?.type ?? '',
        description: agent?.description ?? '',
        compactions: course.compactions.map(compactionJson),
        turns: contextTurns(fold, course).map((turn) => turnJson(turn, course, words)),
        ...(options.requests === true && {
          all_requests: course.points.map((_, at) => requestJson(course, at)),
        }),
        largest: course.largest.map(({ step, source, tokens, point }) => ({
          step: step + 1,
          what: step < 0 ? '' : words.step(step),
          source,
          tokens,
          in_window: isInWindow(course, point),
        })),
        forecast: forecastJson(course),
      };
    }),
  };
}

/** The same course, in a window of another size. */
export const withWindow = (course: ContextCourse, window: number): ContextCourse => ({
  lane: course.lane,
  model: course.model,
  stamp: course.stamp,
  points: course.points,
  compactions: course.compactions,
  largest: course.largest,
  window,
});

/** How full a window is now, and how full it was at most. @param window tokens that fit */
export function laneFacts(course: ContextCourse, window = course.window) {
  const { requests, peak, last } = contextSize(course);
  const tokens = last?.tokens ?? 0;
  const share = (of: number): number | null => (window === undefined ? null : of / window);
  return {
    model: course.model,
    window_tokens: window ?? null,
    tokens,
    peak_tokens: peak,
    fill: share(tokens),
    peak_fill: share(peak),
    requests,
    sources: last?.sources ?? { system: 0, memory: 0, conversation: 0, files: 0, output: 0 },
  };
}

const countOrNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

const compactionJson = (compaction: Compaction): CompactionJson => ({
  step: compaction.step + 1,
  at: seconds(compaction.timeMs),
  trigger: compaction.trigger,
  told: compaction.told,
  before_tokens: countOrNull(compaction.before),
  after_tokens: countOrNull(compaction.after),
  dropped: compaction.dropped,
});

function requestJson({ points }: ContextCourse, at: number): ContextRequestJson {
  const { step, timeMs, tokens, prompt, sources } = points[at]!;
  return { step: step + 1, at: seconds(timeMs), tokens, prompt_tokens: prompt, sources };
}

const turnJson = (
  turn: ContextTurn,
  course: ContextCourse,
  words: ContextWords,
): ContextTurnJson => ({
  turn: turn.prompt,
  prompt: turn.promptRow < 0 ? '' : words.prompt(turn.promptRow),
  requests: turn.last < 0 ? 0 : turn.last - turn.first + 1,
  growth_tokens: turn.growth,
  compactions: turn.compactions,
  last: turn.last < 0 ? null : requestJson(course, turn.last),
});

function forecastJson(course: ContextCourse): ContextLaneJson['forecast'] {
  const forecast = contextForecast(course);
  if (forecast === undefined) return null;
  return {
    tokens_per_request: Math.round(forecast.perRequest),
    over_requests: forecast.over,
    full_in_requests: forecast.requests,
    compacts_at_tokens: forecast.compactsAt ?? null,
    compacts_in_requests: forecast.untilCompaction ?? null,
  };
}
