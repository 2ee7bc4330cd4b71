/** A whole session of Copilot, from its hooks and its transcript, folded. */
import { describe, expect, it } from 'vitest';
import { capturedEvents, capturedHooks } from '../../../test/copilotFixtures.ts';
import { foldOf } from '../../../test/randomSession.ts';
import type { TraceEvent } from '../../model/event.ts';
import { summarise } from '../../model/summary.ts';
import { asObject, asString } from '../rows.ts';
import { copilotRecorder } from './hook.ts';
import { copilotTranscripts } from './sessionEvents.ts';

function told(name: string): Record<'hooks' | 'live' | 'imported', TraceEvent[]> {
  const rows = capturedEvents(name);
  const sessionId = asString(asObject(rows[0]!.data)!.sessionId);
  const hooks = capturedHooks(name).flatMap(({ event, env, payload }) => {
    const session = copilotRecorder.sessionOf(payload, env);
    // Its place is known from the files of a real Copilot only.
    if (session !== sessionId) return [];
    const ms = payload.timestamp;
    return copilotRecorder.map(payload, {
      sessionId,
      event,
      timestamp: (typeof ms === 'number' ? ms : Date.parse(asString(ms))) / 1000,
      recorded: () => 'no',
    });
  });
  const read = (live: boolean) => {
    const mapper = copilotTranscripts.mapper({
      sessionId,
      file: { path: '/x', agentId: '' },
      live,
    });
    return [...rows.flatMap((row) => mapper.push(row)), ...mapper.finish()];
  };
  return { hooks, live: read(true), imported: read(false) };
}

function seen(events: TraceEvent[]) {
  const fold = foldOf(events);
  return {
    cost: summarise(fold, { nowMs: 1_800_000_000_000 }).cost,
    tools: fold.toolUse.summaries().map(({ medianMs: _, ...use }) => use),
    files: fold.files.summaries(),
    subagents: fold.subagents.all(),
  };
}

describe('a session of Copilot', () => {
  it.each(['main', 'pascal', 'tools', 'resumed'])(
    'tells each call once, whoever told of it (%s)',
    (name) => {
      const { hooks, live, imported } = told(name);
      const want = seen(imported);
      expect(want.tools.length).toBeGreaterThan(2);
      // How long a call took, a hook knows in another way.
      const sums = (events: TraceEvent[]) => {
        const { tools, files, cost } = seen(events);
        return {
          tools: tools.map(({ totalMs: _, ...use }) => use),
          files: files.map(({ lastMs: _, ...file }) => file),
          cost: { ...cost, deduplicated: 0 },
        };
      };
      expect(sums([...hooks, ...live])).toEqual(sums(imported));
      expect(sums([...hooks, ...live, ...imported])).toEqual(sums(imported));
      expect(sums([...imported, ...hooks])).toEqual(sums(imported));
    },
  );

  it('is this', () => {
    const { hooks, live } = told('tools');
    expect(seen([...hooks, ...live])).toMatchSnapshot();
  });
});
