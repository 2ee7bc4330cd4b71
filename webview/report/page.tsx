import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { visibleText } from '../../src/model/visibleText.ts';
import { Announcer } from '../shared/announcer.tsx';
import { ErrorBar, ProgressBar } from '../shared/bars.tsx';
import { usePainter } from '../shared/hooks.ts';
import { Icon } from '../shared/icons.tsx';
import { KeyList, listenToKeys } from '../shared/keys.tsx';
import { CANCEL_MS, PROGRESS_MS, type ReportApp, type ShownReport } from './app.ts';
import { Head } from './head.tsx';
import { Report } from './markdown.tsx';
import { Outline } from './outline.tsx';

const KEYS = [
  ['1 … 9', 'The tabs'],
  ['← →', 'Previous, next tab'],
  ['O', 'Open the replay, or the comparison'],
  ['C', 'Copy as Markdown'],
  ['M', 'Open as Markdown'],
  ['R', 'Refresh'],
  ['?', 'This list'],
] as const;

export function ReportPage({ app }: { app: ReportApp }) {
  usePainter(app.painter);
  const [showKeys, setShowKeys] = useState(false);
  useKeys(app, () => setShowKeys(true));
  const { head, report, progress } = app;
  const late = (app.workingMs ?? 0) >= PROGRESS_MS;
  return (
    <main class="frame">
      <ProgressBar progress={progress} label="Reading the trace" words={late} />
      {head && <Head app={app} head={head} onHelp={() => setShowKeys(true)} />}
      <ErrorBar error={app.error} onDismiss={() => app.dismissError()} />
      {head?.sides.some(({ gone }) => gone) && (
        <p class="note-bar">The trace was moved or deleted. Showing what was read.</p>
      )}
      {app.empty ? (
        <Empty app={app} />
      ) : report ? (
        <Content key={report.id} app={app} report={report} />
      ) : (
        <Working app={app} />
      )}
      <Announcer status={statusText(app)} alert="" />
      {showKeys && <KeyList keys={KEYS} onClose={() => setShowKeys(false)} />}
    </main>
  );
}

function useKeys(app: ReportApp, onHelp: () => void): void {
  useEffect(() => {
    const keys: Record<string, () => void> = {
      O: () => app.post({ type: 'openSession' }),
      C: () => app.post({ type: 'copy' }),
      M: () => app.post({ type: 'openMarkdown' }),
      R: () => app.refresh(),
      '?': onHelp,
    };
    for (let at = 0; at < 9; at++) {
      keys[String(at + 1)] = () => {
        const tab = app.head?.tabs[at];
        if (tab) app.show(tab.report);
      };
    }
    return listenToKeys(keys, () => app.head !== undefined);
  }, [app, onHelp]);
}

function Content({ app, report }: { app: ReportApp; report: ShownReport }) {
  const box = useRef<HTMLDivElement>(null);
  const { blocks, id } = report;
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = app.scrollOf(id);
  }, [app, id]);
  const text = useMemo(
    () => <Report blocks={blocks} onStep={(step, side) => app.openStep(step, side)} />,
    [app, blocks],
  );
  return (
    <div
      ref={box}
      class="content"
      id="report"
      role="tabpanel"
      aria-labelledby={`tab-${report.report}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
      tabIndex={0}
      onScroll={({ currentTarget }) => app.scrolled(id, currentTarget.scrollTop)}
    >
      <Outline headings={blocks.headings} />
      <article class="report">{text}</article>
    </div>
  );
}

function Working({ app }: { app: ReportApp }) {
  const ms = app.workingMs ?? 0;
  if (ms < PROGRESS_MS) return <div class="content" />;
  return (
    <div class="empty">
      <Icon name="loading" class="spin" />
      <p>{app.progress ? 'Reading the trace …' : 'Making the report …'}</p>
      {ms >= CANCEL_MS && (
        <button type="button" class="button" onClick={() => app.post({ type: 'cancel' })}>
          Cancel
        </button>
      )}
    </div>
  );
}

function Empty({ app }: { app: ReportApp }) {
  switch (app.empty) {
    case 'gone':
      return (
        <div class="empty">
          <Icon name="history" />
          <p>This session is no longer there: its trace was moved or deleted.</p>
          <button type="button" class="button primary" onClick={() => app.post({ type: 'choose' })}>
            Choose session
          </button>
        </div>
      );
    case 'cancelled':
      return (
        <div class="empty">
          <Icon name="circle-slash" />
          <p>Cancelled.</p>
          <button type="button" class="button primary" onClick={() => app.refresh()}>
            Make the report
          </button>
        </div>
      );
    default:
      return (
        <div class="empty">
          <Icon name="loading" class="spin" />
          <p>Looking for the session …</p>
        </div>
      );
  }
}

/** What a screen reader hears without asking. */
function statusText({ head, report, empty, workingMs }: ReportApp): string {
  if (empty === 'gone') return 'This session is no longer there.';
  if (empty === 'cancelled') return 'Cancelled.';
  if ((workingMs ?? 0) >= PROGRESS_MS) return 'Making the report.';
  const label = head?.tabs.find((tab) => tab.report === report?.report)?.label;
  return label === undefined ? '' : `${label}: ${visibleText(head?.sides[0]?.title ?? '')}`;
}
