/** Why a step was done: for a terminal, as JSON, as Markdown. */
import type { WhyChain, WhyLink, WhyReason } from '../analysis/why/whyChain.ts';
import { plural } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import type { Style } from './style.ts';
import { cutToWidth, padToWidth, sanitizeLine, wrapFacts } from './terminalText.ts';

/** How a link led to the next, in a word. */
const WHY_WORDS: Readonly<Record<WhyReason, string>> = {
  here: 'this step',
  prompt: 'prompt',
  parent: 'called by',
  retry: 'retry',
  error: 'error',
  named: 'named',
  read: 'read',
  change: 'change',
  test: 'tests',
  said: 'said',
  subagent: 'subagent',
  compaction: 'compacted',
};

const NO_CAUSE = 'No cause found in the trace.';
/** Of a prompt, of what stands before the first one, of what the recorder notes. */
const NOTHING_BEFORE = 'Nothing in the trace led to it.';

/** What is said where there is no chain; empty where there is one. */
function withoutCause({ unexplained, links, cut }: WhyChain): string {
  if (unexplained) return NO_CAUSE;
  return links.length === 1 && cut === 0 ? NOTHING_BEFORE : '';
}

const REASON_COLUMNS = 10;
const NARROW = 60;

export function whyText(chain: WhyChain, options: { style: Style; width?: number }): string {
  const { style, width } = options;
  const lines: string[] = [];
  const digits = Math.max(...chain.links.map(({ step }) => String(step + 1).length));
  const number = (step: number): string => padToWidth(String(step + 1), digits, 'right');
  const deep = ' '.repeat(REASON_COLUMNS + digits + 6);
  // Under the words; where that leaves no room for the evidence, nearer to the margin.
  const indent = width !== undefined && width < NARROW ? '    ' : deep;
  const room = (taken: number): number | undefined =>
    width === undefined ? undefined : Math.max(4, width - taken);
  const fit = (text: string, taken: number): string => {
    const columns = room(taken);
    return columns === undefined ? text : cutToWidth(text, columns);
  };
  const alone = withoutCause(chain);
  if (alone !== '') lines.push(style.dim(alone));
  for (const [nth, link] of chain.links.entries()) {
    const here = link.reason === 'here';
    const lead = `${padToWidth(WHY_WORDS[link.reason], REASON_COLUMNS)} step ${number(link.step)} `;
    const words = fit(sanitizeLine(link.words), lead.length);
    lines.push(here ? style.bold(`${lead}${words}`) : `${tint(link, style)(lead)}${words}`);
    if (!here) {
      const sure = `(${link.sure})`;
      const told = wrapFacts(`${sanitizeLine(link.evidence)} ${sure}`, room(indent.length + 2));
      for (const [at, line] of told.entries()) {
        lines.push(style.dim(`${indent}${at === 0 ? '└' : ' '} ${line}`));
      }
    }
    if (nth === 0 && chain.cut > 0) {
      lines.push(
        style.dim(`${' '.repeat(REASON_COLUMNS)} … ${plural(chain.cut, 'step')} left out`),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function tint({ reason, sure }: WhyLink, style: Style): (text: string) => string {
  if (reason === 'error' || reason === 'retry') return style.red;
  if (reason === 'prompt') return style.cyan;
  return sure === 'likely' ? style.dim : style.blue;
}

/** Steps are 1-based, as everywhere for people. */
export function whyJson(sessionId: string, chain: WhyChain): object {
  return {
    session_id: sessionId,
    step: chain.step + 1,
    complete: chain.complete,
    explained: chain.unexplained !== true,
    cut: chain.cut,
    links: chain.links.map(({ step, reason, sure, words, evidence }) => ({
      step: step + 1,
      reason,
      sure,
      words,
      evidence,
    })),
  };
}

/** @param title of the session, hostile */
export function whyMarkdown(chain: WhyChain, title: string): string {
  const lines = chain.links.map((link, nth) => {
    const { step, reason, sure, words, evidence } = link;
    const head = `${nth + 1}. **${WHY_WORDS[reason]}** step ${step + 1}: ${markdownText(words)}`;
    const why = reason === 'here' ? '' : `  \n   ${markdownText(evidence)} (${sure})`;
    const cut = nth === 0 && chain.cut > 0 ? `\n   (${plural(chain.cut, 'step')} left out)` : '';
    return `${head}${why}${cut}`;
  });
  return [
    `# Why step ${chain.step + 1}`,
    markdownText(title),
    withoutCause(chain),
    lines.join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}
