/** The replay page with a million steps in a real browser: first picture, frames under the hand, memory. */
import { ROW_FLAGS, ROW_KINDS } from '../../src/protocol/rows.ts';
import { PageHarness, type WebviewPage } from '../page/pageHarness.ts';
import { median, quantile } from './stats.mjs';

export interface BenchRow {
  what: string;
  value: string;
  aim?: string;
}

/** Rows in one message, as the host sends them. */
const CHUNK = 8192;
/** A frame is not dropped where the next one follows within this, ms: one and a half of 60 a second. */
const IN_TIME_MS = 25;
const FRAMES = 180;

interface Frames {
  /** Main thread, from the first callback of a frame until it is rendered, ms. */
  work: number[];
  /** From frame to frame, ms. */
  gaps: number[];
}

interface Loaded {
  firstMs: number;
  wholeMs: number;
  longTasks: number[];
  handleMs: number[];
}

/** @param total steps */
export async function benchTimeline(total: number): Promise<BenchRow[]> {
  const harness = await PageHarness.start();
  try {
    const replay = await harness.open('replay', { viewport: { width: 1400, height: 900 } });
    const { page } = replay;
    await prepare(replay, total);
    const idle = await page.evaluate(runFrames, { gesture: 'nothing' as const, frames: FRAMES });
    const loaded = await page.evaluate(load, { total, chunk: CHUNK });
    await page.waitForTimeout(500);
    const rows: BenchRow[] = [
      {
        what: 'first picture, after the first message',
        value: `${loaded.firstMs.toFixed(0)} ms`,
        aim: 'aim ≤ 1000 ms',
      },
      { what: 'all of it, in messages of 8,192 rows', value: `${loaded.wholeMs.toFixed(0)} ms` },
      {
        what: 'handling of one message (p50 / max)',
        value: `${median(loaded.handleMs).toFixed(1)} / ${Math.max(...loaded.handleMs).toFixed(1)} ms`,
      },
      {
        what: 'tasks of more than 50 ms on the way',
        value: `${loaded.longTasks.length}${loaded.longTasks.length > 0 ? `, longest ${Math.max(...loaded.longTasks).toFixed(0)} ms` : ''}`,
        aim: 'aim 0',
      },
      framesRow('a page that does nothing', idle),
    ];
    for (const order of ['1', '2', '3']) {
      await page.keyboard.press(order);
      await page.keyboard.press('0');
      await page.waitForTimeout(300);
      for (const gesture of ['scrub', 'zoom', 'pan', 'hover'] as const) {
        const frames = await page.evaluate(runFrames, { gesture, frames: FRAMES });
        const name = { 1: 'by time', 2: 'by steps', 3: 'by cost' }[order];
        rows.push({ ...framesRow(`${gesture}, ${name}`, frames), aim: 'aim ≥ 95% ≤ 16 ms' });
      }
    }
    rows.push({
      what: 'memory of the page, collected',
      value: `${(await memory(replay)).toFixed(0)} MB`,
      aim: 'aim ≤ 400 MB',
    });
    if (replay.errors.length > 0) throw new Error(replay.errors.join('\n'));
    return rows;
  } finally {
    await harness.close();
  }
}

function framesRow(what: string, { work, gaps }: Frames): BenchRow {
  const share = (list: number[], most: number): string =>
    `${((list.filter((one) => one <= most).length / list.length) * 100).toFixed(1)}%`;
  return {
    what,
    value: `${median(work).toFixed(1)} / ${quantile(work, 0.95).toFixed(1)} ms  ${share(work, 16)} ≤ 16 ms, ${share(gaps, IN_TIME_MS)} in time`,
  };
}

/** Heap and the stores behind typed arrays, MB. */
async function memory({ page }: WebviewPage): Promise<number> {
  const client = await page.context().newCDPSession(page);
  await client.send('HeapProfiler.collectGarbage');
  const usage = (await client.send('Runtime.getHeapUsage')) as {
    usedSize: number;
    embedderHeapUsedSize?: number;
    backingStorageSize?: number;
  };
  const bytes =
    usage.usedSize + (usage.embedderHeapUsedSize ?? 0) + (usage.backingStorageSize ?? 0);
  return bytes / 1e6;
}

