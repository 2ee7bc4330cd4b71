import { describe, expect, it } from 'vitest';
import { countWords, hoverText, labelText, type StepFacts } from './markText.ts';

const NOW = new Date(2026, 10, 25, 14, 26).getTime();
const STEP: StepFacts = {
  kind: 'modified',
  sessionKey: 'a1b2c3/one',
  step: 117,
  steps: 214,
  agent: 'Claude Code',
  tool: 'Edit',
  added: 9,
  removed: 3,
  doneMs: NOW - 600_000,
  nanoUsd: 31_200_000,
  prompt: 'Make the handler idempotent.',
  phase: 2,
  phases: 5,
  phaseNanoUsd: 420_000_000,
};

describe('the hover of a marked line', () => {
  it('says who, why, which step and what it cost', () => {
    const [head, quote, table, , links] = hoverText(STEP, [], NOW).split('\n\n');
    expect(head).toBe('$(edit) **Changed by Claude Code**&nbsp;&nbsp;10 min ago');
    expect(quote).toBe('> “Make the handler idempotent&#46;”');
    expect(table?.split('\n')).toEqual([
      '| Cost of step&nbsp;&nbsp; | &#36;0&#46;0312 |',
      '|:---|:---|',
      '| Step | 118 of 214, Edit &#43;9 −3 |',
      '| Prompt | 2 of 5 · &#36;0&#46;4200 |',
    ]);
    const query = encodeURIComponent('["a1b2c3/one",117]');
    expect(links).toContain(`command:agentStrace.replay?${query} `);
    expect(links).toContain(`command:agentStrace.showStepDiff?${query} `);
  });

  it('is short where the line was only read, and names steps before', () => {
    const read: StepFacts = { ...STEP, kind: 'read', tool: 'Read', nanoUsd: Number.NaN };
    const text = hoverText(read, [{ ...STEP, agent: 'Codex', step: 3 }], NOW);
    expect(text.split('\n\n').slice(0, 2)).toEqual([
      '$(book) **Read by Claude Code**&nbsp;&nbsp;118 of 214, Read &#43;9 −3 · – · 10 min ago',
      'Changed by Codex before: 4 of 214, Edit &#43;9 −3 · &#36;0&#46;0312',
    ]);
    expect(text).not.toContain('showStepDiff');
  });

  it('shows words of the trace as words, and runs nothing that they say', () => {
    const evil = '[x](command:evil) $(bug) <img src=x> | `a` **b** https://e.vil';
    const text = hoverText(
      {
        ...STEP,
        prompt: `${evil}\n\n# h`,
        tool: evil,
        agent: evil,
        sessionKey: "a') [x](command:evil",
      },
      [],
      NOW,
    );
    expect(text).not.toMatch(/command:evil|<img|https:|\$\(bug|\*\*b|\n# /);
    expect(text.match(/\]\(command:/g)).toHaveLength(3);
    expect(text).not.toMatch(/\(command:[^ ]*[()'][^ ]* "/);
  });

  it('has no links for what is no step', () => {
    expect(hoverText({ ...STEP, step: -1 }, [], NOW)).not.toContain('command:');
  });

  it('cuts long prompts', () => {
    const quote = hoverText({ ...STEP, prompt: 'word '.repeat(100) }, [], NOW).split('\n\n')[1]!;
    expect(quote.length).toBeLessThanOrEqual(160 + '> “”'.length);
    expect(quote).toContain('…”');
  });
});

describe('the label of a line', () => {
  it('says who, which step, when and what it cost', () => {
    expect(labelText(STEP, NOW)).toBe('Claude Code · step 118 · 14:16 · $0.0312');
    expect(labelText({ ...STEP, nanoUsd: Number.NaN }, NOW)).toBe('Claude Code · step 118 · 14:16');
    expect(labelText({ ...STEP, doneMs: NOW - 3 * 86_400_000 }, NOW)).toContain(' · 22 Nov · ');
  });
});

describe('the words of a badge', () => {
  it('count', () => {
    expect(countWords({ reads: 4, writes: 2 })).toBe('Modified twice, read 4 times');
    expect(countWords({ reads: 1, writes: 0 })).toBe('Read once');
  });
});
