import { stepsOfEvents } from '../../model/eventStep.ts';
import { formatClock, formatMoment } from '../../model/format.ts';
import { ANNOTATION_LABELS } from '../../model/notes.ts';
import { similar } from '../../model/similar.ts';
import { stepTitle } from '../../model/step.ts';
import { policyOf } from '../../redact/event.ts';
import { readyNote } from '../../redact/note.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { usePersonalRules } from '../../redact/redact.ts';
import { cutToWidth, sanitizeLine, textWidth, wrapFacts } from '../../report/terminalText.ts';
import {
  type Annotation,
  AnnotationError,
  readAnnotations,
  removeAnnotation,
} from '../../trace/annotations.ts';
import { maskChosen } from '../../trace/choices.ts';
import type { TraceSession } from '../../trace/session.ts';
import { noteOnStep, userName } from '../../trace/stepNote.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { CliError, type Io, print, printJson, styleFor, warn, widthOf } from '../io.ts';
import { stepArgument } from '../stepArgument.ts';
import { findSession, openStore, readSession, type TraceOptions } from '../traces.ts';

export interface AnnotateOptions extends TraceOptions {
  event?: string;
  at?: string;
  note?: string;
  label?: string;
  author?: string;
  list?: boolean;
  delete?: string;
  json?: boolean;
}

/** @param step as `--event` names it */
export async function annotate(
  io: Io,
  id: string | undefined,
  step: string | undefined,
  given: AnnotateOptions,
): Promise<number> {
  if (step !== undefined && given.event !== undefined) {
    throw new CliError(
      `"${sanitizeLine(step)}" and --event both name a step: give one of them`,
      EXIT.usage,
    );
  }
  const options = step === undefined ? given : { ...given, event: step };
  const says = options.note !== undefined || options.label !== undefined;
  const asked = [says, options.list === true, options.delete !== undefined].filter(Boolean).length;
  if (asked > 1) {
    throw new CliError('One thing at a time: --note and --label, --list, or --delete', EXIT.usage);
  }
  if (!says && (options.event !== undefined || options.at !== undefined)) {
    throw new CliError(
      'There is nothing to keep',
      EXIT.usage,
      'Say it with --note TEXT, --label LABEL, or both.',
    );
  }
  const entry = findSession(io, openStore(io, options), id);
  if (options.delete !== undefined) return await remove(io, entry, options.delete, options.json);
  const session = await readSession(io, entry);
  if (!says) return await list(io, session, entry, options.json === true);
  return await add(io, session, entry, options);
}

async function add(
  io: Io,
  session: TraceSession,
  entry: SessionEntry,
  options: AnnotateOptions,
): Promise<number> {
  const { fold } = session;
  if (fold.steps.length === 0) {
    throw new CliError('The session has no steps yet', EXIT.none);
  }
  const step = stepFor(session, options);
  usePersonalRules(personalRules);
  const policy = policyOf(io.env, maskChosen);
  const ready = readyNote(options.label?.trim() ?? '', options.note ?? '', policy);
  const { label, note } = ready;
  const author = options.author ?? userName();
  const made = told(() => noteOnStep(session, step, { label, note, author }, io.now()));
  if (ready.told !== '') warn(io, ready.told);
  if (options.json === true) await printJson(io, annotationJson(entry, made, step));
  else {
    await print(io, `Noted on step ${step + 1} of ${sanitizeLine(entry.id)} (${made.id})\n`);
    const [near] = similar(label, ANNOTATION_LABELS);
    const known = (ANNOTATION_LABELS as readonly string[]).includes(label);
    if (label !== '' && !known && near !== undefined) {
      warn(io, `The label "${sanitizeLine(label)}" is new. Did you mean ${near}?`, 'dim');
    }
  }
  return EXIT.ok;
}

function stepFor(session: TraceSession, { event, at }: AnnotateOptions): number {
  const { fold } = session;
  if (event !== undefined && at !== undefined) {
    throw new CliError('--at and another word both name a step: give one of them', EXIT.usage);
  }
  if (event !== undefined) return stepArgument(session, event);
  // Without either it is about the end, as far as it has come.
  return at === undefined ? fold.steps.length - 1 : nearestStep(session, parseOffset(at) * 1000);
}

/** Seconds of `2m14s`, `134s`, `134`, `2:14`, `1:02:14`, `1h2m`. @throws CliError */
export function parseOffset(text: string): number {
  const asked = text.trim().toLowerCase().replace(/^\+/, '');
  const clock = /^(?:(\d{1,6}):)?(\d{1,6}):(\d{2}(?:\.\d{1,6})?)$/.exec(asked);
  if (clock !== null) {
    const [, hours = '0', minutes = '0', seconds = '0'] = clock;
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  }
  const units = /^(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,10}(?:\.\d{1,6})?)s?)?$/.exec(asked);
  if (units !== null && asked !== '') {
    const [, hours = '0', minutes = '0', seconds = '0'] = units;
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  }
  throw new CliError(
    `--at cannot read "${sanitizeLine(text)}"`,
    EXIT.usage,
    'It is a time since the session began: 2m14s, 134s, 2:14 or 1:02:14.',
  );
}

