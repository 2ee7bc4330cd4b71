import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, response, SESSION, user } from '../../test/agents/claudeRows.ts';
import { pricerOver } from '../analysis/price.ts';
import { Billing } from '../model/billing.ts';
import type { TranscriptSource } from './agent.ts';
import { claudeTranscripts } from './claude/source.ts';
import { discoverPriced, importSession, sessionsOf } from './importSession.ts';
import { addToTrace } from './importTrace.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-strace-import-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, rows: unknown[]): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines(rows));
  return file;
}

describe('discoverPriced', () => {
  const FORK = '00000000-2222-4333-8444-555555555555';
  const pricer = pricerOver(library);

  /** A session that only the archive has any more, and a fork of it. */
  function withArchived(): TranscriptSource {
    const archived = write(`archive/p/${SESSION}.jsonl`, [response({ id: 'm1', request: 'r' })]);
    write(`projects/p/${FORK}.jsonl`, [
      response({ id: 'm1', request: 'r', session: FORK, at: 5 }),
      response({ id: 'm2', request: 'r', session: FORK, at: 9 }),
    ]);
    return {
      ...claudeTranscripts,
      *find(places) {
        yield* claudeTranscripts.find(places);
        yield claudeTranscripts.recognise(archived)!;
      },
    };
  }

  it('counts a response once, in whichever of all places its session is', async () => {
    const sources = [withArchived()];
    const places = { dirs: [root] };
    const told: unknown[] = [];
    for await (const session of discoverPriced({ sources, places, pricer })) {
      told.push([session.sessionId, session.priced, session.inOtherSessions]);
    }
    expect(told).toEqual([
      [SESSION, 1, 0],
      [FORK, 1, 1],
    ]);
    // An import of them all bills the same sessions for the same responses.
    const billing = new Billing();
    const imported = sessionsOf(sources, places).map(({ source, transcript }) => {
      const { events } = importSession(source, transcript, { billing });
      const responses = events.filter(({ event_type }) => event_type === 'llm_response');
      const copies = responses.filter(({ data }) => data.copied_from !== undefined);
      return [transcript.sessionId, responses.length - copies.length, copies.length];
    });
    expect(imported).toEqual(told);
  });
});

describe('addToTrace', () => {
  it('adds what a trace does not have; where hooks recorded the session, its start is theirs', () => {
    const path = write(`projects/p/${SESSION}.jsonl`, [user('go', 0), response({ id: 'm1' })]);
    const transcript = claudeTranscripts.recognise(path)!;
    const { events } = importSession(claudeTranscripts, transcript, {});
    const whole = join(root, 'whole');
    expect(addToTrace(whole, transcript, events).added).toBe(events.length);
    expect(addToTrace(whole, transcript, events).added).toBe(0);
    const hooked = join(root, 'hooked');
    const file = join(hooked, SESSION, 'events.ndjson');
    mkdirSync(dirname(file), { recursive: true });
    const own = '{"event_type":"session_start","timestamp":1.0,"event_id":"ffffffffffff"}\n{torn';
    writeFileSync(file, own);
    expect(addToTrace(hooked, transcript, events).added).toBe(events.length - 1);
    expect(readFileSync(file, 'utf8').split('"session_start"')).toHaveLength(2);
  });
});
