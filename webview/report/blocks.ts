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

/** @param text Markdown, hostile */
export function blocksOf(report: ReportName, text: string, steps: StepCounts): Blocks {
  const tokens: Token[] = new Lexer({ gfm: true }).lex(markSteps(text, steps));
  // The page says already whose report it is.
  if (report !== 'inspect' && isHeading(tokens[0]) && tokens[0].depth === 1) tokens.shift();
  const headings = tokens.flatMap((token, at) =>
    isHeading(token) ? [{ at, depth: token.depth, text: plainText(token) }] : [],
  );
  return {
    tokens,
    headings: headings.length < LEAST_HEADINGS ? [] : headings.slice(0, MOST_HEADINGS),
  };
}

const isHeading = (token: Token | undefined): token is Tokens.Heading => token?.type === 'heading';

/** What a heading says, without what makes parts of it bold or code. */
function plainText({ tokens }: Tokens.Heading): string {
  return unmarked(
    tokens
      .map((token) => ('text' in token && token.type !== 'link' ? token.text : token.raw))
      .join(''),
  );
}
