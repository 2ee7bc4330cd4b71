/**
 * The language of conditions, read and written: `cost_usd > 5 and not tool matches "Read"`. docs/rules.md describes it.
 *
 * `parseCondition(conditionText(c))` is `c`.
 */
import { type CheckRegex, Mistake, Parser } from './conditionParser.ts';
import type { Access, Condition, TextPattern } from './rule.ts';
import { impossible } from './sense.ts';

export type ParsedCondition =
  | { ok: true; condition: Condition }
  /** `column` is 1-based, in the text. */
  | { ok: false; message: string; column: number; fix?: string };

/** Longest text of one condition, characters. */
export const MAX_TEXT = 4096;

/** Reads a condition. Never throws. */
export function parseCondition(text: string, checkRegex?: CheckRegex): ParsedCondition {
  try {
    if (text.length > MAX_TEXT)
      throw new Mistake(
        0,
        `a condition has at most ${MAX_TEXT} characters`,
        'make several rules of it',
      );
    const condition = new Parser(text, checkRegex).whole();
    const never = impossible(condition, conditionText);
    if (never !== undefined) throw new Mistake(0, never.message, never.fix);
    return { ok: true, condition };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return {
      ok: false,
      message: error.message,
      column: error.at + 1,
      ...(error.fix !== undefined && { fix: error.fix }),
    };
  }
}

const VERB_OF: Record<Access, string> = {
  any: 'matches',
  read: 'reads',
  write: 'writes',
  delete: 'deletes',
};

/** A condition in the language it is read from. */
export function conditionText(condition: Condition): string {
  switch (condition.kind) {
    case 'metric':
      return `${condition.metric} ${condition.op} ${condition.value}`;
    case 'loop':
      return `loop ${condition.calls}/${condition.window}`;
    case 'sequence':
      return `sequence ${condition.length} x ${condition.repeats}`;
    case 'path':
      return `file_path ${VERB_OF[condition.access]} ${condition.patterns.map(patternText).join(', ')}`;
    case 'outside':
      return `file_path ${condition.access === 'any' ? '' : `${VERB_OF[condition.access]} `}outside workspace`;
    case 'opaque':
      return `command unreadable${condition.reasons === undefined ? '' : `: ${condition.reasons.join(', ')}`}`;
    case 'secret':
      return 'secret in outgoing call';
    case 'command':
    case 'tool':
    case 'host':
    case 'mcp_server':
      return `${condition.kind} matches ${condition.patterns.map(patternText).join(', ')}`;
    case 'not':
      return `not ${inner(condition.of)}`;
    case 'and':
    case 'or':
      return condition.of.map(inner).join(` ${condition.kind} `);
  }
}

const inner = (condition: Condition): string =>
  condition.kind === 'and' || condition.kind === 'or'
    ? `(${conditionText(condition)})`
    : conditionText(condition);

function patternText(pattern: TextPattern): string {
  if ('glob' in pattern) return `"${pattern.glob.replace(/["\\]/g, '\\$&')}"`;
  return `/${slashed(pattern.regex)}/`;
}

/** Slashes outside of classes end a regular expression: they get a backslash. */
function slashed(source: string): string {
  let out = '';
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!;
    if (char === '\\') out += char + (source[++at] ?? '');
    else out += char === '/' ? '\\/' : char;
  }
  return out;
}
