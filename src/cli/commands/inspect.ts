import { lstatSync } from 'node:fs';
import { TYPE } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';
import type { SessionFold } from '../../model/fold.ts';
import { summarise } from '../../model/summary.ts';
import { readyEvent } from '../../redact/event.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { redactValue, usePersonalRules } from '../../redact/redact.ts';
import { inspectMarkdown } from '../../report/inspectMarkdown.ts';
import { inspectedStep, wholeEvent } from '../../report/inspectReport.ts';
import { safeJson } from '../../report/terminalText.ts';
import { readMeta } from '../../trace/meta.ts';
import type { TraceSession } from '../../trace/session.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { breathe, CliError, type Io, print, printJson } from '../io.ts';
import { STEP_WORDS, stepArgument } from '../stepArgument.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

const BATCH = 500;

export interface InspectOptions extends TraceOptions {
  mask?: boolean;
  markdown?: boolean;
  step?: string;
}

/**
 * `{"session": …, "events": […]}`, written piece by piece: a session may be larger than memory. Or one step.
 *
 * @throws CliError, Interrupted
 */
export async function inspect(
  io: Io,
  id: string | undefined,
  step: string | undefined,
  options: InspectOptions,
): Promise<number> {
  const entry = findSession(io, openStore(io, options), id);
  const session = await readSession(io, entry);
  usePersonalRules(personalRules);
  const asked = step ?? options.step;
  if (asked !== undefined) return await inspectStep(io, session, asked, options);
  if (options.markdown === true) {
    throw new CliError(
      '--markdown shows one step',
      EXIT.usage,
      'Name it: agent-strace inspect [id] <step> --markdown',
    );
  }
  const shown = (value: object): unknown =>
    options.mask === true ? redactValue(value, {}, 'personal') : value;
  await print(
    io,
    `{\n  "session": ${indented(shown(sessionOf(io, entry, session)))},\n  "events": [`,
  );
  const rows = inFileOrder(session.fold);
  let first = true;
  for (let from = 0; from < rows.length; from += BATCH) {
    const events = session.readEvents(rows.slice(from, from + BATCH));
    const texts: string[] = [];
    for (const event of events) {
      if (event === undefined) continue;
      const whole = shownEvent(event, options.mask === true);
      texts.push(`${first ? '' : ','}\n    ${indented(whole, '    ')}`);
      first = false;
    }
    await print(io, texts.join(''));
    await breathe(io);
  }
  await print(io, `${first ? '' : '\n  '}]\n}\n`);
  return EXIT.ok;
}

/** As it stands in the file, keys that this version does not know with it. */
function shownEvent(event: TraceEvent, mask: boolean): object {
  if (!mask) return wholeEvent(event);
  const { extra = {}, ...known } = readyEvent(event, 'personal');
  return { ...known, ...(redactValue(extra, {}, 'personal') as object) };
}

/** `{"session_id", "step", "event", "result", "response"}` of one step, null where there is none. */
async function inspectStep(
  io: Io,
  session: TraceSession,
  asked: string,
  { mask = false, markdown = false }: InspectOptions,
): Promise<number> {
  const step = stepArgument(session, asked);
  const inspected = inspectedStep(session, step, (event) => shownEvent(event, mask));
  if (inspected === undefined) {
    throw new CliError('There is no such step', EXIT.none, `A step is ${STEP_WORDS}.`);
  }
  if (markdown) await print(io, inspectMarkdown(inspected));
  else {
    const { event, result, response } = inspected;
    await printJson(io, { session_id: session.id, step: step + 1, event, result, response });
  }
  return EXIT.ok;
}

const indented = (value: unknown, indent = '  '): string =>
  safeJson(value, 2).replaceAll('\n', `\n${indent}`);

function inFileOrder({ columns }: SessionFold): number[] {
  return Array.from({ length: columns.length }, (_, row) => row).sort(
    (a, b) => columns.offset[a]! - columns.offset[b]!,
  );
}

/** What meta.json says, with the counters as the events have them. */
function sessionOf(io: Io, entry: SessionEntry, session: TraceSession): Record<string, unknown> {
  const { fold } = session;
  const meta = readMeta(entry) ?? {};
  const summary = summarise(fold, {
    nowMs: io.now(),
    process: processState(io, entry.id),
  });
  const began = summary.startedAtMs > 0;
  const { usage } = summary.cost;
  const ended = summary.endedAtMs;
  return {
    ...meta,
    session_id: entry.id,
    started_at: began ? summary.startedAtMs / 1000 : (meta.started_at ?? startOf(entry)),
    ...(ended === undefined || !began ? {} : { ended_at: ended / 1000 }),
    agent_name: text(meta.agent_name) || summary.agent,
    command: text(meta.command),
    tool_calls: summary.calls,
    llm_requests: fold.counts.byType[TYPE.llm_request]! || summary.cost.responses,
    errors: summary.errors,
    total_tokens: usage.input_tokens + usage.output_tokens,
    total_duration_ms: began ? Math.round(summary.durationMs) : 0,
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function startOf(entry: SessionEntry): number | null {
  try {
    return lstatSync(entry.directory).mtimeMs / 1000;
  } catch {
    return null;
  }
}
