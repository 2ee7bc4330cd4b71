/** Claude Code's transcripts, as any agent's. */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { TranscriptFile, TranscriptSource } from '../agent.ts';
import { readMeta, type TranscriptHead, transcriptHead, transcriptHeads } from './discover.ts';
import { firstBytes, isSessionId, subagentFiles } from './files.ts';
import { TranscriptMapper } from './transcriptImport.ts';

/** Bytes in which a row names its session. */
const HEAD = 65_536;

function transcriptOf(head: TranscriptHead): TranscriptFile | undefined {
  const stat = statSync(head.path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  return { ...head, agent: 'claude', modifiedAtMs: stat.mtimeMs, bytes: stat.size };
}

export const claudeTranscripts: TranscriptSource = {
  agent: 'claude',
  *find(places) {
    const dirs = places?.dirs && { configDirs: places.dirs };
    for (const head of transcriptHeads({ ...places, ...dirs })) {
      const transcript = transcriptOf(head);
      if (transcript !== undefined) yield transcript;
    }
  },
  recognise: (path) => {
    // Other agents' files are lists of rows, too.
    if (!firstBytes(path, HEAD, true).includes('"sessionId":"')) return undefined;
    const head = transcriptHead(path, basename(dirname(path)), true);
    return isSessionId(head.sessionId) ? transcriptOf(head) : undefined;
  },
  filesOf: ({ path, sessionId }) => [{ path, agentId: '' }, ...subagentFiles(path, sessionId)],
  // `usageReader.ts` follows it.
  liveFilesOf: () => [],
  mapper: ({ sessionId, file, redact }) => {
    const mapper = new TranscriptMapper({ sessionId, redact });
    const { path, agentId } = file;
    if (agentId !== '') mapper.describe(agentId, readMeta(path));
    const context = { file: path, ...(agentId !== '' && { agentId }) };
    return {
      push: (row) => mapper.push(row, context),
      finish: () => mapper.finish(),
      save: () => null,
      ignored: mapper.stats.ignored,
    };
  },
};
