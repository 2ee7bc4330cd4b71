import { useMedia } from '../shared/hooks.ts';
import type { Heading } from './blocks.ts';
import { headingId, plainWords } from './markdown.tsx';

/** From here on the outline stands beside the report. */
const WIDE = '(min-width: 1100px)';

/** The headings of a long report: beside it where there is room, else folded above it. */
export function Outline({ headings }: { headings: readonly Heading[] }) {
  const wide = useMedia(WIDE);
  if (headings.length === 0) return null;
  const least = Math.min(...headings.map(({ depth }) => depth));
  return (
    <nav class="outline" aria-label="Contents">
      <details open={wide}>
        <summary>Contents</summary>
        <ul>
          {headings.map(({ at, depth, text }) => (
            <li key={at} class={depth > least ? 'deeper' : ''}>
              <button type="button" class="cut" onClick={() => goTo(at)}>
                {plainWords(text)}
              </button>
            </li>
          ))}
        </ul>
      </details>
    </nav>
  );
}

function goTo(at: number): void {
  const heading = document.getElementById(headingId(at));
  heading?.scrollIntoView();
  heading?.focus({ preventScroll: true });
}
