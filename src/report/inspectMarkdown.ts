/** One step as it stands in the trace, as Markdown. */
import { formatCount, formatDuration, formatMoment, formatUsd } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import { cut } from '../model/text.ts';
import type { InspectedStep } from './inspectReport.ts';
import { fenced, fencedText } from './markdownFence.ts';
import { safeJson, sanitizeTerminal } from './terminalText.ts';

/** Of one text in an event, UTF-16 units: more is read with `inspect` as JSON. */
const MAX_TEXT = 20_000;
/** A text that is longer, or has lines, is shown as such, UTF-16 units. */
const LINE = 160;
const MOST_TEXTS = 12;
const MAX_DEPTH = 8;

const OUTCOMES: Record<InspectedStep['outcome'], string> = {
  ok: '✓ it worked',
  failed: '✕ it failed',
  denied: '⊘ it was denied',
  running: '● it runs',
  none: '',
};

export function inspectMarkdown(inspected: InspectedStep): string {
  const { step, words, timeMs, durationMs, nanoUsd, outcome, event, result, response } = inspected;
  const facts = [
    formatMoment(timeMs),
    ...(Number.isNaN(durationMs) ? [] : [formatDuration(durationMs).replace('<', '\\<')]),
    ...(Number.isNaN(nanoUsd) ? [] : [`${formatUsd(nanoUsd)} of its response`]),
    OUTCOMES[outcome],
  ].filter((fact) => fact !== '');
  return [
    `# Step ${step + 1}: ${markdownText(words)}`,
    facts.join(' · '),
    ...section('Event', event),
    ...section('Result', result),
    ...section('Response that it is part of', response),
    ...(event === null ? ['The event is not there: the trace was moved or deleted.'] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

function section(title: string, value: object | null): string[] {
  if (value === null) return [];
  const texts: [path: string, text: string][] = [];
  const json = safeJson(withoutTexts(value, '', texts), 2)
    // As good in JSON, and no editor makes it a link.
    .replaceAll('://', ':\\/\\/');
  return [
    `## ${title}`,
    fenced('json', json.split('\n')),
    ...texts.flatMap(([path, text]) => [
      `### ${markdownText(path)}`,
      fencedText(sanitizeTerminal(shortened(text)).split('\n')),
    ]),
  ];
}

/** Long texts are read below, not as a string in JSON. @param depth what is deeper than a person reads is left as it is */
function withoutTexts(
  value: unknown,
  path: string,
  texts: [path: string, text: string][],
  depth = 0,
): unknown {
  if (typeof value === 'string') {
    const isText = value.includes('\n') || value.length > LINE;
    if (!isText || texts.length >= MOST_TEXTS) return shortened(value);
    texts.push([path, value]);
    return `(${formatCount(value.length)} characters, below)`;
  }
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    return value.map((item, at) => withoutTexts(item, `${path}[${at}]`, texts, depth + 1));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      withoutTexts(item, path === '' ? key : `${path}.${key}`, texts, depth + 1),
    ]),
  );
}

const shortened = (text: string): string =>
  text.length > MAX_TEXT
    ? `${cut(text, MAX_TEXT)} (${formatCount(text.length - MAX_TEXT)} more characters)`
    : text;