/** Puts the host into the page: what is measured is the page, not the way there. */
async function prepare({ page }: WebviewPage, total: number): Promise<void> {
  const kinds = Object.fromEntries(ROW_KINDS.map((kind, at) => [kind, at]));
  await page.evaluate(
    ({ kinds, flags, total }) => {
      const start = Date.UTC(2026, 0, 1);
      const MIX = ['read', 'read', 'run', 'reasoning', 'modify', 'search', 'read', 'assistant'];
      const post = (data: unknown): void => {
        window.dispatchEvent(new MessageEvent('message', { data, origin: location.origin }));
      };
      const columns = (from: number, to: number) => {
        const count = to - from;
        const made = {
          from,
          count,
          total,
          kind: new Uint8Array(count),
          flags: new Uint16Array(count),
          lane: new Uint16Array(count),
          timeMs: new Float64Array(count),
          durationMs: new Float32Array(count),
          nanoUsd: new Float64Array(count),
        };
        for (let i = 0; i < count; i++) {
          const step = from + i;
          const dice = ((step * 2654435761) >>> 0) / 0x100000000;
          const prompt = step % 250 === 0;
          const kind = prompt ? 'prompt' : MIX[Math.floor(dice * MIX.length)]!;
          made.kind[i] = kinds[kind]!;
          // Every pause is a prompt that somebody wrote.
          made.timeMs[i] = start + step * 900 + Math.floor(step / 250) * 60_000;
          made.durationMs[i] = prompt ? Number.NaN : 40 + ((dice * 997) % 1) * 1800;
          made.nanoUsd[i] = prompt ? 5e8 : Math.floor(dice * 4e6);
          made.lane[i] = !prompt && step % 5000 > 3800 ? 1 + (Math.floor(step / 5000) % 8) : 0;
          if (!prompt && step % 1009 === 17) made.flags[i] = flags.error;
          if (!prompt && step % 5003 === 99) made.flags[i] = flags.denied;
          if (!prompt && step % 20_011 === 7) made.flags[i] = flags.compaction;
        }
        return made;
      };
      const answer = (message: { type: string; requestId: number; from: number; to: number }) => {
        if (message.type !== 'rows') return;
        const { requestId, from, to } = message;
        const rows = Array.from({ length: to - from }, (_, i) => ({
          row: from + i,
          icon: 'file',
          verb: 'Read',
          target: `src/file${from + i}.ts`,
          style: 'code',
          detail: '',
        }));
        setTimeout(() => post({ type: 'rows', sessionId: 'big', requestId, from, rows }), 5);
      };
      Object.assign(globalThis, { postToExtension: answer });
      Object.assign(window, { bench: { post, columns, start } });
    },
    { kinds, flags: ROW_FLAGS, total },
  );
}

/** Runs in the page. */
async function load({ total, chunk }: { total: number; chunk: number }): Promise<Loaded> {
  interface Bench {
    post(data: unknown): void;
    columns(from: number, to: number): object;
    start: number;
  }
  const { post, columns, start } = (window as unknown as { bench: Bench }).bench;
  const longTasks: number[] = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longTasks.push(entry.duration);
  }).observe({ type: 'longtask' });
  const nextTask = () =>
    new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve();
      port2.postMessage(0);
    });
  const nextFrame = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
  const canvas = (): HTMLCanvasElement | null => document.querySelector('.timeline-stage canvas');
  const filled = (x: number): boolean => {
    const one = canvas();
    if (!one || one.width === 0) return false;
    // The main lane, at its left or right end.
    const { data } = one.getContext('2d')!.getImageData(x, 104, 6, 28);
    return data.some((value) => value > 60);
  };
  const handleMs: number[] = [];
  const send = (data: unknown): void => {
    const before = performance.now();
    post(data);
    handleMs.push(performance.now() - before);
  };
  const startedMs = performance.now();
  let firstMs = Number.NaN;
  const phases = Array.from({ length: Math.ceil(total / 500) }, (_, i) => ({
    name: `Phase ${i + 1}`,
    activity: 'fix',
    outcome: (['ok', 'ok', 'mixed', 'failed'] as const)[i % 4],
    promptNumber: i + 1,
    firstStep: i * 500,
    lastStep: Math.min(total, i * 500 + 500) - 1,
    startMs: start,
    endMs: start + 1,
    nanoUsd: 1e9,
    calls: 400,
    errors: 0,
    denied: 0,
    wastedNanoUsd: 0,
  }));
  send({
    type: 'start',
    version: 2,
    sessionId: 'big',
    speed: 4,
    skipIdle: true,
    step: 10,
  });
  const endMs = start + total * 900 + Math.floor(total / 250) * 60_000;
  send({
    type: 'header',
    header: {
      sessionId: 'big',
      nowMs: endMs,
      title: 'A long one',
      agent: 'Claude Code',
      models: ['claude-sonnet-4-5'],
      workspace: 'payments-api',
      status: 'ended',
      startedAtMs: start,
      endedAtMs: endMs,
      durationMs: endMs - start,
      cost: { nanoUsd: 2e12, estimatedNanoUsd: 0, unpriced: 0 },
      counts: { events: total, calls: total, errors: 991, denied: 200, files: 1000 },
      badLines: 0,
      lanes: ['main', ...Array.from({ length: 8 }, (_, i) => `worker ${i + 1}`)],
    },
  });
  // As the host does: the end first, it is what is seen.
  send({ type: 'columns', sessionId: 'big', columns: columns(total - 1024, total) });
  for (let from = 0; from < total; from += chunk) {
    const made = columns(from, Math.min(total, from + chunk));
    await nextTask();
    send({ type: 'columns', sessionId: 'big', columns: made });
    if (Number.isNaN(firstMs)) {
      await nextFrame();
      await nextTask();
      if (filled(151)) firstMs = performance.now() - startedMs;
    }
  }
  const context = {
    step: Uint32Array.from({ length: total / 10 }, (_, i) => i * 10),
    tokens: Float64Array.from({ length: total / 10 }, (_, i) => 20_000 + ((i * 37) % 160_000)),
    window: 200_000,
  };
  const lanes = Array.from({ length: 9 }, (_, lane) => ({
    kind: lane === 0 ? 'main' : 'subagent',
    lane,
    name: lane === 0 ? 'Main' : `worker ${lane}`,
    nanoUsd: 1e10,
    startMs: start + lane * 1e6,
    endMs,
    spawnStep: lane * 1000,
    parentLane: 0,
  }));
  send({
    type: 'outline',
    sessionId: 'big',
    outline: { phases, lanes, context, cacheBreaks: [], wastedNanoUsd: 0, budgetNanoUsd: 4e12 },
  });
  const right = canvas()!.width - 72;
  for (let tries = 0; tries < 600 && !filled(right); tries++) await nextFrame();
  await nextTask();
  const wholeMs = performance.now() - startedMs;
  await new Promise((resolve) => setTimeout(resolve, 300));
  return { firstMs, wholeMs, longTasks, handleMs };
}

