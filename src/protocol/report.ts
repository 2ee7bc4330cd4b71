/** The messages between the page that shows reports and whatever hosts it. */

export const REPORT_PROTOCOL = 1;

/** Reports on one session, in the order of their tabs. */
export const SESSION_REPORTS = [
  'explain',
  'timeline',
  'cost',
  'context',
  'budget',
  'tree',
  'stats',
] as const;
/** Reports on one step of a session. */
export const STEP_REPORTS = ['why', 'inspect'] as const;
/** Reports on two sessions: what they did differently, and what came of it. */
export const PAIR_REPORTS = ['diff', 'outcome'] as const;
export const REPORTS = [...SESSION_REPORTS, ...STEP_REPORTS, ...PAIR_REPORTS] as const;
export type ReportName = (typeof REPORTS)[number];

const LABELS: Record<ReportName, string> = {
  explain: 'Explain',
  timeline: 'Timeline',
  cost: 'Cost',
  context: 'Context',
  budget: 'Budget',
  tree: 'Tree',
  stats: 'Stats',
  why: 'Why',
  inspect: 'Event',
  diff: 'What they did',
  outcome: 'What came of it',
};

/** What a tab says. @param step from 0 */
export function reportLabel(report: ReportName, step: number | undefined): string {
  if (report === 'why' && step !== undefined) return `Why step ${step + 1}`;
  if (report === 'inspect' && step !== undefined) return `Step ${step + 1}`;
  return LABELS[report];
}

/** What a page is about: it keeps this, so that its tab can be filled again after a reload. */
export interface ReportSubject {
  /** Key of the session; of two, that of A. */
  session: string;
  /** Key of B. */
  other?: string;
  report: ReportName;
  /** From 0, of a report about a step. */
  step?: number;
}

export interface ReportTab {
  report: ReportName;
  label: string;
}

/** A session that the page is about. Its words are hostile. */
export interface ReportSide {
  title: string;
  facts: string;
  live: boolean;
  /** Its trace was moved or deleted: what was read is shown. */
  gone: boolean;
}

/** How many steps there are to go to; of two sessions, of each. */
export type StepCounts = number | { a: number; b: number };

export type ToReportPage =
  | { type: 'start'; version: number; subject: ReportSubject }
  /** Who the report is about, and what else can be shown of it. One side, or A and B. */
  | { type: 'head'; sides: ReportSide[]; tabs: ReportTab[]; shown: ReportName }
  | { type: 'empty'; reason: 'loading' | 'gone' | 'cancelled' }
  | { type: 'progress'; readEvents: number; readBytes: number; totalBytes: number }
  /** A report is being made, and none of it is there yet. */
  | { type: 'working'; report: ReportName }
  /** A report, in Markdown. Sent anew when it says something else. */
  | { type: 'report'; report: ReportName; step?: number; text: string; steps: StepCounts }
  | { type: 'error'; message: string; detail?: string };

export type FromReportPage =
  | { type: 'ready'; version: number }
  | { type: 'show'; report: ReportName }
  /** Opens the replay at a step; of two sessions, of that side. */
  | { type: 'openStep'; step: number; side: 'a' | 'b' }
  /** Makes it anew. */
  | { type: 'refresh' }
  | { type: 'cancel' }
  /** Puts the report on the clipboard as Markdown. */
  | { type: 'copy' }
  /** Opens the report as a text document. */
  | { type: 'openMarkdown' }
  /** Opens the replay; of two sessions, the page that compares them. */
  | { type: 'openSession' }
  /** The person is to pick a session, where that of the page is gone. */
  | { type: 'choose' };
