/** Sessions of any size: what matters is shown, how much is left out is told, and --all shows it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analysed } from '../../test/analysed.ts';
import { Script } from '../../test/costSession.ts';
import { foldOf } from '../../test/randomSession.ts';
import { compareFacts, sideFacts } from '../analysis/compare/compareSessions.ts';
import { structuralDiff } from '../analysis/compare/structural.ts';
import { drain } from '../analysis/slices.ts';
import { emptySums, type TreeNode, type TreeSums } from '../analysis/tree/sessionTree.ts';
import { summarise } from '../model/summary.ts';
import { firstOf, gapText, moreText, mostTelling } from './bounds.ts';
import { compareMarkdown } from './compareMarkdown.ts';
import { compareText } from './compareText.ts';
import { contextMarkdown } from './contextMarkdown.ts';
import type { ContextLaneJson, ContextReport } from './contextReport.ts';
import { contextText } from './contextText.ts';
import { diffText } from './diffText.ts';
import { boundedDocument } from './document.ts';
import { explainMarkdown } from './explainMarkdown.ts';
import { explainSession } from './explainReport.ts';
import { explainText } from './explainText.ts';
import { statsReport, statsText } from './statsReport.ts';
import { createStyle } from './style.ts';
import { timelineOf } from './timelineReport.ts';
import { timelineText } from './timelineText.ts';
import { treeText } from './treeReport.ts';

const look = { style: createStyle(false), width: 80 };
const ALL = { most: Number.POSITIVE_INFINITY };
const HOW = '(--all shows all';

/** More than the eye takes in is no report, lines. */
function expectBounded(text: string, most: number): void {
  expect(text.split('\n').length).toBeLessThan(most);
}

describe('mostTelling', () => {
  it('has each row once, in order; the first, the last and the heaviest are shown', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 70 }), (all, most) => {
        const places = mostTelling(all.length, most, (at) => all[at]!);
        const rows = places.flatMap((place) =>
          typeof place === 'number'
            ? [place]
            : Array.from({ length: place.to - place.from }, (_, at) => place.from + at),
        );
        expect(rows).toEqual(all.map((_, at) => at));
        for (const place of places) {
          if (typeof place !== 'number') expect(place.to - place.from).toBeGreaterThan(1);
        }
        const shown = new Set(places.filter((place) => typeof place === 'number'));
        expect(shown.size).toBeGreaterThanOrEqual(Math.min(most, all.length));
        if (all.length > 0) expect(shown).toContain(0);
        if (most > 1 && all.length > 0) expect(shown).toContain(all.length - 1);
        if (most > 2 && all.length > 2) {
          const inner = all.slice(1, -1);
          expect(shown).toContain(1 + inner.indexOf(Math.max(...inner)));
        }
      }),
    );
  });
});

it('what is left out is told in the same words', () => {
  expect(firstOf([1, 2, 3], 2)).toEqual({ shown: [1, 2], rest: 1 });
  expect(moreText(0, 'file')).toBe('');
  expect(moreText(1, 'file')).toBe('… and 1 more file (--all shows all)');
  expect(moreText(4980, 'retry', 'retries', '')).toBe('… and 4,980 more retries');
  expect(gapText('9 turns')).toBe('… 9 turns (--all shows all)');
});

/** A session with so many prompts, each with one answer; every 1,000th has a call that fails. */
function manyPrompts(count: number) {
  const script = new Script().start(0);
  for (let at = 0; at < count; at++) {
    script.prompt(10 * at + 1, `Do the thing number ${at}`);
    const fails = at % 1000 === 500;
    script.answer(10 * at + 2, { input: 1000 + at, calls: fails ? [`c${at}`] : [] });
    if (!fails) continue;
    script.call(10 * at + 3, `c${at}`, 'Bash', { command: `make ${at}` });
    script.result(10 * at + 4, `c${at}`, 'Bash', { error: 'Exit code 2', exit_code: 2 });
  }
  const session = analysed(foldOf(script.events), script.events);
  return { session, summary: summarise(session.fold, { nowMs: 1_800_000_000_000 }) };
}

