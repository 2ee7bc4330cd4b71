/** A real feed over real traces, for the page that shows reports. */
import { ReportFeed } from '../../src/host/reportFeed.ts';
import { ReportMaker } from '../../src/host/reportMaker.ts';
import type { FromReportPage, ReportSubject, ToReportPage } from '../../src/protocol/report.ts';
import type { OpenOptions, PageHarness, WebviewPage } from './pageHarness.ts';
import { ReplayLab } from './replayHost.ts';

export class ReportLab extends ReplayLab {
  readonly done: string[] = [];
  readonly maker = new ReportMaker(this.live, async () => new Map());
  copied = '';
  private reports: ReportFeed | undefined;

  beginReport(subject: ReportSubject, post: (message: ToReportPage) => void): ReportFeed {
    this.reports?.dispose();
    const id = (key: string): string =>
      this.live.all.find((one) => one.key === key)?.entry.id ?? key;
    this.reports = new ReportFeed(this.maker, this.live, subject, {
      post,
      openReplay: (key, step) => this.done.push(`replay ${id(key)} ${step ?? ''}`.trim()),
      openCompare: (a, b) => this.done.push(`compare ${id(a)} ${id(b)}`),
      openMarkdown: ({ report }) => this.done.push(`markdown ${report}`),
      copy: (markdown) => {
        this.copied = markdown;
      },
      choose: () => this.done.push('choose'),
      named: (label) => this.done.push(`named ${label}`),
    });
    return this.reports;
  }

  /** Opens the page on sessions that are written already. */
  async open(
    harness: PageHarness,
    { session, other, ...rest }: ReportSubject,
    options: OpenOptions = {},
  ): Promise<WebviewPage> {
    const subject: ReportSubject = {
      ...rest,
      session: await this.key(session),
      ...(other === undefined ? {} : { other: await this.key(other) }),
    };
    let feed: ReportFeed | undefined;
    const page = await harness.openFed(
      'report',
      (post) => {
        feed = this.beginReport(subject, post);
      },
      {
        viewport: { width: 1200, height: 800 },
        onMessage: (message) => feed?.receive(message as FromReportPage),
        ...options,
      },
    );
    await page.page.locator('article > *').first().waitFor();
    return page;
  }

  override async close(): Promise<void> {
    this.reports?.dispose();
    this.maker.dispose();
    await super.close();
  }
}
