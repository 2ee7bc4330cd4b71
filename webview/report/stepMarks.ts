/** Steps that a report names, marked in its text by characters that stand for nothing else. Pure. */
import type { StepCounts } from '../../src/protocol/report.ts';
import { stepLinks } from '../../src/protocol/stepLinks.ts';

/** Before a step of a session, or of A; before one of B; after it. For private use: a trace that has them loses them. */
const MARKS = /[\uE000-\uE002]/g;
const OF_A = '\uE000';
const OF_B = '\uE001';
const END = '\uE002';
const MARKED = /([\uE000\uE001])([^\uE000-\uE002]*)\uE002/g;

/** A piece of text: a step to go to, or none. */
export interface TextPiece {
  text: string;
  /** From 0. */
  step?: number;
  side?: 'a' | 'b';
}

/** @param text Markdown, hostile */
export function markSteps(text: string, steps: StepCounts): string {
  const lines = text.replace(MARKS, '\uFFFD').split('\n');
  // By line, from left to right.
  const links = stepLinks(lines.join('\n'), steps);
  let next = 0;
  return lines
    .map((line, at) => {
      let marked = '';
      let done = 0;
      for (let link = links[next]; link?.line === at; link = links[++next]) {
        const { start, end, side } = link;
        // `**Step** 3` would be torn by what it is to be.
        const words = line.slice(start, end);
        const from = words.includes('*') ? start + words.search(/\d/) : start;
        marked += `${line.slice(done, from)}${side === 'b' ? OF_B : OF_A}${line.slice(from, end)}${END}`;
        done = end;
      }
      return marked + line.slice(done);
    })
    .join('\n');
}

/** Text of a marked report, in pieces. */
export function piecesOf(text: string): TextPiece[] {
  const pieces: TextPiece[] = [];
  let done = 0;
  const plain = (end: number): void => {
    const words = text.slice(done, end).replace(MARKS, '');
    if (words !== '') pieces.push({ text: words });
  };
  for (const match of text.matchAll(MARKED)) {
    const [whole, mark, words = ''] = match;
    const step = Number(words.replace(/\D/g, '')) - 1;
    plain(match.index);
    done = match.index + whole.length;
    if (step < 0) pieces.push({ text: words });
    else pieces.push({ text: words, step, side: mark === OF_B ? 'b' : 'a' });
  }
  plain(text.length);
  return pieces;
}

export const unmarked = (text: string): string => text.replace(MARKS, '');
