/** Sessions for the timeline, made by rule: the one that the design shows, and those that are hard to draw. */
import type { StepKind, StepView } from '../../src/model/step.ts';
import {
  type FromReplayPage,
  type LaneView,
  type Outline,
  type PhaseView,
  REPLAY_PROTOCOL,
  type ReplayHeader,
  type ToReplayPage,
} from '../../src/protocol/replay.ts';
import { ROW_FLAGS, ROW_KINDS, type RowColumns } from '../../src/protocol/rows.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface MadeStep {
  kind: StepKind;
  /** ms after the start. */
  at: number;
  ms?: number;
  usd?: number;
  lane?: number;
  flags?: (keyof typeof ROW_FLAGS)[];
  verb?: string;
  target?: string;
}

export interface MadeSession {
  id: string;
  startedAtMs: number;
  steps: MadeStep[];
  outline?: Outline;
  header: ReplayHeader;
}

/** Steps `from … to - 1` as the host sends them. */
export function columnsOfSteps(
  { steps, startedAtMs }: Pick<MadeSession, 'steps' | 'startedAtMs'>,
  from = 0,
  to = steps.length,
): RowColumns {
  const count = Math.max(0, to - from);
  const columns: RowColumns = {
    from,
    count,
    total: steps.length,
    kind: new Uint8Array(count),
    flags: new Uint16Array(count),
    lane: new Uint16Array(count),
    timeMs: new Float64Array(count),
    durationMs: new Float32Array(count),
    nanoUsd: new Float64Array(count),
  };
  for (let i = 0; i < count; i++) {
    const { kind, at, ms, usd, lane, flags } = steps[from + i]!;
    columns.kind[i] = ROW_KINDS.indexOf(kind);
    columns.flags[i] = (flags ?? []).reduce((bits, flag) => bits | ROW_FLAGS[flag], 0);
    columns.lane[i] = lane ?? 0;
    columns.timeMs[i] = startedAtMs + at;
    columns.durationMs[i] = ms ?? Number.NaN;
    columns.nanoUsd[i] = usd === undefined ? Number.NaN : Math.round(usd * 1e9);
  }
  return columns;
}

function viewOfStep({ kind, verb, target }: MadeStep, row: number): StepView {
  return {
    row,
    icon: 'file',
    verb: verb ?? (kind === 'read' ? 'Read' : kind === 'modify' ? 'Edit' : ''),
    target: target ?? `src/file${row}.py`,
    style: 'code',
    detail: '',
  };
}

function headerOf(
  id: string,
  startedAtMs: number,
  durationMs: number,
  more: Partial<ReplayHeader> = {},
): ReplayHeader {
  return {
    sessionId: id,
    nowMs: startedAtMs + durationMs,
    title: 'Make webhook retries idempotent',
    agent: 'Claude Code 2.1.330',
    models: ['claude-sonnet-4-5', 'claude-haiku-4-5'],
    workspace: 'payments-api @ fix/webhook-dupes',
    status: 'ended',
    startedAtMs,
    endedAtMs: startedAtMs + durationMs,
    durationMs,
    cost: { nanoUsd: 4.37e9, estimatedNanoUsd: 0, unpriced: 0 },
    counts: { events: 900, calls: 182, errors: 7, denied: 2, files: 14 },
    badLines: 0,
    lanes: ['main'],
    ...more,
  };
}

/** A generator of numbers in 0 … 1, the same every time. */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x100000000;
  };
}

/** What phases hold whose sums a test does not look at. */
const NO_SUMS = {
  ownNanoUsd: 0,
  unpriced: 0,
  responses: 0,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reads: 0,
  edits: 0,
  runs: 0,
  tests: 0,
  retries: 0,
} as const;

const MIX = {
  explore: ['read', 'read', 'read', 'model', 'read', 'search', 'model'],
  test: ['run', 'run', 'model', 'run', 'read', 'run'],
  fix: ['run', 'model', 'run', 'run', 'modify', 'read', 'model'],
  edit: ['run', 'modify', 'model', 'read', 'modify', 'run'],
} as const;

