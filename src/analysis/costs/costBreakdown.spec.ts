import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analysed } from '../../../test/analysed.ts';
import { ratePricer, Script, scriptOf, turns } from '../../../test/costSession.ts';
import { TYPE } from '../../model/columns.ts';
import type { SessionFold } from '../../model/fold.ts';
import type { CostBreakdown } from './costBreakdown.ts';
import { sessionCosts } from './sessionCosts.ts';
import { CallShares, partOf } from './shares.ts';

const breakdown = (fold: SessionFold): CostBreakdown => sessionCosts(analysed(fold)).breakdown;
const sum = (parts: readonly { nanoUsd: number }[]): number =>
  parts.reduce((all, { nanoUsd }) => all + nanoUsd, 0);

describe('shares', () => {
  it('are whole, and add up to the whole', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 1, max: 1000 }), (whole, parts) => {
        let all = 0;
        for (let at = 0; at < parts; at++) {
          const part = partOf(whole, parts, at);
          expect(Number.isInteger(part)).toBe(true);
          expect(Math.abs(part - whole / parts)).toBeLessThanOrEqual(1);
          all += part;
        }
        expect(all).toBe(whole);
      }),
    );
  });

  it('are what the fold says of a step, to the nano-dollar', () => {
    fc.assert(
      fc.property(turns, (list) => {
        const fold = scriptOf(list).fold();
        const shares = CallShares.of(fold);
        for (let row = 0; row < fold.columns.length; row++) {
          if (fold.columns.type[row] !== TYPE.tool_call) continue;
          const own = shares.ofCall(row);
          const told = fold.stepNanoUsd(row);
          expect(Number.isNaN(own)).toBe(Number.isNaN(told));
          if (!Number.isNaN(own)) expect(Math.abs(own - told)).toBeLessThan(1);
        }
      }),
    );
  });
});

