import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calls, foldOf, pricer, SESSION, sessionOf } from '../../../test/randomSession.ts';
import type { TraceEvent } from '../../model/event.ts';
import { SessionFold } from '../../model/fold.ts';
import { eventId, ids } from '../../model/ids.ts';
import {
  type ContextCourse,
  contextAt,
  contextCourse,
  contextCourses,
  contextStamp,
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
void contextAt;
void contextStamp;
