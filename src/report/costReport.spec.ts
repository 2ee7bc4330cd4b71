import { describe, expect, it } from 'vitest';
import { analysed } from '../../test/analysed.ts';
import { Script } from '../../test/costSession.ts';
import { sessionCosts } from '../analysis/costs/sessionCosts.ts';
import { costOf } from '../model/summary.ts';
import { costMarkdown } from './costReport.ts';

function markdown(script: Script, prompt = ''): string {
  const fold = script.fold();
  const prompts = new Map(fold.phases.all().map(({ row }) => [row, prompt]));
  const parts = { billedIn: [], fold, costs: sessionCosts(analysed(fold)), prompts };
  return costMarkdown(prompt, costOf(fold), parts);
}

/** A cache lost to a pause, a read of what was known, a server, a subagent. */
function session(name: string): Script {
  const script = new Script().start(0).prompt(1, name);
  script.answer(2, { input: 40_000, write: 40_000, model: name, calls: ['a', 'b', 'm', 'go'] });
  for (const [at, id] of [
    [3, 'a'],
    [5, 'b'],
  ] as const) {
    const files = [{ path: `/p/${name}`, kind: 'read' }];
    script.call(at, id, 'Read').result(at + 1, id, 'Read', { files });
  }
  script.call(7, 'm', `mcp__${name}__${name}`).result(8, 'm', `mcp__${name}__${name}`);
  script.call(9, 'go', 'Agent').subagent(10, name, name, 'go');
  script.answer(11, { input: 900, lane: name, model: name });
  return script.prompt(900, name).answer(905, { input: 41_000, write: 41_000, model: `${name}2` });
}

describe('costMarkdown', () => {
  it('has all tables, and what was wasted', () => {
    expect(markdown(session('one'), 'Look at one')).toMatchSnapshot();
  });

  it('says trace text as it stands, on one line', () => {
    const evils = [
      '[x](https://evil.example) <img src=x onerror=alert(1)> | a |',
      '![i](https://evil.example/x.png) **b** `c` ~~s~~ &lt;b&gt; www.evil.example',
      '\u202eexe\u0007 a\n# heading\n- item',
    ];
    for (const evil of evils) {
      const text = markdown(session(evil), evil).replaceAll('&nbsp;', '');
      expect(text).not.toMatch(
        /(?<!\\)[[\]<>`]|[^\\]:\/\/|www\.|\u202e|\u0007|\n(# heading|- item)/,
      );
      // As many cells in each row as in the head of its table.
      for (const table of text.split('\n\n').filter((part) => part.startsWith('|'))) {
        const cells = table
          .trim()
          .split('\n')
          .map((row) => row.split(/(?<!\\)\|/).length);
        expect(new Set(cells).size).toBe(1);
      }
    }
  });

  it('shares out nothing where nothing has a price', () => {
    const text = markdown(new Script().start(0).prompt(1).answer(2, { input: 5, model: 'free' }));
    expect(text).toContain('**unpriced**');
    expect(text).not.toContain('$');
  });
});
