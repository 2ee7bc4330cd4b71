import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, SESSION, sessionOf } from '../../../test/randomSession.ts';
import { decodeLine } from '../../model/decode.ts';
import type { TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { eventId, ids } from '../../model/ids.ts';
import { drain } from '../slices.ts';
import {
  type ContextCourse,
  contextAt,
  contextCourse,
  contextCourses,
  contextSize,
  contextStamp,
  pointsInSlices,
} from './contextCourse.ts';
import { CONTEXT_SOURCES, shareOut } from './sources.ts';

/** What must hold of every course. */
function check(fold: SessionFold, course: ContextCourse): void {
  let time = Number.NEGATIVE_INFINITY;
  for (const point of course.points) {
    let sum = 0;
    for (const source of CONTEXT_SOURCES) {
      const tokens = point.sources[source];
      expect(Number.isInteger(tokens) && tokens >= 0).toBe(true);
      sum += tokens;
    }
    expect(sum).toBe(point.tokens);
    expect(point.prompt).toBeLessThanOrEqual(point.tokens);
    expect(point.timeMs).toBeGreaterThanOrEqual(time);
    time = point.timeMs;
  }
  const last = course.points[course.points.length - 1];
  expect(last?.tokens).toBe(fold.context.ofLane(course.lane)?.tokens);
}

/** A lane's window as steps of a story: sizes in bytes, tokens as told. */
type Part =
  | { prompt: number }
  | { result: number; tool: string }
  | { input: number; output: number; reasoning?: number; model?: string }
  | { compaction: 'hook' | 'transcript'; trigger?: string; pre?: number; post?: number }
  | { instructions: number };

function story(parts: readonly Part[], id = SESSION): TraceEvent[] {
  let time = 1_700_000_000;
  const events: TraceEvent[] = [];
  const push = (
    event_type: string,
    event_id: string,
    data: TraceEvent['data'],
    parent?: string,
  ) => {
    time += 1;
    events.push({
      event_type,
      timestamp: time,
      event_id,
      session_id: id,
      ...(parent === undefined ? {} : { parent_id: parent }),
      data: { recorded_by: 'transcript', ...data },
    });
  };
  let response = 0;
  let asked: string[] = [];
  // Calls stand before the response that asked for them was told.
  parts.forEach((part, i) => {
    if ('prompt' in part) {
      push('user_prompt', ids.prompt(id, `p${i}`), { prompt: 'x'.repeat(part.prompt) });
    } else if ('result' in part) {
      const call = `c${i}`;
      push('tool_call', ids.call(id, call), { tool_name: part.tool, tool_use_id: call });
      push(
        'tool_result',
        ids.result(id, call),
        { tool_name: part.tool, result: 'x'.repeat(part.result) },
        ids.call(id, call),
      );
      asked.push(call);
    } else if ('input' in part) {
      const { input, output, reasoning, model } = part;
      push('llm_response', ids.usage(id, `m${response}`, 'r'), {
        message_id: `m${response}`,
        request_id: 'r',
        model: model ?? 'big',
        usage: {
          input_tokens: input,
          output_tokens: output,
          reasoning_output_tokens: reasoning ?? 0,
        },
        tool_use_ids: asked,
      });
      asked = [];
      response++;
    } else if ('compaction' in part) {
      push('decision', eventId(id, 'compaction', `${part.compaction} ${i}`), {
        event_subtype: 'compaction',
        ...(part.compaction === 'hook' ? { recorded_by: 'hook', phase: 'end' } : {}),
        ...(part.trigger === undefined ? {} : { trigger: part.trigger }),
        ...(part.pre === undefined ? {} : { pre_tokens: part.pre }),
        ...(part.post === undefined ? {} : { post_tokens: part.post }),
      });
    } else {
      push('file_read', eventId(id, 'instructions', `${i}`), {
        event_subtype: 'instructions',
        path: '/p/CLAUDE.md',
        text: 'x'.repeat(part.instructions),
      });
    }
  });
  return events;
}

/** Lines as long as they would be in a file. */
function folded(events: readonly TraceEvent[]): SessionFold {
  const fold = new SessionFold({ pricer });
  let offset = 0;
  for (const event of events) {
    const size = JSON.stringify(event).length;
    fold.add(structuredClone(event), offset, size);
    offset += size;
  }
  return fold;
}

const courseOf = (parts: readonly Part[]): ContextCourse => {
  const fold = folded(story(parts));
  const course = contextCourse(fold);
  check(fold, course);
  return course;
};

describe('contextCourse', () => {
  it('adds up at every point of any session, in whatever order its events arrive', () => {
    fc.assert(
      fc.property(calls, fc.infiniteStream(fc.nat()), (list, order) => {
        const events = sessionOf(list);
        const fold = foldOf(events);
        const shuffled = events
          .map((event) => ({ event, at: order.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ event }) => event);
        const other = foldOf(shuffled);
        for (const lane of fold.lanes.names.keys()) {
          const course = contextCourse(fold, lane);
          check(fold, course);
          const { requests, peak, last } = contextSize(contextCourse(fold, lane));
          expect(requests).toBe(course.points.length);
          expect(peak).toBe(Math.max(0, ...course.points.map(({ tokens }) => tokens)));
          expect(last).toEqual(course.points.at(-1));
          const fresh = contextCourse(fold, lane);
          drain(pointsInSlices(fresh));
          expect(fresh.points).toEqual(course.points);
          const same = contextCourse(other, other.lanes.find(fold.lanes.name(lane)) ?? lane);
          check(other, same);
          expect(same.points.map(({ row: _, ...rest }) => ({ ...rest, step: 0 }))).toEqual(
            course.points.map(({ row: _, ...rest }) => ({ ...rest, step: 0 })),
          );
        }
        const all = contextCourses(fold);
        expect(all.map(({ lane, points }) => [lane, points])).toEqual(
          [...fold.lanes.names.keys()]
            .map((lane) => contextCourse(fold, lane))
            .filter(({ points }) => points.length > 0)
            .map(({ lane, points }) => [lane, points]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('adds up whatever is told, compactions and shrinking requests with it', () => {
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ prompt: fc.nat(4000) }),
      fc.record({
        result: fc.nat(70_000),
        tool: fc.constantFrom('Read', 'Bash', 'Grep', 'WebFetch'),
      }),
      fc.record({
        input: fc.nat(300_000),
        output: fc.nat(9000),
        reasoning: fc.nat(9000),
        model: fc.constantFrom('big', 'free'),
      }),
      fc.record({ compaction: fc.constantFrom('hook' as const, 'transcript' as const) }),
      fc.record({ instructions: fc.nat(4000) }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), (parts) => {
        const course = courseOf(parts);
        for (const { dropped } of course.compactions) {
          for (const source of CONTEXT_SOURCES) expect(dropped[source]).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('shareOut', () => {
  it('shares out everything, nothing below zero, and nothing to what has no weight', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 30),
        fc.array(fc.oneof(fc.nat(2 ** 31), fc.constant(0)), { minLength: 1, maxLength: 6 }),
        (total, weights) => {
          const shares: number[] = [];
          shareOut(total, weights, shares);
          expect(shares.reduce((sum, one) => sum + one, 0)).toBe(total);
          const sum = weights.reduce((a, b) => a + b, 0);
          shares.forEach((share, at) => {
            expect(share).toBeGreaterThanOrEqual(0);
            if (sum > 0) expect(Math.abs(share - (total * weights[at]!) / sum)).toBeLessThan(1.001);
          });
        },
      ),
    );
  });
});

const last = <T>(list: readonly T[]): T => list[list.length - 1]!;

describe('what fills a window', () => {
  it('takes for the system what the first prompt does not explain', () => {
    const { points } = courseOf([{ prompt: 3500 }, { input: 21_000, output: 200 }]);
    const { sources } = points[0]!;
    expect(sources).toMatchObject({ files: 0, output: 0, memory: 0 });
    // 3.5 bytes a token, and the answer.
    expect(sources.conversation - 200).toBeGreaterThan(900);
    expect(sources.conversation - 200).toBeLessThan(1100);
  });

  it('gives the growth to what came in between, whichever was told first', () => {
    const events = story([
      { prompt: 100 },
      { input: 20_000, output: 100 },
      { result: 8000, tool: 'Read' },
      { result: 4000, tool: 'Bash' },
      // This response asked for them.
      { input: 20_100, output: 400 },
      { input: 24_000, output: 100 },
    ]);
    const { points } = contextCourse(folded(events));
    expect(points[1]!.sources).toMatchObject({ files: 0, output: 0 });
    const { files, output, system } = points[2]!.sources;
    expect(files + output).toBe(24_000 - 20_500);
    expect(files / output).toBeCloseTo(2, 0);
    expect(system).toBe(points[1]!.sources.system);
  });

  it('takes growth that nothing explains for what it most likely is', () => {
    const parts: Part[] = [
      { prompt: 100 },
      { input: 20_000, output: 100 },
      { prompt: 100 },
      { input: 30_000, output: 100 },
    ];
    // A prompt brings along files, images, selections.
    const prompted = last(courseOf(parts).points).sources;
    expect(prompted.conversation).toBeGreaterThan(9000);
    expect(prompted.memory).toBe(0);
    const other: Part = { input: 30_000, output: 100, model: 'free' };
    expect(last(courseOf([...parts.slice(0, 3), other]).points).sources.system).toBeGreaterThan(
      29_000,
    );
    const alone = last(courseOf([...parts.slice(0, 2), parts[3]!]).points).sources;
    expect(alone.system).toBeGreaterThan(29_000);
    const loaded = last(
      courseOf([...parts.slice(0, 2), { instructions: 0 }, ...parts.slice(2)]).points,
    );
    expect(loaded.sources.memory).toBeGreaterThan(9000);
  });

  it('drops thinking first, then results, where a request shrinks', () => {
    const before: Part[] = [
      { prompt: 100 },
      { input: 20_000, output: 5000, reasoning: 4000 },
      { result: 8000, tool: 'Read' },
      { input: 25_000, output: 100 },
      { input: 27_300, output: 100 },
    ];
    const was = last(courseOf(before).points).sources;
    const thought = last(courseOf([...before, { input: 24_400, output: 100 }]).points).sources;
    expect(thought).toMatchObject({ files: was.files, system: was.system });
    expect(thought.conversation).toBe(was.conversation - 3000 + 100);
    const cleared = last(courseOf([...before, { input: 22_000, output: 100 }]).points).sources;
    expect(cleared.files).toBe(was.files - (27_400 - 22_000 - 4000));
  });

  it('is not misled by a small request of another kind in between', () => {
    const course = courseOf([
      { prompt: 100 },
      { input: 20_000, output: 100 },
      { result: 9000, tool: 'Read' },
      { input: 20_100, output: 10 },
      { input: 500, output: 20, model: 'free' },
      { input: 22_600, output: 100 },
    ]);
    expect(course.compactions).toEqual([]);
    expect(course.points[2]!.tokens).toBe(520);
    expect(last(course.points).sources.files).toBeGreaterThan(2000);
  });
});

describe('compactions', () => {
  const full: Part[] = [
    { prompt: 100 },
    { input: 20_000, output: 100 },
    { result: 60_000, tool: 'Bash' },
    { input: 20_200, output: 100 },
    { input: 60_000, output: 500 },
  ];

  it('are one where hook and transcript tell of it, with what was dropped', () => {
    const course = courseOf([
      ...full,
      { compaction: 'transcript', trigger: 'auto', pre: 61_000 },
      { compaction: 'transcript' },
      { compaction: 'hook' },
      { prompt: 100 },
      { input: 26_000, output: 100 },
    ]);
    expect(course.compactions).toHaveLength(1);
    const [compaction] = course.compactions;
    expect(compaction).toMatchObject({
      trigger: 'auto',
      told: true,
      before: 60_500,
      after: 26_000,
      point: 3,
    });
    expect(compaction!.dropped.output).toBeGreaterThan(30_000);
    expect(compaction!.dropped.system).toBe(0);
    expect(last(course.points)).toMatchObject({ compaction: 0 });
    expect(last(course.points).sources.output).toBe(0);
    // The summary is what was said.
    expect(last(course.points).sources.conversation).toBeGreaterThan(5000);
  });

  it('are inferred from a drop by more than half that nobody told of', () => {
    const { compactions } = courseOf([...full, { prompt: 100 }, { input: 26_000, output: 100 }]);
    expect(compactions).toMatchObject([{ trigger: 'unknown', told: false, before: 60_500 }]);
    expect(courseOf([...full, { prompt: 100 }, { input: 31_000, output: 1 }]).compactions).toEqual(
      [],
    );
  });

  it('are there before the request after them', () => {
    const { compactions, points } = courseOf([
      ...full,
      { compaction: 'transcript', trigger: 'manual', post: 9000 },
    ]);
    expect(compactions).toMatchObject([
      { trigger: 'manual', before: 60_500, after: 9000, point: points.length },
    ]);
  });
});

describe('contextAt', () => {
  it('is the last point at or before a step, as a walk over the points says', () => {
    fc.assert(
      fc.property(calls, (list) => {
        const fold = foldOf(sessionOf(list));
        const course = contextCourse(fold);
        for (let step = -1; step <= fold.steps.length; step++) {
          let found: unknown;
          for (const point of course.points) {
            if (point.step > step) break;
            found = point;
          }
          expect(contextAt(course, step)).toEqual(found);
          expect(contextAt({ ...course, points: course.points }, step)).toEqual(found);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('contextStamp', () => {
  it('stays only while the course would be the same, in whatever order events arrive', () => {
    let same = 0;
    fc.assert(
      fc.property(calls, fc.boolean(), fc.infiniteStream(fc.nat(6)), (list, jumbled, order) => {
        const events = sessionOf(list);
        const arriving = jumbled
          ? events
              .map((event, i) => ({ event, at: i + (order.next().value as number) }))
              .sort((a, b) => a.at - b.at)
              .map(({ event }) => event)
          : events;
        const fold = new SessionFold({ pricer });
        let known: ContextCourse | undefined;
        arriving.forEach((event, i) => {
          fold.add(structuredClone(event), i * 100, 100);
          const now = contextCourse(fold);
          if (known !== undefined && known.stamp === contextStamp(fold)) {
            same++;
            expect(now.points).toEqual(known.points);
          }
          known = now;
        });
      }),
      { numRuns: 40 },
    );
    expect(same).toBeGreaterThan(100);
  });
});

describe('recorded sessions', () => {
  const root = join(import.meta.dirname, '../../../test/fixtures/seed');
  const names = ['v032', 'v080'].flatMap((version) =>
    readdirSync(join(root, version)).map((name) => join(version, name, 'events.ndjson')),
  );
  it.each(names.filter((name) => existsSync(join(root, name))))('add up: %s', (name) => {
    const fold = new SessionFold({ pricer });
    let offset = 0;
    for (const line of readFileSync(join(root, name), 'utf8').split('\n')) {
      const size = Buffer.byteLength(line) + 1;
      const decoded = decodeLine(line);
      if (decoded.ok) fold.add(decoded.event, offset, size);
      offset += size;
    }
    for (const course of contextCourses(fold)) check(fold, course);
  });
});
