/** What fills the context windows of a session: for a terminal. */
import { CONTEXT_SOURCES, type ContextSource } from '../analysis/context/contextCourse.ts';
import { type ContextSources, shareOut } from '../analysis/context/sources.ts';
import { formatPercent, formatTokens, MISSING, plural } from '../model/format.ts';
import { type Bounded, firstOf, gapHow, moreLines, moreText } from './bounds.ts';
import { fullest, tellingTurns, turnsGap, USUAL_LANES } from './contextGaps.ts';
import type {
  CompactionJson,
  ContextLaneJson,
  ContextReport,
  ContextRequestJson,
  ContextTurnJson,
} from './contextReport.ts';
import type { Colour, Style } from './style.ts';
import { renderTable } from './table.ts';
import { cutToWidth, padToWidth, sanitizeLine, wrapFacts } from './terminalText.ts';
import { titleLine } from './titleLine.ts';

/** `most`: turns, or requests, of a window; and windows. */
interface Look extends Bounded {
  style: Style;
  width?: number | undefined;
}

/** A sign and a colour for each source: told apart without colours, too. */
const SIGNS: Record<ContextSource, [sign: string, colour: Colour]> = {
  system: ['█', 'dim'],
  memory: ['▚', 'cyan'],
  conversation: ['░', 'green'],
  files: ['▓', 'blue'],
  output: ['▒', 'magenta'],
};
const WORDS: Record<ContextSource, string> = {
  system: 'system, tools',
  memory: 'memory',
  conversation: 'conversation',
  files: 'files',
  output: 'output',
};
export const NO_REQUESTS =
  'No request told its tokens. Usage comes from the transcript: import it, or let a turn end.';

/** Under one row. */
const USUAL_COMPACTIONS = 5;
const LARGEST = 10;
const BAR = 30;
const LEAST_BAR = 10;
/** A window that is hardly filled has bars that are relative to the peak. */
const SMALL = 0.3;

export function contextText(report: ContextReport, look: Look): string {
  const { style, width } = look;
  const { shown, rest } = fullest(report.lanes, look.most ?? USUAL_LANES);
  const parts = shown.map((lane) => laneText(lane, look, report.lanes.length > 1));
  if (rest > 0) parts.push(moreLines(moreText(rest, 'agent'), look));
  return [
    `${titleLine(report.title, { style, width })}\n`,
    ...(parts.length > 0 ? parts : [moreLines(NO_REQUESTS, look)]),
  ].join('\n');
}

/** `Explore: find the callers`, or the id. */
export const laneName = (lane: { lane: string; type: string; description: string }): string =>
  lane.lane === ''
    ? 'main agent'
    : sanitizeLine([lane.type, lane.description].filter(Boolean).join(': ') || lane.lane);

function laneText(lane: ContextLaneJson, look: Look, named: boolean): string {
  const { style, width } = look;
  const lines: string[] = [];
  const put = (text: string, paint?: (line: string) => string): void => {
    for (const line of wrapFacts(text, width)) lines.push(paint ? paint(line) : line);
  };
  if (named) lines.push(style.bold(cutToWidth(laneName(lane), width)));
  if (lane.requests === 0) {
    put(NO_REQUESTS, style.dim);
    return `${lines.join('\n')}\n`;
  }
  put(factsOf(lane));
  if (lane.window_tokens === null) {
    put('The window of this model is not known: bars are relative to the peak.', style.dim);
  }
  lines.push('', ...legend(lane.sources, look), '');
  const scale = scaleOf(lane);
  lines.push(...rowsText(lane, scale, look));
  if (scale !== lane.window_tokens) {
    lines.push(style.dim(cutToWidth(`a full bar is the peak, ${formatTokens(scale)}`, width)));
  }
  const forecast = forecastWords(lane);
  if (forecast !== '') {
    lines.push('');
    put(forecast);
  }
  const largest = largestText(lane, look);
  return `${lines.join('\n')}\n${largest === '' ? '' : `\n${largest}`}`;
}

export function factsOf(lane: ContextLaneJson): string {
  const { window_tokens: window, tokens, peak_tokens: peak, fill } = lane;
  const of =
    window === null ? ' tokens' : ` of ${formatTokens(window)} (${formatPercent(fill ?? 0)})`;
  return [
    sanitizeLine(lane.model) || 'unknown model',
    `${formatTokens(tokens)}${of}`,
    ...(peak > tokens ? [`peak ${formatTokens(peak)}`] : []),
    plural(lane.requests, 'request'),
    lane.compactions.length === 0 ? 'no compaction' : plural(lane.compactions.length, 'compaction'),
  ].join(' · ');
}

