import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { TranscriptFile, TranscriptSource } from './agent.ts';
import { findTranscripts } from './claude/discover.ts';
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
  recognise: () => undefined,
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
