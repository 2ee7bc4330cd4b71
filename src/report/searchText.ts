/** What a search found, for a terminal and as JSON. */
import { formatClock } from '../model/format.ts';
import { oneLine } from '../model/text.ts';
import { dateTime } from './sessionTable.ts';
import type { Style } from './style.ts';
import { cutStart, cutToWidth, padToWidth, sanitizeLine, textWidth } from './terminalText.ts';

/** One thing found in a session. */
export interface FoundStep {
  /** 1-based; undefined: it could not be told. */
  step?: number | undefined;
  eventId: string;
  /** ms since the epoch. */
  timeMs: number;
  eventType: string;
  tool: string;
  field: string;
  excerpt: string;
  ranges: readonly [at: number, length: number][];
}

export interface FoundSession {
  id: string;
  /** As short as it can be told from others. */
  shortId: string;
  agent: string;
  title: string;
  startMs: number;
  hits: readonly FoundStep[];
}

const WORDS: Readonly<Record<string, string>> = {
  user_prompt: 'prompt',
  assistant_response: 'answer',
  session_start: 'session',
  session_end: 'session',
  decision: 'notice',
};

const LEAD = 18;
/** Where the words found would have no room beside where they are. */
const NARROW = 72;

export function foundSession(
  { shortId, agent, title, startMs, hits }: FoundSession,
  options: { style: Style; width?: number | undefined },
): string {
  const { style, width } = options;
  const facts = [sanitizeLine(agent), dateTime(startMs), oneLine(sanitizeLine(title), 120)].filter(
    Boolean,
  );
  const head = `${sanitizeLine(shortId)}  ${facts.join(' · ')}`;
  const lines = [style.bold(cutToWidth(head, width))];
  for (const hit of hits) {
    if (hit.eventType === '') continue;
    const where = hit.step === undefined ? hit.eventId : `step ${hit.step}`;
    const time = padToWidth(`+${formatClock(hit.timeMs - startMs)}`, 8, 'right');
    const facts = `${time}  ${padToWidth(sanitizeLine(where), 12)} ${padToWidth(whatOf(hit), LEAD)} `;
    if (width !== undefined && width < NARROW) {
      lines.push(style.dim(cutToWidth(facts.trimEnd(), width)));
      lines.push(`    ${marked(hit, style, width - 4)}`.trimEnd());
      continue;
    }
    const room = width === undefined ? undefined : width - textWidth(facts);
    lines.push(`${style.dim(facts)}${marked(hit, style, room)}`.trimEnd());
  }
  return `${lines.join('\n')}\n`;
}

/** `Bash result`, `prompt`. */
function whatOf({ eventType, tool, field }: FoundStep): string {
  const known = Object.hasOwn(WORDS, eventType) ? WORDS[eventType] : undefined;
  if (known !== undefined) return known;
  const words = tool === '' ? eventType : `${tool} ${field === 'arguments' ? '' : field}`;
  return cutToWidth(sanitizeLine(words).trim(), LEAD);
}

/** The excerpt with what was found in it standing out, the first of it in any case within the room. */
function marked({ excerpt, ranges }: FoundStep, style: Style, room: number | undefined): string {
  const parts: { text: string; found: boolean }[] = [];
  let at = 0;
  for (const [from, length] of ranges) {
    parts.push({ text: excerpt.slice(at, from), found: false });
    parts.push({ text: excerpt.slice(from, from + length), found: true });
    at = from + length;
  }
  parts.push({ text: excerpt.slice(at), found: false });
  let left = room ?? Number.POSITIVE_INFINITY;
  const first = parts[0]!;
  const needed = parts.length > 1 ? textWidth(sanitizeLine(parts[1]!.text)) : 0;
  if (parts.length > 1) {
    first.text = cutStart(sanitizeLine(first.text), Math.max(10, left - needed - 20));
  }
  let line = '';
  for (const { text, found } of parts) {
    if (left <= 0) break;
    const safe = sanitizeLine(text);
    const shown = Number.isFinite(left) ? cutToWidth(safe, left) : safe;
    left -= textWidth(shown);
    line += found ? style.yellow(shown) : shown;
  }
  return line;
}

/** One object a hit, a session that was found as a whole with `event_id` null. */
export function foundJson({ id, agent, title, startMs, hits }: FoundSession): object[] {
  return hits.map((hit) => ({
    session_id: id,
    agent,
    title,
    started_at: startMs / 1000,
    step: hit.step ?? null,
    event_id: hit.eventId || null,
    at: hit.timeMs / 1000,
    event_type: hit.eventType || null,
    tool: hit.tool || null,
    field: hit.field || null,
    excerpt: hit.excerpt,
    ranges: hit.ranges,
  }));
}
