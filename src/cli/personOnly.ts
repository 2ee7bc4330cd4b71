/** Changes that are for a person, not for the agent that they are about. */
import { AGENTS, isAgentId } from '../agents/agent.ts';
import { agentAbove } from '../agents/process.ts';
import { sanitizeLine } from '../report/terminalText.ts';
import { EXIT } from './exit.ts';
import { CliError, type Io } from './io.ts';

/**
 * @param what the command: `guard off`
 * @throws CliError where an agent runs it
 */
export function forPersonOnly(io: Io, what: string): void {
  const above = io.agentAbove === undefined ? agentAbove(io.env) : io.agentAbove();
  if (above === undefined) return;
  const name = isAgentId(above.agent) ? AGENTS[above.agent].name : above.agent;
  throw new CliError(
    `'agent-strace ${what}' is not for agents, and this shell is one of ${sanitizeLine(name)}'s (${sanitizeLine(above.how)}). Nothing was changed.`,
    EXIT.none,
    'Run it in a terminal of your own, that no agent has started. No flag changes that.',
  );
}
