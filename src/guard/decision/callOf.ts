/** From a hook's tool call, of whichever agent, to what rules see of it. */
import type { AgentId, HookTool } from '../../agents/agent.ts';
import { callKey } from '../../model/callKey.ts';
import { toolKind } from '../../model/tools.ts';
import type { ShellReading, ShellWorld } from '../shell/reading.ts';
import type { GuardedCall } from './guardedCall.ts';

/** What is asked of the machine, and how commands are read: a bundle without the reader gives none. */
export interface CallWorld extends ShellWorld {
  readCommand?: (text: string, world: ShellWorld) => ShellReading;
  /** Set where a subagent calls. */
  agentId?: string;
}

/** Never throws, whatever the input is. */
export function guardedCall(tool: HookTool, _agent: AgentId, world: CallWorld): GuardedCall {
  return {
    tool: tool.name,
    kind: toolKind(tool.name),
    callId: tool.callId,
    key: callKey(tool.name, tool.input),
    cwd: tool.cwd || world.cwd,
    touches: [],
    hosts: [],
    secrets: [],
    ...(world.agentId !== undefined && { agentId: world.agentId }),
  };
}
