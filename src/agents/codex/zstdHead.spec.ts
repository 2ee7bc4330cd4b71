import * as zlib from 'node:zlib';
import { expect, it } from 'vitest';
import { canUnpack, unpackHead } from './zstd.ts';

// Where the Node that runs this cannot, there is nothing to test.
it.skipIf(!canUnpack())('the beginning of a file that unpacks to any size is not unpacked', () => {
  const { zstdCompressSync } = zlib as unknown as { zstdCompressSync(data: Buffer): Buffer };
  const packed = zstdCompressSync(Buffer.alloc(300 * 1024 * 1024, ' '));
  expect(packed.length).toBeLessThan(100_000);
  expect(unpackHead(packed)).toHaveLength(0);
  const rows = Buffer.from('{"type":"session_meta"}\n'.repeat(100_000));
  expect(unpackHead(zstdCompressSync(rows)).subarray(0, 24).toString()).toBe(
    '{"type":"session_meta"}\n',
  );
});