/** The session of the design: 24m 18s, five prompts, two kinds of subagents, a cache that went cold. */
export function designTimeline(startedAtMs = Date.UTC(2026, 10, 23, 14, 2)): MadeSession {
  const random = dice(7);
  const steps: MadeStep[] = [];
  const minutes = (clock: string): number => {
    const [m = 0, s = 0] = clock.split(':').map(Number);
    return m * MINUTE + s * SECOND;
  };
  const parts = [
    ['0:00', '3:40', 'explore', 0.42, 'Understand', 'ok'],
    ['3:42', '6:40', 'test', 0.53, 'Reproduce', 'ok'],
    ['7:08', '12:03', 'fix', 1.11, 'Fix: backoff in retry loop', 'failed'],
    ['12:20', '18:25', 'edit', 1.38, 'Fix: idempotency key', 'mixed'],
    ['18:30', '24:15', 'test', 0.93, 'Verify ×20', 'running'],
  ] as const;
  for (const [from, to, mix, usd] of parts) {
    const end = minutes(to);
    let at = minutes(from);
    steps.push({ kind: 'prompt', at, usd, target: 'Go on' });
    const first = steps.length;
    while (at < end) {
      const kind = MIX[mix][Math.floor(random() * MIX[mix].length)]!;
      const ms =
        kind === 'read' || kind === 'search'
          ? 1500 + random() * 1500
          : kind === 'run'
            ? 5000 + random() * 15_000
            : 3000 + random() * 5000;
      const took = Math.min(ms, end - at);
      steps.push({ kind, at, ms: took, usd: 0.001 + random() * 0.02 });
      at += took + 600 + random() * 1800;
    }
    const sum = steps.slice(first).reduce((all, one) => all + one.usd!, 0);
    for (const one of steps.slice(first)) one.usd = (one.usd! / sum) * usd * 0.85;
  }
  const inner = (lane: number, from: string, to: string, mix: keyof typeof MIX, usd: number) => {
    const end = minutes(to);
    let at = minutes(from);
    const first = steps.length;
    while (at < end) {
      const kind = MIX[mix][Math.floor(random() * 3)]!;
      const ms = Math.min(kind === 'read' ? 2000 : 8000 + random() * 6000, end - at);
      steps.push({ kind, at, ms, lane });
      at += ms + 1200 + random() * 2000;
    }
    for (const one of steps.slice(first)) one.usd = usd / (steps.length - first);
  };
  inner(1, '1:00', '2:55', 'explore', 0.2);
  inner(3, '12:32', '13:18', 'explore', 0.11);
  inner(2, '4:50', '6:48', 'test', 0.24);
  inner(4, '18:42', '24:08', 'test', 0.3);
  steps.sort((a, b) => a.at - b.at);
  const nearest = (clock: string, lane = 0): MadeStep => {
    const at = minutes(clock);
    const all = steps.filter((one) => (one.lane ?? 0) === lane && one.kind !== 'prompt');
    return all.reduce((best, one) => (Math.abs(one.at - at) < Math.abs(best.at - at) ? one : best));
  };
  for (const clock of ['4:25', '5:35', '8:08', '9:25', '10:55', '14:32', '16:07']) {
    Object.assign(nearest(clock), { kind: 'run', flags: ['error'], target: 'pytest -q tests' });
  }
  for (const clock of ['11:40', '14:50']) {
    Object.assign(nearest(clock), {
      kind: 'run',
      flags: ['denied'],
      verb: 'Denied',
      target: 'git push --force',
    });
  }
  const cold = steps.find(({ kind, at }) => at > minutes('12:20') && kind !== 'prompt')!;
  cold.usd = 0.24;
  Object.assign(nearest('13:40'), {
    kind: 'modify',
    verb: 'Edit',
    target: 'src/payments/webhook.py',
  });
  Object.assign(nearest('23:30'), { flags: ['commit'], kind: 'run', target: 'git commit -m x' });
  const stepAt = (clock: string): number => {
    const at = steps.findIndex((one) => one.at >= minutes(clock));
    return at < 0 ? steps.length : at;
  };
  const phases: PhaseView[] = parts.map(([from, , , usd, name, outcome], i) => {
    const firstStep = i === 0 ? 0 : stepAt(from);
    const next = parts[i + 1];
    const lastStep = (next ? stepAt(next[0]) : steps.length) - 1;
    const own = steps.slice(firstStep, lastStep + 1);
    return {
      ...NO_SUMS,
      name,
      activity: 'fix',
      outcome,
      promptNumber: i + 1,
      firstStep,
      lastStep,
      startMs: startedAtMs + own[0]!.at,
      endMs: startedAtMs + own.at(-1)!.at + (own.at(-1)!.ms ?? 0),
      nanoUsd: usd * 1e9,
      calls: own.filter(({ kind }) => kind !== 'prompt' && kind !== 'model').length,
      errors: own.filter(({ flags }) => flags?.includes('error')).length,
      denied: own.filter(({ flags }) => flags?.includes('denied')).length,
      wastedNanoUsd: outcome === 'failed' ? 0.4e9 : 0,
    };
  });
  const lane = (number: number, name: string, usd: number, from: string, to: string): LaneView => ({
    kind: number === 0 ? 'main' : 'subagent',
    lane: number,
    name,
    nanoUsd: usd * 1e9,
    startMs: startedAtMs + minutes(from),
    endMs: startedAtMs + minutes(to),
    spawnStep: number === 0 ? -1 : stepAt(from) - 1,
    parentLane: 0,
  });
  const told = steps.flatMap((one, step) => (one.kind === 'model' && !one.lane ? [step] : []));
  let tokens = 18_000;
  const context = {
    step: Uint32Array.from(told),
    tokens: Float64Array.from(told, (step) => {
      tokens += 3500;
      if (step > stepAt('16:30') && tokens > 90_000) tokens = 46_000;
      return tokens;
    }),
    window: 200_000,
  };
  const durationMs = minutes('24:18');
  return {
    id: 'design',
    startedAtMs,
    steps,
    header: headerOf('design', startedAtMs, durationMs, {
      lanes: ['main', 'Explore', 'test-runner', 'Explore', 'test-runner'],
    }),
    outline: {
      phases,
      lanes: [
        lane(0, 'Main', 3.52, '0:00', '24:18'),
        lane(1, 'Explore', 0.2, '1:00', '2:57'),
        lane(2, 'test-runner', 0.24, '4:50', '6:50'),
        lane(3, 'Explore', 0.11, '12:32', '13:20'),
        lane(4, 'test-runner', 0.3, '18:42', '24:10'),
      ],
      context,
      cacheBreaks: [
        {
          step: steps.indexOf(cold),
          row: 0,
          lane: 0,
          timeMs: startedAtMs + cold.at,
          cause: 'time',
          detail: 'idle 7m 12s, the cache lives 5m',
          tokens: 80_000,
          nanoUsd: 0.2e9,
        },
      ],
      wastedNanoUsd: 0.6e9,
      budgetNanoUsd: 5e9,
    },
  };
}

