/** The facts of one session: its saved state, and what was written since. */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readSessionRecord } from '../../agents/process.ts';
import { decodeLine } from '../../model/decode.ts';
import { isObject, type Json } from '../../model/event.ts';
import type { Pricer } from '../../model/usage.ts';
import { EVENTS_FILE } from '../../trace/append.ts';
import { checkOwnDirectory, openRead, readSmallFile, writeSmallFile } from '../../trace/files.ts';
import { isSafeSessionId } from '../../trace/paths.ts';
import { ensureGuardFolder, guardPlace } from '../guardHome.ts';
import { GuardFold } from './guardFold.ts';
import { type KeptPrices, readPriceTable } from './priceTable.ts';
import { othersUsd, writeSpend } from './spend.ts';

type Env = Record<string, string | undefined>;

export interface FactsOptions {
  session: string;
  /** Absolute. */
  traceDir: string;
  env?: Env;
  /** Of events that are read at most. Default 1 MB. */
  maxBytes?: number;
  /** The state is written when so many bytes of events were read, or money was spent. Default 4 KB. */
  keepBytes?: number;
  /** Default: the table in the guard's folder, read when the first response is priced. */
  pricer?: Pricer | (() => Pricer | undefined) | undefined;
  /** When the session was first seen, seconds since the epoch; default: as its record says. */
  firstSeen?: number;
}

export interface SessionFacts {
  facts: GuardFold;
  /** More events than `maxBytes` were written since: the facts are behind. */
  more: boolean;
  /** The trace has become shorter than it was, now or before: traces only grow, so somebody removed or cut it. */
  cut: boolean;
}

interface SavedState {
  v: 1;
  traceDir: string;
  dev: number;
  ino: number;
  /** Bytes that are folded. */
  offset: number;
  /** How it begins: another file may have its number, and be as long. */
  head?: string;
  /** Up to here a file that took another's place is read again. */
  again: number;
  /** It has been shorter than what was read of it. */
  cut?: true;
  /** Nano-dollars that the project's sum holds of it. */
  spent: number;
  /** Of the models that it has used. */
  prices?: KeptPrices;
  fold: Json;
}

const DEFAULT_BYTES = 1_048_576;
const CHUNK = 262_144;
const MIN_CHUNK = 4096;
const KEEP_BYTES = 4096;
/** A longer line is none of ours: it is passed over. */
const MAX_LINE = 8 * 1024 * 1024;
const MAX_STATE = 262_144;
/** The first line's time and id are in them. */
const HEAD_BYTES = 128;
/** Clocks of one machine do not differ by more, ms. */
const CLOCK_MS = 5000;

/** Never throws: of a session that cannot be read nothing is known. */
export function readFacts(options: FactsOptions): SessionFacts {
  const { session, traceDir, env = process.env } = options;
  const known = isSafeSessionId(session) ? readState(session, env) : undefined;
  const prices: KeptPrices = known?.prices ?? { of: '', models: {} };
  const pricer = options.pricer ?? (() => readPriceTable(env, prices));
  const { state, facts } = start(known, traceDir, pricer);
  state.prices = prices;
  let others: number | undefined;
  facts.others = (nowMs) => (others ??= othersUsd(traceDir, session, nowMs, env));
  if (!isSafeSessionId(session)) return { facts, more: false, cut: false };
  facts.firstSeen = () => {
    const seen = options.firstSeen ?? readSessionRecord(session, env)?.first_seen;
    return seen === undefined ? undefined : seen * 1000;
  };
  facts.nowMs = Date.now() + CLOCK_MS;
  let more = false;
  let moved = false;
  try {
    if (checkOwnDirectory(join(traceDir, session)) !== undefined) {
      return { facts, more: false, cut: state.cut === true };
    }
    const fd = openRead(join(traceDir, session, EVENTS_FILE));
    try {
      const stat = fstatSync(fd);
      const before = state.offset;
      const { dev, ino } = stat;
      const anew = place(
        state,
        { dev, ino, size: stat.size, head: headOf(fd, state.head?.length ?? 0) },
        traceDir,
        known,
      );
      more = readOn(fd, stat.size, state, facts, options.maxBytes ?? DEFAULT_BYTES);
      if ((state.head ?? '') === '') state.head = headOf(fd, Math.min(HEAD_BYTES, state.offset));
      // Writing the state costs more than folding a few events again.
      const read = state.offset - before;
      moved =
        anew ||
        (read > 0 &&
          (read >= (options.keepBytes ?? KEEP_BYTES) || sumOf(facts.hours) !== state.spent));
    } finally {
      closeSync(fd);
    }
  } catch {
    // Nothing is recorded yet, or it cannot be read: what is known stands.
  }
  if (moved) keep(options, state, facts, env);
  return { facts, more, cut: state.cut === true };
}

