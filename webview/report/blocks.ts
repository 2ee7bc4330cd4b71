/** A report as blocks: what `marked` reads in its Markdown. Pure. */
import { Lexer, type Token, type Tokens } from 'marked';
import type { ReportName, StepCounts } from '../../src/protocol/report.ts';
import { markSteps, unmarked } from './stepMarks.ts';

export interface Heading {
  /** Place among the blocks. */
  at: number;
  depth: number;
  text: string;
}

export interface Blocks {
  tokens: Token[];
  /** Those that an outline has. */
  headings: Heading[];
}

/** A report with fewer is seen as a whole. */
const LEAST_HEADINGS = 5;
const MOST_HEADINGS = 300;

/**
 * @param text Markdown, hostile
 * @param title of the session, as the page shows it above the report
 */
export function blocksOf(
  report: ReportName,
  text: string,
  steps: StepCounts,
  title: string,
): Blocks {
  const all: Token[] = new Lexer({ gfm: true }).lex(markSteps(text, steps));
  // The page says already whose report it is.
  const isSaid = (token: Token): boolean =>
    (isHeading(token) && token.depth === 1 && report !== 'inspect') ||
    (token.type === 'paragraph' && plainText(token as Tokens.Paragraph) === title) ||
    (token.type === 'list' && typeof steps !== 'number');
  const blocks = all.filter(({ type }) => type !== 'space');
  const first = blocks.findIndex((token) => !isSaid(token));
  const tokens = blocks.slice(Math.max(0, first));
  const headings = tokens.flatMap((token, at) =>
    isHeading(token) ? [{ at, depth: token.depth, text: plainText(token) }] : [],
  );
  return {
    tokens,
    headings: headings.length < LEAST_HEADINGS ? [] : headings.slice(0, MOST_HEADINGS),
  };
}

const isHeading = (token: Token | undefined): token is Tokens.Heading => token?.type === 'heading';

/** What a heading or a paragraph says, without what makes parts of it bold or code. */
function plainText({ tokens }: Pick<Tokens.Heading, 'tokens'>): string {
  return unmarked(
    tokens
      .map((token) => ('text' in token && token.type !== 'link' ? token.text : token.raw))
      .join(''),
  );
}
