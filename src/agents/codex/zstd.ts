/** Codex compresses rollouts that it has not touched for a while. Not every Node can read that. */

/** Bytes of a rollout when unpacked; a small file can claim to be any size. */
const MAX_BYTES = 512 * 1024 * 1024;
/** … and of a beginning, which every look for sessions unpacks. */
const MAX_HEAD_BYTES = 32 * 1024 * 1024;

/**
 * Newer than the Node that this is compiled for, and a millisecond that a hook does not have: looked for when it is needed. (A
 * Node without `getBuiltinModule` has none.)
 */
interface Zstd {
  zstdDecompressSync?: (data: Buffer, options: object) => Buffer;
  constants: { ZSTD_e_flush?: number };
}
const zstd = (): Zstd | undefined =>
  process.getBuiltinModule?.('node:zlib') as unknown as Zstd | undefined;

export const canUnpack = (): boolean => typeof zstd()?.zstdDecompressSync === 'function';

/**
 * @param path for the message
 * @throws Error with a message for people: this Node cannot, or the file is damaged
 */
export function unpack(bytes: Buffer, path: string): Buffer {
  const zstdDecompressSync = zstd()?.zstdDecompressSync;
  if (zstdDecompressSync === undefined) {
    throw new Error(
      `${path} is compressed with zstd, which Node ${process.versions.node} cannot read: ` +
        `use Node 22.15 or newer, or unpack it first (zstd -d).`,
    );
  }
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    throw new Error(`${path} cannot be unpacked: ${(error as Error).message}`);
  }
}

/** The beginning of a packed file whose end is not there; empty where it cannot be read. */
export function unpackHead(bytes: Buffer): Buffer {
  try {
    const options = {
      maxOutputLength: MAX_HEAD_BYTES,
      finishFlush: zstd()?.constants.ZSTD_e_flush,
    };
    return zstd()?.zstdDecompressSync?.(bytes, options) ?? Buffer.alloc(0);
  } catch {
    return Buffer.alloc(0);
  }
}