describe('50,000 phases', () => {
  const { session, summary } = manyPrompts(50_000);

  it('explain tells those that failed, and how many it leaves out', () => {
    const explanation = explainSession(session, summary);
    const text = explainText(explanation, { ...look, shortId: 'x' });
    expectBounded(text, 400);
    expect(text).toContain(`${HOW}, --phase one)`);
    expect(text).toMatch(/… phases 2 to 12500, \$\d+\.\d\d, 12 failed\n/);
    // There are 50 that failed, and room for 38 beside the first and the last.
    expect(text.match(/^✕/gm)).toHaveLength(38);
    expectBounded(explainMarkdown(explanation), 500);
    const more = explainSession(session, summary, { most: 100 });
    expect(explainText(more, { ...look, shortId: 'x' }).match(/^✕/gm)).toHaveLength(50);
  });

  it('timeline shows a hundred of them', () => {
    const timeline = timelineOf(session, summary);
    const text = [...timelineText(session, timeline, look)].join('');
    expectBounded(text, 2000);
    expect(text).toContain(HOW);
    expect(text.match(/^✕/gm)).toHaveLength(50);
    let lines = 0;
    const few = manyPrompts(3000);
    const all = timelineOf(few.session, few.summary);
    for (const piece of timelineText(few.session, all, { ...look, ...ALL })) {
      if (/^\n. +\d+ {2}P/.test(piece)) lines++;
    }
    expect(lines).toBe(3000);
  });
});

it('compare and diff show the phases in which two long sessions differ', () => {
  const side = (count: number) => drain(sideFacts(manyPrompts(count).session));
  const [a, b] = [side(2000), side(2600)];
  const comparison = compareFacts(a, b);
  const options = { ...look, describe: () => undefined };
  const text = compareText(comparison, options);
  expectBounded(text, 200);
  expect(text).toContain(HOW);
  expectBounded(compareText(comparison, { ...options, ...ALL }), 10_000);
  expect(compareText(comparison, { ...options, ...ALL })).not.toContain('more phases');
  expectBounded(
    compareMarkdown(comparison, () => undefined),
    120,
  );
  const differences = structuralDiff(a, b, comparison);
  const diff = diffText(comparison, differences, options);
  expectBounded(diff, 300);
  expect(diff).toContain(HOW);
});

describe('20,000 compactions', () => {
  const sources = { system: 10, memory: 0, conversation: 5, files: 3, output: 2 };
  const last = (step: number, tokens: number) => ({
    step,
    at: step,
    tokens,
    prompt_tokens: tokens,
    sources,
  });
  const lane = (name: string, fill: number, turns: number, compactions: number) =>
    ({
      lane: name,
      type: name,
      description: '',
      model: 'm1',
      window_tokens: 200_000,
      tokens: fill * 200_000,
      peak_tokens: 150_000,
      fill,
      peak_fill: 0.75,
      requests: turns,
      sources,
      turns: Array.from({ length: turns }, (_, at) => ({
        turn: at + 1,
        prompt: `turn ${at + 1}`,
        requests: 1,
        growth_tokens: at === 777 ? 90_000 : 10,
        // All the compactions in one turn: nobody reads them one by one either.
        compactions: at === 4 ? Array.from({ length: compactions }, (__, nth) => nth) : [],
        last: last(at + 1, at === 888 ? 150_000 : 1000),
      })),
      compactions: Array.from({ length: compactions }, (_, at) => ({
        step: at + 1,
        at,
        trigger: 'auto',
        told: true,
        before_tokens: 150_000,
        after_tokens: 20_000,
        dropped: sources,
      })),
      largest: [],
      forecast: null,
    }) as ContextLaneJson;
  const report = (lanes: ContextLaneJson[]): ContextReport => ({
    session_id: 's',
    title: 'Long',
    lanes,
  });

  it('context shows the first and last turns, the peak and the leaps', () => {
    const long = report([lane('', 0.5, 50_000, 20_000)]);
    const text = contextText(long, look);
    expectBounded(text, 120);
    expect(text).toContain(HOW);
    for (const turn of ['P1 ', 'P778 ', 'P889 ', 'P50000 ']) expect(text).toContain(turn);
    expect(text).toContain('… and 20k more compactions');
    expectBounded(contextMarkdown(long), 150);
    expectBounded(contextText(long, { ...look, most: 3 }), 40);
  });

  it('context shows the main agent and the fullest of 5,000 others', () => {
    const lanes = Array.from({ length: 5000 }, (_, at) => lane(`agent${at}`, at / 10_000, 2, 0));
    const many = report([lane('', 0, 2, 0), ...lanes]);
    const text = contextText(many, look);
    expectBounded(text, 400);
    expect(text).toContain('main agent');
    expect(text).toContain('agent4999');
    expect(text).toContain('… and 4,981 more agents (--all shows all)');
    expectBounded(contextMarkdown(many), 500);
  });
});

