/** What `watch` shows of the sessions that it follows: lines for people, or JSON. */
import { forecastText } from '../guard/forecast.ts';
import { amountText } from '../guard/rules/amounts.ts';
import type { Rule } from '../guard/rules/rule.ts';
import { metricOf, stepOf } from '../guard/tripActs.ts';
import type { Trip } from '../guard/trips.ts';
import type { WatchedState } from '../guard/watch.ts';
import { plural } from '../model/format.ts';
import { safeJson, sanitizeLine } from '../report/terminalText.ts';
import { tripLine, watchLine } from '../report/watchText.ts';
import { type Io, styleFor, warn, widthOf } from './io.ts';
import { shellWord } from './traces.ts';

/** Where the output is no terminal, a line that changed is printed so often, ms. */
const PLAIN_MS = 10_000;

/** A trip in a line, for people. */
export const tripText = (trip: Trip): string =>
  tripLine({
    id: trip.session.slice(0, 8),
    line: trip.line,
    action: trip.action,
    state: trip.state,
    detail: trip.detail,
    rule: trip.rule.name,
    dryRun: trip.dryRun === true,
    acted: trip.processes !== undefined,
    ...(trip.problem !== undefined && { problem: trip.problem }),
  });

/** Lines that change in place on a terminal; elsewhere lines that come now and then; or JSON. */
export class WatchScreen {
  private readonly io: Io;
  private readonly json: boolean;
  private readonly live: boolean;
  private shown: string[] = [];
  private readonly printed = new Map<string, { text: string; atMs: number }>();
  private readonly told = new Set<string>();

  constructor(io: Io, json: boolean) {
    this.io = io;
    this.json = json;
    this.live = !json && io.stdout.isTTY === true;
  }

  /** @param own rules of the flags @param inForce rules that hold anyway */
  start(own: number, inForce: number, project: string, id: string | undefined): void {
    if (this.json) return;
    const what = id === undefined ? `sessions of ${project}` : `session ${id.slice(0, 8)}`;
    const rules = own + inForce === 0 ? 'no rules' : plural(own + inForce, 'rule');
    const hint = own + inForce === 0 ? ' Nothing will be stopped: try --budget 5.' : '';
    this.note(`Watching ${what}, ${rules}. Ctrl-C ends it.${hint}`);
  }

  /** @param rules of the repository that would do more than it may */
  weak(rules: readonly Rule[]): void {
    const [first] = rules;
    if (this.json || first === undefined) return;
    const file = first.file === undefined ? 'their file' : shellWord(first.file);
    this.note(
      `${plural(rules.length, 'rule')} of the repository may only deny here. To let them ${first.action}: --rules ${file}`,
    );
  }

  show(states: readonly WatchedState[]): void {
    const nowMs = this.io.now();
    if (this.live) {
      const width = widthOf(this.io);
      this.draw(states.map((state) => this.line(state, nowMs, width)));
      return;
    }
    for (const state of states) {
      const text = this.json
        ? safeJson(stateJson(state))
        : this.line(state, nowMs, widthOf(this.io));
      const before = this.printed.get(state.id);
      const ended = state.over && before?.text !== text;
      if (before !== undefined && !ended && nowMs - before.atMs < PLAIN_MS) continue;
      if (before?.text === text) continue;
      this.printed.set(state.id, { text, atMs: nowMs });
      this.io.stdout.write(`${text}\n`);
    }
  }

  private line(state: WatchedState, nowMs: number, width: number | undefined): string {
    const { id, summary, last, perHour, forecast, by } = state;
    return watchLine(
      {
        id: id.slice(0, 8),
        summary,
        ...(last !== undefined && { last }),
        ...(by !== undefined && { ended: by }),
        ...(perHour !== undefined && { perHour }),
        ...(forecast !== undefined && { forecast: forecastText(forecast) }),
      },
      { style: styleFor(this.io, this.io.stdout), width, nowMs },
    );
  }

  trip(trip: Trip): void {
    const json = tripJson(trip);
    const text = this.json ? safeJson(json) : tripText(trip);
    // Told when it is found, and again when something was done; what fails again and again, once.
    const told = `${trip.id} ${trip.limit ?? ''} ${text}`;
    if (this.told.has(told)) return;
    this.told.add(told);
    if (this.json) {
      this.put(json);
      return;
    }
    this.note(text, trip.action === 'alert' ? 'yellow' : 'red');
    if (trip.state !== 'open' || trip.processes === undefined) return;
    const step = stepOf(trip);
    const metric = metricOf(trip.rule.text) ?? 'tool_calls';
    const again = step === undefined ? '' : `; it is asked again at ${amountText(metric, step)}`;
    const id = sanitizeLine(trip.session.slice(0, 8));
    this.note(`To go on: agent-strace resume ${id}${again}. To end it: agent-strace stop ${id}`);
  }

  postmortem(session: string, path: string): void {
    if (path === '') return;
    if (this.json) this.put({ type: 'postmortem', session_id: session, path });
    else this.note(`${session.slice(0, 8)}: post-mortem: ${sanitizeLine(path)}`);
  }

  /** A line of JSON. */
  private put(value: object): void {
    this.io.stdout.write(`${safeJson(value)}\n`);
  }

  /** A line for people, which stays; beside JSON it goes where warnings go. */
  note(text: string, colour?: 'yellow' | 'red'): void {
    const line = sanitizeLine(text);
    if (this.json) {
      warn(this.io, line);
      return;
    }
    const style = styleFor(this.io, this.io.stdout);
    const lines = this.shown;
    this.erase();
    this.io.stdout.write(`${colour === undefined ? line : style[colour](line)}\n`);
    if (lines.length > 0) this.draw(lines);
  }

  end(): void {
    this.shown = [];
  }

  private draw(lines: string[]): void {
    if (lines.join('\n') === this.shown.join('\n')) return;
    this.erase();
    if (lines.length > 0) this.io.stdout.write(`${lines.join('\n')}\n`);
    this.shown = lines;
  }

  private erase(): void {
    if (this.shown.length > 0) this.io.stdout.write(`\u001b[${this.shown.length}A\u001b[J`);
    this.shown = [];
  }
}

const NANO = 1e9;

const tripJson = (trip: Trip) => ({
  type: 'trip',
  trip_id: trip.id,
  session_id: trip.session,
  agent: trip.agent,
  line: trip.line,
  rule: trip.rule.name,
  condition: trip.rule.text,
  scope: trip.rule.scope,
  action: trip.action,
  detail: trip.detail,
  value: trip.value ?? null,
  limit: trip.limit ?? null,
  call: trip.call ?? null,
  dry_run: trip.dryRun === true,
  state: trip.state,
  processes: trip.processes ?? [],
  problem: trip.problem ?? null,
  at: trip.at,
});

function stateJson({ id, summary, perHour, forecast, over, by }: WatchedState) {
  return {
    type: 'status',
    session_id: id,
    agent: summary.agent,
    status: summary.status,
    over,
    ended_by_rule: by ?? null,
    cost_usd: summary.cost.nanoUsd / NANO,
    cost_per_hour: perHour ?? null,
    tool_calls: summary.calls,
    errors: summary.errors,
    context_tokens: summary.context?.tokens ?? null,
    context_window: summary.context?.window ?? null,
    forecast:
      forecast === undefined
        ? null
        : { limit_usd: forecast.limit, of: forecast.of, minutes: forecast.minutes },
  };
}
