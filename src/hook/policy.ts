import { policyOf } from '../redact/event.ts';
import { knowsPersonalRules, type RedactPolicy, usePersonalRules } from '../redact/redact.ts';
import { maskChosen } from '../trace/choices.ts';
import { part } from './parts.ts';

/**
 * What this process leaves out of what it writes: as its environment says, else as the person chose.
 *
 * @throws where personal data shall be left out and the bundle that can is gone: better no row than that one
 */
export function recordingPolicy(): RedactPolicy {
  const policy = policyOf(process.env, maskChosen);
  if (policy === 'personal' && !knowsPersonalRules()) usePersonalRules(part('personal'));
  return policy;
}