describe('5,000 subagents', () => {
  const sums = (nanoUsd: number, calls = 1): TreeSums => ({
    ...emptySums(),
    nanoUsd,
    responses: 1,
    calls,
  });
  const node = (at: number, parent: number, depth: number): TreeNode => ({
    kind: parent < 0 ? 'session' : 'subagent',
    id: `agent-${at}`,
    sessionId: 's',
    name: 'Explore',
    title: `task ${at}`,
    status: at % 1000 === 3 ? 'failed' : 'done',
    startMs: at,
    durationMs: 1,
    step: at,
    sure: 'evidence',
    own: sums(1e9),
    total: sums(parent < 0 ? 5001e9 : 1e9),
    sessions: 0,
    subagents: parent < 0 ? 5000 : 0,
    parent,
    depth,
  });
  const wide = [node(0, -1, 0), ...Array.from({ length: 5000 }, (_, at) => node(at + 1, 0, 1))];

  it('tree shows what failed and what cost most, and the sum of the rest', () => {
    const text = treeText(wide, { ...look, width: 140 });
    expectBounded(text, 60);
    for (const failed of [3, 1003, 4003]) expect(text).toContain(`task ${failed} `);
    expect(text).toMatch(/… and 4,961 more +\$4,961 +4,961/);
    expect(text).toContain('--all shows all');
    const all = treeText(wide, { ...look, ...ALL, width: 140 });
    expect(all.match(/Explore: task \d/g)).toHaveLength(5000);
    expect(all).not.toContain('--all');
  });

  it('what is shown and the rest have all there is', () => {
    const parents = fc.array(fc.nat(), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(parents, fc.integer({ min: 1, max: 30 }), (picks, most) => {
        const nodes = [node(0, -1, 0)];
        // Each hangs under the last one, or under one of those above it: each stands after its parent, as in a walk.
        for (const pick of picks) {
          const above: number[] = [];
          for (let at = nodes.length - 1; at >= 0; at = nodes[at]!.parent) above.push(at);
          const parent = above[pick % above.length]!;
          nodes.push(node(nodes.length, parent, nodes[parent]!.depth + 1));
        }
        const text = treeText(nodes, { ...look, width: 400, most });
        const shown = text.match(/Explore: task|session/g)!.length;
        let rest = 0;
        for (const [, count] of text.matchAll(/… and (\d+) more/g)) rest += Number(count);
        expect(text.match(/Explore: task/g)?.length ?? 0).toBe(nodes.length - 1 - rest);
        expect(shown).toBeGreaterThan(0);
      }),
    );
  });
});

it('10,000 tools, files, subagents and failures: stats shows the most used', () => {
  const { session, summary } = manyPrompts(3);
  const report = statsReport('s', session.fold, summary, {
    failures: Array.from({ length: 10_000 }, (_, at) => ({
      at,
      kind: 'error' as const,
      step: `step ${at}`,
      message: 'no',
    })),
    children: [],
  });
  const many = <T>(make: (at: number) => T): T[] =>
    Array.from({ length: 10_000 }, (_, at) => make(at));
  report.tools = many((at) => ({
    tool: `tool${at}`,
    calls: 10_000 - at,
    errors: 0,
    denied: 0,
    median_ms: null,
    mean_ms: null,
    total_ms: 0,
  }));
  report.files = many((at) => ({ path: `f${at}`, reads: 1, writes: 0, added: 0, removed: 0 }));
  report.subagents = many((at) => ({
    id: `${at}`,
    type: 'Explore',
    description: 'x',
    started_at: 1,
    ended_at: 2,
    tool_calls: 1,
  }));
  const text = statsText(report, summary, look);
  expectBounded(text, 130);
  for (const what of ['tools', 'files', 'subagents']) {
    expect(text).toContain(`… and 9,980 more ${what} (--all shows all)`);
  }
  expect(text).toContain('(the last 10 of 10k, --all shows all)');
  expect(text).toContain('tool0 ');
  expect(statsText(report, summary, { ...look, most: 500 })).toContain('… and 9,500 more files');
});

describe('a document', () => {
  it('that is short stays as it is', () => {
    expect(boundedDocument('# A\n', 'agent-strace tree s')).toBe('# A\n');
  });

  it('is cut at the end of a line, with its block of code closed', () => {
    const text = `# A\n\n\`\`\`\`text\n${'one ``` line\n'.repeat(1000)}\`\`\`\`\n`;
    const cut = boundedDocument(text, 'agent-strace tree s', 100);
    expect(cut).toMatch(/one ``` line\n````\n\n… the rest: `agent-strace tree s`\n$/);
    expect(cut.length).toBeLessThan(160);
    const plain = boundedDocument('word\n'.repeat(100), 'agent-strace tree s', 100);
    expect(plain).toMatch(/^(word\n)+\n… the rest/);
  });
});
