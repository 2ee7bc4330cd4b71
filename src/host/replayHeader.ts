import { isCostKnown, type SessionSummary } from '../model/summary.ts';
import type { ReplayHeader } from '../protocol/replay.ts';
import { badLines } from '../trace/session.ts';
import type { LiveSession } from './liveSession.ts';
import { laneNames } from './streamHeader.ts';

const MAX_MODELS = 4;

/** The numbers over the replay: those of the whole session. */
export function replayHeader(
  session: LiveSession,
  summary: SessionSummary,
  nowMs: number,
): ReplayHeader {
  const { fold } = session.trace;
  const { cost } = summary;
  return {
    sessionId: session.key,
    nowMs,
    title: summary.title,
    agent: summary.agent,
    models: cost.models
      .map(({ model }) => model)
      .filter((model) => model !== '')
      .slice(0, MAX_MODELS),
    workspace: session.workspace,
    status: summary.status,
    startedAtMs: summary.startedAtMs,
    ...(summary.endedAtMs === undefined ? {} : { endedAtMs: summary.endedAtMs }),
    durationMs: Math.max(0, summary.lastMs - summary.startedAtMs),
    cost: {
      nanoUsd: cost.nanoUsd,
      estimatedNanoUsd: cost.estimatedNanoUsd,
      unpriced: cost.unpriced,
      ...(isCostKnown(cost) ? {} : { unknown: true }),
    },
    counts: {
      events: summary.events,
      calls: summary.calls,
      errors: summary.errors,
      denied: summary.denied,
      files: fold.files.fileCount,
    },
    badLines: badLines(session.trace.problems),
    lanes: laneNames(session).map(({ name }) => name),
  };
}
