import { once } from 'node:events';
import { jsonPieces } from '../report/jsonPieces.ts';
import { type Colour, createStyle, type Style, wantsColour } from '../report/style.ts';
import { cutToWidth, sanitizeLine, wrapFacts } from '../report/terminalText.ts';
import { EXIT } from './exit.ts';

/** An end with a message for people. */
export class CliError extends Error {
  readonly code: number;
  /** What to do, where that is known. */
  readonly hint: string;
  constructor(message: string, code: number, hint = '') {
    super(message);
    this.name = 'CliError';
    this.code = code;
    this.hint = hint;
  }
}

export class Interrupted extends Error {}

export interface OutStream {
  write(text: string): boolean;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

/** Everything that a command has of the world, so that tests can give it another. */
export interface Io {
  stdout: OutStream;
  stderr: OutStream;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean | undefined };
  env: Record<string, string | undefined>;
  cwd: string;
  /** ms since the epoch. */
  now(): number;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  version: string;
  /** Where the built programs lie. */
  distDir: string;
  /** The agent that runs this command; by default it is looked for. */
  agentAbove?(): { agent: string; how: string } | undefined;
}

/** Colours for one of the two streams. */
export const styleFor = (io: Io, stream: OutStream): Style =>
  createStyle(wantsColour(io.env, stream.isTTY === true));

const LEAST_WIDTH = 20;

/** Columns of the output: of the terminal; elsewhere `COLUMNS` if set, else undefined: nothing is cut. */
export function widthOf({ stdout, env }: Io): number | undefined {
  if (stdout.isTTY === true) return Math.max(LEAST_WIDTH, stdout.columns ?? 80);
  const asked = env.COLUMNS ?? '';
  return /^[1-9]\d{0,4}$/.test(asked) ? Math.max(LEAST_WIDTH, Number(asked)) : undefined;
}

/** What reports for a terminal are given. */
export const lookOf = (io: Io): { style: Style; width: number | undefined } => ({
  style: styleFor(io, io.stdout),
  width: widthOf(io),
});

/** Writes, and waits while the reader is slower. */
export async function print(io: Io, text: string): Promise<void> {
  if (io.stdout.write(text)) return;
  const stream = io.stdout as unknown as NodeJS.WritableStream;
  if (typeof stream.once === 'function') await once(stream, 'drain');
}

/** A sentence, or facts, in lines of the terminal. The text must be harmless already. */
export async function printFacts(
  io: Io,
  text: string,
  paint: (line: string) => string = (line) => line,
): Promise<void> {
  for (const line of wrapFacts(text, widthOf(io))) await print(io, `${paint(line)}\n`);
}

/** Piece by piece: it may be larger than the longest string. @throws Interrupted */
export async function printJson(io: Io, value: unknown): Promise<void> {
  await printPieces(io, jsonPieces(value));
  await print(io, '\n');
}

/** UTF-16 units that are written at once. */
const WRITTEN = 65_536;

/** Writes what comes in pieces. @throws Interrupted */
export async function printPieces(io: Io, pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < WRITTEN) continue;
    await print(io, text);
    text = '';
    await breathe(io);
  }
  await print(io, text);
}

/**
 * How much of each list is to be shown; undefined: as much as it usually has, Infinity: all.
 *
 * @throws CliError where two things are asked for
 */
export function mostOf({ all, limit }: { all?: boolean; limit?: number }): number | undefined {
  if (all === true && limit !== undefined)
    throw new CliError('--all and --limit say two things', EXIT.usage, 'Leave one of them out.');
  return all === true || limit === 0 ? Number.POSITIVE_INFINITY : limit;
}

/** @throws CliError where two ways to print it are asked for: one would be passed over in silence */
export function oneFormat(options: { json?: boolean; markdown?: boolean; csv?: boolean }): void {
  const asked = (['csv', 'json', 'markdown'] as const).filter((name) => options[name] === true);
  if (asked.length < 2) return;
  const words = asked.map((name) => `--${name}`).join(' and ');
  throw new CliError(`${words} say two things`, EXIT.usage, 'Leave one of them out.');
}

/** A line on standard error. The text must be harmless already. */
export function warn(io: Io, text: string, colour: Colour = 'yellow'): void {
  io.stderr.write(`${styleFor(io, io.stderr)[colour](text)}\n`);
}

export function throwIfInterrupted(io: Io): void {
  if (io.signal.aborted) throw new Interrupted();
}

/** Waits; Ctrl-C ends it. @throws Interrupted */
export async function sleep(io: Io, ms: number): Promise<void> {
  throwIfInterrupted(io);
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      io.signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    io.signal.addEventListener('abort', done);
  });
  throwIfInterrupted(io);
}

/** Lets signals and timers in. @throws Interrupted */
export async function breathe(io: Io): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  throwIfInterrupted(io);
}

/** Work in one go, ms: Ctrl-C must not wait. */
const GO_MS = 40;

/**
 * Does what is done in slices, saying after a second what it is.
 *
 * @throws Interrupted
 */
export async function inSlices<T>(io: Io, work: Generator<unknown, T>, what: string): Promise<T> {
  const progress = new Progress(io);
  let until = performance.now() + GO_MS;
  try {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value as T;
      if (performance.now() < until) continue;
      progress.show(what);
      await breathe(io);
      until = performance.now() + GO_MS;
    }
  } finally {
    progress.clear();
  }
}

/** A line on standard error that changes in place: on a terminal only, and only after a second. */
export class Progress {
  private readonly io: Io;
  private readonly started: number;
  private shown = 0;

  constructor(io: Io) {
    this.io = io;
    this.started = performance.now();
  }

  /** @param text hostile */
  show(text: string): void {
    if (this.io.stderr.isTTY !== true) return;
    const now = performance.now();
    if (now - this.started < 1000 || now - this.shown < 100) return;
    this.shown = now;
    // One that is broken in two would not go away.
    const line = cutToWidth(sanitizeLine(text), (this.io.stderr.columns ?? 80) - 1);
    this.io.stderr.write(`\r\u001b[K${line}`);
  }

  clear(): void {
    if (this.shown > 0) this.io.stderr.write('\r\u001b[K');
    this.shown = 0;
  }
}
