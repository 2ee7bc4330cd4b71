import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, response, SESSION, user } from '../../../test/agents/claudeRows.ts';
import { pricerOver } from '../../analysis/price.ts';
import { discoverPriced, findTranscripts, importTranscript, missingEvents } from './discover.ts';
import { configDirs } from './files.ts';

const pricer = pricerOver(library);
let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'agent-strace-discover-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): string {
  const file = join(root, 'projects', path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('configDirs', () => {
  it('takes CLAUDE_CONFIG_DIR, else the usual two', () => {
    expect(configDirs({ env: { CLAUDE_CONFIG_DIR: '/c, /d' }, home: '/h' })).toEqual(['/c', '/d']);
    expect(configDirs({ env: {}, home: '/h' })).toEqual(['/h/.claude', '/h/.config/claude']);
    expect(configDirs({ env: { XDG_CONFIG_HOME: '/x' }, home: '/h' })[1]).toBe('/x/claude');
  });
});

describe('discoverPriced', () => {
  it('tells each session, one by one, the first first', async () => {
    write(
      `-shop/${SESSION}.jsonl`,
      lines([user('go', 5), response({ id: 'm1', request: 'r', at: 6 })]),
    );
    const other = '99999999-2222-4333-8444-555555555555';
    const old = response({ id: 'm0', request: 'r0', session: other, model: 'claude-unknown-9' });
    write(`-api/${other}.jsonl`, lines([old]));
    write('-api/empty.jsonl', '');
    write('-api/notes.txt', 'x');
    const progress: number[] = [];
    const sessions = [];
    const onProgress = (step: { sessions: number }) => progress.push(step.sessions);
    for await (const session of discoverPriced({
      configDirs: [root, '/nowhere'],
      pricer,
      onProgress,
    })) {
      sessions.push(session);
    }
    expect(sessions.map((session) => session.sessionId)).toEqual(['empty', other, SESSION]);
    expect(progress).toEqual([1, 2, 3]);
    expect(sessions[1]).toMatchObject({
      project: '-api',
      priced: 0,
      nanoUsd: 0,
      unpriced: { 'no price for claude-unknown-9': 1 },
      usage: { input_tokens: 10, output_tokens: 20 },
    });
    expect(sessions[2]).toMatchObject({
      priced: 1,
      nanoUsd: 10 * 3000 + 20 * 15_000,
      unreadable: 0,
    });
    expect(sessions[2]?.endedAt).toBe(Date.parse('2026-11-20T10:00:06Z') / 1000);
  });

  it('gives a shared response to the session that a fork was made from', async () => {
    const fork = '00000000-2222-4333-8444-555555555555';
    const row = response({ id: 'm1', request: 'r' });
    // The fork's name sorts first, and its rows bear the same times.
    write(
      `p/${fork}.jsonl`,
      lines([{ ...row, sessionId: fork, forkedFrom: { sessionId: SESSION } }]),
    );
    write(`p/${SESSION}.jsonl`, lines([row]));
    const found = findTranscripts({ configDirs: [root] });
    expect(found.map((file) => file.sessionId)).toEqual([SESSION, fork]);
    const prices = [];
    for await (const session of discoverPriced({ configDirs: [root], pricer })) {
      prices.push([session.priced, session.inOtherSessions]);
    }
    expect(prices).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('finds usage wherever in the file it stands', async () => {
    const filler = user('x'.repeat(700_000), 1);
    const rows = Array.from({ length: 12 }, (_, at) =>
      response({ id: `m${at}`, request: 'r', at }),
    );
    const text = lines(rows.flatMap((row) => [filler, row, user('"usage"', 2)]));
    // The last row is whole, but has no newline.
    write(`p/${SESSION}.jsonl`, text + lines([response({ id: 'last' })]).trim());
    for await (const session of discoverPriced({ configDirs: [root], pricer })) {
      expect(session.priced).toBe(13);
      expect(session.bytes).toBeGreaterThan(8_000_000);
    }
  });
});

describe('importTranscript', () => {
  it('reports what it could not read, and reads the rest', () => {
    const text = `${lines([user('go', 0)])}{"torn":\n\n${lines([response({ id: 'm1' })])}{"type":"assi`;
    const { events, unreadable, sessionId } = importTranscript(write('p/renamed.jsonl', text));
    expect(unreadable).toBe(2);
    expect(sessionId).toBe(SESSION);
    expect(events.map((event) => event.event_type)).toEqual([
      'session_start',
      'user_prompt',
      'assistant_response',
      'llm_response',
      'session_end',
    ]);
  });

  it('says so where there is no file', () => {
    expect(() => importTranscript(join(root, 'none.jsonl'))).toThrow('cannot be read');
  });
});

describe('missingEvents', () => {
  it('leaves out what a trace has', () => {
    const { events } = importTranscript(
      write(`p/${SESSION}.jsonl`, lines([user('go', 0), response({ id: 'm1' })])),
    );
    expect(missingEvents(events, '')).toEqual(events);
    const text = lines(events);
    expect(missingEvents(events, text)).toEqual([]);
    const hooked =
      '{"event_type":"session_start","timestamp":1.0,"event_id":"ffffffffffff"}\n{torn';
    const missing = missingEvents(events, hooked);
    expect(missing.map((event) => event.event_type)).not.toContain('session_start');
    expect(missing).toHaveLength(events.length - 1);
  });
});
