/**
 * Reads git's index (versions 2 to 4): which files are tracked, and how they looked when git last saw
 * them. Pure. A hook has no time for a git process.
 */

/** What an entry of the index says, by place. Columns, because a repository has thousands. */
export interface GitIndex {
  /** Relative to the repository, with slashes. They may be anything: see {@link isPlainPath}. */
  paths: string[];
  mtimeMs: Float64Array;
  /** Bytes, modulo 2^32. */
  sizes: Float64Array;
  /** 0 for links, submodules, conflicts and what is not checked out. */
  regular: Uint8Array;
  /** Where in the index the content's id stands: 20 bytes. */
  idAt: Int32Array;
}

const HEADER = 12;
/** Before the flags: times, device, mode, owner, size and a 20-byte id. */
const FIXED = 60;
/** Entries between two looks at the clock. */
const STRIDE = 512;
/** No system has a longer path, bytes. Names that share their beginnings could fill the memory with it. */
const MAX_PATH = 4096;

/**
 * @param expired asked now and then: true gives up
 * @returns undefined where it is no index of a kind that we read (split, or with longer ids), is
 *   damaged, or took too long
 */
export function parseGitIndex(
  bytes: Buffer,
  expired: () => boolean = () => false,
): GitIndex | undefined {
  if (bytes.length < HEADER + 20 || bytes.toString('latin1', 0, 4) !== 'DIRC') return undefined;
  const version = bytes.readUInt32BE(4);
  const count = bytes.readUInt32BE(8);
  if (version < 2 || version > 4 || count * FIXED > bytes.length) return undefined;
  const paths: string[] = new Array(count);
  const mtimeMs = new Float64Array(count);
  const sizes = new Float64Array(count);
  const regular = new Uint8Array(count);
  const idAt = new Int32Array(count);
  const end = bytes.length - 20;
  // One call for all names. A hook's code runs cold: every call in the loop counts.
  const text = version === 4 ? '' : bytes.toString('latin1', 0, end);
  const word = (at: number): number =>
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  let at = HEADER;
  let before: Buffer = Buffer.alloc(0);
  for (let i = 0; i < count; i++) {
    if (i % STRIDE === 0 && expired()) return undefined;
    if (at + FIXED + 2 > end) return undefined;
    mtimeMs[i] = word(at + 8) * 1000 + word(at + 12) / 1e6;
    sizes[i] = word(at + 36);
    idAt[i] = at + 40;
    // The mode's upper bits: 8 a file, 10 a link, 14 a submodule, 4 a folder.
    const type = bytes[at + 26]! >>> 4;
    if (type !== 8 && type !== 10 && type !== 14 && type !== 4) return undefined;
    const flags = bytes[at + FIXED]!;
    let special = flags & 0x30;
    let name = at + FIXED + 2;
    if ((flags & 0x40) !== 0) {
      if (version < 3) return undefined;
      // Not checked out, or only meant to be added.
      special |= bytes[name]! & 0x60;
      name += 2;
    }
    regular[i] = type === 8 && special === 0 ? 1 : 0;
    if (version === 4) {
      const strip = varint(bytes, name);
      const stop = bytes.indexOf(0, strip.next);
      if (stop < 0 || stop >= end || strip.value > before.length) return undefined;
      if (before.length - strip.value + stop - strip.next > MAX_PATH) return undefined;
      const kept = before.subarray(0, before.length - strip.value);
      before = Buffer.concat([kept, bytes.subarray(strip.next, stop)]);
      paths[i] = before.toString('utf8');
      at = stop + 1;
    } else {
      const known = ((flags & 0xf) << 8) | bytes[at + FIXED + 1]!;
      const stop = known < 0xfff ? name + known : bytes.indexOf(0, name);
      if (stop < name || stop >= end || bytes[stop] !== 0) return undefined;
      const path = text.slice(name, stop);
      paths[i] = NOT_ASCII.test(path) ? bytes.toString('utf8', name, stop) : path;
      // One to eight zeros, up to a multiple of eight.
      at += (stop - at + 8) & ~7;
    }
    // Out of the repository, or to a place that may be another machine's: not even looked at.
    if (regular[i] === 1 && mayLeadOut(paths[i]!) && !isPlainPath(paths[i]!)) regular[i] = 0;
  }
  return extensionsAllow(bytes, at, end) ? { paths, mtimeMs, sizes, regular, idAt } : undefined;
}

/** Quick: most paths need no closer look. */
const mayLeadOut = (path: string): boolean => path.startsWith('/') || path.includes('..');

const NOT_ASCII = /[^\0-\x7f]/;

function varint(bytes: Buffer, from: number): { value: number; next: number } {
  let at = from;
  let byte = bytes[at++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0 && at - from < 5) {
    byte = bytes[at++] ?? 0;
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, next: at };
}

/** Whether a path leads nowhere but into the repository, by a name that we can ask the system for. */
export const isPlainPath = (path: string): boolean =>
  path !== '' &&
  !path.startsWith('/') &&
  !path.includes('\ufffd') &&
  !path.includes('\\') &&
  !(path.includes('..') && path.split('/').includes('..')) &&
  !/(^|\/)\.git(\/|$)/i.test(path);

/** A split index has only part of the entries: such a one would lie. */
function extensionsAllow(bytes: Buffer, from: number, end: number): boolean {
  let at = from;
  while (at + 8 <= end) {
    const name = bytes.toString('latin1', at, at + 4);
    if (name === 'link') return false;
    // Those in capitals may be passed over; of the others only the sparse index is known.
    if (!/^[A-Z]/.test(name) && name !== 'sdir') return false;
    at += 8 + bytes.readUInt32BE(at + 4);
  }
  return at === end;
}

/**
 * The place of a path in the index, or -1. Entries stand in the order of their bytes, which for most names is
 * that of their characters.
 */
export function findPath(paths: readonly string[], path: string): number {
  let low = 0;
  let high = paths.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (paths[middle]! < path) low = middle + 1;
    else high = middle;
  }
  if (paths[low] === path) return low;
  return /[^ -~]/.test(path) ? paths.indexOf(path) : -1;
}
