import { expect, it, vi } from 'vitest';

vi.mock('node:zlib', async (original) => ({
  ...(await original<typeof import('node:zlib')>()),
  zstdDecompressSync: undefined,
}));

it('a Node that cannot unpack says what to do', async () => {
  const { canUnpack, unpack, unpackHead } = await import('./zstd.ts');
  expect(canUnpack()).toBe(false);
  expect(unpackHead(Buffer.from('x'))).toHaveLength(0);
  expect(() => unpack(Buffer.from('x'), '/home/dev/rollout.jsonl.zst')).toThrow(
    /rollout\.jsonl\.zst is compressed.*Node 22\.15 or newer, or unpack it first/,
  );
});
