import { whyChain } from '../analysis/why/whyChain.ts';
import { contextMarkdown } from '../report/contextMarkdown.ts';
import { contextReport } from '../report/contextReport.ts';
import { costReport } from '../report/costReport.ts';
import { explainMarkdown } from '../report/explainMarkdown.ts';
import { explainSession } from '../report/explainReport.ts';
import { sessionMarkdown } from '../report/sessionMarkdown.ts';
import { statsReport } from '../report/statsReport.ts';
import { whyMarkdown } from '../report/whyText.ts';
import { failuresOf, promptsOf } from '../trace/findings.ts';
import type { LiveSession } from './liveSession.ts';

export const REPORTS = ['explain', 'timeline', 'cost', 'context', 'why', 'tree'] as const;
export type ReportName = (typeof REPORTS)[number];

/**
 * A report on a session, as Markdown; what the command line prints with `--markdown`.
 *
 * @param name one of {@link REPORTS}, or anything
 * @param step from 0, of reports that are about one
 */
export async function reportText(
  session: LiveSession,
  name: string,
  step: number | undefined,
): Promise<string> {
  const { trace } = session;
  switch (name) {
    case 'context':
      return contextMarkdown(
        contextReport(session.id, trace.fold, wordsOf(session), { lanes: 'all', requests: false }),
      );
    case 'why': {
      const chain = step === undefined ? undefined : whyChain(trace, step);
      return chain
        ? whyMarkdown(chain, session.summary(Date.now()).title)
        : 'There is no such step in this session.\n';
    }
    case 'explain':
      return explainMarkdown(explainSession(trace, session.summary(Date.now())), session.name);
    default:
      return await summaryText(session);
  }
}

function wordsOf({ trace }: LiveSession): Parameters<typeof contextReport>[2] {
  const prompts = promptsOf(trace);
  return {
    prompt: (row) => prompts.get(row) ?? '',
    step: (step) => {
      const view = trace.describe(step, step + 1)[0];
      return [view?.verb, view?.target].filter(Boolean).join(' ');
    },
  };
}

async function summaryText(session: LiveSession): Promise<string> {
  const { trace, id } = session;
  const summary = session.summary(Date.now());
  const failures = [];
  for (const failure of failuresOf(trace)) {
    failures.push(failure);
    if (failures.length % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const stats = statsReport(id, trace.fold, summary, { failures, children: [] });
  return sessionMarkdown(
    stats,
    costReport(id, trace.fold, summary, promptsOf(trace)),
    summary,
    session.name,
  );
}
