import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from '../src/agents/agent.ts';
import type { JsonObject } from '../src/model/event.ts';

/** One hook call, as it was captured from a real agent. */
export interface CapturedHook {
  event: string;
  env: Env;
  payload: JsonObject;
}

const text = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures/copilot', name), 'utf8');

const lines = <T>(name: string): T[] =>
  text(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

/** Hooks of a session of the real Copilot CLI, in order. */
export const capturedHooks = (name: string): CapturedHook[] => lines(`${name}.hooks.ndjson`);

/** What the same session wrote down. */
export const capturedEvents = (name: string): JsonObject[] => lines(`${name}.events.jsonl`);

/** The same as text. */
export const capturedText = (name: string): string => text(`${name}.events.jsonl`);
