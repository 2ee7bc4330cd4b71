/** Event ids that Codex's hooks and rollouts must agree on, beside those of `model/ids.ts`. */
import { eventId } from '../../model/ids.ts';

export const codexIds = {
  /** A turn ends once, however often its Stop hooks run. */
  turnEnd: (session: string, agentId: string, turn: string) =>
    eventId(session, 'turn_end', agentId, turn),
  interrupt: (session: string, agentId: string, turn: string) =>
    eventId(session, 'interrupt', agentId, turn),
  modelSwitch: (session: string, agentId: string, turn: string) =>
    eventId(session, 'model_switch', agentId, turn),
  compaction: (session: string, agentId: string, turn: string, nth: string) =>
    eventId(session, 'compaction', agentId, turn, nth),
  notice: (session: string, agentId: string, turn: string, what: string) =>
    eventId(session, 'notice', agentId, turn, what),
};
