import type { AgentId, TranscriptSource } from '../agents/agent.ts';
import { TRANSCRIPTS } from '../agents/transcripts.ts';
import { agentName } from '../model/summary.ts';
import { EXIT } from './exit.ts';
import { CliError } from './io.ts';

/**
 * The transcripts of the agent that was named, or of all.
 *
 * @throws CliError where those of this agent are not read
 */
export function transcriptSources(cli: AgentId | undefined): TranscriptSource[] {
  const sources = TRANSCRIPTS.filter(({ agent }) => (cli ?? agent) === agent);
  if (cli !== undefined && sources.length === 0) {
    const those = TRANSCRIPTS.map(({ agent }) => agent).join(', ');
    throw new CliError(
      `Transcripts of ${agentName(cli)} cannot be read`,
      EXIT.usage,
      `Those that can: ${those}`,
    );
  }
  return sources;
}