/** Tokens of a full bar. */
function scaleOf({ window_tokens: window, peak_tokens: peak }: ContextLaneJson): number {
  return window !== null && peak >= window * SMALL ? Math.max(window, peak) : peak;
}

function legend(sources: ContextSources, { style, width }: Look): string[] {
  let sum = 0;
  for (const source of CONTEXT_SOURCES) sum += sources[source];
  const facts = CONTEXT_SOURCES.filter((source) => sources[source] > 0).map((source) => {
    const share = formatPercent(sources[source] / sum);
    return `${SIGNS[source][0]} ${WORDS[source]} ~${formatTokens(sources[source])} (${share})`;
  });
  return wrapFacts(facts.join(' · '), width).map((line) => painted(line, style));
}

/** Colours the signs of a line that is cut to its width already. */
function painted(line: string, style: Style): string {
  let text = line;
  for (const [sign, colour] of Object.values(SIGNS)) {
    text = text.replace(new RegExp(`${sign}+`, 'g'), (run) => style[colour](run));
  }
  return text;
}

/** The window as a bar: what each source takes of it, and what is free. */
export function contextBar(sources: ContextSources, scale: number, columns: number): string {
  let sum = 0;
  for (const source of CONTEXT_SOURCES) sum += sources[source];
  const filled = scale > 0 ? Math.min(columns, Math.round((sum / scale) * columns)) : 0;
  const shares: number[] = [];
  shareOut(
    sum > 0 ? Math.max(1, filled) : 0,
    CONTEXT_SOURCES.map((source) => sources[source]),
    shares,
  );
  const bar = CONTEXT_SOURCES.map((source, at) => SIGNS[source][0].repeat(shares[at]!)).join('');
  return padToWidth(bar, columns).replaceAll(' ', '·');
}

interface Row {
  name: string;
  words: string;
  request: ContextRequestJson | null;
  growth: number;
  compactions: readonly number[];
}

function rowsText(lane: ContextLaneJson, scale: number, look: Look): string[] {
  const { style, width } = look;
  const all = lane.all_requests === undefined ? turnRows(lane) : requestRows(lane);
  const places = tellingTurns(all, look.most);
  const rows = places.filter((place) => typeof place === 'number').map((at) => all[at]!);
  const columns = barColumns(width);
  const words = rows.some((row) => row.words !== '');
  const table = renderTable<Row>(
    [
      {
        title: lane.all_requests === undefined ? 'turn' : 'step',
        align: 'right',
        text: (row) => row.name,
      },
      {
        title: 'window',
        text: ({ request }) =>
          request === null ? MISSING : contextBar(request.sources, scale, columns),
        paint: (cell) => painted(cell, style),
      },
      {
        title: 'tokens',
        align: 'right',
        text: ({ request }) => (request === null ? MISSING : formatTokens(request.tokens)),
      },
      {
        title: 'full',
        expendable: 2,
        align: 'right',
        text: ({ request }) =>
          request === null || lane.window_tokens === null
            ? MISSING
            : formatPercent(request.tokens / lane.window_tokens),
      },
      {
        title: 'change',
        expendable: 1,
        align: 'right',
        text: ({ request, growth }) => (request === null ? MISSING : signed(growth)),
        paint: (cell, { growth }) => (growth < 0 ? style.yellow(cell) : cell),
      },
      ...(words
        ? [{ title: 'prompt', flexible: true, expendable: 3, text: (row: Row) => row.words }]
        : []),
    ],
    rows,
    { style, ...(width === undefined ? {} : { width }) },
  )
    .trimEnd()
    .split('\n');
  const [head = '', ...body] = table;
  let next = 0;
  const noun = lane.all_requests === undefined ? 'turns' : 'requests';
  return [
    head,
    ...places.flatMap((place) => {
      if (typeof place !== 'number') {
        const gap = turnsGap(all, place, noun, gapHow(places, place));
        return wrapFacts(gap, width).map(style.dim);
      }
      const line = body[next++]!;
      const { shown, rest } = firstOf(all[place]!.compactions, look.most ?? USUAL_COMPACTIONS);
      return [
        line,
        ...shown.flatMap((index) => compactionLines(lane.compactions[index]!, look)),
        ...(rest > 0 ? yellowLines(moreText(rest, 'compaction'), look) : []),
      ];
    }),
  ];
}

const barColumns = (width: number | undefined): number =>
  width === undefined ? BAR : Math.max(LEAST_BAR, Math.min(BAR, Math.floor(width / 3)));

