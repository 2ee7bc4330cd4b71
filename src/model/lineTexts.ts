import { isObject, type TraceEvent } from './event.ts';
import { pathArgument } from './tools.ts';

/** What redaction leaves in place of a secret. */
const REDACTED = '[REDACTED:';

/** What one step read or wrote of a file, so that its lines are known again. */
export interface StepText {
  /** Lines by what number they had at that time. */
  numbered: Map<number, string>;
  /** Lines of which only the text is known. */
  lines: Set<string>;
  /** Texts that stand somewhere in a line: the ends of an edit. */
  fragments: string[];
  /** Some of it was cut or redacted: a line that is not here may still be of this step. */
  incomplete: boolean;
}

/** Whether a line is one that the step touched; undefined: nobody can say. */
export function knows(text: StepText, line: string, number: number): boolean | undefined {
  const numbered = text.numbered.get(number);
  if (numbered !== undefined) return numbered === line;
  if (text.lines.has(line)) return true;
  if (text.fragments.some((fragment) => line.includes(fragment))) return true;
  return text.incomplete ? undefined : false;
}

/**
 * What a read or a search showed the model of this file.
 *
 * @param path as the operation names it
 */
export function textRead(result: TraceEvent | undefined, path: string): StepText | undefined {
  const shown = result?.data.result;
  if (result === undefined || typeof shown !== 'string') return undefined;
  const text = emptyText(isCut(result, 'result'));
  const rows = split(shown);
  if (isCut(result, 'result')) rows.pop();
  for (const row of rows) {
    const own = row.startsWith(`${path}:`) ? row.slice(path.length + 1) : row;
    const [, number, line] = NUMBERED.exec(own) ?? [];
    if (number === undefined || line === undefined) continue;
    if (line.includes(REDACTED)) text.incomplete = true;
    else text.numbered.set(Number(number), line);
  }
  return text.numbered.size > 0 ? text : undefined;
}

/** `12\tline` of a read (also with an arrow), `12:line` of a search. */
const NUMBERED = /^ *(\d{1,9})(?:\t|→|:)(.*)$/s;

/**
 * What a change wrote, by its call; undefined where the call does not say (a shell command).
 *
 * @param result of the call, where there is one
 */
export function textWritten(
  call: TraceEvent | undefined,
  result?: TraceEvent | undefined,
): StepText | undefined {
  const args = call?.data.arguments;
  if (call === undefined || !isObject(args) || pathArgument(args) === undefined) return undefined;
  // The person changed what the agent had proposed: then the call is not what was written.
  const text = emptyText(isCut(call, 'arguments') || result?.data.user_modified === true);
  const { content, new_string, new_source, edits } = args;
  if (typeof content === 'string') {
    for (const [at, line] of split(content).entries()) {
      if (line.includes(REDACTED)) text.incomplete = true;
      else text.numbered.set(at + 1, line);
    }
    return text;
  }
  const pieces = [new_string, new_source];
  if (Array.isArray(edits))
    for (const edit of edits) if (isObject(edit)) pieces.push(edit.new_string);
  const written = pieces.filter((piece) => typeof piece === 'string');
  for (const piece of written) addPiece(text, piece);
  return written.length > 0 ? text : undefined;
}

/** The first and the last line of an edit may be parts of lines. */
function addPiece(text: StepText, piece: string): void {
  const lines = split(piece);
  for (const [at, line] of lines.entries()) {
    if (line.includes(REDACTED)) text.incomplete = true;
    else if (at > 0 && at < lines.length - 1) text.lines.add(line);
    else if (line.trim() !== '') text.fragments.push(line);
    // A text that begins or ends with a line break has whole lines there.
    else text.lines.add(line);
  }
}

const emptyText = (incomplete: boolean): StepText => ({
  numbered: new Map(),
  lines: new Set(),
  fragments: [],
  incomplete,
});

/** Lines of a text, whatever their ends. */
export const split = (text: string): string[] => text.split(/\r\n|\n|\r/);

function isCut(event: TraceEvent, key: string): boolean {
  const { truncated } = event.data;
  return (
    isObject(truncated) &&
    Object.keys(truncated).some((name) => name === key || name.startsWith(`${key}.`))
  );
}
