import { useEffect, useRef } from 'preact/hooks';
import { visibleText } from '../../src/model/visibleText.ts';
import type { ReportSide, ToReportPage } from '../../src/protocol/report.ts';
import { IconButton } from '../shared/iconButton.tsx';
import type { ReportApp } from './app.ts';

type HeadMessage = Extract<ToReportPage, { type: 'head' }>;

/** Who the report is about, what can be done with it, and the other reports. */
export function Head({ app, head, onHelp }: { app: ReportApp; head: HeadMessage; onHelp(): void }) {
  const { sides } = head;
  const isPair = sides.length > 1;
  return (
    <header class="head">
      <div class="head-row">
        <div class="sides">
          {isPair && <h1 class="sr-only">Diff of two sessions</h1>}
          {sides.map((side, at) => (
            <Side key={at} side={side} letter={isPair ? (at === 0 ? 'A' : 'B') : ''} />
          ))}
        </div>
        <div class="tools">
          <IconButton
            icon={isPair ? 'git-compare' : 'history'}
            label={isPair ? 'Compare' : 'Open replay'}
            hint="O"
            onClick={() => app.post({ type: 'openSession' })}
          />
          <IconButton
            icon="copy"
            label="Copy as Markdown"
            hint="C"
            onClick={() => app.post({ type: 'copy' })}
          />
          <IconButton
            icon="file"
            label="Open as Markdown"
            hint="M"
            onClick={() => app.post({ type: 'openMarkdown' })}
          />
          {!app.isLive && (
            <IconButton icon="refresh" label="Refresh" hint="R" onClick={() => app.refresh()} />
          )}
          <IconButton icon="question" label="Keys" hint="?" onClick={onHelp} />
        </div>
      </div>
      <Tabs app={app} head={head} />
    </header>
  );
}

function Side({ side, letter }: { side: ReportSide; letter: string }) {
  const title = visibleText(side.title) || 'Untitled session';
  const facts = visibleText(side.facts);
  const live = side.live && (
    <span class="tag green">
      <span class="live-dot" />
      live
    </span>
  );
  if (letter !== '') {
    return (
      <p class="side" title={`${title} · ${facts}`}>
        <span class={`badge badge-${letter.toLowerCase()}`}>{letter}</span>
        <span class="cut side-title">{title}</span>
        <span class="cut muted">{facts}</span>
        {live}
      </p>
    );
  }
  return (
    <>
      <div class="title-row">
        <h1 class="cut">{title}</h1>
        {live}
      </div>
      <p class="cut muted facts">{wholeFacts(facts)}</p>
    </>
  );
}

/** Lines break between facts, not inside one: `3h 34m` stays whole. */
const wholeFacts = (facts: string): string =>
  facts
    .split(' · ')
    .map((fact) => fact.replaceAll(' ', '\u00a0'))
    .join(' · ');

function Tabs({ app, head: { tabs, shown } }: { app: ReportApp; head: HeadMessage }) {
  const list = useRef<HTMLDivElement>(null);
  // The one that is shown is seen, however narrow the page is.
  useEffect(
    () => list.current?.querySelector(`#tab-${shown}`)?.scrollIntoView({ inline: 'nearest' }),
    [shown],
  );
  const goTo = (at: number): void => {
    const tab = tabs[(at + tabs.length) % tabs.length];
    if (!tab) return;
    app.show(tab.report);
    list.current?.querySelector<HTMLElement>(`#tab-${tab.report}`)?.focus();
  };
  const onKeyDown = (event: KeyboardEvent, at: number): void => {
    const by: Record<string, number> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: tabs.length - 1,
    };
    const next = by[event.key];
    if (next === undefined) return;
    event.preventDefault();
    goTo(next);
  };
  return (
    <div ref={list} class="tabs" role="tablist" aria-label="Reports">
      {tabs.map(({ report, label }, at) => (
        <button
          key={report}
          type="button"
          role="tab"
          id={`tab-${report}`}
          class="tab"
          aria-selected={report === shown}
          aria-controls={report === shown ? 'report' : undefined}
          tabIndex={report === shown ? 0 : -1}
          onClick={() => app.show(report)}
          onKeyDown={(event) => onKeyDown(event, at)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
