/** The agents whose own transcripts can be read. Adding an agent is adding its folder and a line here. */
import type { AgentId, TranscriptSource } from './agent.ts';
import { claudeTranscripts } from './claude/source.ts';
import { codexTranscripts } from './codex/transcripts.ts';
import { copilotTranscripts } from './copilot/sessionEvents.ts';
import { geminiTranscripts } from './gemini/chats.ts';
import { opencodeTranscripts } from './opencode/store.ts';
import { vscodeTranscripts } from './vscode/transcripts.ts';

export const TRANSCRIPTS: readonly TranscriptSource[] = [
  claudeTranscripts,
  codexTranscripts,
  geminiTranscripts,
  copilotTranscripts,
  vscodeTranscripts,
  opencodeTranscripts,
];

/** Undefined: what this agent writes down itself is not read. */
export const transcriptSourceOf = (agent: AgentId): TranscriptSource | undefined =>
  TRANSCRIPTS.find((source) => source.agent === agent);
