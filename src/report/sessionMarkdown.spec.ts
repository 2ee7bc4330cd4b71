import { describe, expect, it } from 'vitest';
import { SessionFold } from '../model/fold.ts';
import { markdownText } from '../model/markdownText.ts';
import { type SessionSummary, summarise } from '../model/summary.ts';
import { costReport } from './costReport.ts';
import { sessionMarkdown } from './sessionMarkdown.ts';
import { statsReport } from './statsReport.ts';

function page(change: Partial<SessionSummary>, more: Partial<ReturnType<typeof statsReport>> = {}) {
  const fold = new SessionFold();
  const summary = { ...summarise(fold, { nowMs: 0 }), ...change };
  const stats = statsReport('one', fold, summary, { failures: [], children: [] });
  return sessionMarkdown(
    { ...stats, ...more },
    costReport('one', fold, summary, new Map()),
    summary,
  );
}

const EVIL = [
  '[x](https://evil.example) <img src=x onerror=alert(1)> | a |',
  '![i](https://evil.example/x.png) **b** `c` ~~s~~ &lt;b&gt; www.evil.example',
  '\u202eexe\u0007 a\n# heading\n- item',
];

describe('sessionMarkdown', () => {
  it('says trace text as it stands, on one line', () => {
    for (const evil of EVIL) {
      const text = page(
        { title: evil, agent: evil, model: evil, cwd: evil, events: 3 },
        {
          files: [{ path: evil, reads: 1, writes: 2, added: 3, removed: 1 }],
          tools: [
            {
              tool: evil,
              calls: 1,
              errors: 0,
              denied: 0,
              median_ms: null,
              mean_ms: null,
              total_ms: 10,
            },
          ],
          failures: [{ at: 1, kind: 'denied', step: evil, message: evil }],
        },
      );
      // Nothing that opens a link, an image, HTML or code, and no line that the trace made.
      expect(text.replaceAll('<0.1s', '')).not.toMatch(
        /(?<!\\)[[\]<>`]|[^\\]:\/\/|www\.|\u202e|\u0007/,
      );
      expect(text.match(/^#+ .*$/gm)).toHaveLength(4);
      for (const row of text.split('\n').filter((line) => line.startsWith('| '))) {
        expect([4, 6]).toContain((row.match(/(?<!\\)\|/g) ?? []).length);
      }
    }
  });

  it('leaves words in any script alone', () => {
    expect(markdownText('Größe 家族 · 12, src/a-b.py: fix (now)')).toBe(
      'Größe 家族 · 12, src/a-b.py: fix (now)',
    );
    expect(markdownText('1. first')).toBe('1\\. first');
    expect(markdownText('- item')).toBe('\\- item');
  });

  it('is short for a session in which nothing happened', () => {
    expect(page({})).not.toContain('##');
  });
});
