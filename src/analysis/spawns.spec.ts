import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analysed } from '../../test/analysed.ts';
import { Script, SESSION, scriptOf, turns } from '../../test/costSession.ts';
import { stepOfEvent } from '../model/eventStep.ts';
import { ids } from '../model/ids.ts';
import { summarise } from '../model/summary.ts';
import { sessionCosts } from './costs/sessionCosts.ts';
import { spawnsOf } from './spawns.ts';
import { sessionTree } from './tree/sessionTree.ts';
import { whyChain } from './why/whyChain.ts';

const sessionOf = (script: Script) => analysed(script.fold(), script.events);

/** By agent: the agent that started it, and what both come to. */
function told(session: ReturnType<typeof sessionOf>) {
  const { fold } = session;
  const summary = summarise(fold, { nowMs: 0, process: 'gone' });
  const nodes = sessionTree([{ session, summary }]);
  const tree = nodes.map(({ id, parent, total }, at): [string, string, number, number] => [
    at === 0 ? '' : id,
    parent <= 0 ? '' : nodes[parent]!.id,
    total.nanoUsd,
    total.unpriced,
  ]);
  const { subagents } = sessionCosts(session).breakdown;
  const costs = subagents.map((agent): [string, string, number, number] => [
    agent.lane === 0 ? '' : agent.id,
    agent.parent <= 0 ? '' : fold.lanes.name(agent.parent),
    agent.totalNanoUsd,
    agent.totalUnpriced,
  ]);
  return { tree: tree.sort(), costs: costs.sort() };
}

describe('who started a subagent', () => {
  /** `one` is known by its id, `two` by the result of a call of `one`, `three` by nothing but its time. */
  const script = () =>
    new Script()
      .start(0)
      .prompt(1)
      .answer(2, { input: 100, calls: ['a', 'c'] })
      .call(3, 'a', 'Agent')
      .subagent(4, 'one', 'Explore', 'a')
      .answer(5, { input: 200, lane: 'one', calls: ['b'] })
      .call(6, 'b', 'Agent', { prompt: 'look' }, 'one')
      .subagent(7, 'two', 'Plan', '')
      .answer(8, { input: 400, lane: 'two', model: 'free', calls: ['r'] })
      .call(9, 'r', 'Read', { file_path: '/p/x' }, 'two')
      .result(10, 'r', 'Read', {}, 'two')
      .answer(11, { input: 800, lane: 'two' })
      .result(12, 'b', 'Agent', { subagent_id: 'two' }, 'one')
      .call(13, 'c', 'Agent')
      .subagent(14, 'three', 'Plan', '')
      .answer(15, { input: 1600, lane: 'three' });

  it('is found by ids, by results, and by time', () => {
    const session = sessionOf(script());
    const { fold } = session;
    const found = [...spawnsOf(session)].map(([lane, { row, sure }]) => [
      fold.lanes.name(lane),
      fold.steps.stepOf(row),
      sure,
    ]);
    const step = (id: string) => stepOfEvent(fold, ids.call(SESSION, id));
    expect(found).toEqual([
      ['one', step('a'), 'evidence'],
      ['two', step('b'), 'evidence'],
      ['three', step('c'), 'likely'],
    ]);
    const chain = whyChain(session, step('r'))!;
    expect(chain.links.map((link) => link.step)).toContain(step('b'));
  });

  it('is told once: costs add up as the tree does', () => {
    const { tree, costs } = told(sessionOf(script()));
    expect(costs).toEqual(tree);
    expect(costs.map(([id, parent]) => [id, parent])).toEqual([
      ['', ''],
      ['one', ''],
      ['three', ''],
      ['two', 'one'],
    ]);
    fc.assert(
      fc.property(turns, (list) => {
        const both = told(sessionOf(scriptOf(list)));
        expect(both.costs).toEqual(both.tree);
      }),
      { numRuns: 60 },
    );
  });

  it('is read once of a session that is asked again', () => {
    const session = sessionOf(script());
    let read = 0;
    const counted = {
      ...session,
      readEvents(rows: readonly number[]) {
        read += rows.length;
        return session.readEvents(rows);
      },
    };
    spawnsOf(counted);
    expect(read).toBe(1);
    spawnsOf(counted);
    expect(read).toBe(1);
  });
});
