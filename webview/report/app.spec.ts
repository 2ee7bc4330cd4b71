import { afterEach, expect, it, vi } from 'vitest';
import { REPORT_PROTOCOL, type ToReportPage } from '../../src/protocol/report.ts';
import { ReportApp } from './app.ts';

afterEach(() => vi.unstubAllGlobals());

it('a report that is there is not said to be made when it is asked for again: nothing may come', () => {
  let hear: (event: { data: ToReportPage }) => void = () => {};
  vi.stubGlobal('acquireVsCodeApi', () => ({
    postMessage: () => {},
    getState: () => ({ scroll: 'x' }),
    setState: () => {},
  }));
  vi.stubGlobal('window', { addEventListener: (_: string, one: typeof hear) => (hear = one) });
  const app = new ReportApp();
  const say = (data: ToReportPage) => hear({ data });
  app.refresh();
  expect(app.workingMs).toBeDefined();
  const subject = { session: 's', report: 'cost' } as const;
  say({ type: 'start', version: REPORT_PROTOCOL, subject });
  say({ type: 'report', report: 'cost', text: '# Cost\n\n$1', steps: 3 });
  expect(app.workingMs).toBeUndefined();
  app.refresh();
  expect(app.workingMs).toBeUndefined();
  expect(app.report?.report).toBe('cost');
});
