import type { ComponentChild } from 'preact';
import { type OpenStep, SIGNS, words } from './markdown.tsx';
import { ScrollBox } from './scrollBox.tsx';

/** Lines that the browser lays out together, when they are near to what is seen. */
const TOGETHER = 100;

/** A block of code, or a table that was drawn for a terminal: its lines as they are. */
export function CodeBlock({ text, onStep }: { text: string; onStep: OpenStep }) {
  const lines = text.split('\n');
  const parts: ComponentChild[] = [];
  for (let at = 0; at < lines.length; at += TOGETHER) {
    const some = lines.slice(at, at + TOGETHER);
    parts.push(
      <code key={at} class="lines">
        {some.map((line, nth) => [
          signedLine(line, onStep),
          at + nth < lines.length - 1 ? '\n' : '',
        ])}
      </code>,
    );
  }
  return (
    <ScrollBox class="code-box" label="Text">
      <pre>{parts}</pre>
    </ScrollBox>
  );
}

/** A row of a drawn table begins with how it came out. */
function signedLine(line: string, onStep: OpenStep): ComponentChild {
  const [, indent = '', sign = ''] = /^( {0,2})([✓✕⊘●]) /.exec(line) ?? [];
  if (sign === '') return words(line, onStep);
  return [
    indent,
    <span class={`sign ${SIGNS[sign]}`}>{sign}</span>,
    words(line.slice(indent.length + 1), onStep),
  ];
}
