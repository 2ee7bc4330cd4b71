/** A report as elements of ours: whatever its text says is text, and nothing but a step can be clicked. */
import type { Token, Tokens } from 'marked';
import type { ComponentChild, JSX } from 'preact';
import { visibleText } from '../../src/model/visibleText.ts';
import type { Blocks } from './blocks.ts';
import { CodeBlock } from './codeBlock.tsx';
import { ScrollBox } from './scrollBox.tsx';
import { piecesOf, unmarked } from './stepMarks.ts';

export type OpenStep = (step: number, side: 'a' | 'b') => void;

/** Lists in lists, quotes in quotes: what is deeper is shown as it was written. */
const MAX_DEPTH = 12;

/** Cells with more are given room, those with less stay on one line, UTF-16 units. */
const LONG = 32;
const SHORT = 20;

export const headingId = (at: number): string => `heading-${at}`;

export function Report({ blocks, onStep }: { blocks: Blocks; onStep: OpenStep }) {
  return <>{blocks.tokens.map((token, at) => block(token, onStep, 0, at))}</>;
}

/** @param at place among its siblings; at depth 0 headings can be gone to by it */
function block(token: Token, onStep: OpenStep, depth: number, at: number): ComponentChild {
  const known = token as KnownToken;
  if (depth > MAX_DEPTH) return <p>{words(token.raw, onStep)}</p>;
  const inline = (tokens: readonly Token[] | undefined) => inlines(tokens ?? [], onStep, depth + 1);
  switch (known.type) {
    case 'space':
    case 'checkbox':
      return null;
    case 'heading': {
      const Tag = known.depth <= 2 ? 'h2' : known.depth === 3 ? 'h3' : 'h4';
      return depth === 0 ? (
        <Tag id={headingId(at)} tabIndex={-1}>
          {signed(known.tokens, inline)}
        </Tag>
      ) : (
        <Tag>{signed(known.tokens, inline)}</Tag>
      );
    }
    case 'paragraph':
      return <p>{inline(known.tokens)}</p>;
    case 'text':
      return known.tokens ? signed(known.tokens, inline) : words(known.text, onStep);
    case 'list':
      return <List list={known} onStep={onStep} depth={depth} />;
    case 'table':
      return <Table table={known} onStep={onStep} depth={depth} />;
    case 'code':
      return <CodeBlock text={known.text} onStep={onStep} />;
    case 'blockquote':
      return (
        <blockquote>
          {known.tokens.map((one, nth) => block(one, onStep, depth + 1, nth))}
        </blockquote>
      );
    case 'hr':
      return <hr />;
    default:
      // HTML, definitions of links and what else there may be: as it was written.
      return <p>{words(token.raw, onStep)}</p>;
  }
}

type KnownToken =
  | Tokens.Space
  | Tokens.Checkbox
  | Tokens.Heading
  | Tokens.Paragraph
  | Tokens.Text
  | Tokens.List
  | Tokens.Table
  | Tokens.Code
  | Tokens.Blockquote
  | Tokens.Hr;

function List({ list, onStep, depth }: { list: Tokens.List; onStep: OpenStep; depth: number }) {
  const items = list.items.map((item, at) => (
    <li key={at}>
      {item.task && (item.checked ? '☑ ' : '☐ ')}
      {item.tokens.map((token, nth) => block(token, onStep, depth + 1, nth))}
    </li>
  ));
  if (!list.ordered) return <ul class="list">{items}</ul>;
  return <ol start={list.start === '' ? 1 : list.start}>{items}</ol>;
}

