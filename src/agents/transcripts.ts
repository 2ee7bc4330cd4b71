import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Billing } from '../model/billing.ts';
import type { Pricer } from '../model/usage.ts';
import type { AgentId, AgentPlaces, TranscriptFile, TranscriptSource } from './agent.ts';
import {
  type DiscoverProgress,
  discoverPriced as discoverClaude,
  findTranscripts,
  type ImportedTranscript,
  importTranscript,
  type PricedSession as PricedClaude,
} from './claude/discover.ts';
import { firstBytes, subagentFiles } from './claude/files.ts';
import { TranscriptMapper } from './claude/transcriptImport.ts';

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

export const TRANSCRIPTS: readonly TranscriptSource[] = [claude];

export interface PricedSession extends PricedClaude {
  agent: AgentId;
}

export function importSession(
  _source: TranscriptSource,
  transcript: TranscriptFile,
  options: { redact?: boolean; billing?: Billing; named?: boolean },
): ImportedTranscript {
  return importTranscript(transcript.path, options);
}

export async function* discoverPriced(options: {
  sources: readonly TranscriptSource[];
  places: AgentPlaces;
  pricer: Pricer;
  signal?: AbortSignal;
  onProgress?: (progress: DiscoverProgress) => void;
}): AsyncGenerator<PricedSession> {
  const { places, sources: _, ...rest } = options;
  const claudes = discoverClaude({
    ...rest,
    ...places,
    ...(places.dirs && { configDirs: places.dirs }),
  });
  for await (const session of claudes) yield { ...session, agent: 'claude' };
}

/** Undefined: what this agent writes down itself is not read. */
export const transcriptsOf = (agent: AgentId): TranscriptSource | undefined =>
  TRANSCRIPTS.find((source) => source.agent === agent && agent !== 'claude');