/** Runs in the page: one movement of the hand a frame. */
async function runFrames({
  gesture,
  frames,
}: {
  gesture: 'nothing' | 'scrub' | 'zoom' | 'pan' | 'hover';
  frames: number;
}): Promise<{ work: number[]; gaps: number[] }> {
  const stage = document.querySelector<HTMLElement>('.timeline-stage');
  const box = stage?.getBoundingClientRect();
  const work: number[] = [];
  const gaps: number[] = [];
  if (stage) stage.setPointerCapture = () => {};
  const pointer = (type: string, x: number, y: number): void => {
    stage?.dispatchEvent(
      new PointerEvent(type, {
        bubbles: true,
        pointerId: 1,
        button: 0,
        clientX: box!.left + x,
        clientY: box!.top + y,
      }),
    );
  };
  const wheel = (deltaY: number, deltaX = 0): void => {
    stage?.dispatchEvent(
      new WheelEvent('wheel', {
        bubbles: true,
        cancelable: true,
        deltaY,
        deltaX,
        clientX: box!.left + 700,
        clientY: box!.top + 120,
      }),
    );
  };
  const width = box ? box.width - 230 : 0;
  const act = (frame: number): void => {
    const share = frame / frames;
    switch (gesture) {
      case 'scrub':
        if (frame === 0) pointer('pointerdown', 160, 43);
        pointer('pointermove', 160 + share * width, 43);
        if (frame === frames - 1) pointer('pointerup', 160 + share * width, 43);
        return;
      case 'zoom':
        // All the way in, and out again.
        wheel(share < 0.5 ? -110 : 110);
        return;
      case 'pan':
        if (frame === 0) for (let i = 0; i < 12; i++) wheel(-240);
        wheel(0, share < 0.5 ? 90 : -90);
        return;
      case 'hover':
        pointer('pointermove', 160 + share * width, 120);
    }
  };
  let last = Number.NaN;
  for (let frame = 0; frame < frames; frame++) {
    await new Promise<void>((resolve) => {
      requestAnimationFrame(() => {
        const startedMs = performance.now();
        if (!Number.isNaN(last)) gaps.push(startedMs - last);
        last = startedMs;
        // Behind all callbacks of this frame, and after it is rendered.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          work.push(performance.now() - startedMs);
          // What the hand does comes between frames, as it does in life.
          const actedMs = performance.now();
          act(frame);
          work[work.length - 1]! += performance.now() - actedMs;
          resolve();
        };
        requestAnimationFrame(() => {});
        port2.postMessage(0);
      });
    });
  }
  return { work, gaps };
}

/** For a profiler. */
export const parts = { prepare, load, runFrames };