const signed = (tokens: number): string =>
  tokens === 0 ? '0' : `${tokens < 0 ? '−' : '+'}${formatTokens(Math.abs(tokens))}`;

const turnRows = ({ turns }: ContextLaneJson): Row[] =>
  turns.map((turn) => ({
    name: turnName(turn),
    words: sanitizeLine(turn.prompt),
    request: turn.last,
    growth: turn.growth_tokens,
    compactions: turn.compactions,
  }));

export const turnName = ({ turn }: ContextTurnJson): string => (turn === 0 ? MISSING : `P${turn}`);

function requestRows(lane: ContextLaneJson): Row[] {
  const rows: Row[] = [];
  let tokens = 0;
  let next = 0;
  const { all_requests: all = [], compactions } = lane;
  for (const [at, request] of all.entries()) {
    const row: Row = {
      name: String(request.step),
      words: '',
      request,
      growth: request.tokens - tokens,
      compactions: [],
    };
    tokens = request.tokens;
    const until = all[at + 1]?.at ?? Number.POSITIVE_INFINITY;
    const own: number[] = [];
    while (next < compactions.length && isBefore(compactions[next]!, until)) own.push(next++);
    rows.push({ ...row, compactions: own });
  }
  return rows;
}

/** One that nobody told has the time of the request after it. */
const isBefore = ({ at, told }: CompactionJson, until: number): boolean =>
  told ? at < until : at <= until;

const compactionLines = (compaction: CompactionJson, look: Look): string[] =>
  yellowLines(compactionWords(compaction), look, '  ↯ ');

/** Under a row of the table. */
function yellowLines(text: string, { style, width }: Look, lead = '    '): string[] {
  const room = width === undefined ? undefined : width - 4;
  return wrapFacts(text, room).map((line, at) =>
    style.yellow(`${at === 0 ? lead : '    '}${line}`),
  );
}

const told = (tokens: number | null): string => (tokens === null ? MISSING : formatTokens(tokens));

/** `Compacted (auto) at step 140: 167k → 24k · dropped output ~80k, files ~40k`. */
export function compactionWords(compaction: CompactionJson): string {
  const { trigger, step, before_tokens: before, after_tokens: after, dropped } = compaction;
  const how = compaction.told
    ? `Compacted${trigger === 'unknown' ? '' : ` (${trigger})`}`
    : 'Dropped without a word (compacted, cleared or rewound)';
  const parts = CONTEXT_SOURCES.filter((source) => dropped[source] > 0)
    .sort((a, b) => dropped[b] - dropped[a])
    .map((source) => `${source} ~${formatTokens(dropped[source])}`);
  const what = parts.length > 0 ? ` · dropped ${parts.join(', ')}` : '';
  return `${how} at step ${step}: ${told(before)} → ${told(after)}${what}`;
}

/** When the window will be full; empty where that cannot be told. */
export function forecastWords({ forecast, fill }: ContextLaneJson): string {
  if (forecast === null) return '';
  const { tokens_per_request: growth, over_requests: over, full_in_requests: left } = forecast;
  const pace = `Grows by ~${formatTokens(growth)} a request (last ${over})`;
  if (fill !== null && fill >= 1) return `${pace} · the window is full`;
  const at = forecast.compacts_at_tokens;
  const compacts =
    at === null
      ? ''
      : ` · compacts at ${formatTokens(at)}, as before: in ~${plural(forecast.compacts_in_requests ?? 0, 'request')}`;
  return `${pace}${compacts} · full in ~${plural(left, 'request')}`;
}

function largestText(lane: ContextLaneJson, look: Look): string {
  const shown = lane.largest.slice(0, LARGEST);
  if (shown.length === 0) return '';
  const { style, width } = look;
  return renderTable<(typeof shown)[number]>(
    [
      { title: 'step', align: 'right', text: ({ step }) => String(step) },
      {
        title: 'what was largest',
        flexible: true,
        text: ({ what }) => sanitizeLine(what) || MISSING,
      },
      {
        title: 'source',
        expendable: 1,
        text: ({ source }) => source,
        paint: (cell, { source }) => style[SIGNS[source][1]](cell),
      },
      { title: 'tokens', align: 'right', text: ({ tokens }) => `~${formatTokens(tokens)}` },
      {
        title: 'now',
        expendable: 2,
        text: ({ in_window: there }) => (there ? 'in the window' : 'compacted'),
        paint: (cell, { in_window: there }) => (there ? cell : style.dim(cell)),
      },
    ],
    shown,
    { style, ...(width === undefined ? {} : { width }) },
  );
}
