/** Claude Code's transcripts, as any agent's. */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { TranscriptFile, TranscriptSource } from '../agent.ts';
import { firstBytes, isSessionId } from '../ownFiles.ts';
import { asObject } from '../rows.ts';
import { readMeta, type TranscriptHead, transcriptHead, transcriptHeads } from './discover.ts';
import { besideIndex, subagentFiles } from './files.ts';
import { TranscriptMapper } from './transcriptImport.ts';

/** Bytes in which a row names its session. */
const HEAD = 65_536;

function transcriptOf(head: TranscriptHead): TranscriptFile | undefined {
  const stat = statSync(head.path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  return { ...head, agent: 'claude', modifiedAtMs: stat.mtimeMs, bytes: stat.size };
}

/** Other agents' files are lists of rows, too, and some name a session elsewhere. */
function isClaudes(head: string): boolean {
  const lines = head.split('\n');
  const rows = lines.length > 1 ? lines.slice(0, -1) : lines;
  for (const line of rows) {
    try {
      const row = asObject(JSON.parse(line));
      if (typeof row?.sessionId === 'string' && typeof row.type === 'string') return true;
    } catch {
      // Torn, or longer than what was read.
    }
  }
  // Its first row is a very long prompt.
  return head.startsWith('{"parentUuid":') && head.includes('"sessionId":"');
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
    if (!isClaudes(firstBytes(path, HEAD, true))) return undefined;
    const head = transcriptHead(path, basename(dirname(path)), true);
    return isSessionId(head.sessionId) ? transcriptOf(head) : undefined;
  },
  filesOf: ({ path, sessionId }) => [
    { path, agentId: '' },
    ...subagentFiles(path, sessionId, besideIndex.find),
  ],
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
