/**
 * The id that git gives a file's content: SHA-1 of `blob <length>\0` and the bytes.
 *
 * Written out because a hook cannot afford `node:crypto`: to load it costs 8 ms, and hashing a usual
 * source file this way far less than one.
 */
export function gitBlobId(bytes: Uint8Array): string {
  const head = new TextEncoder().encode(`blob ${bytes.length}\0`);
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const length = head.length + bytes.length;
  // The first block has the head, the last one the padding; those between are read where they are.
  const first = new Uint8Array(64);
  first.set(head);
  const taken = Math.min(bytes.length, 64 - head.length);
  first.set(bytes.subarray(0, taken), head.length);
  if (length < 64) return finish(state, first.subarray(0, length), length);
  mix(state, first, 0);
  let at = taken;
  for (; at + 64 <= bytes.length; at += 64) mix(state, bytes, at);
  return finish(state, bytes.subarray(at), length);
}

function finish(state: Int32Array, rest: Uint8Array, length: number): string {
  const last = new Uint8Array(rest.length < 56 ? 64 : 128);
  last.set(rest);
  last[rest.length] = 0x80;
  const view = new DataView(last.buffer);
  view.setUint32(last.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(last.length - 4, (length << 3) >>> 0);
  for (let at = 0; at < last.length; at += 64) mix(state, last, at);
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

const words = new Int32Array(80);

function mix(state: Int32Array, bytes: Uint8Array, from: number): void {
  const w = words;
  for (let i = 0, at = from; i < 16; i++, at += 4) {
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  for (let i = 16; i < 80; i++) {
    const x = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!;
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let i = 0; i < 80; i++) {
    let f: number;
    if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else f = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + f + e + w[i]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
}
