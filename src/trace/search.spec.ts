import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLine, temporaryFolder } from '../../test/cli/memoryIo.ts';
import { QueryMatcher } from '../analysis/search/matcher.ts';
import { parseQuery } from '../analysis/search/query.ts';
import { encodeEvent } from '../model/codec.ts';
import { decodeLine } from '../model/decode.ts';
import { type SearchHit, type SearchProgress, searchSessions } from './search.ts';
import { listSessions } from './store.ts';

const START = Date.parse('2026-05-01T10:00:00Z') / 1000;

/** Sessions by their lines; the first is the newest. */
function traces(sessions: Record<string, string>): string {
  const dir = temporaryFolder();
  let age = 0;
  for (const [id, text] of Object.entries(sessions)) {
    mkdirSync(join(dir, id));
    const file = join(dir, id, 'events.ndjson');
    writeFileSync(file, text);
    utimesSync(file, START - age, START - age);
    age += 10;
  }
  return dir;
}

async function search(
  dir: string,
  query: string,
  more: Partial<Parameters<typeof searchSessions>[0]> = {},
): Promise<{ hits: SearchHit[]; progress: SearchProgress[] }> {
  const hits: SearchHit[] = [];
  const progress: SearchProgress[] = [];
  const found = searchSessions({
    entries: listSessions(dir).sessions,
    query: new QueryMatcher(parseQuery(query, START * 1000)),
    ...more,
  });
  for await (const each of found) {
    if (each.type === 'hit') hits.push(each);
    else progress.push(each);
  }
  return { hits, progress };
}

const prompt = (id: string, text: string, n = 1) =>
  eventLine(id, 'user_prompt', START + n, n, { prompt: text });
const call = (id: string, tool: string, command: string, n = 2) =>
  eventLine(id, 'tool_call', START + n, n, { tool_name: tool, arguments: { command } });

