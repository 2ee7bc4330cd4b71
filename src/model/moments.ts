/** What a session is doing, by the moments of its last events. Pure. */
import type { JsonObject } from './event.ts';

/** Whether a `decision` event says that a person is asked for something. */
export const asksPerson = (data: JsonObject): boolean =>
  data.event_subtype === 'permission' ||
  (data.event_subtype === 'elicitation' && data.phase !== 'answered') ||
  data.notification_type === 'permission_prompt' ||
  data.notification_type === 'agent_needs_input';

/** ms since the epoch; 0: never. */
export interface Moments {
  startMs: number;
  endMs: number;
  promptMs: number;
  turnEndMs: number;
  /** Since when a person's answer is waited for. */
  askedMs: number;
  /** Last sign of work of the main agent. */
  workMs: number;
}

/** A resumed session goes on after its end. */
export const isOver = ({ startMs, endMs, promptMs }: Moments): boolean =>
  endMs > 0 && Math.max(startMs, promptMs) <= endMs;

/** Of a session that is not over: at work, or waiting for a person (an answer, the next prompt). */
export function doing(moments: Moments): 'waiting' | 'idle' | 'live' {
  const { promptMs, turnEndMs, askedMs, workMs } = moments;
  // Answered by work in the lane that asked, by a prompt, or given up with the turn.
  if (askedMs > Math.max(promptMs, turnEndMs)) return 'waiting';
  if (turnEndMs > 0 && turnEndMs >= Math.max(promptMs, workMs)) return 'idle';
  return promptMs > 0 || workMs > 0 ? 'live' : 'idle';
}
