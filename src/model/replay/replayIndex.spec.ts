import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, sessionOf } from '../../../test/randomSession.ts';
import { TYPE } from '../columns.ts';
import { decodeLine } from '../decode.ts';
import type { TraceEvent } from '../event.ts';
import { SessionFold } from '../fold.ts';
import { summarise } from '../summary.ts';
import { ReplayIndex } from './replayIndex.ts';
import type { ReplayState } from './replayState.ts';

function indexOf(fold: SessionFold): ReplayIndex {
  const index = new ReplayIndex(fold);
  index.work();
  return index;
}

/**
 * The step that each event belongs to, from the definition alone: the step itself; that of its call; the
 * first step that names it as its response; else the last step before it.
 */
function placesOf(fold: SessionFold): number[] {
  const { columns, steps } = fold;
  const list = Array.from({ length: steps.length }, (_, at) => steps.row(at));
  return Array.from({ length: columns.length }, (_, row) => {
    const own = list.indexOf(row);
    if (own >= 0) return own;
    const call = columns.pair[row]!;
    const isOutcome = columns.type[row] === TYPE.tool_result || columns.type[row] === TYPE.error;
    if (isOutcome && call >= 0) return list.indexOf(call);
    const part = list.findIndex((step) => columns.response[step] === row);
    if (part >= 0) return part;
    const before = list.filter(
      (step) =>
        columns.timeMs[step]! < columns.timeMs[row]! ||
        (columns.timeMs[step] === columns.timeMs[row] && step < row),
    );
    return Math.max(0, before.length - 1);
  });
}

/** What a fold over exactly the events of the steps 0 … n says, in the terms of a state. */
function foldTo(events: readonly TraceEvent[], fold: SessionFold, n: number): unknown {
  const places = placesOf(fold);
  const fresh = new SessionFold({ pricer });
  for (let row = 0; row < places.length; row++) {
    if (places[row]! > n) continue;
    // The version that stands, where it was read.
    fresh.add(structuredClone(events[fold.columns.offset[row]! / 100]!), fold.columns.offset[row]);
  }
  const summary = summarise(fresh, { nowMs: 0 });
  const { usage } = fresh.cost.total;
  const files = fresh.files.summaries();
  return {
    events: fresh.counts.events,
    cost: {
      nanoUsd: summary.cost.nanoUsd,
      ownNanoUsd: summary.cost.ownNanoUsd,
      subagentNanoUsd: summary.cost.subagentNanoUsd,
      responses: summary.cost.responses,
      unpriced: summary.cost.unpriced,
    },
    tokens: {
      input: usage.input_tokens,
      cacheRead: usage.cache_read_input_tokens,
      cacheWrite: usage.cache_write_input_tokens,
      output: usage.output_tokens,
    },
    calls: summary.calls,
    edits: summary.edits,
    errors: summary.errors,
    denied: summary.denied,
    retries: summary.retries,
    prompts: summary.prompts,
    touched: files.length,
    read: files.filter(({ reads }) => reads > 0).length,
    modified: files.filter(({ writes }) => writes > 0).length,
    files: files
      .map(({ path, reads, writes, added, removed }) => ({ path, reads, writes, added, removed }))
      .sort(byPath),
    context: summary.context?.tokens,
  };
}

const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);

/** A state without what is of the moment. */
function told(state: ReplayState | undefined): unknown {
  if (!state) return undefined;
  const { step: _, timeMs, running, subagents, prompt, files, context, ...rest } = state;
  return {
    ...rest,
    touched: files.touched,
    read: files.read,
    modified: files.modified,
    files: files.recent.map(({ step: __, ...file }) => file).sort(byPath),
    context: context?.tokens,
  };
}

const all = { files: 1e9 };

function expectFolds(events: readonly TraceEvent[], fold: SessionFold, index: ReplayIndex): void {
  expect(index.complete).toBe(true);
  expect(index.length).toBe(fold.steps.length);
  for (let n = 0; n < fold.steps.length; n++) {
    expect(told(index.stateAt(n, all)), `step ${n}`).toEqual(foldTo(events, fold, n));
  }
}

/** The same events in any order, some of them twice. */
function shuffled(events: readonly TraceEvent[], random: fc.Stream<number>): TraceEvent[] {
  return events
    .flatMap((event) => (random.next().value % 3 === 0 ? [event, event] : [event]))
    .map((event) => ({ event, at: random.next().value as number }))
    .sort((a, b) => a.at - b.at)
    .map(({ event }) => event);
}

