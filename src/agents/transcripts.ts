/** The agents whose own transcripts can be read. Adding an agent is adding its folder and a line here. */
import type { AgentId, TranscriptSource } from './agent.ts';

export const TRANSCRIPTS: readonly TranscriptSource[] = [];

/** Undefined: what this agent writes down itself is not read. */
export const transcriptsOf = (agent: AgentId): TranscriptSource | undefined =>
  TRANSCRIPTS.find((source) => source.agent === agent);
