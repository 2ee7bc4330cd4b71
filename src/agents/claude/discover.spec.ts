import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, response, SESSION, user } from '../../../test/agents/claudeRows.ts';
import { pricerOver } from '../../analysis/price.ts';
import { Billing } from '../../model/billing.ts';
import { discoverPriced, findTranscripts, importTranscript, missingEvents } from './discover.ts';
import { BesideIndex, configDirs } from './files.ts';

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

describe('BesideIndex', () => {
  it('opens a subagents’ file once, and tells of new ones', () => {
    const row = (session: string) => lines([response({ id: 'm', session, sidechain: true })]);
    const old = write('p/agent-a1.jsonl', row('one'));
    write('p/agent-a2.jsonl', row('two'));
    const folder = join(old, '..');
    const settle = (at: number) => utimesSync(folder, at, at);
    settle(1000);
    const index = new BesideIndex();
    const agents = (session: string) => index.find(folder, session).map(({ agentId }) => agentId);
    expect([agents('one'), agents('two'), agents('x')]).toEqual([['a1'], ['a2'], []]);
    // The first row of a file never changes: another text in the same inode is not looked at.
    writeFileSync(old, row('two'));
    settle(1001);
    expect([agents('one'), agents('two')]).toEqual([['a1'], ['a2']]);
    // Empty at first, in a folder that does not change any more.
    const late = write('p/agent-a3.jsonl', '');
    settle(1002);
    expect(agents('one')).toEqual(['a1']);
    writeFileSync(late, row('one'));
    settle(1002);
    expect(agents('one')).toEqual(['a1', 'a3']);
    // A folder that changed a moment ago is listed again, though its time be the same.
    const now = Date.now() / 1000;
    settle(now);
    expect(agents('two')).toEqual(['a2']);
    rmSync(join(folder, 'agent-a2.jsonl'));
    settle(now);
    expect(agents('two')).toEqual([]);
    // Another file by the same name.
    renameSync(late, old);
    expect(agents('one')).toEqual(['a1']);
    expect(index.find('/nowhere', 'one')).toEqual([]);
  });

  it('makes finding all transcripts linear', () => {
    for (let at = 0; at < 300; at++) {
      write(
        `p/${SESSION.slice(0, -3)}${100 + at}.jsonl`,
        lines([user('go', at, { sessionId: `${SESSION.slice(0, -3)}${100 + at}` })]),
      );
      for (const half of ['a', 'b']) {
        const session = `${SESSION.slice(0, -3)}${100 + at}`;
        const row = response({
          id: 'm',
          session,
          sidechain: true,
          block: { type: 'text', text: 'x'.repeat(30_000) },
        });
        write(`p/agent-${half}${at}.jsonl`, lines([row]));
      }
    }
    const began = performance.now();
    const found = findTranscripts({ configDirs: [root] });
    // Quadratic it took 180,000 files to open: ten seconds and more.
    expect(performance.now() - began).toBeLessThan(2000);
    expect(found).toHaveLength(300);
    expect(found.every(({ subagents }) => subagents.length === 2)).toBe(true);
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

  it('takes the agent’s own figure where a row has one', async () => {
    const row = (id: string, costUSD: number) => response({ id, request: 'r', more: { costUSD } });
    const rows = [row('m1', 0.5), row('m2', 0), row('m3', -1)];
    const file = write(`p/${SESSION}.jsonl`, lines(rows));
    const ours = 10 * 3000 + 20 * 15_000;
    for await (const session of discoverPriced({ configDirs: [root], pricer })) {
      expect(session).toMatchObject({ priced: 3, nanoUsd: 500_000_000 + 2 * ours });
    }
    const own = importTranscript(file).events.map(({ data }) => data.agent_cost_usd);
    expect(own.filter((cost) => cost !== undefined)).toEqual([0.5]);
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

  it('marks what a transcript before it was billed for, though no row says so', () => {
    const fork = '00000000-2222-4333-8444-555555555555';
    const rows = (session: string) => [response({ id: 'm1', request: 'r', session })];
    const own = write(`p/${SESSION}.jsonl`, lines(rows(SESSION)));
    const more = [...rows(fork), response({ id: 'm2', request: 'r', session: fork, at: 9 })];
    const copy = write(`p/${fork}.jsonl`, lines(more));
    const billing = new Billing();
    const owners = (path: string) =>
      importTranscript(path, { billing })
        .events.filter(({ event_type }) => event_type === 'llm_response')
        .map(({ data }) => data.copied_from);
    expect(owners(own)).toEqual([undefined]);
    expect(owners(copy)).toEqual([SESSION, undefined]);
    // Read again, it is still its own.
    expect(owners(own)).toEqual([undefined]);
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