describe('ReplayIndex', () => {
  it('says of every step what a fold to it says, in whatever order events arrived', () => {
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat()), (list, random) => {
        const events = shuffled(sessionOf(list), random);
        const fold = foldOf(events);
        expectFolds(events, fold, indexOf(fold));
      }),
      { numRuns: 60 },
    );
  });

  it('says at the last step what the session says', () => {
    fc.assert(
      fc.property(calls, (list) => {
        const events = sessionOf(list);
        const fold = foldOf(events);
        const index = indexOf(fold);
        const { cost, calls: count, errors } = summarise(fold, { nowMs: 0 });
        const state = index.stateAt(index.length - 1, all)!;
        expect(state.events).toBe(fold.counts.events);
        expect([state.cost.nanoUsd, state.calls, state.errors]).toEqual([
          cost.nanoUsd,
          count,
          errors,
        ]);
      }),
      { numRuns: 50 },
    );
  });

  it('follows a session that grows, with late and repeated events, however its work is cut', () => {
    fc.assert(
      fc.property(
        calls,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (list, random, batch, cut) => {
          const events = shuffled(sessionOf(list), random);
          const fold = new SessionFold({ pricer });
          const index = new ReplayIndex(fold, { chunk: 1 + (random.next().value % 5) });
          events.forEach((event, i) => {
            fold.add(structuredClone(event), i * 100, 100);
            if (i % batch !== 0) return;
            index.changed(fold.steps.takeChangedFrom());
            // One slice: what it leaves is gone on with after the next events.
            let turns = cut ? random.next().value % 30 : Number.POSITIVE_INFINITY;
            index.work(() => --turns > 0);
          });
          index.changed(fold.steps.takeChangedFrom());
          index.work();
          expectFolds(events, fold, index);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each(fixtures())('says what a fold to it says of %s', (_name, events) => {
    const fold = foldOf(events);
    expect(fold.steps.length).toBeGreaterThan(0);
    expectFolds(events, fold, indexOf(fold));
    const mixed = [...events, ...events].reverse();
    const late = foldOf(mixed);
    expect(indexOf(late).stateAt(late.steps.length - 1)?.cost).toEqual(
      indexOf(fold).stateAt(fold.steps.length - 1)?.cost,
    );
  });

  it('knows which calls and subagents were at work when a step began', () => {
    const at = (seconds: number) => 1_700_000_000 + seconds;
    const event = (
      event_type: string,
      id: string,
      seconds: number,
      data: TraceEvent['data'],
      rest: Partial<TraceEvent> = {},
    ): TraceEvent => ({
      event_type,
      event_id: id.padStart(12, '0'),
      timestamp: at(seconds),
      session_id: 's',
      data: { recorded_by: 'hook', ...data },
      ...rest,
    });
    const lane = { agent_id: 'a1', agent_type: 'Explore' };
    const fold = foldOf([
      event('user_prompt', 'f0', 0, { prompt: 'go' }),
      event('tool_call', 'f1', 1, { tool_name: 'Agent', tool_use_id: 'x' }),
      event('tool_call', 'f2', 2, { event_subtype: 'subagent', ...lane }),
      event('tool_call', 'f3', 3, { tool_name: 'Read', tool_use_id: 'y', ...lane }),
      event('tool_result', 'f4', 4, { result: 'ok' }, { parent_id: '0000000000f3' }),
      event('tool_result', 'f5', 5, { event_subtype: 'subagent', ...lane }),
      event('tool_result', 'f6', 6, { result: 'ok' }, { parent_id: '0000000000f1' }),
      event('tool_call', 'f7', 7, { tool_name: 'Bash', tool_use_id: 'z' }),
      event('tool_call', 'f8', 8, { tool_name: 'Read', tool_use_id: 'w' }),
    ]);
    const index = indexOf(fold);
    expect(fold.steps.length).toBe(5);
    const running = (step: number) => index.stateAt(step)!.running.map(({ step: s }) => s);
    expect([0, 1, 2, 3, 4].map(running)).toEqual([[], [], [1], [], [3]]);
    expect(index.stateAt(2)!.subagents).toEqual([
      { lane: 1, name: 'Explore', sinceMs: at(2) * 1000 },
    ]);
    expect(index.stateAt(3)!.subagents).toEqual([]);
  });

  it('knows nothing of steps that are not there', () => {
    const index = indexOf(foldOf([]));
    expect(index.stateAt(0)).toBeUndefined();
    const one = indexOf(foldOf(sessionOf([])));
    expect([-1, 0.5, 1, Number.NaN].map((n) => one.stateAt(n))).toEqual(
      new Array(4).fill(undefined),
    );
    expect(one.stateAt(0)).toBeDefined();
  });
});

/** Traces as they were recorded, by their name. */
function fixtures(): [string, TraceEvent[]][] {
  const root = join(import.meta.dirname, '../../../test/fixtures/seed');
  const found: [string, TraceEvent[]][] = [];
  for (const version of readdirSync(root)) {
    for (const session of readdirSync(join(root, version))) {
      const file = join(root, version, session, 'events.ndjson');
      if (!existsSync(file)) continue;
      const events = readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => decodeLine(line))
        .flatMap((decoded) => (decoded.ok ? [decoded.event] : []));
      found.push([`${version}/${session}`, events]);
    }
  }
  return found;
}
