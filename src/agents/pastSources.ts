/** Every agent's transcripts, for sessions that are over: found, priced, imported. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Billing } from '../model/billing.ts';
import type { TraceEvent } from '../model/event.ts';
import type { Pricer } from '../model/usage.ts';
import type { AgentId, AgentPlaces, TranscriptFile, TranscriptSource } from './agent.ts';
import {
  type PricedSession as ClaudeSession,
  type DiscoverProgress,
  discoverPriced as discoverClaude,
  findTranscripts,
  importTranscript,
} from './claude/discover.ts';
import { firstBytes, subagentFiles } from './claude/files.ts';
import { TranscriptMapper } from './claude/transcriptImport.ts';
import { inOrder, put } from './importTrace.ts';
import { readPast, transcriptsOf } from './pastSessions.ts';
import { type Breathe, eventsIn } from './transcriptRows.ts';
import { TRANSCRIPTS } from './transcripts.ts';

const claude: TranscriptSource = {
  agent: 'claude',
  *find(places) {
    for (const file of findTranscripts({
      ...places,
      ...(places?.dirs && { configDirs: places.dirs }),
    })) {
      const stat = statSync(file.path, { throwIfNoEntry: false });
      if (!stat) continue;
      const cwd = /"cwd":("(?:[^"\\]|\\.)*")/.exec(firstBytes(file.path, 65_536))?.[1] ?? '""';
      yield {
        ...file,
        agent: 'claude',
        cwd: JSON.parse(cwd) as string,
        modifiedAtMs: stat.mtimeMs,
        bytes: stat.size,
      } satisfies TranscriptFile;
    }
  },
  recognise: (path) => {
    const [id] = /[\w-]+(?=\.jsonl$)/.exec(path) ?? [];
    const head = firstBytes(path, 65_536, true);
    if (id === undefined || !head.includes('"sessionId":"')) return undefined;
    const sessionId = head.includes(`"sessionId":"${id}"`)
      ? id
      : (/"sessionId":"([^"\\]+)"/.exec(head)?.[1] ?? '');
    const stat = statSync(path);
    return {
      agent: 'claude',
      path,
      sessionId,
      project: '',
      cwd: '',
      startedAt: 0,
      createdAtMs: 0,
      modifiedAtMs: stat.mtimeMs,
      bytes: stat.size,
    };
  },
  filesOf: ({ path, sessionId }) => [{ path, agentId: '' }, ...subagentFiles(path, sessionId)],
  liveFilesOf: () => [],
  mapper: ({ sessionId, file, redact }) => {
    const mapper = new TranscriptMapper({ sessionId, redact });
    const agent = file.agentId === '' ? {} : { agentId: file.agentId };
    return {
      push: (row) => mapper.push(row, { file: basename(file.path), ...agent }),
      finish: () => mapper.finish(),
      save: () => null,
      ignored: {},
    };
  },
};

/** As long as Claude Code's are not among the others. */
export const PAST_SOURCES: readonly TranscriptSource[] = TRANSCRIPTS.some(
  ({ agent }) => agent === 'claude',
)
  ? TRANSCRIPTS
  : [claude, ...TRANSCRIPTS];

export interface ImportSessionOptions {
  redact: boolean;
  /** Of the transcripts that were imported before: what they were billed for is marked as theirs. */
  billing?: Billing;
  /** A person named this file: it may belong to another user. */
  named?: boolean;
}

/**
 * The events of a whole session in one go, in time order, each once.
 *
 * @throws Error where it cannot be read
 */
export function importSession(
  source: TranscriptSource,
  transcript: TranscriptFile,
  options: ImportSessionOptions,
): { events: TraceEvent[]; unreadable: number } {
  if (source.agent === 'claude') return importTranscript(transcript.path, options);
  const events = new Map<string, TraceEvent>();
  let unreadable = 0;
  for (const some of eventsIn(source, transcript, options.redact)) {
    if (some === undefined) unreadable++;
    else for (const event of some) put(events, event);
  }
  return { events: inOrder(events), unreadable };
}

export interface PricedSession extends ClaudeSession {
  agent: AgentId;
}

export interface DiscoverOptions {
  sources: readonly TranscriptSource[];
  places: AgentPlaces;
  pricer: Pricer;
  signal?: AbortSignal;
  breathe: Breathe;
  onProgress?(progress: DiscoverProgress): void;
  /** What could not be read, and why. */
  problem(message: string): void;
}

/** Prices the sessions of all agents, one after the other, those of one agent after those of another. */
export async function* discoverPriced(options: DiscoverOptions): AsyncGenerator<PricedSession> {
  const { places, pricer, signal, onProgress } = options;
  let done = { sessions: 0, total: 0, bytes: 0 };
  for (const source of options.sources) {
    const seen = new Set<string>();
    if (source.agent === 'claude') {
      const found = discoverClaude({
        ...places,
        ...(places.dirs && { configDirs: places.dirs }),
        pricer,
        ...(signal && { signal }),
        onProgress: (progress) => {
          done = progress;
          onProgress?.(progress);
        },
      });
      for await (const session of found) {
        seen.add(session.sessionId);
        yield { ...session, agent: 'claude' };
      }
    }
    // Of Claude Code what only the archive has.
    const transcripts = [...transcriptsOf(source, options)].filter(
      (one) => !seen.has(one.sessionId),
    );
    done.total += transcripts.length;
    for (const transcript of transcripts) {
      if (signal?.aborted === true) return;
      done = { ...done, sessions: done.sessions + 1, bytes: done.bytes + transcript.bytes };
      onProgress?.(done);
      try {
        yield await priced(source, transcript, options);
      } catch (error) {
        await options.breathe();
        options.problem(`${transcript.path}: ${(error as Error).message}`);
      }
    }
  }
}

async function priced(
  source: TranscriptSource,
  transcript: TranscriptFile,
  { pricer, breathe }: DiscoverOptions,
): Promise<PricedSession> {
  const folder = { name: '', paths: [] };
  const read = await readPast({ source, transcript, folder }, '', { pricer, breathe });
  const { cost, lastMs, startedAtMs } = read.summary;
  const unpriced: Record<string, number> = {};
  for (const { unpriced: count, reason = 'no price' } of cost.models) {
    if (count > 0) unpriced[reason] = (unpriced[reason] ?? 0) + count;
  }
  return {
    agent: source.agent,
    path: transcript.path,
    sessionId: transcript.sessionId,
    project: transcript.project,
    startedAt: transcript.startedAt || startedAtMs / 1000,
    endedAt: lastMs > 0 ? lastMs / 1000 : 0,
    models: cost.models,
    usage: cost.usage,
    nanoUsd: cost.nanoUsd,
    priced: cost.priced + cost.reported,
    unpriced,
    deduplicated: cost.deduplicated,
    inOtherSessions: cost.copied,
    billedIn: [],
    unreadable: read.badLines,
    bytes: transcript.bytes,
  };
}