describe('costBreakdown', () => {
  it('is a partition of the total, in whichever order events come', () => {
    fc.assert(
      fc.property(turns, fc.infiniteStream(fc.double({ noNaN: true })), (list, random) => {
        const script = scriptOf(list);
        const fold = script.fold();
        const found = breakdown(fold);
        const total = fold.cost.total.nanoUsd;
        expect(found.nanoUsd).toBe(total);
        expect(sum(found.tools) + found.answers.nanoUsd + found.unseen.nanoUsd).toBe(total);
        expect(sum(found.files) + found.noFile.nanoUsd).toBe(total);
        expect(sum(found.servers) + found.noServer.nanoUsd).toBe(total);
        expect(sum(found.models)).toBe(total);
        expect(sum(found.phases)).toBe(total);
        expect(found.subagents.reduce((all, { ownNanoUsd }) => all + ownNanoUsd, 0)).toBe(total);
        expect(found.subagents[0]).toMatchObject({ lane: 0, totalNanoUsd: total });
        const at = new Map(script.events.map((event) => [event, random.next().value ?? 0]));
        const shuffled = script.events.toSorted((a, b) => at.get(a)! - at.get(b)!);
        const again = script.fold(ratePricer, shuffled);
        expect(told(again)).toEqual(told(fold));
      }),
      { numRuns: 200 },
    );
  });

  it('shares a response among its calls, and the calls among their files', () => {
    const script = new Script().start(0).prompt(1);
    // 1,000,001 nano-dollars would not divide: three calls, one of which is not in the trace.
    script.answer(2, { input: 1000, output: 2, calls: ['a', 'b', 'c'] });
    script.call(3, 'a', 'Read').result(4, 'a', 'Read', {
      files: [
        { path: '/p/x', kind: 'read' },
        { path: '/p/y', kind: 'read' },
        { path: '/p/x', kind: 'read', ranges: [[1, 2]] },
      ],
    });
    script.call(5, 'b', 'Bash', { command: 'make' }).result(6, 'b', 'Bash');
    script.answer(7, { input: 500 });
    script.answer(8, { input: 900, model: 'free', calls: ['d'] });
    script.call(9, 'd', 'Bash', { command: 'ls' });
    script.call(10, 'e', 'Bash', { command: 'true' });
    const found = breakdown(script.fold());
    expect(found.tools.map(({ carried, ...tool }) => tool)).toEqual([
      { tool: 'Bash', nanoUsd: 336_667, count: 3, unpriced: 1, untold: 1 },
      { tool: 'Read', nanoUsd: 336_667, count: 1, unpriced: 0, untold: 0 },
    ]);
    expect(found.unseen).toEqual({ nanoUsd: 336_666, count: 1, unpriced: 0, untold: 0 });
    expect(found.answers).toEqual({ nanoUsd: 550_000, count: 1, unpriced: 0, untold: 0 });
    expect(found.files.map(({ nanoUsd, count }) => [nanoUsd, count])).toEqual([
      [168_334, 1],
      [168_333, 1],
    ]);
  });

  it('knows the servers of MCP by the names of their tools', () => {
    const script = new Script().start(0).prompt(1);
    script.answer(2, { input: 4000, output: 0, calls: ['a', 'b', 'c', 'd'] });
    for (const [id, tool] of [
      ['a', 'mcp__github__list'],
      ['b', 'mcp__github__get'],
      ['c', 'mcp__jira__get'],
      ['d', 'Read'],
    ] as const) {
      script.call(3, id, tool).result(4, id, tool);
    }
    const { servers, noServer } = breakdown(script.fold());
    expect(servers.map(({ server, nanoUsd, count }) => [server, nanoUsd, count])).toEqual([
      ['github', 2_000_000, 2],
      ['jira', 1_000_000, 1],
    ]);
    expect(noServer.nanoUsd).toBe(1_000_000);
  });

  it('adds subagents to those that started them, and survives those that started each other', () => {
    const script = new Script().start(0).prompt(1);
    script.answer(2, { input: 1000, output: 0, calls: ['go'] }).call(3, 'go', 'Agent');
    script.subagent(4, 'one', 'Plan', 'go').answer(5, {
      input: 2000,
      output: 0,
      lane: 'one',
      calls: ['deeper'],
    });
    script.call(6, 'deeper', 'Agent', {}, 'one').subagent(7, 'two', 'Explore', 'deeper');
    script.answer(8, { input: 4000, output: 0, lane: 'two' });
    script.subagent(9, 'x', 'X', 'in-y').subagent(9, 'y', 'Y', 'in-x');
    script.call(10, 'in-x', 'Agent', {}, 'x').call(10, 'in-y', 'Agent', {}, 'y');
    script.answer(11, { input: 8000, output: 0, lane: 'x' });
    const { subagents } = breakdown(script.fold());
    expect(
      Object.fromEntries(
        subagents.map(({ id, ownNanoUsd, totalNanoUsd }) => [
          id || 'main',
          [ownNanoUsd / 1e6, totalNanoUsd / 1e6],
        ]),
      ),
    ).toEqual({ main: [1, 15], one: [2, 6], two: [4, 4], x: [8, 8], y: [0, 0] });
  });

  it('estimates what results add to the requests after them, until a compaction', () => {
    const script = new Script().start(0).prompt(1);
    script.answer(2, { input: 10_000, output: 0, calls: ['a'] });
    script.call(3, 'a', 'Read').result(4, 'a', 'Read');
    // The event has 400 bytes: 100 tokens, and the prompt grew by more.
    script.answer(5, { input: 10_500, output: 0 }).answer(6, { input: 10_500, output: 0 });
    const two = breakdown(script.fold()).tools[0]!.carried;
    expect(two).toEqual({ tokens: 200, nanoUsd: 200_000 });
    script.decision(7, 'compaction').answer(8, { input: 10_000, output: 0 });
    expect(breakdown(script.fold()).tools[0]!.carried).toEqual(two);
    // Never more than the prompt grew by.
    const small = new Script().start(0).prompt(1);
    small
      .answer(2, { input: 10_000, calls: ['a'] })
      .call(3, 'a', 'Read')
      .result(4, 'a', 'Read');
    small.answer(5, { input: 10_030 });
    expect(breakdown(small.fold()).tools[0]!.carried.tokens).toBe(30);
    const free = new Script().start(0).prompt(1);
    free.answer(2, { input: 10_000, calls: ['a'], model: 'free' }).call(3, 'a', 'Read');
    free.result(4, 'a', 'Read').answer(5, { input: 10_500, model: 'free' });
    expect(breakdown(free.fold()).tools[0]!.carried).toEqual({ tokens: 100, nanoUsd: Number.NaN });
  });
});

/** What does not name rows or codes, which depend on the order. */
function told(fold: SessionFold): unknown {
  const { files, models, subagents, ...rest } = breakdown(fold);
  return {
    ...rest,
    files: files.map(({ file, ...part }) => [fold.files.paths.name(file), part]),
    models: models.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
    subagents: subagents
      .map(({ lane, parent, ...agent }) => ({ ...agent, parent: fold.lanes.name(parent) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
}
