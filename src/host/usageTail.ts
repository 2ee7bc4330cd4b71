/** Reading the transcripts of sessions that run: a bundle of its own, loaded when the first one is followed. */
import { appendNew, type FollowedSession, policyFor, tailOf } from '../agents/followTranscript.ts';
import type { LiveTail } from '../agents/leasedTail.ts';
import { knowsPersonalRules, type RedactPolicy } from '../redact/redact.ts';
import { loadPersonalRules } from './personalRules.ts';

/** Undefined: what this agent writes down itself is not read. */
export const usageTail = (session: FollowedSession): LiveTail | undefined => tailOf(session);

export const append = appendNew;
export const policyOfRecord = policyFor;

let asked = false;

/** Whether transcripts can be read under this policy; where not yet, what it needs is on its way. */
export function isReadyFor(policy: RedactPolicy, problem: (message: string) => void): boolean {
  if (policy !== 'personal' || knowsPersonalRules()) return true;
  if (!asked) {
    asked = true;
    loadPersonalRules().catch((error: Error) =>
      problem(`transcripts cannot be masked, and are not read: ${error.message}`),
    );
  }
  return false;
}