function Table({
  table: { header, align, rows },
  onStep,
  depth,
}: {
  table: Tokens.Table;
  onStep: OpenStep;
  depth: number;
}) {
  const look = ({ text }: Tokens.TableCell, at: number): string =>
    align[at] === 'right'
      ? 'number'
      : text.length <= SHORT
        ? 'short'
        : text.length > LONG
          ? 'long'
          : '';
  const cell = ({ tokens }: Tokens.TableCell): ComponentChild =>
    signed(tokens, (all) => inlines(all, onStep, depth + 1));
  return (
    <ScrollBox class="table-box" label="Table">
      <table>
        <thead>
          <tr>
            {header.map((one, at) =>
              one.text.trim() === '' ? (
                <td key={at} />
              ) : (
                <th key={at} scope="col" class={look(one, at)}>
                  {cell(one)}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, nth) => (
            <tr key={nth}>
              {row.map((one, at) => (
                <td key={at} class={look(one, at)}>
                  {cell(one)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollBox>
  );
}

function inlines(tokens: readonly Token[], onStep: OpenStep, depth: number): ComponentChild[] {
  return tokens.map((token) => inline(token, onStep, depth));
}

function inline(token: Token, onStep: OpenStep, depth: number): ComponentChild {
  if (depth > MAX_DEPTH) return words(token.raw, onStep);
  const known = token as KnownInline;
  switch (known.type) {
    case 'text':
      return isBar(known.text) ? (
        <span class="bar">{known.text}</span>
      ) : (
        // The one entity that our reports write; a trace's `&` is escaped.
        words(known.text.replaceAll('&nbsp;', '\u00a0'), onStep)
      );
    case 'escape':
      return words(known.text, onStep);
    case 'strong':
      return <strong>{inlines(known.tokens, onStep, depth + 1)}</strong>;
    case 'em':
      return <em>{inlines(known.tokens, onStep, depth + 1)}</em>;
    case 'del':
      return <del>{inlines(known.tokens, onStep, depth + 1)}</del>;
    case 'codespan':
      return <code>{words(known.text, onStep)}</code>;
    case 'br':
      return <br />;
    default:
      // Links, images and HTML: as they were written.
      return words(token.raw, onStep);
  }
}

type KnownInline =
  | Tokens.Text
  | Tokens.Escape
  | Tokens.Strong
  | Tokens.Em
  | Tokens.Del
  | Tokens.Codespan
  | Tokens.Br;

/** A bar that is drawn with signs. */
const isBar = (text: string): boolean => /^[█▓▒░▚·─]{4,}$/.test(text);

/** How it came out, by the sign that reports have for it. */
export const SIGNS: Readonly<Record<string, string>> = {
  '✓': 'outcome-ok',
  '↻': 'outcome-mixed',
  '✕': 'outcome-failed',
  '✗': 'outcome-failed',
  '⊘': 'outcome-failed',
  '●': 'outcome-running',
  '·': 'quiet',
  '…': 'quiet',
};

/** What begins with a sign has it in its colour. */
function signed(
  tokens: readonly Token[],
  inline: (tokens: readonly Token[]) => ComponentChild,
): ComponentChild {
  const [first, ...rest] = tokens;
  const sign = first?.type === 'text' ? SIGNS[first.raw[0] ?? ''] : undefined;
  if (first?.type !== 'text' || sign === undefined || !/^.(?: |$)/.test(first.raw)) {
    return inline(tokens);
  }
  const text = first.raw.slice(1);
  return [
    <span class={`sign ${sign}`}>{first.raw[0]}</span>,
    inline([{ ...first, raw: text, text }, ...rest]),
  ];
}

/** Text with its steps to go to. */
export function words(text: string, onStep: OpenStep): ComponentChild {
  const pieces = piecesOf(text);
  if (pieces.length === 1 && pieces[0]!.step === undefined) return visibleText(pieces[0]!.text);
  return pieces.map((piece): string | JSX.Element => {
    const shown = visibleText(piece.text);
    const { step, side = 'a' } = piece;
    if (step === undefined) return shown;
    return (
      <button
        type="button"
        class="link step"
        title={`Open step ${step + 1} in the replay`}
        onClick={() => onStep(step, side)}
      >
        {shown}
      </button>
    );
  });
}

export const plainWords = (text: string): string => visibleText(unmarked(text));