describe('searchSessions', () => {
  it('goes by the last event, not by the time of the file', async () => {
    const dir = traces({
      copied: prompt('copied', 'the login', 1),
      recent: prompt('recent', 'the login', 500),
    });
    const late = new Date((START + 9_000) * 1000);
    utimesSync(join(dir, 'copied', 'events.ndjson'), late, late);
    const early = new Date((START + 600) * 1000);
    utimesSync(join(dir, 'recent', 'events.ndjson'), early, early);
    expect(listSessions(dir).sessions.map(({ id }) => id)).toEqual(['copied', 'recent']);
    const { hits } = await search(dir, 'login');
    expect(hits.map(({ entry }) => entry.id)).toEqual(['recent', 'copied']);
  });

  it('gives hits of the newest session first, with all that opens them', async () => {
    const dir = traces({
      new: prompt('new', 'mend the login') + call('new', 'Bash', 'echo login'),
      old: prompt('old', 'other') + call('old', 'Bash', 'grep login .'),
    });
    const { hits, progress } = await search(dir, 'LOGIN');
    expect(hits.map(({ entry, eventId, field }) => [entry.id, eventId, field])).toEqual([
      ['new', '000000000001', 'prompt'],
      ['new', '000000000002', 'arguments'],
      ['old', '000000000002', 'arguments'],
    ]);
    expect(hits[0]).toMatchObject({
      title: 'mend the login',
      agent: 'Claude Code',
      timeMs: (START + 1) * 1000,
    });
    const line = prompt('new', 'mend the login').length;
    expect(hits[1]!.offset).toBe(line);
    expect(progress.at(-1)).toMatchObject({ sessions: 2, allSessions: 2 });
    expect(progress.at(-1)!.bytes).toBe(progress.at(-1)!.allBytes);
  });

  it('AND is of one session, words side by side of one step', async () => {
    const both = call('both', 'Bash', 'ls') + call('both', 'Grep', 'needle', 3);
    const dir = traces({ both, one: call('one', 'Grep', 'needle') });
    const ids = async (query: string) =>
      (await search(dir, query)).hits.map((hit) => `${hit.entry.id} ${hit.tool}`);
    expect(await ids('tool:bash AND needle')).toEqual(['both Bash', 'both Grep']);
    expect(await ids('tool:bash needle')).toEqual([]);
    expect(await ids('tool:grep needle')).toEqual(['both Grep', 'one Grep']);
    expect(await ids('needle AND NOT tool:bash')).toEqual(['one Grep']);
    expect(await ids('tool:bash AND nothing OR kind:search')).toEqual(['both Grep', 'one Grep']);
  });

  it('finds whole sessions by cost and date', async () => {
    const dir = traces({ dear: prompt('dear', 'a'), cheap: prompt('cheap', 'b') });
    const costOf = ({ id }: { id: string }) => (id === 'dear' ? 2e9 : 1e8);
    const { hits } = await search(dir, 'cost:>1', { costOf });
    expect(hits.map(({ entry, eventId }) => [entry.id, eventId])).toEqual([['dear', '']]);
    expect((await search(dir, 'cost:>1 AND date:2020-01-01', { costOf })).hits).toEqual([]);
    expect((await search(dir, 'b AND cost:<1', { costOf })).hits).toHaveLength(1);
  });

  it('passes by what it cannot read: torn and long lines, links, folders, nothing', async () => {
    const dir = traces({
      odd: `${'x'.repeat(9_000_000)}needle\n{"event_type":"user_prompt","da needle\n${prompt('odd', 'a needle')}{"event_type":"user_prompt","timestamp":1,"data":{"prompt":"needle at the end"}}`,
      empty: '',
    });
    const target = join(temporaryFolder(), 'target');
    writeFileSync(target, prompt('x', 'needle'));
    mkdirSync(join(dir, 'linked'));
    symlinkSync(target, join(dir, 'linked', 'events.ndjson'));
    const entries = listSessions(dir).sessions;
    entries.push({ ...entries[0]!, id: 'linked', directory: join(dir, 'linked') });
    entries.push({ ...entries[0]!, id: 'gone', directory: join(dir, 'gone') });
    const { hits } = await search(dir, 'needle', { entries });
    expect(hits.map(({ entry, excerpt }) => [entry.id, excerpt])).toEqual([
      ['odd', 'a needle'],
      ['odd', 'needle at the end'],
    ]);
  });

  it('ends when it is told to, and takes breath', async () => {
    const dir = traces({ a: prompt('a', 'needle'), b: prompt('b', 'needle') });
    const stop = new AbortController();
    const hits: string[] = [];
    for await (const each of searchSessions({
      entries: listSessions(dir).sessions,
      query: new QueryMatcher(parseQuery('needle', 0)),
      signal: stop.signal,
      sliceMs: 0,
    })) {
      if (each.type === 'hit') hits.push(each.entry.id);
      stop.abort();
    }
    expect(hits).toEqual(['a']);
    const { progress } = await search(dir, 'needle', { sliceMs: 0 });
    expect(progress.length).toBeGreaterThan(2);
  });

  it('finds one thing once: the call, not its result, nor the same event again', async () => {
    const one = call('s', 'Bash', 'needle', 2);
    const result = eventLine(
      's',
      'tool_result',
      START + 3,
      3,
      { tool_name: 'Bash', result: 'needle' },
      { parent_id: '000000000002' },
    );
    const dir = traces({ s: one + result + one });
    expect((await search(dir, 'needle')).hits).toHaveLength(1);
    expect((await search(dir, 'needle', { perSession: 0 })).hits).toHaveLength(0);
  });

  it('finds by bytes exactly what it finds by reading every line, however the line is written', async () => {
    const letters = fc.constantFrom(
      'a',
      'B',
      'ß',
      'é',
      'É',
      '世',
      '界',
      '"',
      '\\',
      '/',
      ' ',
      '\n',
      '<',
      '&',
      '\u2028',
      '😀',
      '.',
      '(',
      'k',
    );
    const text = fc.array(letters, { minLength: 1, maxLength: 6 }).map((each) => each.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 5 }),
        text,
        async (prompts, asked) => {
          const value = asked.trim();
          fc.pre(value !== '' && !/["\\]/.test(value));
          const events = prompts.map((each, n) => ({
            event_type: 'user_prompt',
            timestamp: START + n,
            event_id: `${n}`.padStart(12, '0'),
            session_id: 's',
            data: { recorded_by: 'hook', prompt: `x${each}y` },
          }));
          // Ours in ASCII, others as they are.
          const lines = events.map((event, n) =>
            n % 2 === 0 ? encodeEvent(event) : `${JSON.stringify(event)}\n`,
          );
          const dir = traces({ s: lines.join('') });
          const query = `"${value}"`;
          const matcher = new QueryMatcher(parseQuery(query, 0));
          matcher.begin({ id: 's', agent: '', startMs: 0 });
          const slow = lines.flatMap((line) => {
            const decoded = decodeLine(line.trimEnd());
            return decoded.ok && matcher.match(decoded.event) ? [decoded.event.event_id] : [];
          });
          expect((await search(dir, query)).hits.map(({ eventId }) => eventId)).toEqual(slow);
        },
      ),
      { numRuns: 60 },
    );
  });
});
