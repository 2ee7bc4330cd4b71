import { lstatSync } from 'node:fs';
import { TYPE } from '../../model/columns.ts';
import type { TraceEvent } from '../../model/event.ts';
import type { SessionFold } from '../../model/fold.ts';
import { summarise } from '../../model/summary.ts';
import { readyEvent } from '../../redact/event.ts';
import * as personalRules from '../../redact/personalRules.ts';
import { redactValue, usePersonalRules } from '../../redact/redact.ts';
import { safeJson } from '../../report/terminalText.ts';
import { readMeta } from '../../trace/meta.ts';
import type { TraceSession } from '../../trace/session.ts';
import type { SessionEntry } from '../../trace/store.ts';
import { EXIT } from '../exit.ts';
import { breathe, type Io, print, printJson } from '../io.ts';
import { stepArgument } from '../stepArgument.ts';
import { findSession, openStore, processState, readSession, type TraceOptions } from '../traces.ts';

const BATCH = 500;

export interface InspectOptions extends TraceOptions {
  mask?: boolean;
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
  if (asked !== undefined) return await inspectStep(io, session, asked, options.mask === true);
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
      const whole = wholeEvent(event, options.mask === true);
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
function wholeEvent(event: TraceEvent, mask: boolean): object {
  const { extra = {}, ...known } = mask ? readyEvent(event, 'personal') : event;
  return { ...known, ...(mask ? (redactValue(extra, {}, 'personal') as object) : extra) };
}

/** `{"session_id", "step", "event", "result", "response"}` of one step, null where there is none. */
async function inspectStep(
  io: Io,
  session: TraceSession,
  asked: string,
  mask: boolean,
): Promise<number> {
  const { fold } = session;
  const step = stepArgument(session, asked);
  const row = fold.steps.row(step);
  const isCall = fold.columns.type[row] === TYPE.tool_call;
  const rows = [row, isCall ? fold.columns.pair[row]! : -1, fold.columns.response[row]!];
  const [event, result, response] = session
    .readEvents(rows)
    .map((one) => (one === undefined ? null : wholeEvent(one, mask)));
  await printJson(io, { session_id: session.id, step: step + 1, event, result, response });
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
