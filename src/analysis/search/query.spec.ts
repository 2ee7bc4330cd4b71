import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../../model/event.ts';
import { QueryMatcher } from './matcher.ts';
import { parseQuery, QueryError } from './query.ts';

const NOW = new Date(2026, 4, 20, 12).getTime();
const shape = (text: string) =>
  parseQuery(text, NOW).groups.map(({ clauses, session }) => [
    ...clauses.map(({ terms, not }) => [
      ...terms.map(({ field, value }) => `${field}:${value}`),
      ...not.map(({ field, value }) => `-${field}:${value}`),
    ]),
    ...session.map(({ field }) => field),
  ]);

describe('parseQuery', () => {
  it('joins words of one step, AND of one session, OR of any; AND binds tighter', () => {
    expect(shape('connection refused')).toEqual([[['text:connection', 'text:refused']]]);
    expect(shape('tool:x AND file:y OR error:z')).toEqual([
      [['tool:x'], ['file:y']],
      [['error:z']],
    ]);
    expect(shape('tool:x and file:y or error:')).toEqual([[['tool:x'], ['file:y']], [['error:']]]);
    expect(shape('this and that')).toEqual([[['text:this', 'text:and', 'text:that']]]);
    expect(shape('a -b NOT tool:c')).toEqual([[['text:a', '-text:b', '-tool:c']]]);
    expect(shape('a AND NOT error:')).toEqual([[['text:a'], ['-error:']]]);
  });

  it('takes phrases and addresses as text', () => {
    expect(shape('"a AND b" "say \\"hi\\""')).toEqual([[['text:a AND b', 'text:say "hi"']]]);
    expect(shape('error:"permission denied"')).toEqual([[['error:permission denied']]]);
    expect(shape('https://x.example/y std::vector src/a.ts:12')).toEqual([
      [['text:https://x.example/y', 'text:std::vector', 'text:src/a.ts:12']],
    ]);
    expect(shape('"never closed')).toEqual([[['text:never closed']]]);
  });

  it('says what is wrong', () => {
    const wrong: [string, RegExp][] = [
      ['', /nothing to look for/],
      ['a AND', /AND is not followed/],
      ['OR a', /OR stands where/],
      ['NOT', /NOT is not followed/],
      ['tool:', /tool: is not followed/],
      ['cost:much', /is no amount/],
      ['date:soon', /is no day/],
      ['date:2026-02-30', /is no day/],
      ['kind:promt', /Did you mean prompt/],
      ['x'.repeat(3000), /longer than/],
      ['x '.repeat(500), /more than/],
    ];
    for (const [text, told] of wrong) {
      expect(() => parseQuery(text, NOW), text.slice(0, 20)).toThrow(QueryError);
      expect(() => parseQuery(text, NOW)).toThrow(told);
    }
    expect(parseQuery('tol:Bash', NOW).hint).toMatch(/Did you mean tool:/);
    expect(parseQuery('foo:bar', NOW).hint).toMatch(/as text\. Fields are tool, file,/);
    for (const text of ['https://a.b', '"foo:bar"', 'x:', 'tool:Bash']) {
      expect(parseQuery(text, NOW).hint, text).toBe('');
    }
  });

  it('knows days of the local clock, and amounts', () => {
    const holds = (text: string, head: { startMs?: number; nanoUsd?: number }) =>
      parseQuery(text, NOW).groups[0]!.session[0]!.holds({
        id: 'abc',
        agent: 'codex Codex',
        startMs: NOW,
        ...head,
      });
    const at = (day: number, hour = 12) => ({ startMs: new Date(2026, 4, day, hour).getTime() });
    expect([holds('date:today', at(20, 0)), holds('date:today', at(19, 23))]).toEqual([
      true,
      false,
    ]);
    expect([holds('date:yesterday', at(19)), holds('date:yesterday', at(20))]).toEqual([
      true,
      false,
    ]);
    // The 20th of May 2026 is a Wednesday.
    expect([holds('date:this-week', at(18, 1)), holds('date:this-week', at(17))]).toEqual([
      true,
      false,
    ]);
    expect([
      holds('date:this-month', at(1, 1)),
      holds('date:7d', at(13, 13)),
      holds('date:7d', at(13, 11)),
    ]).toEqual([true, true, false]);
    expect([
      holds('date:2026-05-19', at(19, 23)),
      holds('date:2026-05-01:2026-05-18', at(19)),
    ]).toEqual([true, false]);
    const usd = (nanoUsd: number) => ({ nanoUsd });
    expect([
      holds('cost:>1', usd(2e9)),
      holds('cost:>1', usd(1e9)),
      holds('cost:>=1', usd(1e9)),
    ]).toEqual([true, false, true]);
    expect([
      holds('cost:1', usd(1.009e9)),
      holds('cost:1', usd(1.02e9)),
      holds('cost:<1', {}),
    ]).toEqual([true, false, false]);
    expect([holds('agent:CODEX', {}), holds('session:ab', {}), holds('-agent:codex', {})]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('QueryMatcher', () => {
  const event = (event_type: string, data: TraceEvent['data']): TraceEvent => ({
    event_type,
    timestamp: 1,
    event_id: 'a',
    session_id: 's',
    data,
  });
  const found = (query: string, of: TraceEvent) => {
    const matcher = new QueryMatcher(parseQuery(query, NOW));
    matcher.begin({ id: 's', agent: '', startMs: 0 });
    return matcher.match(of);
  };
  const run = event('tool_result', {
    tool_name: 'Bash',
    tool_use_id: 'toolu_1',
    result: 'line one\nError: connection\n  refused by peer',
    is_error: true,
    files: [{ path: '/p/src/auth.ts', kind: 'write' }],
  });

  it('looks at what an event says, whatever the case and the white space', () => {
    expect(found('"CONNECTION refused"', run)).toMatchObject({ field: 'result' });
    expect(found('tool:bash error:refused', run)).toBeDefined();
    expect(found('file:AUTH.ts', run)).toMatchObject({ field: 'files', excerpt: '/p/src/auth.ts' });
    expect(found('kind:run', run)).toBeDefined();
    expect(found('error:', run)).toBeDefined();
    expect(found('refused -peer', run)).toBeUndefined();
    expect(found('toolu_1', run)).toBeUndefined();
    expect(found('.*', run)).toBeUndefined();
    expect(found('error:', event('tool_result', { result: 'error' }))).toBeUndefined();
  });

  it('gives the place in the excerpt', () => {
    const match = found('refused connection', run)!;
    const words = match.ranges.map(([at, length]) => match.excerpt.slice(at, at + length));
    expect(words).toEqual(['connection', 'refused']);
    expect(match.excerpt).not.toMatch(/\n/);
    const long = found(
      'needle',
      event('user_prompt', { prompt: `${'x '.repeat(5000)}needle${'y'.repeat(5000)}` }),
    )!;
    expect(long.excerpt.length).toBeLessThan(300);
    expect(long.excerpt.slice(...[long.ranges[0]![0], long.ranges[0]![0] + 6])).toBe('needle');
  });

  it('is not to be slowed down by deep and wide events', () => {
    let deep: TraceEvent['data'] = { note: 'needle' };
    for (let n = 0; n < 5000; n++) deep = { deep };
    expect(found('needle', event('tool_call', { arguments: deep }))).toBeUndefined();
    const wide = event('tool_call', {
      arguments: { all: Array.from({ length: 100_000 }, () => 'x') },
    });
    expect(found('needle', wide)).toBeUndefined();
  });
});
