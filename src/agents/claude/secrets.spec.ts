/**
 * One rule for all who write a trace: a secret in any field of any payload or row, also in ids and
 * names, is in no event, and in nothing that is remembered between two reads.
 */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeEvent } from '../../model/codec.ts';
import type { Json, JsonObject, TraceEvent } from '../../model/event.ts';
import { readyEvent } from '../../redact/event.ts';
import type { RedactPolicy } from '../../redact/redact.ts';
import { mapClaudeHook } from './hook.ts';
import { TranscriptMapper } from './transcriptImport.ts';
import { UsageMapper } from './usage.ts';

const TOKEN = `gh${'p_'}${'aB3dE5gH7jK9'.repeat(3)}`;
const folder = fileURLToPath(new URL('../../../test/fixtures/claude/', import.meta.url));

/** What says what a row is: with anything else in it, the row would be another one. */
const MARKS = new Set(['type', 'subtype', 'role', 'timestamp', 'sessionId', 'session_id']);

const poisoned = (value: Json, key = ''): Json => {
  if (typeof value === 'string') return MARKS.has(key) ? value : `${value} ${TOKEN}`;
  if (Array.isArray(value)) return value.map((item) => poisoned(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([at, item]) => [at, poisoned(item, at)]));
};

const files = (pattern: string): { name: string; rows: JsonObject[] }[] =>
  globSync(pattern, { cwd: folder })
    .sort()
    .map((name) => ({
      name,
      rows: readFileSync(folder + name, 'utf8')
        .trimEnd()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as JsonObject),
    }));

const linesOf = (events: readonly TraceEvent[]): string => events.map(encodeEvent).join('');

describe('a secret in every field', () => {
  it.each(files('hooks/*.ndjson'))('of payloads in $name is not recorded', ({ rows }) => {
    const events = rows.flatMap(({ event, payload }) =>
      mapClaudeHook(
        { ...(poisoned(payload!) as JsonObject), hook_event_name: event! },
        { sessionId: 's', event: String(event), timestamp: 1, recorded: () => 'no' },
      ),
    );
    // It came this far: without redaction it would be there.
    expect(linesOf(events.map((event) => readyEvent(event, 'none')))).toContain(TOKEN);
    expect(linesOf(events.map((event) => readyEvent(event)))).not.toContain(TOKEN);
  });

  const transcripts = files('transcripts/**/*.jsonl');
  it.each(transcripts)('of rows in $name is not imported', ({ name, rows }) => {
    const read = (redact: RedactPolicy): string => {
      const sessionId = String(rows[0]?.sessionId);
      const mapper = new TranscriptMapper({ sessionId, redact });
      const events = rows.flatMap((row) => mapper.push(poisoned(row), { file: name }));
      return linesOf([...events, ...mapper.finish()]);
    };
    expect(read('none')).toContain(TOKEN);
    expect(read('secrets')).not.toContain(TOKEN);
  });

  it.each(transcripts)('of rows in $name is not followed', ({ rows }) => {
    const read = (redact: RedactPolicy): string => {
      const sessionId = String(rows[0]?.sessionId);
      const mapper = new UsageMapper({ sessionId, redact });
      return rows
        .map((row) => linesOf(mapper.push(poisoned(row))) + JSON.stringify(mapper.state()))
        .join('');
    };
    expect(read('none')).toContain(TOKEN);
    expect(read('secrets')).not.toContain(TOKEN);
  });
});
