import { costsInSlices } from '../analysis/costs/sessionCosts.ts';
import { sessionTree, type TreeSession } from '../analysis/tree/sessionTree.ts';
import { whyChain } from '../analysis/why/whyChain.ts';
import { markdownText } from '../model/markdownText.ts';
import { isActive } from '../model/summary.ts';
import { contextMarkdown } from '../report/contextMarkdown.ts';
import { contextInSlices } from '../report/contextReport.ts';
import { costMarkdown } from '../report/costReport.ts';
import { boundedDocument, MAX_DOCUMENT } from '../report/document.ts';
import { explainMarkdown } from '../report/explainMarkdown.ts';
import { explainInSlices } from '../report/explainReport.ts';
import { fencedText } from '../report/markdownFence.ts';
import { alignTables } from '../report/markdownTables.ts';
import { createStyle } from '../report/style.ts';
import { timelineInSlices } from '../report/timelineReport.ts';
import { timelineText } from '../report/timelineText.ts';
import { treeText } from '../report/treeReport.ts';
import { whyMarkdown } from '../report/whyText.ts';
import { promptsOf, wordsOf } from '../trace/findings.ts';
import { metaParent, metaParentEvent } from '../trace/meta.ts';
import { inSlices } from './inSlices.ts';
import type { LiveSession } from './liveSession.ts';

export const REPORTS = ['explain', 'timeline', 'cost', 'context', 'why', 'tree'] as const;
export type ReportName = (typeof REPORTS)[number];

/** An editor beside a side bar is as wide, columns. */
const WIDTH = 100;
/** Lines of a phase; phases as far as the document goes. */
const TIMELINE = { most: 40, phases: Number.POSITIVE_INFINITY };
/** Text that is made in one go; then the editor has its turn. */
const SLICE = 65_536;

/**
 * A report on a session, as Markdown: what the command line says. Where that is a table for a terminal, it is a block of code:
 * its columns stand under each other, as those of tables in Markdown do.
 *
 * @param family those that it started, at any depth, all of them read
 * @param name one of {@link REPORTS}, or anything
 * @param step from 0, of reports that are about one
 */
export async function reportText(
  session: LiveSession,
  family: readonly LiveSession[],
  name: string,
  step: number | undefined,
): Promise<string> {
  const text = alignTables(await textOf(session, family, name, step));
  return boundedDocument(text, `agent-strace ${name} ${session.id}`);
}

async function textOf(
  session: LiveSession,
  family: readonly LiveSession[],
  name: string,
  step: number | undefined,
): Promise<string> {
  const { trace } = session;
  const summary = session.summary(Date.now());
  switch (name) {
    case 'explain':
      return explainMarkdown(
        await inSlices(session, () => explainInSlices(trace, summary)),
        session.name,
      );
    case 'timeline':
      return await timeline(session);
    case 'cost':
      return await cost(session);
    case 'context':
      return contextMarkdown(
        await inSlices(session, () =>
          contextInSlices(session.id, trace.fold, wordsOf(trace), { lanes: 'all' }),
        ),
      );
    case 'tree':
      return tree([session, ...family]);
    case 'why': {
      const chain = step === undefined ? undefined : whyChain(trace, step);
      return chain ? whyMarkdown(chain, summary.title) : 'There is no such step in this session.\n';
    }
    default:
      return 'There is no such report.\n';
  }
}

const look = { style: createStyle(false), width: WIDTH };

async function timeline(session: LiveSession): Promise<string> {
  const { trace } = session;
  const found = await inSlices(session, () => timelineInSlices(trace, session.summary(Date.now())));
  const parts: string[] = [];
  let length = 0;
  let breath = 0;
  for (const piece of timelineText(trace, found, { ...look, ...TIMELINE })) {
    parts.push(piece);
    length += piece.length;
    if (length > MAX_DOCUMENT) break;
    if (length < breath + SLICE) continue;
    breath = length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return `${headed('Timeline', session)}\n\n${block(withoutTitle(parts.join('')))}\n`;
}

async function cost(session: LiveSession): Promise<string> {
  const { fold } = session.trace;
  const summary = session.summary(Date.now());
  const live = isActive(summary);
  const costs = await inSlices(session, () => costsInSlices(session.trace, { live }));
  const parts = { billedIn: [], fold, costs, prompts: promptsOf(session.trace) };
  // Whose costs they are is the title here; the sum stands below it.
  const text = costMarkdown(summary.cost, parts).replace(/^# Cost: (.*)$/m, '**$1**');
  return `${headed('Cost', session)}\n\n${text}`;
}

/** It stands above the block. */
const withoutTitle = (text: string): string => text.slice(text.indexOf('\n') + 1);

const headed = (word: string, session: LiveSession): string =>
  `# ${word}: ${markdownText(session.name ?? session.summary(Date.now()).title) || 'Untitled session'}`;

const block = (text: string): string => fencedText(text.trimEnd().split('\n'));

function tree(sessions: readonly [LiveSession, ...LiveSession[]]): string {
  const nodes = sessionTree(
    sessions.map(
      (session): TreeSession => ({
        session: session.trace,
        summary: session.summary(Date.now()),
        parent: metaParent(session.entry),
        parentEvent: metaParentEvent(session.entry),
      }),
    ),
  );
  return `${headed('Tree', sessions[0])}\n\n${block(withoutTitle(treeText(nodes, look)))}\n`;
}
