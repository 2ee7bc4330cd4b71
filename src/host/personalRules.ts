import { knowsPersonalRules, usePersonalRules } from '../redact/redact.ts';

/** Loads what masking needs; most windows never do. */
export async function loadPersonalRules(): Promise<void> {
  if (!knowsPersonalRules()) usePersonalRules(await import('../redact/personalRules.ts'));
}
