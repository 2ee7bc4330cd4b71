/** Claude Code's transcripts, as any agent's. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { TranscriptFile, TranscriptSource } from '../agent.ts';
import { findTranscripts } from './discover.ts';
import { firstBytes, subagentFiles } from './files.ts';
import { TranscriptMapper } from './transcriptImport.ts';

export const claudeTranscripts: TranscriptSource = {
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
