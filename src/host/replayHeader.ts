import { TYPE } from '../model/columns.ts';
import { isCostKnown, type SessionSummary } from '../model/summary.ts';
import type { ReplayHeader } from '../protocol/replay.ts';
import { badLines, type TraceSession } from '../trace/session.ts';
import type { LiveSession } from './liveSession.ts';
import { laneNames } from './streamHeader.ts';

const MAX_MODELS = 4;
/** Of a branch or a version, UTF-16 units. */
const MAX_WORD = 100;

interface Origin {
  branch?: string;
  version?: string;
}
/** What the first event tells of where the session ran: read once. */
const origins = new WeakMap<TraceSession, Origin>();

function originOf(trace: TraceSession): Origin {
  const known = origins.get(trace);
  if (known || trace.fold.columns.type[0] !== TYPE.session_start) return known ?? {};
  const data = trace.readEvents([0])[0]?.data ?? {};
  const word = (value: unknown): string => (typeof value === 'string' ? value : '');
  const branch = word(data.git_branch).slice(0, MAX_WORD);
  const version = word(data.agent_version).slice(0, MAX_WORD);
  const origin = { ...(branch ? { branch } : {}), ...(version ? { version } : {}) };
  origins.set(trace, origin);
  return origin;
}

/** The numbers over the replay: those of the whole session. */
export function replayHeader(
  session: LiveSession,
  summary: SessionSummary,
  nowMs: number,
): ReplayHeader {
  const { fold } = session.trace;
  const { cost } = summary;
  const { branch, version } = originOf(session.trace);
  return {
    sessionId: session.key,
    nowMs,
    title: summary.title,
    agent: version ? `${summary.agent} ${version}` : summary.agent,
    models: cost.models
      .map(({ model }) => model)
      .filter((model) => model !== '')
      .slice(0, MAX_MODELS),
    workspace: session.workspace,
    ...(branch ? { branch } : {}),
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
