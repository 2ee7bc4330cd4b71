import { afterEach, expect, it, vi } from 'vitest';
import { canUnpack, unpack, unpackHead } from './zstd.ts';

afterEach(() => vi.restoreAllMocks());

it('a Node that cannot unpack says what to do', () => {
  const zlib = process.getBuiltinModule('node:zlib');
  vi.spyOn(process, 'getBuiltinModule').mockReturnValue({
    ...zlib,
    zstdDecompressSync: undefined,
  } as unknown as typeof zlib);
  expect(canUnpack()).toBe(false);
  expect(unpackHead(Buffer.from('x'))).toHaveLength(0);
  expect(() => unpack(Buffer.from('x'), '/home/dev/rollout.jsonl.zst')).toThrow(
    /rollout\.jsonl\.zst is compressed.*Node 22\.15 or newer, or unpack it first/,
  );
});
