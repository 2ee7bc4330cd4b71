/** What the agent's own record of an edit says of the whole file, before and after. Pure. */

/** One side of an edit. */
export interface EditSide {
  /** Undefined: there was no file. */
  text: string | undefined;
  /** The agent took the line ends for `\n`, whatever they were. */
  plainEnds: boolean;
}

export interface EditResult {
  /** As the agent named it. */
  path: string;
  before: EditSide | undefined;
  after: EditSide | undefined;
  /** Makes the side after of the side before, where the record does not hold the whole file. */
  change: ((before: string) => string | undefined) | undefined;
}

type Row = Record<string, unknown>;
const objectOf = (value: unknown): Row | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Row) : undefined;
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** @param value a transcript's `toolUseResult`; anything may come */
export function editResult(value: unknown): EditResult | undefined {
  const row = objectOf(value);
  const path = textOf(row?.filePath) ?? textOf(row?.notebook_path);
  if (row === undefined || path === undefined || path === '') return undefined;
  const original =
    textOf(row.originalFile) ?? textOf(row.originalFileContents) ?? textOf(row.original_file);
  const content = textOf(row.content) ?? textOf(row.updated_file);
  const edits = editsOf(row);
  if (edits === undefined) {
    if (content === undefined) return undefined;
    const created = row.type === 'create' || (original === undefined && row.originalFile === null);
    const before = created ? undefined : original;
    return {
      path,
      before: created || before !== undefined ? { text: before, plainEnds: true } : undefined,
      after: { text: content, plainEnds: false },
      change: undefined,
    };
  }
  const change = (before: string): string | undefined => applyAll(before, edits, row);
  // With nothing to replace an edit makes a file. (An empty one that was there looks the same.)
  const made = original === '' && edits[0]?.oldText === '';
  const after = original === undefined ? undefined : change(original);
  return {
    path,
    before:
      original === undefined ? undefined : { text: made ? undefined : original, plainEnds: true },
    after: after === undefined ? undefined : { text: after, plainEnds: true },
    change,
  };
}

interface Edit {
  oldText: string;
  newText: string;
  all: boolean;
}

function editsOf(row: Row): Edit[] | undefined {
  const list = Array.isArray(row.edits) ? row.edits : [row];
  const edits: Edit[] = [];
  for (const item of list) {
    const edit = objectOf(item);
    const oldText = textOf(edit?.oldString) ?? textOf(edit?.old_string);
    const newText = textOf(edit?.newString) ?? textOf(edit?.new_string);
    if (oldText === undefined || newText === undefined) return undefined;
    edits.push({ oldText, newText, all: (edit?.replaceAll ?? edit?.replace_all) === true });
  }
  return edits.length > 0 ? edits : undefined;
}

function applyAll(before: string, edits: readonly Edit[], row: Row): string | undefined {
  let text: string | undefined = before;
  for (const edit of edits) text = text === undefined ? undefined : apply(text, edit);
  // The agent's diff says how many lines came or went: another number means another change.
  const grown = grownBy(row.structuredPatch);
  if (text === undefined || grown === undefined) return text;
  return lines(text) - lines(before) === grown ? text : undefined;
}

function apply(text: string, { oldText, newText, all }: Edit): string | undefined {
  if (oldText === '') return text === '' ? newText : undefined;
  // What is deleted whole goes with its line end: so Claude Code does it.
  const whole = newText === '' && !oldText.endsWith('\n') && text.includes(`${oldText}\n`);
  const from = whole ? `${oldText}\n` : oldText;
  const at = text.indexOf(from);
  if (at < 0) return undefined;
  if (all) return text.split(from).join(newText);
  return text.slice(0, at) + newText + text.slice(at + from.length);
}

const lines = (text: string): number =>
  text === '' ? 0 : text.split('\n').length - Number(text.endsWith('\n'));

function grownBy(patch: unknown): number | undefined {
  if (!Array.isArray(patch) || patch.length === 0) return undefined;
  let sum = 0;
  for (const item of patch) {
    const { oldLines, newLines } = objectOf(item) ?? {};
    if (typeof oldLines !== 'number' || typeof newLines !== 'number') return undefined;
    sum += newLines - oldLines;
  }
  return sum;
}