/** The step that began nearest to so many ms after the session's beginning. */
function nearestStep({ fold }: TraceSession, offsetMs: number): number {
  const { steps, columns } = fold;
  const wanted = fold.session.firstMs + offsetMs;
  let low = 0;
  let high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns.timeMs[steps.row(middle)]! < wanted) low = middle + 1;
    else high = middle;
  }
  const after = columns.timeMs[steps.row(low)]! - wanted;
  const before = low > 0 ? wanted - columns.timeMs[steps.row(low - 1)]! : Infinity;
  return before <= after ? low - 1 : low;
}

async function list(
  io: Io,
  session: TraceSession,
  entry: SessionEntry,
  json: boolean,
): Promise<number> {
  const { fold } = session;
  const stepOf = stepsOfEvents(fold);
  const all = readAnnotations(entry.directory)
    .map((each) => ({ each, step: stepOf(each.eventId) }))
    .sort((a, b) => a.each.offsetSeconds - b.each.offsetSeconds || a.step - b.step);
  if (json) {
    await printJson(
      io,
      all.map(({ each, step }) => annotationJson(entry, each, step)),
    );
    return EXIT.ok;
  }
  if (all.length === 0) {
    io.stderr.write(
      `Nothing is noted on this session. Add a note: agent-strace annotate ${sanitizeLine(entry.id).slice(0, 8)} 12 --note TEXT\n`,
    );
    return EXIT.ok;
  }
  const style = styleFor(io, io.stdout);
  const width = widthOf(io);
  for (const { each, step } of all) {
    const [view] = step < 0 ? [] : session.describe(step, step + 1);
    const words = stepTitle(view);
    const where = step < 0 ? 'no step of this trace' : `step ${step + 1}`;
    const lead = fit(`+${formatClock(each.offsetSeconds * 1000)}  ${where}`, width);
    const label = each.label === '' ? '' : ` [${fit(sanitizeLine(each.label), width, 40)}]`;
    const taken = textWidth(lead) + textWidth(label) + 2;
    const about = words === '' ? '' : `  ${fit(sanitizeLine(words), width, taken)}`;
    await print(io, `${style.bold(lead)}${style.yellow(label)}${style.dim(about)}\n`);
    for (const line of each.note === '' ? [] : each.note.split('\n')) {
      const lines = wrapFacts(sanitizeLine(line), width === undefined ? undefined : width - 2);
      await print(io, lines.map((part) => `  ${part}\n`).join(''));
    }
    const by = each.author === '' ? '' : `${sanitizeLine(each.author)}, `;
    const made = fit(`${by}${formatMoment(each.createdAtMs)}`, width, each.id.length + 5);
    await print(io, style.dim(`  ${made} · ${each.id}\n`));
  }
  return EXIT.ok;
}

/** Cut to the width of the terminal, less what stands beside it. */
const fit = (text: string, width: number | undefined, taken = 0): string =>
  width === undefined ? text : cutToWidth(text, Math.max(10, width - taken));

async function remove(
  io: Io,
  entry: SessionEntry,
  id: string,
  json: boolean | undefined,
): Promise<number> {
  const known = readAnnotations(entry.directory);
  const exact = known.filter((each) => each.id === id);
  const all = exact.length > 0 ? exact : known.filter((each) => each.id.startsWith(id));
  const [one] = all;
  if (id === '' || one === undefined) {
    throw new CliError(
      `No annotation of ${sanitizeLine(entry.id)} has the id "${sanitizeLine(id)}"`,
      EXIT.none,
      'See them: agent-strace annotate --list',
    );
  }
  if (all.length > 1) {
    throw new CliError(`"${sanitizeLine(id)}" fits ${all.length} annotations`, EXIT.none);
  }
  told(() => removeAnnotation(entry.directory, one.id));
  if (json === true) await printJson(io, { session_id: entry.id, deleted: one.id });
  else await print(io, `Deleted ${one.id}\n`);
  return EXIT.ok;
}

/** Keys as the file has them, and the step. @param step from 0; -1: none of this trace */
function annotationJson(entry: SessionEntry, each: Annotation, step: number): object {
  return {
    annotation_id: each.id,
    session_id: entry.id,
    event_id: each.eventId,
    step: step < 0 ? null : step + 1,
    offset_seconds: each.offsetSeconds,
    label: each.label,
    note: each.note,
    author: each.author,
    created_at: each.createdAtMs / 1000,
  };
}

/** @throws CliError in the words of what went wrong */
function told<Result>(act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof AnnotationError)) throw error;
    throw new CliError(error.message, EXIT.usage);
  }
}
