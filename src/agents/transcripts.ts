/** The agents whose own transcripts can be read. Adding an agent is adding its folder and a line here. */
import type { AgentId, TranscriptSource } from './agent.ts';
import { opencodeTranscripts } from './opencode/store.ts';

/** Those that are read while a session runs, for their hooks do not tell everything. */
const LIVE: readonly TranscriptSource[] = [];

/** All of them. opencode's plugin tells everything: its sessions are read for import only. */
export const TRANSCRIPTS: readonly TranscriptSource[] = /* @__PURE__ */ LIVE.concat([
  opencodeTranscripts,
]);

/** Undefined: what this agent writes down itself is not read. */
export const transcriptsOf = (agent: AgentId): TranscriptSource | undefined =>
  TRANSCRIPTS.find((source) => source.agent === agent);

/** Undefined: there is nothing to read of this agent while it runs. Keeps the others out of the bundles that follow. */
export const liveTranscriptsOf = (agent: AgentId): TranscriptSource | undefined =>
  LIVE.find((source) => source.agent === agent);