/** What a host says of a session when a page opens, in order. */
export function openingOf(session: MadeSession, step?: number): ToReplayPage[] {
  const { id, header, outline } = session;
  return [
    {
      type: 'start',
      version: REPLAY_PROTOCOL,
      sessionId: id,
      speed: 4,
      skipIdle: true,
      ...(step === undefined ? {} : { step }),
    },
    { type: 'header', header },
    { type: 'columns', sessionId: id, columns: columnsOfSteps(session) },
    ...(outline ? [{ type: 'outline', sessionId: id, outline } as const] : []),
  ];
}

/** The host's answers: words, and the sums of a range. */
export function answerOf(session: MadeSession, message: FromReplayPage): ToReplayPage | undefined {
  const { id, steps } = session;
  if (message.type === 'rows') {
    const { requestId, from, to } = message;
    const rows = steps.slice(from, to).map((one, i) => viewOfStep(one, from + i));
    return { type: 'rows', sessionId: id, requestId, from, rows };
  }
  if (message.type === 'range') {
    const { requestId, from, to } = message;
    const own = steps.slice(from, to + 1);
    const last = own.reduce((end, { at, ms }) => Math.max(end, at + (ms ?? 0)), 0);
    return {
      type: 'range',
      sessionId: id,
      requestId,
      from,
      to,
      sums: {
        ...NO_SUMS,
        nanoUsd: own.reduce(
          (sum, { kind, usd }) => sum + (kind === 'prompt' ? 0 : (usd ?? 0) * 1e9),
          0,
        ),
        calls: own.filter(({ kind }) => kind !== 'prompt' && kind !== 'model').length,
        errors: own.filter(({ flags }) => flags?.includes('error')).length,
        denied: own.filter(({ flags }) => flags?.includes('denied')).length,
        durationMs: last - own[0]!.at,
        filesRead: 3,
        filesChanged: 2,
      },
    };
  }
  return undefined;
}