/** Reads all that is left, however much it is: for a process of its own. @returns as {@link readFacts} */
export function catchUp(options: FactsOptions): SessionFacts {
  // In one go: a state that cannot be saved must not make it begin again and again.
  return readFacts({ ...options, maxBytes: Number.MAX_SAFE_INTEGER / 2 });
}

const statePath = (session: string, env: Env): string =>
  guardPlace(env, 'state', `${session}.json`);

function readState(session: string, env: Env): SavedState | undefined {
  const text = readSmallFile(statePath(session, env), MAX_STATE);
  if (text === undefined) return undefined;
  try {
    const state = JSON.parse(text) as SavedState;
    const { prices } = state;
    const whole =
      state.v === 1 &&
      Number.isSafeInteger(state.offset) &&
      typeof state.traceDir === 'string' &&
      (prices === undefined || (typeof prices.of === 'string' && isObject(prices.models)));
    return whole ? state : undefined;
  } catch {
    return undefined;
  }
}

function start(
  known: SavedState | undefined,
  traceDir: string,
  pricer: FactsOptions['pricer'],
): { state: SavedState; facts: GuardFold } {
  const empty: SavedState = {
    v: 1,
    traceDir,
    dev: 0,
    ino: 0,
    offset: 0,
    again: 0,
    spent: 0,
    fold: null,
  };
  if (known === undefined) return { state: empty, facts: new GuardFold({ pricer }) };
  try {
    return { state: known, facts: GuardFold.load(known.fold, { pricer }) };
  } catch {
    return { state: empty, facts: new GuardFold({ pricer }) };
  }
}

/**
 * Where to read on. A file that shrank or is another one is read from its start, and counted on: what was counted is known by
 * its ids, and what is older than those is taken to have been counted. So nobody gets a new budget by removing a trace.
 *
 * @returns whether it is read from its start
 */
function place(
  state: SavedState,
  { dev, ino, size, head }: { dev: number; ino: number; size: number; head: string },
  traceDir: string,
  known: SavedState | undefined,
): boolean {
  const moved = state.traceDir !== traceDir;
  const other = size < state.offset || head !== (state.head ?? '');
  // Another place is the recorder's own choice; and a file may have another number after a mount.
  if (known !== undefined && !moved && other) state.cut = true;
  const anew = known !== undefined && (moved || other || state.dev !== dev || state.ino !== ino);
  if (anew) {
    state.offset = 0;
    state.again = size;
    delete state.head;
  }
  state.dev = dev;
  state.ino = ino;
  state.traceDir = traceDir;
  return anew;
}

/** The first bytes of a file, as a text of as many letters; fewer where it is shorter. */
function headOf(fd: number, length: number): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString('latin1', 0, length === 0 ? 0 : readSync(fd, bytes, 0, length, 0));
}

/** @returns whether there is more than could be read */
function readOn(
  fd: number,
  size: number,
  state: SavedState,
  facts: GuardFold,
  maxBytes: number,
): boolean {
  const end = Math.min(size, state.offset + maxBytes);
  let rest: Buffer = Buffer.alloc(0);
  let at = state.offset;
  let skipping = false;
  // A line that begins before the end is read whole.
  while (at < size && state.offset < end) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at, Math.max(end - at, MIN_CHUNK)));
    const read = readSync(fd, chunk, 0, chunk.length, at);
    if (read <= 0) break;
    at += read;
    const bytes =
      rest.length === 0 ? chunk.subarray(0, read) : Buffer.concat([rest, chunk.subarray(0, read)]);
    let from = 0;
    for (;;) {
      const newline = bytes.indexOf(10, from);
      if (newline < 0) break;
      if (!skipping && newline > from) foldLine(bytes, from, newline, state, facts);
      skipping = false;
      state.offset += newline + 1 - from;
      from = newline + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE) {
      // Whatever it is, the next line begins after it.
      state.offset += rest.length;
      rest = Buffer.alloc(0);
      skipping = true;
    }
  }
  facts.replayed(false);
  // A line without its end is being written, or was torn: it is read when it is whole.
  return size - state.offset > rest.length;
}

function foldLine(
  bytes: Buffer,
  from: number,
  to: number,
  state: SavedState,
  facts: GuardFold,
): void {
  const decoded = decodeLine(bytes.toString('utf8', from, to));
  if (!decoded.ok) return;
  facts.replayed(state.offset < state.again);
  facts.add(decoded.event, to - from);
}

function keep({ session, traceDir }: FactsOptions, state: SavedState, facts: GuardFold, env: Env) {
  try {
    const spent = sumOf(facts.hours);
    if (spent !== state.spent) {
      writeSpend(traceDir, session, facts.hours, env);
      state.spent = spent;
    }
    ensureGuardFolder('state', env);
    const saved: SavedState = { ...state, fold: facts.save() };
    writeSmallFile(statePath(session, env), JSON.stringify(saved));
  } catch {
    // It is folded again next time.
  }
}

function sumOf(hours: ReadonlyMap<number, number>): number {
  let sum = 0;
  for (const nano of hours.values()) sum += nano;
  return sum;
}
