/** Rollouts for tests: those that the real Codex wrote, in a home of their own, and rows to make others of. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json, JsonObject } from '../../src/model/event.ts';

const fixtures = fileURLToPath(new URL('../fixtures/codex', import.meta.url));

/**
 * What Codex 0.169 wrote: `main` (commands, a patch), `pre-deny` (a hook said no), `spawn` (a subagent), `forked` (a fork,
 * two subagents that got a copy of the conversation, a compaction, an interrupt), `failing` (calls that never ran).
 */
export type Recorded = 'main' | 'pre-deny' | 'spawn' | 'forked' | 'failing';

export const recordedFiles = (name: Recorded): string[] => {
  const folder = join(fixtures, name, 'transcript');
  return readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
};

export const rowsOfFile = (path: string): JsonObject[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);

/** Puts rollouts where Codex would. @returns their paths, in the order of their names */
export function layOut(home: string, ...names: Recorded[]): string[] {
  return names.flatMap(recordedFiles).map((file) => {
    const name = file.slice(file.lastIndexOf('rollout-'));
    const [, year = '', month = '', day = ''] = /rollout-(\d+)-(\d+)-(\d+)T/.exec(name) ?? [];
    const folder = join(home, 'sessions', year, month, day);
    mkdirSync(folder, { recursive: true });
    copyFileSync(file, join(folder, name));
    return join(folder, name);
  });
}

/** Ids as Codex makes them: they tell when, in seconds since 2026-01-01. */
export function codexId(seconds: number, end = 1): string {
  const hex = (Date.parse('2026-01-01T00:00:00Z') + seconds * 1000).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(end).padStart(12, '0')}`;
}

/** A row. @param at seconds since 2026-01-01 */
export const row = (at: number, type: string, payload: Json): JsonObject => ({
  timestamp: new Date(Date.parse('2026-01-01T00:00:00Z') + at * 1000).toISOString(),
  type,
  payload,
});

export const message = (at: number, payload: JsonObject) => row(at, 'event_msg', payload);
