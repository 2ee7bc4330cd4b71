import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as library from '@pydantic/genai-prices';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines, response, SESSION, user } from '../../../test/agents/claudeRows.ts';
import { pricerOver } from '../../analysis/price.ts';
import { Billing } from '../../model/billing.ts';
import { discoverPriced } from '../importSession.ts';
import { importTranscript } from './discover.ts';
import { BesideIndex, configDirs } from './files.ts';
import { claudeTranscripts } from './source.ts';

const pricer = pricerOver(library);
/** What is asked for in most of these. */
const claudes = () => ({ sources: [claudeTranscripts], places: { dirs: [root] }, pricer });
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

  it('looks at a folder but once in one pass over all transcripts', () => {
    const row = lines([response({ id: 'm', session: 'one', sidechain: true })]);
    const folder = join(write('p/agent-a1.jsonl', row), '..');
    const index = new BesideIndex();
    const find = index.pass();
    expect(find(folder, 'one')).toHaveLength(1);
    // It changed a moment ago: `find` of the index itself lists it again, each time.
    write('p/agent-a2.jsonl', row);
    expect(find(folder, 'one')).toHaveLength(1);
    expect(index.find(folder, 'one')).toHaveLength(2);
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
      ...claudes(),
      places: { dirs: [root, '/nowhere'] },
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
    const prices = [];
    for await (const session of discoverPriced(claudes())) {
      prices.push([session.sessionId, session.priced, session.inOtherSessions]);
    }
    expect(prices).toEqual([
      [SESSION, 1, 0],
      [fork, 0, 1],
    ]);
  });

  it('takes the agent’s own figure where a row has one', async () => {
    const row = (id: string, costUSD: number) => response({ id, request: 'r', more: { costUSD } });
    const rows = [row('m1', 0.5), row('m2', 0), row('m3', -1)];
    const file = write(`p/${SESSION}.jsonl`, lines(rows));
    const ours = 10 * 3000 + 20 * 15_000;
    for await (const session of discoverPriced(claudes())) {
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
    for await (const session of discoverPriced(claudes())) {
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
