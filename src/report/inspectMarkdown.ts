/** One step as it stands in the trace, as Markdown. */
import { formatDuration, formatMoment, formatUsd } from '../model/format.ts';
import { markdownText } from '../model/markdownText.ts';
import type { InspectedStep } from './inspectReport.ts';
import { fenced } from './markdownFence.ts';
import { safeJson } from './terminalText.ts';

/** Of one text in an event, UTF-16 units: more is read with `inspect --json`. */
const MAX_TEXT = 20_000;

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
    ...(Number.isNaN(durationMs) ? [] : [formatDuration(durationMs)]),
    ...(Number.isNaN(nanoUsd) ? [] : [`${formatUsd(nanoUsd)} of its response`]),
    OUTCOMES[outcome],
  ].filter((fact) => fact !== '');
  return [
    `# Step ${step + 1}: ${markdownText(words)}`,
    facts.map(markdownText).join(' · '),
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
  const json = safeJson(shortened(value), 2)
    // As good in JSON, and no editor makes it a link.
    .replaceAll('://', ':\\/\\/');
  return [`## ${title}`, fenced('json', json.split('\n'))];
}

/** Long texts cut. What is nested deeper than a person reads is left as it is. */
function shortened(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') {
    const more = value.length - MAX_TEXT;
    return more > 0 ? `${value.slice(0, MAX_TEXT)}… (${more} more characters)` : value;
  }
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => shortened(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, shortened(item, depth + 1)]),
  );
}

const MAX_DEPTH = 8;
