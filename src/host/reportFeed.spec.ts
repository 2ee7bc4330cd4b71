import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, type MockInstance, vi } from 'vitest';
import { designSession } from '../../test/page/replayHost.ts';
import { ReportLab } from '../../test/page/reportHost.ts';
import { REPORT_PROTOCOL, type ReportSubject, type ToReportPage } from '../protocol/report.ts';
import type { ReportFeed } from './reportFeed.ts';

let lab: ReportLab;
let posted: ToReportPage[];
let makes: MockInstance<ReportLab['maker']['make']>;
beforeEach(() => {
  lab = new ReportLab();
  makes = vi.spyOn(lab.maker, 'make');
  posted = [];
});
afterEach(async () => await lab.close());

function begin(subject: ReportSubject): ReportFeed {
  const feed = lab.beginReport(subject, (message) => posted.push(message));
  feed.receive({ type: 'ready', version: REPORT_PROTOCOL });
  return feed;
}

const of = <T extends ToReportPage['type']>(type: T) =>
  posted.filter((message): message is Extract<ToReportPage, { type: T }> => message.type === type);

/** All that was begun is made, or was given up, and what came of it is sent. */
async function settled(): Promise<void> {
  await Promise.allSettled(makes.mock.results.map(({ value }) => value));
  await setImmediate();
}

const reports = (): string[] => of('report').map(({ report }) => report);

it('says what it is about, who that is, and the report; a tab that is known comes at once', async () => {
  designSession(lab);
  const feed = begin({ session: await lab.key('design'), report: 'explain' });
  await vi.waitFor(() => expect(reports()).toEqual(['explain']));
  expect(posted.map(({ type }) => type).slice(0, 3)).toEqual(['start', 'head', 'working']);
  const [{ sides, tabs }] = of('head') as [Extract<ToReportPage, { type: 'head' }>];
  expect(sides[0]!.title).toBe('Make webhook retries idempotent');
  expect(tabs.map(({ label }) => label)).not.toContain('Why');

  feed.receive({ type: 'show', report: 'cost' });
  await vi.waitFor(() => expect(reports()).toEqual(['explain', 'cost']));
  const before = of('working').length;
  feed.receive({ type: 'show', report: 'explain' });
  expect(reports()).toEqual(['explain', 'cost', 'explain']);
  expect(of('working')).toHaveLength(before);

  // A step has tabs of its own from then on.
  feed.show('why', 7);
  await vi.waitFor(() => expect(reports().at(-1)).toBe('why'));
  expect(
    of('head')
      .at(-1)!
      .tabs.map(({ label }) => label),
  ).toContain('Why step 8');
  expect(lab.done).toContain('named Why step 8');
});

it('goes on with a session that runs, and says nothing where nothing is new', async () => {
  const writer = designSession(lab);
  const feed = begin({ session: await lab.key('design'), report: 'stats' });
  await vi.waitFor(() => expect(reports()).toHaveLength(1));
  feed.receive({ type: 'refresh' });
  await settled();
  expect(makes).toHaveBeenCalledTimes(2);
  expect(reports()).toHaveLength(1);
  writer.result(writer.call('Glob', { pattern: '**/*.rst' }), { result: '' });
  await vi.waitFor(() => expect(of('report').at(-1)!.text).toContain('Glob'), 8000);
}, 15_000);

it('is cancelled, and made when it is asked for again', async () => {
  designSession(lab);
  const feed = begin({ session: await lab.key('design'), report: 'timeline' });
  feed.receive({ type: 'cancel' });
  expect(of('empty').map(({ reason }) => reason)).toEqual(['cancelled']);
  await settled();
  expect(makes).toHaveBeenCalledOnce();
  expect(reports()).toEqual([]);
  feed.receive({ type: 'refresh' });
  await vi.waitFor(() => expect(reports()).toEqual(['timeline']));
});

it('believes nothing that a page says', async () => {
  designSession(lab);
  const feed = begin({ session: await lab.key('design'), report: 'explain' });
  await vi.waitFor(() => expect(reports()).toHaveLength(1));
  for (const message of [
    undefined,
    7,
    { type: 'show', report: 'why' },
    { type: 'show', report: 'diff' },
    { type: 'show', report: '__proto__' },
    { type: 'openStep', step: -1, side: 'a' },
    { type: 'openStep', step: '3', side: 'a' },
    { type: 'openStep', step: 3, side: 'b' },
    { type: 'openCommand', command: 'workbench.action.quit' },
  ]) {
    feed.receive(message);
  }
  await settled();
  expect(makes).toHaveBeenCalledOnce();
  expect(lab.done.filter((done) => !done.startsWith('named'))).toEqual([]);
  feed.receive({ type: 'openStep', step: 3, side: 'a' });
  feed.receive({ type: 'openSession' });
  feed.receive({ type: 'copy' });
  expect(lab.done.slice(-2)).toEqual(['replay design 3', 'replay design']);
  expect(lab.copied).toMatch(/^# Make webhook retries/);
});

it('looks for a session that is not there, and then says that it is gone', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  begin({ session: '/nowhere/gone', report: 'explain' });
  expect(of('empty').map(({ reason }) => reason)).toEqual(['loading']);
  await vi.advanceTimersByTimeAsync(5000);
  vi.useRealTimers();
  expect(of('empty').map(({ reason }) => reason)).toEqual(['loading', 'gone']);
});
