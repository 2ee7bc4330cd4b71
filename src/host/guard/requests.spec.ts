import { expect, test } from 'vitest';
import type { Approval } from '../../guard/approvals.ts';
import { Requests } from './requests.ts';

const NOW = 1_800_000_000_000;
const one = (id: string, at: number): Approval => ({
  ...{ version: 1, id, session: 's', agent: 'claude', traceDir: '/p/.agent-traces', project: '/p' },
  ...{ rule: { name: 'r', text: 't' }, detail: 'd', call: { tool: 'Bash', target: 'ls', id: 'x' } },
  ...{ at: NOW / 1000 + at, until: NOW / 1000 + at + 60, pid: 1, startTime: '1' },
});
const ids = (requests: Requests) => requests.all.map(({ request }) => request.id);

test('this window’s come first, then the oldest; each is new once, and keeps its place when answered', () => {
  const requests = new Requests();
  const here = ({ id }: Approval) => id !== 'far';
  const all = [one('far', 0), one('a', 1), one('b', 2)];
  expect(requests.take(all, here, NOW).map(({ request }) => request.id)).toEqual(['far', 'a', 'b']);
  expect(requests.take(all, here, NOW)).toEqual([]);
  expect(ids(requests)).toEqual(['a', 'b', 'far']);
  requests.say('a', 'allow', NOW);
  requests.take(all.slice(0, 1).concat(all[2]!), here, NOW + 1000);
  expect(ids(requests)).toEqual(['a', 'b', 'far']);
  expect(requests.waiting(NOW + 1000).map(({ request }) => request.id)).toEqual(['b', 'far']);
  requests.take(all.slice(0, 1).concat(all[2]!), here, NOW + 6000);
  expect(ids(requests)).toEqual(['b', 'far']);
});

test('what goes away says why: its time ran out, or nobody waits any more', () => {
  const requests = new Requests();
  requests.take([one('late', -59), one('gone', 0)], () => true, NOW);
  requests.take([], () => true, NOW + 500);
  expect(requests.get('late')?.said?.answer).toBe('late');
  expect(requests.get('gone')?.said?.answer).toBe('gone');
});

test('a key answers the first, and nothing that nobody can have read', () => {
  const requests = new Requests();
  requests.take([one('b', 1)], () => true, NOW);
  expect(requests.next(NOW + 500)).toBeUndefined();
  expect(requests.next(NOW + 1500)?.request.id).toBe('b');
  // An older one of another window's hook comes in front of it.
  requests.take([one('a', 0), one('b', 1)], () => true, NOW + 1600);
  expect(requests.next(NOW + 1700)).toBeUndefined();
});
